"""`pin` and `unpin`: a pinned backup is never deleted by a rule."""

from __future__ import annotations

import getpass

import msgspec

from services.catalog.listing import artefact_name, copies, lookup
from services.catalog.notes import PinNote, UnpinNote, append_note
from services.jobs.context import JobContext


class PinPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which backup (id, `latest` or path) to pin, or to unpin."""

    backup: str
    unpin: bool = False


class PinResult(msgspec.Struct, frozen=True, kw_only=True):
    """What is pinned now; `passed_over` as `latest` says."""

    status: str
    warnings: tuple[str, ...] = ()
    id: str
    pinned: bool
    notes: tuple[str, ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()


def pin(plan: PinPlan, ctx: JobContext) -> PinResult:
    """Appends one note to the backup and to its copies in other locations; errors as `find_backup`."""
    found, catalog = lookup(plan.backup, ctx.profile, ctx.paths)
    backup = found.backup
    by = who()
    note = UnpinNote(at=ctx.clock(), by=by) if plan.unpin else PinNote(at=ctx.clock(), by=by)
    written = [
        str(append_note(one.folder, artefact_name(one), note, ctx.paths)) for one in copies(backup, catalog)
    ]
    ctx.log(f"{backup.id} is {'no longer pinned' if plan.unpin else 'pinned'}.")
    return PinResult(
        status="ok",
        id=backup.id,
        pinned=not plan.unpin,
        notes=tuple(written),
        passed_over=found.passed_over,
    )


def who() -> str:
    """The user who asks, for the notes."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        import os

        return f"uid {os.getuid()}"
