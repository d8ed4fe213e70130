"""Text from servers, archives and file names, made safe to show: nothing in it moves the cursor or is markup."""

from __future__ import annotations

_INVISIBLE = frozenset("\u061c\u200b\u200e\u200f\u2028\u2029\u2060\ufeff") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
"""Characters that reorder or hide what stands beside them."""


def escape(text: str) -> str:
    """One line in which nothing moves the cursor, hides or reorders; what would is shown as `\\xNN`."""
    if text.isascii() and text.isprintable():
        return text
    out = []
    for char in text:
        if (char.isprintable() and char not in _INVISIBLE) or char == " ":
            out.append(char)
        elif ord(char) < 256:
            out.append(f"\\x{ord(char):02x}")
        else:
            out.append(f"\\u{ord(char):04x}")
    return "".join(out)


def escape_lines(text: str) -> str:
    """`escape` that keeps line breaks."""
    return "\n".join(escape(line) for line in text.split("\n"))


def cut(text: str, width: int) -> str:
    """At most `width` characters, the middle of a longer text left out."""
    if len(text) <= width:
        return text
    if width <= 3:
        return text[:width]
    head = (width - 2) * 2 // 3
    return f"{text[:head]}..{text[len(text) - (width - 2 - head) :]}"
