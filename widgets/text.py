"""Text from servers, archives and file names, made safe to show: nothing in it moves the cursor or is markup."""

from __future__ import annotations

import unicodedata

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


def cells(text: str) -> int:
    """The columns a text takes: wide letters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(char) for char in text)


def _cells_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cut(text: str, width: int) -> str:
    """At most `width` columns, the middle of a longer text left out."""
    if cells(text) <= width:
        return text
    if width <= 3:
        return _beginning(text, width)
    head = (width - 2) * 2 // 3
    tail = _beginning(text[::-1], width - 2 - head)[::-1]
    return f"{_beginning(text, head)}..{tail}"


def _beginning(text: str, width: int) -> str:
    used = 0
    for at, char in enumerate(text):
        used += _cells_of(char)
        if used > width:
            return text[:at]
    return text
