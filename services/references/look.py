"""One look at the references of one side, from its first document to the result."""

from __future__ import annotations

from collections.abc import Callable, Collection

from services.archive.elements import NotBson
from services.archive.model import Buffer
from services.errors import QuillkeepError
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
    reading = ""

    def take(name: str, data: Buffer) -> None:
        nonlocal reading
        reading = name
        references.add(name, data)

    try:
        there = side.collections()
        side.read(wanted_of(there), take, check=check, advance=advance)
        return references.result(there, live=side.live, left_out=left_out, again=again, check=check)
    except NotBson as error:
        raise QuillkeepError(
            f"A document of {reading} cannot be read.",
            cause=f"{error}.",
            next="`quillkeep validate` looks into the live data, `quillkeep verify` into a backup.",
        ) from error
    finally:
        references.close()
