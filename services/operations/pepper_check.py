"""`pepper check`: which stored values a pepper opens, of what is live or of a backup. Changes nothing."""

from __future__ import annotations

import msgspec

from services.catalog.listing import lookup
from services.catalog.manifest import Manifest, PepperEntry, decode_manifest
from services.catalog.marks import being_read
from services.catalog.model import Backup
from services.counted import counted
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.passphrase import key_of
from services.pepper.check import check_again, check_peppers, gather, trace
from services.pepper.model import CONFIGURED, LIVE, Candidate, Opened, PepperResult
from services.pepper.model import PepperPlan as PepperPlan
from services.pepper.report import mostly_wrong
from services.pepper.vault import Vault
from services.redact import remember

MANY = 100
"""More values than these that do not open, none of them, were not all written in this moment."""


def pepper_check(plan: PepperPlan, ctx: JobContext) -> PepperResult:
    """Tries the candidates, or the configured pepper, on every encrypted value.

    Errors: `Refused` without a database (or the backup without a database part), `DatabaseUnreachable`,
    `ArchiveError` for a damaged backup, `Cancelled`.
    """
    candidates = plan.candidates or _configured(ctx)
    # Whatever goes wrong from here on, no sentence of it shows a pepper.
    remember(*(candidate.pepper for candidate in candidates))
    with Vault() as vault:
        if plan.target == LIVE:
            entry = None
            target = LIVE
            warnings = _read_live(vault, ctx)
        else:
            target, entry, warnings = _read_backup(plan.target, vault, ctx)
        users = vault.one("SELECT count(*) FROM users")
        stored = vault.one("SELECT count(*) FROM vals")
        phase = ctx.phase(
            "opening values",
            f"{counted(stored, 'encrypted values')} of {counted(users, 'users')}",
            total=None,
            unit="users",
        )
        result = check_peppers(
            vault, candidates, entry=entry, target=target, check=ctx.check, advance=phase.advance
        )
        phase.finish(result.status)
        if plan.target == LIVE and result.status in ("fail", "unknown"):
            result = _again(vault, result, candidates, ctx)
        if plan.target == LIVE and worth_tracing(result):
            result = _traced(vault, result, candidates, ctx)
    return msgspec.structs.replace(result, warnings=(*warnings, *result.warnings))


def _configured(ctx: JobContext) -> tuple[Candidate, ...]:
    pepper = ctx.profile.pepper
    return () if pepper is None else (Candidate(label=CONFIGURED, pepper=pepper),)


def _read_live(vault: Vault, ctx: JobContext) -> list[str]:
    from services.reading.live import LiveSide
    from services.recovery.session import open_session

    with open_session(ctx.profile, ctx=ctx) as session:
        phase = ctx.phase("database", f"reading {session.database.name}")
        gather(LiveSide(session.database), vault, check=ctx.check, advance=phase.advance)
        phase.finish()
    return []


def _again(
    vault: Vault, result: PepperResult, candidates: tuple[Candidate, ...], ctx: JobContext
) -> PepperResult:
    """What does not open may have been written or deleted between two reads: it is looked at once more."""
    if not result.opened and result.stored > MANY:
        return result
    candidate = _best(result, candidates)
    if candidate != candidates[-1]:
        # The vault holds what became of the values with the last one.
        check_peppers(vault, [candidate], check=ctx.check)
    from services.reading.live import LiveSide
    from services.recovery.session import open_session

    with open_session(ctx.profile, ctx=ctx) as session:
        phase = ctx.phase("database", f"looking again at {session.database.name}")
        side = LiveSide(session.database)
        found = check_again(vault, side, result, candidate, check=ctx.check, advance=phase.advance)
        phase.finish(found.status)
    return found


def _best(result: PepperResult, candidates: tuple[Candidate, ...]) -> Candidate:
    return next(one for one in candidates if one.label == result.label)


def worth_tracing(result: PepperResult) -> bool:
    """Whether single values are what is wrong, not the pepper."""
    whole = Opened(opened=result.opened, total=result.total, untold=result.untold, damaged=result.damaged)
    return bool(result.candidates) and bool(whole.failed or whole.damaged) and not mostly_wrong(whole)


def _traced(
    vault: Vault, result: PepperResult, candidates: tuple[Candidate, ...], ctx: JobContext
) -> PepperResult:
    """Which backup has what does not open: that very value, whole."""
    from services.validating.good import MAX_BACKUPS
    from services.validating.kept import Kept

    kept = Kept(ctx)
    newest = tuple({one.id: one for one in reversed(kept.backups)}.values())[::-1][:MAX_BACKUPS]
    phase = ctx.phase("backups", "looking for the values whole")
    with being_read(ctx, "pepper check", *newest):
        found = trace(
            vault,
            result,
            _best(result, candidates),
            newest,
            open_backup=kept.side,
            check=ctx.check,
            advance=phase.advance,
        )
    phase.finish()
    return msgspec.structs.replace(found, warnings=(*found.warnings, *kept.warnings))


def _read_backup(reference: str, vault: Vault, ctx: JobContext) -> tuple[str, PepperEntry | None, list[str]]:
    from services.reading.backup import BackupSide
    from services.recovery.contents import read_contents

    found, _ = lookup(reference, ctx.profile, ctx.paths, ("database",))
    for id, why in found.passed_over:
        ctx.log(f"Passed over {id}: {why}")
    backup = found.backup
    if backup.database_path is None:
        raise Refused(
            f"{backup.id} has no database part, so it holds no encrypted value.",
            next="`quillkeep list` shows what each backup has.",
        )
    warnings = [f"{backup.id} is incomplete: {backup.missing[0]}."] if backup.missing else []
    entry = _entry(backup)
    with being_read(ctx, "pepper check", backup):
        phase = ctx.phase("database", f"reading {backup.id}")
        contents = read_contents(
            backup,
            limits=ctx.profile.limits,
            from_database=None,
            target_database=ctx.profile.mongo.database if ctx.profile.mongo else "",
            sole=True,
            check=ctx.check,
            advance=phase.advance,
            key=key_of(ctx.profile),
        )
        gather(BackupSide(backup.id, contents), vault, check=ctx.check, advance=phase.advance)
        phase.finish()
    return backup.id, entry, warnings


def _entry(backup: Backup) -> PepperEntry | None:
    if backup.kind != "quillkeep" or backup.manifest_path is None:
        return None
    try:
        manifest: Manifest = decode_manifest(backup.manifest_path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise QuillkeepError(
            f"The manifest of {backup.id} cannot be read.",
            cause=f"{error}.",
            next=f"`quillkeep show {backup.id}` says what is known of it.",
        ) from error
    return manifest.pepper
