"""What a restore takes and what it leaves, in words, and the collections of both sides beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from services.looking.contents import ContentsAnswer
from services.looking.live import LiveAnswer
from services.profile import Profile
from tui.screens.restore.model import WizardState

Scope = Literal["everything", "database", "objects", "chosen", "both"]
SCOPES: tuple[tuple[Scope, str], ...] = (
    ("everything", "Everything: database and objects"),
    ("database", "Only the database"),
    ("objects", "Only the objects (pictures, files)"),
    ("chosen", "Chosen collections"),
    ("both", "Chosen collections and the objects"),
)


class Pair(NamedTuple):
    """One collection: documents live and in the backup (None: not there, or not counted), and what that means."""

    name: str
    live: int | None
    backup: int | None
    is_live: bool
    in_backup: bool
    note: str
    tone: str = ""


def scope_of(state: WizardState) -> Scope:
    """The scope that the state stands for."""
    if state.collections:
        return "both" if state.with_objects else "chosen"
    if state.only is not None:
        return state.only
    return "everything"


def closed(scope: Scope, state: WizardState, profile: Profile) -> str:
    """Why a scope cannot be chosen with this backup and profile; empty when it can."""
    backup = state.backup
    parts = backup.parts if backup is not None else ()
    if scope in ("database", "chosen", "both") and "database" not in parts:
        return "This backup has no database part."
    if scope in ("objects", "both") and "objects" not in parts:
        return "This backup has no objects part."
    if scope in ("objects", "both") and profile.bucket is None:
        return "No bucket is configured: set S3_BUCKET and its keys."
    if scope in ("database", "chosen", "both") and profile.mongo is None:
        return "No database is configured: set MONGODB_URI."
    return ""


def half_of(state: WizardState, profile: Profile) -> str:
    """What "everything" lacks, when it is only one half."""
    parts = state.backup.parts if state.backup is not None else ()
    if "objects" not in parts:
        return "this backup has no objects"
    if "database" not in parts:
        return "this backup has no database"
    if profile.bucket is None:
        return "no bucket is configured"
    return ""


def pairs(live: LiveAnswer | None, held: ContentsAnswer | None) -> list[Pair]:
    """Every collection of either side; missing and differing ones first, then by name."""
    seen = {one.name: one for one in live.collections} if live else {}
    has = {one.name: one for one in held.collections} if held else {}
    rows = []
    for name in sorted({*seen, *has}):
        now = seen[name].documents if name in seen else None
        then = has[name].documents if name in has else None
        note, tone = _note(name in seen, now, name in has, then, asked=live is not None)
        rows.append(Pair(name, now, then, name in seen, name in has, note, tone))
    rank = {"error": 0, "warning": 1, "accent": 2}
    rows.sort(key=lambda row: (rank.get(row.tone, 3), row.name))
    return rows


def _note(
    is_live: bool, now: int | None, in_backup: bool, then: int | None, *, asked: bool
) -> tuple[str, str]:
    if not asked:
        return "live not known", ""
    if not is_live:
        return "missing live", "error"
    if not in_backup:
        return "only live: stays as it is", ""
    if now is None or then is None:
        return "not counted", ""
    if now < then:
        return f"{then - now:,} fewer live", "warning"
    if now > then:
        return f"{now - then:,} more live", "accent"
    return "same count, content not compared yet", ""


def untouched(scope: Scope, state: WizardState, rows: Sequence[Pair], *, bucket: bool) -> str:
    """What stays as it is, in words."""
    extra = [row.name for row in rows if not row.in_backup]
    named = ", ".join(extra[:3]) + (f" and {len(extra) - 3} more" if len(extra) > 3 else "")
    only_live = ""
    if extra and scope in ("everything", "database"):
        goes = "are set aside (x)" if state.exact else "stay"
        only_live = f" Collections that are live only {goes}: {named}."
    objects = (
        " Objects that are live only stay."
        if not state.exact
        else " Objects that are live only are set aside."
    )
    kept = " What is replaced is kept as rollback copies."
    if scope == "everything":
        return f"{only_live}{objects if bucket else ''}{kept}".strip()
    if scope == "database":
        return f"The bucket is not touched.{only_live}{kept}"
    if scope == "objects":
        return f"The database is not touched.{objects}{kept}"
    if scope == "both":
        return f"Every other collection is not touched. Objects that are live only stay.{kept}"
    return f"Every other collection and the bucket are not touched.{kept}"
