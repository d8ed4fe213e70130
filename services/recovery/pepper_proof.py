"""The pepper in the last proof of a restore: what opened when the backup was made opens again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.errors import QuillkeepError
from services.jobs.context import JobContext
from services.pepper.model import PepperProof
from services.pepper.proof import prove_pepper

if TYPE_CHECKING:
    from pymongo.database import Database

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
    if not restored & HOLD_VALUES:
        return None, ()
    entry = contents.manifest.pepper if contents.manifest is not None else None
    try:
        proof = prove_pepper(database, ctx.profile.pepper, entry, whole=not chosen)
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
            f"`quillkeep rollback {ctx.job}` goes back to what was live before.",
        )
    return proof, (proof.detail,)
