"""`accept`: names objects as lost for ever, or calls a suspicious backup right, so that it counts as good."""

from __future__ import annotations

import msgspec

from services.catalog.listing import artefact_name, copies, lookup
from services.catalog.model import Backup
from services.catalog.notes import AcceptNote, append_note
from services.errors import Refused, UsageProblem
from services.jobs.context import JobContext
from services.operations.pin import who


class AcceptPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to accept of a backup; neither `lost` nor `suspicious` means everything there is to accept."""

    backup: str
    lost: tuple[str, ...] = ()
    suspicious: bool = False


class AcceptResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was accepted, and whether the backup is good now; `still` says by part why it is not."""

    status: str
    warnings: tuple[str, ...] = ()
    id: str
    lost: tuple[str, ...] = ()
    suspicious: tuple[str, ...] = ()
    good: bool = False
    still: dict[str, str] = {}


def accept(plan: AcceptPlan, ctx: JobContext) -> AcceptResult:
    """Appends one note to the backup and to its copies in other locations.

    Errors: `Refused` when there is nothing to accept, `UsageProblem` for a key that is not missing, and
    as `find_backup`.
    """
    found, catalog = lookup(plan.backup, ctx.profile, ctx.paths)
    backup = found.backup
    lost, suspicious = _wanted(plan, backup)
    note = AcceptNote(at=ctx.clock(), lost=lost, suspicious=bool(suspicious), by=who())
    for one in copies(backup, catalog):
        append_note(one.folder, artefact_name(one), note, ctx.paths)
    ctx.log(f"{backup.id}: accepted {len(lost)} lost objects{' and the suspicion' if suspicious else ''}.")
    after = lookup(plan.backup, ctx.profile, ctx.paths)[0].backup
    return AcceptResult(
        status="ok",
        id=backup.id,
        lost=lost,
        suspicious=suspicious,
        good=after.good,
        still={str(part): why for part, why in after.not_good.items()},
    )


def _wanted(plan: AcceptPlan, backup: Backup) -> tuple[tuple[str, ...], tuple[str, ...]]:
    unknown = [key for key in plan.lost if key not in backup.missing_keys]
    if unknown:
        there = ", ".join(backup.missing_keys[:10]) or "none"
        raise UsageProblem(
            f"{backup.id} does not miss the object {unknown[0]!r}.",
            cause=f"It misses: {there}.",
            next=f"`quillkeep show {backup.id}` names what it misses.",
        )
    everything = not plan.lost and not plan.suspicious
    lost = backup.missing_keys if everything else plan.lost
    suspicious = backup.suspicious if everything or plan.suspicious else ()
    if not lost and not suspicious:
        raise Refused(
            f"There is nothing to accept in {backup.id}.",
            cause=next(
                iter(backup.not_good.values()), "It is good, neither suspicious nor missing an object."
            ),
            next=f"`quillkeep show {backup.id}` says what is known of it.",
        )
    return lost, suspicious
