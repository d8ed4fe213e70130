"""The pepper after a restore: whether what opened when the backup was made opens in what is live now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.catalog.model import CheckStatus
from services.counted import counted
from services.pepper.model import PepperProof
from services.pepper.report import TRY_OTHERS, compared

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.catalog.manifest import PepperEntry
    from services.secret import Secret


def prove_pepper(
    database: Database[Any], pepper: Secret | None, entry: PepperEntry | None, *, whole: bool
) -> PepperProof | None:
    """Probes the live database as a backup does; None where it holds no encrypted value.

    `entry` is the manifest's, None of a foreign backup. `whole`: all collections came from the backup; of a
    part, what was live already may be what does not open. Errors: `QuillkeepError`.
    """
    from pymongo.errors import PyMongoError

    from services.mongo.failures import translated
    from services.quilltap.probe import probe_pepper

    if pepper is None:
        if entry is None or not entry.tried:
            return None
        return PepperProof(
            status="skipped", detail="No pepper is configured, so stored API keys were not tried."
        )
    try:
        opened, total = probe_pepper(database, pepper)
    except PyMongoError as error:
        raise translated("Trying the pepper on stored values", error) from error
    if not total:
        return None
    status, detail = _judge(opened, total, pepper, entry, whole=whole)
    return PepperProof(status=status, detail=detail, opened=opened, total=total)


def _judge(
    opened: int, total: int, pepper: Secret, entry: PepperEntry | None, *, whole: bool
) -> tuple[CheckStatus, str]:
    values = counted(total, "encrypted values")
    if opened == total:
        return "ok", f"The configured pepper opens {'the' if total == 1 else 'all'} {values} tried."
    found = f"The configured pepper opens {opened:,} of {values} tried"
    if entry is None:
        return "warn", f"{found}; whether that was so in the backup is not known. {TRY_OTHERS}"
    if compared(pepper, entry) == "differs":
        return "warn", f"{found}: it is not the one of the backup, as the plan said. {TRY_OTHERS}"
    lacking, lacked = total - opened, entry.tried - entry.opened
    if lacking <= lacked:
        return "warn", f"{found}, as when the backup was made: {lacked:,} did not open there either."
    if not whole:
        return "warn", f"{found}; only a part was restored, so these may have been live before. {TRY_OTHERS}"
    return "fail", f"{found}; when the backup was made it opened {entry.opened:,} of {entry.tried:,}."
