"""Keys in the words that stand on keyboards; ASCII, since they are needed on every terminal."""

from __future__ import annotations

from textual.keys import format_key

_NAMES = {
    "up": "up",
    "down": "down",
    "left": "left",
    "right": "right",
    "enter": "enter",
    "escape": "esc",
    "backspace": "backspace",
    "delete": "del",
    "space": "space",
    "tab": "tab",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


def key_name(key: str) -> str:
    """`question_mark` as `?`, `escape` as `esc`, `ctrl+p` as it is."""
    *modifiers, last = key.split("+") if key != "+" else [key]
    name = _NAMES.get(last) or format_key(last)
    if not name.isascii() or not name.isprintable():
        name = last
    return "+".join([*modifiers, name])
