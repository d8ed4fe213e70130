"""The first documents of collections that only one side has: read until there are enough, nothing is compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from services.archive.documents import split_documents
from services.archive.model import Buffer
from services.comparing.databases import DatabaseSide
from services.comparing.shown import own_id, shown_id
from services.operations.diff_model import DocumentDiff

if TYPE_CHECKING:
    from services.jobs.context import JobContext


class _Enough(Exception):
    """The first ones of every collection are there."""


def first_documents(
    letter: Literal["A", "B"], side: DatabaseSide, names: Sequence[str], limit: int, ctx: JobContext
) -> dict[str, tuple[DocumentDiff, ...]]:
    """{collection: its first `limit` documents, in the order of the side}; memory is that of their ids.

    Errors: `QuillkeepError` when the side cannot be read, `Cancelled`.
    """
    state: Literal["removed", "added"] = "removed" if letter == "A" else "added"
    found: dict[str, list[DocumentDiff]] = {name: [] for name in names}
    left = {name: min(limit, side.collections[name].documents) for name in names}
    if not any(left.values()):
        return {}
    phase = ctx.phase("documents", f"reading what only {letter} has")
    with side.opened() as opened:

        def take(name: str, data: Buffer) -> None:
            for document in split_documents(data) if left[name] else ():
                raw = bytes(document)
                found[name].append(DocumentDiff(id=shown_id(raw), state=state, own_id=own_id(raw, name)))
                left[name] -= 1
                if not left[name]:
                    break
            if not any(left[one] for one in reading):
                raise _Enough

        # What is live comes one after another, so each is left as soon as its first ones are there.
        for reading in [[name] for name in names] if opened.live else [list(names)]:
            try:
                opened.read(dict.fromkeys(reading, ()), take, check=ctx.check, advance=phase.advance)
            except _Enough:
                ctx.check()
    phase.finish()
    return {name: tuple(examples) for name, examples in found.items()}


__all__ = ["first_documents"]
