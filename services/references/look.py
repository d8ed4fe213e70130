"""One look at the references of one side, from its first document to the result."""

from __future__ import annotations

from collections.abc import Callable, Collection

from services.reading.side import DataSide
from services.references.again import Again
from services.references.engine import References, wanted_of
from services.references.model import ReferencesResult


def look_at_references(
    side: DataSide,
    *,
    again: Again | None = None,
    left_out: Collection[str] = (),
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> ReferencesResult:
    """Reads the referring fields of a side once and tells what refers to nothing, in flat memory.

    `again` (`LiveAgain`) looks once more at what seems to be wrong: give it for data that is being written
    to. `left_out` are collections that a backup was told not to take. `check` may raise, `advance` gets
    bytes. Errors: `QuillkeepError` when a read does not reach its end.
    """
    references = References()
    try:
        there = side.collections()
        side.read(wanted_of(there), references.add, check=check, advance=advance)
        return references.result(there, live=side.live, left_out=left_out, again=again, check=check)
    finally:
        references.close()
