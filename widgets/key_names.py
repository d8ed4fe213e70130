"""Keys in the words that stand on keyboards; ASCII, since they are needed on every terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


def bound_key(keymap: Mapping[str, str], id: str, usual: str) -> str:
    """The first key that a binding has now, in words; `usual` where the keymap does not move it."""
    return key_name(keymap.get(id, usual).partition(",")[0])


def keys_line(keymap: Mapping[str, str], keys: Iterable[tuple[str, str, str]]) -> str:
    """Keys (id, usual key, word) in one line, as they are bound now."""
    return " " + "  ".join(f"{bound_key(keymap, id, usual)} {word}" for id, usual, word in keys)
