"""The pepper in the last proof of a restore: what opened when the backup was made opens again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from services.errors import QuillkeepError
from services.jobs.context import JobContext
from services.pepper.model import PepperProof
from services.pepper.proof import prove_pepper
from services.recovery.request import RestoreRequest

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.catalog.manifest import PepperEntry
    from services.mongo.record import SwapRecord
    from services.recovery.draft import Draft

HOLD_VALUES = frozenset({"users", "api_keys"})


def last_pepper(
    ctx: JobContext, database: Database[Any], draft: Draft
) -> tuple[PepperProof | None, tuple[str, ...]]:
    """(the proof, sentences for the result's warnings); nothing where no collection with such values came back.

    What could not be read is `unknown`. Errors: `QuillkeepError` when less opens than did in the backup.
    """
    contents = draft.contents
    if contents is None:
        return None, ()
    chosen = draft.request.collections
    restored = {name for name in contents.collections if not chosen or name in chosen}
    entry = contents.manifest.pepper if contents.manifest is not None else None
    return _prove(ctx, database, restored, entry, whole=not chosen, job=ctx.job)


def pepper_of_record(
    ctx: JobContext, database: Database[Any], record: SwapRecord
) -> tuple[PepperProof | None, tuple[str, ...]]:
    """The same for a restore that another job finishes; a backup that cannot be found any more is asked nothing."""
    if record.verb != "restore":
        return None, ()
    restored = {pair.name for pair in record.pairs}
    request = replace(msgspec.convert(record.request, RestoreRequest), backup=record.backup)
    entry: PepperEntry | None = None
    if restored & HOLD_VALUES:
        from services.pairs.opening import manifest_of
        from services.recovery.draft import choose_backup

        try:
            manifest = manifest_of(choose_backup(request, ctx)[0].backup)
            entry = manifest.pepper if manifest is not None else None
        except QuillkeepError as error:
            ctx.log(f"What opened in {record.backup} cannot be asked: {error.what}", "warning")
    return _prove(ctx, database, restored, entry, whole=not request.collections, job=record.job)


def _prove(
    ctx: JobContext,
    database: Database[Any],
    restored: set[str],
    entry: PepperEntry | None,
    *,
    whole: bool,
    job: str,
) -> tuple[PepperProof | None, tuple[str, ...]]:
    if not restored & HOLD_VALUES:
        return None, ()
    try:
        proof = prove_pepper(database, ctx.profile.pepper, entry, whole=whole)
    except QuillkeepError as error:
        text = f"What the pepper opens could not be told: {error.what} `quillkeep pepper check` looks again."
        proof = PepperProof(status="unknown", detail=text)
    if proof is None or proof.status in ("ok", "skipped"):
        return proof, ()
    ctx.log(proof.detail, "warning")
    if proof.status == "fail":
        raise QuillkeepError(
            "The restore is done and live, but encrypted values do not open as they did.",
            cause=proof.detail,
            touched="Collections and objects are live as its journal says; nothing was put back.",
            next="`quillkeep pepper check` names them; "
            f"`quillkeep rollback {job}` goes back to what was live before.",
        )
    return proof, (proof.detail,)
