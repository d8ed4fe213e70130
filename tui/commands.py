"""Every action of what has the focus, its screen and the console: its key, and why it is disabled when it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.actions import parse
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from tui.modes import FIRST_RUN, MODES
from widgets.key_names import bound_key, key_name

if TYPE_CHECKING:
    from tui.app import QuillkeepApp

NOT_NOW = "It does nothing at this moment."
MOVING = frozenset({"up", "down", "left", "right", "pgup", "pgdn", "home", "end", "tab", "shift+tab"})
_MODE_TITLE = "Go to {title}"


class Command(NamedTuple):
    """One action."""

    id: str
    title: str
    keys: str
    enabled: bool
    why: str
    """Why it is disabled, empty while it is not."""
    help: str
    place: str
    """`screen` for what has the focus and its screen, `console` for the rest."""
    run: Callable[[], Any]


def commands_of(app: QuillkeepApp, screen: Screen[Any]) -> list[Command]:
    """What the focus and the screen can do, then what the console can do everywhere."""
    elsewhere = [] if screen.is_modal else [*_first_run(app), *_profiles(app)]
    return [*actions_of(app, screen), *elsewhere, *_themes(app)]


def actions_of(app: QuillkeepApp, screen: Screen[Any]) -> list[Command]:
    """The bindings with an id, those of the focused widget first; one entry for all the keys of an action."""
    found: dict[tuple[str, str], Command] = {}
    for node, binding in _bindings(app, screen):
        if binding.id is None or not binding.description:
            continue
        key = (binding.id, binding.action)
        name = binding.key_display or key_name(binding.key)
        if key in found:
            known = found[key]
            if name not in known.keys.split(", "):
                found[key] = known._replace(keys=f"{known.keys}, {name}")
            continue
        state = _state(app, node, binding.action)
        why = why_disabled(node, binding.action) if not state or node is app else ""
        if state is False and not why:
            continue
        state = state and not why
        mode = binding.action.startswith("show_mode")
        found[key] = Command(
            id=binding.id,
            title=_MODE_TITLE.format(title=binding.description) if mode else binding.description,
            keys=name,
            enabled=bool(state),
            why="" if state else why or NOT_NOW,
            help=binding.tooltip,
            place="console" if node is app else "screen",
            run=partial(app.run_action, binding.action, node),
        )
    # A list and its screen may both say what Enter does: the one that has the focus is told.
    told: dict[tuple[str, str], Command] = {}
    for command in found.values():
        told.setdefault((command.title, command.keys), command)
    return sorted(told.values(), key=_order)


PLACES = {
    "health": "health",
    "archive": "archives",
    "compare": "archives",
    "backup_dialog": "archives",
    "restore": "restore",
    "integrity": "integrity",
    "collection": "collections",
    "document": "collections",
    "job": "jobs",
    "history": "history",
    "settings": "settings",
}
"""The mode that a screen's module belongs to, by how its name begins."""


def actions_elsewhere(app: QuillkeepApp, screen: Screen[Any]) -> list[Command]:
    """What the screens of the other modes can do: running one goes to its mode, where its key does it."""
    from tui.keymap import every_owner, own_bindings

    if screen.is_modal:
        return []
    found: dict[tuple[str, str], Command] = {}
    modes = {mode.name: mode for mode in MODES}
    for owner in every_owner():
        name = owner.__module__.removeprefix("tui.screens.")
        place = next((place for start, place in PLACES.items() if name.startswith(start)), "")
        if not place or place == app.current_mode or not owner.__module__.startswith("tui.screens."):
            continue
        mode = modes[place]
        for binding in own_bindings(owner):
            keys = app.keymap.get(binding.id or "", binding.key).partition(",")[0]
            if not (binding.id and binding.description) or key_name(keys) in MOVING | {"esc", "enter"}:
                continue
            go_to = bound_key(app.keymap, f"mode.{place}", mode.key)
            found.setdefault(
                (binding.description, place),
                Command(
                    id=binding.id,
                    title=f"{binding.description}: {mode.title}, {go_to}",
                    keys=f"{go_to} then {key_name(keys)}",
                    enabled=True,
                    why="",
                    help=f"Not here: Enter goes to {mode.title}, where {key_name(keys)} does it. {binding.tooltip}".strip(),
                    place="console",
                    run=partial(app.action_show_mode, place),
                ),
            )
    return list(found.values())


def _order(command: Command) -> tuple[bool, bool]:
    """Keys that only move come after the rest of their screen; Quit is never the first, which Enter would do."""
    return command.place == "console", command.id == "app.quit" or set(command.keys.split(", ")) <= MOVING


def keys_table(app: QuillkeepApp, screen: Screen[Any]) -> list[tuple[str, str]]:
    """The keys of an actions' table: key, and what it does or why not."""
    rows = []
    for command in actions_of(app, screen):
        said = f"{command.title}: {command.help}" if command.help else command.title
        rows.append((command.keys, said if command.enabled else f"{said} (not now: {command.why})"))
    return rows


def why_disabled(node: DOMNode, action: str) -> str:
    """What the action's own node, or one around it, says of it: `why_disabled(name)`, the name without arguments."""
    target, name, _ = parse(action)
    nodes = [*node.ancestors_with_self]
    if target == "app":
        nodes = [node.app]
    elif target == "screen":
        nodes = [node.screen, node.app]
    for one in nodes:
        ask = getattr(one, "why_disabled", None)
        if callable(ask) and (why := ask(name)):
            return str(why)
    return ""


def _bindings(app: QuillkeepApp, screen: Screen[Any]) -> Iterator[tuple[DOMNode, Binding]]:
    """Also of keys that a focused input takes as letters; a dialog keeps what lies under it out."""
    focused = screen.focused
    nodes: list[DOMNode] = list(focused.ancestors_with_self) if focused is not None else [screen, app]
    for node in nodes:
        bindings = node._bindings.copy()
        if app.keymap:
            bindings.apply_keymap(app.keymap)
        for _, binding in bindings:
            if not (screen.is_modal and node is app and not binding.priority):
                yield node, binding


def _state(app: QuillkeepApp, node: DOMNode, action: str) -> bool | None:
    target, name, parameters = parse(action)
    one = {"app": app, "screen": node.screen if node is not app else app.screen}.get(target, node)
    return one.check_action(name, parameters)


def _first_run(app: QuillkeepApp) -> Iterator[Command]:
    """A mode without a key: what was looked for and found, to be tried and saved as a profile."""
    if app.store.demo is None and app.current_mode != FIRST_RUN.name:
        yield Command(
            id="app.first-run",
            title=_MODE_TITLE.format(title=FIRST_RUN.title),
            keys="",
            enabled=True,
            why="",
            help="What was looked for and found; try it, save it as a profile",
            place="console",
            run=partial(app.action_show_mode, FIRST_RUN.name),
        )


def _themes(app: QuillkeepApp) -> Iterator[Command]:
    from tui.themes import theme_names

    for name in theme_names():
        current = name == app.theme
        why = "NO_COLOR is set: no colour is drawn." if app.no_color else "It is in use." if current else ""
        yield Command(
            id=f"theme.{name}",
            title=f"Theme {name}",
            keys="",
            enabled=not why,
            why=why,
            help="For this session; `[console] theme` in config.toml keeps it.",
            place="console",
            run=partial(app.use_theme, name),
        )


def _profiles(app: QuillkeepApp) -> Iterator[Command]:
    for name in app.profile_names:
        why = app.why_no_switch() or ("It is in use." if name == app.store.profile.name else "")
        yield Command(
            id=f"profile.{name}",
            title=f"Profile {name}",
            keys="",
            enabled=not why,
            why=why,
            help="Every screen then works on that deployment.",
            place="console",
            run=partial(app.switch_profile, name),
        )
