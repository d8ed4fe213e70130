"""The collections that differ, document by document: read once into sums, joined, and the first ones looked at.

Nothing of a document is kept on disk but sums under a key of this process; the few that are shown are read a
second time, and wait for their other side sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from services.comparing.databases import DatabaseSide
from services.comparing.examples import Looked
from services.comparing.index import DocumentIndex, Spill
from services.comparing.joining import Joined, join
from services.comparing.one_side import first_documents
from services.errors import Cancelled, QuillkeepError
from services.operations.diff_model import CollectionDiff, DiffPlan, DocumentDiff, DocumentsDiff, RowState

if TYPE_CHECKING:
    from services.jobs.context import JobContext

EXAMPLES = 10
"""Documents of each kind that are named, a collection."""
LIVE_MOVED = "written to while it was read: what moved may stand here as a difference"


def selected(name: str, plan: DiffPlan) -> bool:
    """Whether a collection is one of those to be compared by document, should it differ."""
    return plan.documents and (not plan.collections or name in plan.collections)


def by_document(row: CollectionDiff, plan: DiffPlan) -> bool:
    """Whether a row is to be compared by document: both sides have documents, and their sums differ."""
    return (
        selected(row.name, plan)
        and row.state == "differs"
        and row.kind == "collection"
        and row.a is not None
        and row.b is not None
        and row.a.content != row.b.content
    )


def compare_documents(
    rows: Sequence[CollectionDiff],
    a: DatabaseSide,
    b: DatabaseSide,
    plan: DiffPlan,
    spill: Spill,
    ctx: JobContext,
) -> tuple[tuple[CollectionDiff, ...], tuple[str, ...]]:
    """The rows, those that differ with their documents, one that only one side has with their number and first ids.

    Beside them warnings: documents that cannot be read are one, and the rows stay as their sums told. Errors: `Cancelled`.
    Memory does not grow with the data: 36 bytes a document go to the spill.
    """
    names = [row.name for row in rows if by_document(row, plan)]
    for side in (a, b):
        for name, held in side.collections.items():
            if name not in names and held.index is not None:
                spill.forget(held.index)
    if plan.documents:
        rows = [_without_documents(row) for row in rows]
    try:
        rows = _alone(rows, a, b, plan, ctx)
        if not names:
            return tuple(rows), ()
        found = _of_documents(names, a, b, plan, spill, ctx)
    except Cancelled:
        raise
    except QuillkeepError as error:
        told = f"The documents could not be compared, only their sums: {error.what} {error.cause}".strip()
        return tuple(rows), (told,)
    return tuple(
        row
        if row.name not in found
        else msgspec.structs.replace(
            row, documents=found[row.name], detail=(*row.detail, *_moved(a, b, row.name))
        )
        for row in rows
    ), ()


def _of_documents(
    names: Sequence[str],
    a: DatabaseSide,
    b: DatabaseSide,
    plan: DiffPlan,
    spill: Spill,
    ctx: JobContext,
) -> dict[str, DocumentsDiff]:
    left, right = _indexed("A", a, names, spill, ctx), _indexed("B", b, names, spill, ctx)
    joined = {}
    for name in names:
        joined[name] = join(left[name], right[name], examples=EXAMPLES, check=ctx.check)
        spill.forget(left[name])
        spill.forget(right[name])
    shown = Looked(joined, plan, spill, ctx).look(a, b)
    return {name: _counts(joined[name], shown[name]) for name in names}


def _without_documents(row: CollectionDiff) -> CollectionDiff:
    """All documents of a collection that only one side has; what is said of one that is told by its sums alone."""
    if row.kind == "timeseries" and row.state == "differs":
        return msgspec.structs.replace(row, detail=(*row.detail, "a time series is compared by its sums"))
    held = row.a or row.b
    if held is None or held.documents is None or row.state not in ("only in A", "only in B"):
        return row
    count = held.documents
    documents = DocumentsDiff(removed=count) if row.state == "only in A" else DocumentsDiff(added=count)
    return msgspec.structs.replace(row, documents=documents)


def _alone(
    rows: Sequence[CollectionDiff], a: DatabaseSide, b: DatabaseSide, plan: DiffPlan, ctx: JobContext
) -> list[CollectionDiff]:
    """The rows, those that only one side has with the first of their documents."""
    sides: tuple[tuple[Literal["A", "B"], RowState, DatabaseSide], ...] = (
        ("A", "only in A", a),
        ("B", "only in B", b),
    )
    found: dict[str, tuple[DocumentDiff, ...]] = {}
    for letter, state, side in sides:
        names = [
            row.name
            for row in rows
            if row.state == state and row.kind == "collection" and selected(row.name, plan)
        ]
        found |= first_documents(letter, side, names, EXAMPLES, ctx)
    return [
        msgspec.structs.replace(
            row, documents=msgspec.structs.replace(row.documents, examples=found[row.name])
        )
        if row.name in found and row.documents is not None
        else row
        for row in rows
    ]


def _moved(a: DatabaseSide, b: DatabaseSide, name: str) -> tuple[str, ...]:
    return tuple(
        f"{letter}: {LIVE_MOVED}" for letter, side in (("A", a), ("B", b)) if side.collections[name].moved
    )


def _counts(found: Joined, examples: tuple[DocumentDiff, ...]) -> DocumentsDiff:
    return DocumentsDiff(
        added=found.added, removed=found.removed, changed=found.changed, same=found.same, examples=examples
    )


def _indexed(
    letter: str, side: DatabaseSide, names: Sequence[str], spill: Spill, ctx: JobContext
) -> dict[str, DocumentIndex]:
    """Every named collection of a side, those read again that were not indexed while they were summed."""
    found: dict[str, DocumentIndex] = {}
    for name in names:
        index = side.collections[name].index
        if isinstance(index, DocumentIndex):
            found[name] = index
    missing = [name for name in names if name not in found]
    if not missing:
        return found
    found |= {name: spill.index() for name in missing}
    phase = ctx.phase("documents", f"reading the documents of {letter}")
    with side.opened() as opened:
        opened.read(
            dict.fromkeys(missing, ()),
            lambda name, data: found[name].add(data),
            check=ctx.check,
            advance=phase.advance,
        )
    phase.finish()
    return found
