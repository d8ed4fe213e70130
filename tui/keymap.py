"""`[keys]` of config.toml: which key does what, checked against every binding there is."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, _character_to_key
from textual.screen import ModalScreen

from services.errors import UsageProblem
from widgets.key_names import key_name

KEPT = {"app.quit": "ctrl+q", "app.suspend": "ctrl+z"}
"""Keys that stay beside whatever the keymap gives: Quit cannot be lost."""
FIXED = ("confirm.", ".yes", ".no")
"""What says yes or no is the same on every machine."""
NEVER = {
    "ctrl+m": "terminals send it for Enter",
    "ctrl+i": "terminals send it for Tab",
    "ctrl+h": "terminals send it for Backspace",
    "ctrl+j": "terminals send it for Enter",
    "ctrl+c": "it never quits and copies a selection",
    "y": "it says yes in dialogs, and what asks must never be what confirms",
    "enter": "it opens and confirms",
    "escape": "it goes back",
    "tab": "it moves the focus",
    "shift+tab": "it moves the focus",
}
_WHOLE = re.compile(r"(?:(?:ctrl|shift|alt)\+)*[^+]+|\+")
_NAMED = {str(key.value) for key in Keys} - {"<any>", "<scroll-up>", "<scroll-down>", "<ignore>"}


class Bound(NamedTuple):
    """A binding with an id and the class it stands in."""

    owner: type[DOMNode]
    id: str
    keys: tuple[str, ...]
    priority: bool
    action: str = ""


def every_owner() -> list[type[DOMNode]]:
    """Every class of ours that binds keys, from all screens and widgets: this imports them all."""
    from tui.app import QuillkeepApp

    found: dict[type[DOMNode], None] = {QuillkeepApp: None}
    for package in ("tui.screens", "widgets"):
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            for value in vars(importlib.import_module(module.name)).values():
                if inspect.isclass(value) and issubclass(value, DOMNode) and is_ours(value):
                    found[value] = None
    return [owner for owner in found if owner.__dict__.get("BINDINGS")]


def is_ours(owner: type[Any]) -> bool:
    """Whether a class comes from this program, not from textual."""
    return owner.__module__.split(".")[0] in ("tui", "widgets")


def own_bindings(owner: type[DOMNode]) -> list[Binding]:
    """The bindings of one class, each with all its keys."""
    given = owner.__dict__.get("BINDINGS") or []
    return [one if isinstance(one, Binding) else Binding(*one) for one in given]


def every_binding() -> list[Bound]:
    """Every binding with an id."""
    return [
        Bound(
            owner,
            binding.id,
            tuple(normal_key(key) for key in binding.key.split(",")),
            binding.priority,
            binding.action.removeprefix("app."),
        )
        for owner in every_owner()
        for binding in own_bindings(owner)
        if binding.id
    ]


def normal_key(key: str) -> str:
    """The name textual uses: `?` is `question_mark`."""
    key = key.strip()
    return _character_to_key(key) if len(key) == 1 else key


def keymap_of(asked: Mapping[str, str], source: str, bound: Iterable[Bound]) -> dict[str, str]:
    """What textual's keymap is given. Errors: `UsageProblem` naming the entry, and the nearest id or the clash."""
    if not asked:
        return {}
    everything = list(bound)
    known = {one.id for one in everything}
    wanted = {name: _keys_of(name, text, known, source) for name, text in asked.items()}
    for one in everything:
        if one.priority and one.id in wanted:
            _refuse_letters(one.id, wanted[one.id], source)
    _refuse_clashes(everything, wanted, source)
    return {name: ",".join(keys) for name, keys in wanted.items()}


def _keys_of(name: str, text: str, known: set[str], source: str) -> tuple[str, ...]:
    where = f'{source}: keys."{name}"'
    if name not in known:
        near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)[0]
        raise UsageProblem(
            f"{where}: there is no such action; the nearest one is `{near}`.",
            next="Settings (8) in the console, page Keys, lists every action with its id.",
        )
    if name.startswith(FIXED) or name.endswith(FIXED):
        raise UsageProblem(
            f"{where}: what confirms or denies cannot be moved.", next=f"Remove the line from {source}."
        )
    keys = [normal_key(key) for key in (text.split(",") if text.strip() != "," else [text])]
    for key in keys:
        _check_key(key, where, source)
    kept = KEPT.get(name) or ("escape" if name.endswith(".back") else None)
    if kept and kept not in keys:
        keys.append(kept)
    return tuple(dict.fromkeys(keys))


def _check_key(key: str, where: str, source: str) -> None:
    if key in NEVER:
        raise UsageProblem(
            f"{where}: {key_name(key)} cannot be given to an action: {NEVER[key]}.",
            next=f"Give another key in {source}.",
        )
    last = key.rpartition("+")[2] if _WHOLE.fullmatch(key) else ""
    if not key or not (key in _NAMED or last in _NAMED or len(last) == 1 or normal_name(last)):
        near = difflib.get_close_matches(key, sorted(_NAMED), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else "."
        raise UsageProblem(
            f"{where}: `{key}` is no key{hint}", next="Write a letter, or a name such as `ctrl+t` or `f5`."
        )


def normal_name(name: str) -> bool:
    """Whether textual has such a name for a character (`question_mark`)."""
    from textual.keys import key_to_character

    return key_to_character(name) is not None


def _refuse_letters(name: str, keys: Iterable[str], source: str) -> None:
    for key in keys:
        if "+" not in key and not re.fullmatch(r"f\d+", key):
            raise UsageProblem(
                f'{source}: keys."{name}": {key_name(key)} would be lost to typing, since this key works everywhere.',
                next="Give it a key with ctrl, or a function key.",
            )


def clashes(bound: Iterable[Bound], wanted: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str, str]]:
    """(key, id, other id) of what would fight: within a class and its bases, and with the keys of all screens."""
    everything = list(bound)
    found: dict[tuple[str, str, str], None] = {}
    for first in everything:
        for other in everything:
            if first.id >= other.id or first.action == other.action or not _meet(first, other):
                continue
            for key in set(wanted.get(first.id, first.keys)) & set(wanted.get(other.id, other.keys)):
                found[(key, first.id, other.id)] = None
    return list(found)


def _meet(first: Bound, other: Bound) -> bool:
    """Whether one key could mean both: of the console's own, dialogs only meet those that work everywhere."""
    from tui.app import QuillkeepApp

    if QuillkeepApp in (first.owner, other.owner):
        app, inner = (first, other) if first.owner is QuillkeepApp else (other, first)
        return app.priority or not issubclass(inner.owner, ModalScreen)
    return issubclass(first.owner, other.owner) or issubclass(other.owner, first.owner)


def _refuse_clashes(bound: list[Bound], wanted: Mapping[str, tuple[str, ...]], source: str) -> None:
    for key, first, other in clashes(bound, wanted):
        moved, kept = (first, other) if first in wanted else (other, first)
        if moved not in wanted:
            continue
        raise UsageProblem(
            f'{source}: keys."{moved}": {key_name(key)} is taken by `{kept}`.',
            next=f"Give another key, or move `{kept}` as well.",
        )
