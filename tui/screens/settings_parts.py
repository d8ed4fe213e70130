"""The pages of Settings, each as rows with what there is to say and to copy of every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from services.history.words import size
from services.settings.config import Config, keys_of
from services.settings.explain import Explained
from services.settings.save import config_to_write, quoted
from widgets.glyphs import Glyphs, tone
from widgets.inventory_table import Column, TableRow
from widgets.text import escape

if TYPE_CHECKING:
    from services.looking.locations import LocationSeen
    from services.profile import Location, Profile
    from services.settings.resolve import Settings

Pair = tuple[str, str]

PAGES = {
    "settings": "Settings",
    "locations": "Locations",
    "profiles": "Profiles",
    "keys": "Keys",
    "themes": "Themes",
    "state": "State",
}
COLUMNS: dict[str, tuple[Column, ...]] = {
    "settings": (Column("SETTING", 20), Column("VALUE"), Column("SOURCE")),
    "locations": (
        Column("NAME", 14),
        Column("STATUS", 12, toned=True),
        Column("FREE", 9, right=True),
        Column("FOLDER"),
    ),
    "profiles": (Column("NAME", 20), Column("ACTIVE", 10, toned=True), Column("STANDS IN")),
    "keys": (Column("KEY", 14), Column("ACTION", 26), Column("WHAT")),
    "themes": (Column("THEME", 24), Column("IN USE", 10, toned=True), Column("")),
    "state": (Column("WHAT", 20), Column("VALUE")),
}


class Told(NamedTuple):
    """One row, what stands below the list when the cursor is on it, and the line that `y` copies."""

    row: TableRow
    pairs: tuple[Pair, ...]
    copy: str = ""


class KeyTold(NamedTuple):
    """One action that has a key."""

    id: str
    keys: str
    what: str
    place: str
    fixed: bool


def tell(key: str, cells: Sequence[str], pairs: Sequence[Pair], copy: str = "", colour: str = "") -> Told:
    """A row whose filter looks in its cells."""
    shown = tuple(escape(cell) for cell in cells)
    said = tuple((label, text) for label, text in pairs if text)
    return Told(TableRow(key=key, cells=shown, tone=colour, words=" ".join(shown).lower()), said, copy)


def setting_rows(explained: Sequence[Explained]) -> list[Told]:
    """Every setting."""
    return [
        tell(
            one.name,
            (one.name, one.value, one.source),
            (
                (one.group, one.what),
                ("Now", f"{one.value} ({one.source})"),
                ("Write", f"{one.how}\n{one.line}" if one.line else one.how),
                ("Note", one.note if one.line else ""),
            ),
            one.line,
        )
        for one in explained
    ]


def location_rows(
    places: Sequence[Location],
    seen: Sequence[LocationSeen] | None,
    explained: Sequence[Explained],
    glyphs: Glyphs,
    waiting: str,
) -> list[Told]:
    """Every folder of backups; what is not known yet says so."""
    known = {one.path: one for one in seen or ()}
    how = next((one for one in explained if one.name == "locations"), None)
    rows = []
    for number, place in enumerate(places):
        line = f"[[locations]]\nname = {quoted(place.name)}\npath = {quoted(place.path)}"
        write = f"In {how.file}:\n{line}" if how else line
        one = known.get(place.path)
        role = "New backups go here." if number == 0 else "Its backups are listed; new ones go to the first."
        if one is None:
            status = "waiting" if waiting else "unknown"
            cells = (place.name, glyphs.status(status), "-", place.path)
            rows.append(
                tell(place.path, cells, (("Folder", place.path), ("Status", waiting), ("Write", write)), line)
            )
            continue
        status, word = (
            ("fail", "problem")
            if one.problem
            else ("ok", "writable")
            if one.writable
            else ("warn", "read only")
        )
        free = size(one.free) if one.free is not None else "-"
        total = f" of {size(one.total)}" if one.total is not None else ""
        added = size(one.last_added) if one.last_added is not None else ""
        pairs = (
            ("Folder", f"{one.path} ({role})"),
            ("Problem", one.problem),
            (
                "Free",
                f"{free}{total} on {one.filesystem or 'an unknown file system'}"
                if one.free is not None
                else "",
            ),
            ("Can do", ", ".join(one.abilities)),
            ("Last added", f"{added} by {one.last_backup}" if added else ""),
            ("Write", write),
        )
        rows.append(
            tell(
                place.path, (one.name, glyphs.status(status, word), free, one.path), pairs, line, tone(status)
            )
        )
    return rows


def profile_rows(profile: Profile, settings: Settings | None, config: Config, glyphs: Glyphs) -> list[Told]:
    """Every configured profile, the active one marked; one that nobody named when there is none."""
    rows = []
    origin: Mapping[str, str] = settings.origin if settings else {}
    for name, section in config.profiles.items():
        active = name == profile.name
        files = sorted({path for known, path in origin.items() if known.startswith(f"profiles.{name}.")})
        command = f"quillkeep --profile {name}"
        pairs: tuple[Pair, ...] = (
            ("Stands in", ", ".join(files) or "config.toml"),
            (".env file", section.env_file or "none"),
            (
                "Is",
                f"{'PROD' if section.production else 'not PROD'}{', READ-ONLY' if section.read_only else ''}",
            ),
            ("Use", f"{command}   (key P switches here)"),
        )
        cells = (name, glyphs.status("ok", "active") if active else "", ", ".join(files) or "config.toml")
        rows.append(tell(name, cells, pairs, command, "success" if active else ""))
    if profile.name is None:
        file = str(config_to_write(settings))
        line = '[profiles.prod]\nenv_file = "/srv/quilltap/.env"'
        pairs = (
            ("Is", "What .env file, environment and flags say, without a name."),
            ("Write", f"To give it a name, add to {file}:\n{line}"),
        )
        rows.insert(
            0, tell("", ("(no name)", glyphs.status("ok", "active"), "environment"), pairs, line, "success")
        )
    return rows


def key_rows(keys: Sequence[KeyTold], settings: Settings | None, config: Config) -> list[Told]:
    """Every action with its keys, and the line that moves it."""
    asked = keys_of(config)
    origin: Mapping[str, str] = settings.origin if settings else {}
    within = sorted({path for known, path in origin.items() if known.startswith("keys.")})
    begun = bool(within)
    file = within[0] if within else str(config_to_write(settings))
    rows = []
    for one in keys:
        now = asked.get(one.id, one.keys)
        line = f"{quoted(one.id)} = {quoted(now)}"
        copied = line if begun else f"[keys]\n{line}"
        how = "It is the same on every machine and cannot be moved."
        if not one.fixed:
            under = ", under [keys]" if begun else ""
            verb = "Change in" if one.id in asked else "Add to"
            how = f"{verb} {file}{under}, with another key:\n{copied}"
        source = f"{origin.get(f'keys.{one.id}', 'config.toml')}" if one.id in asked else "default"
        rows.append(
            tell(
                one.id,
                (now, one.id, one.what),
                ((one.place, one.what), ("Now", f"{now} ({source})"), ("Write", how)),
                "" if one.fixed else copied,
            )
        )
    return rows


def theme_rows(names: Sequence[str], current: str, settings: Settings | None, glyphs: Glyphs) -> list[Told]:
    """Every theme."""
    origin: Mapping[str, str] = settings.origin if settings else {}
    begun = any(known.startswith("console.") for known in origin)
    file = origin.get("console.theme") or str(config_to_write(settings))
    rows = []
    for name in names:
        line = f"theme = {quoted(name)}"
        copied = line if begun else f"[console]\n{line}"
        under = ", under [console]" if begun else ""
        verb = "Change" if "console.theme" in origin else "Add"
        pairs = (
            ("Try", "ctrl+p, then its name, shows it until this console is left."),
            ("Write", f"{verb} in {file}{under}:\n{copied}"),
        )
        used = name == current
        rows.append(
            tell(
                name,
                (name, glyphs.status("ok", "in use") if used else "", ""),
                pairs,
                copied,
                "success" if used else "",
            )
        )
    return rows


def state_rows(
    state: str, reason: str, settings: Settings | None, versions: Sequence[Pair], jobs: str, notes: str
) -> list[Told]:
    """Where state lies and why, which files were read, and the versions."""
    line = f"QUILLKEEP_STATE_DIR={state}"
    write = f"In the environment of every quillkeep, cron's too:\n{line}"
    rows = [
        tell("state", ("State folder", state), (("Why", reason), ("Write", write)), line),
        tell(
            "jobs",
            ("Jobs", jobs),
            (("What", "One folder a job: its journal and its log (0700, 0600)."),),
            jobs,
        ),
        tell("notes", ("Notes", notes), (("What", "Notes of locations that cannot be written."),), notes),
    ]
    files = settings.config_files if settings else ()
    for number, file in enumerate(files):
        told = "Read first; later files win." if number == 0 and len(files) > 1 else "Read."
        rows.append(tell(f"file {file}", ("Config file", file), (("What", told),), file))
    if not files:
        target = str(config_to_write(settings))
        rows.append(
            tell(
                "file",
                ("Config file", "none"),
                (("What", f"There is none; {target} would be read."),),
                target,
            )
        )
    if settings and settings.env_file:
        pairs = (("What", "Quilltap's own settings, read word for word."),)
        rows.append(tell("env", (".env file", settings.env_file), pairs, settings.env_file))
    for name, version in versions:
        rows.append(
            tell(
                f"version {name}",
                (f"Version of {name}", version),
                (("Version", f"{name} {version}"),),
                f"{name} {version}",
            )
        )
    return rows


def page_text(title: str, rows: Sequence[Told]) -> str:
    """A page as a file holds it."""
    lines = [title, ""]
    for told in rows:
        lines.append("  ".join(cell for cell in told.row.cells if cell))
        for label, text in told.pairs:
            indented = (
                escape(text)
                if "\n" not in text
                else "\n      ".join(escape(part) for part in text.split("\n"))
            )
            lines.append(f"    {label}: {indented}")
    return "\n".join(lines) + "\n"
