"""The one pass over the documents of a validation, and the second look at whatever seems to be wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from services.archive.elements import NotBson
from services.errors import Cancelled, QuillkeepError
from services.jobs.context import JobContext
from services.quilltap import stored_name
from services.reading.live import LiveSide
from services.reading.side import Take
from services.references.again import LiveAgain
from services.references.engine import wanted_of
from services.references.model import ReferencesResult
from services.validating.looking import Looked, Looking, look_again, looked_into
from services.validating.unique import double_findings
from services.validating.way_back import beside
from services.validating.wording import NEAR, Placed

if TYPE_CHECKING:
    from pymongo.database import Database


class Pass(msgspec.Struct, kw_only=True):
    """What one read of the chosen collections saw; `unread` are those that could not be read, and why.

    `moved` counts what was being changed meanwhile.
    """

    looked: dict[str, Looked]
    references: ReferencesResult
    doubles: list[Placed]
    moved: int
    unread: dict[str, str]


def read_documents(
    ctx: JobContext,
    database: Database[Any],
    *,
    chosen: Collection[str],
    every: bool,
    sizes: Mapping[str, int],
) -> Pass:
    """Reads the chosen collections once; what they refer to in others is read as far as needed.

    `every` says that all were chosen, `sizes` are bytes by collection, for the progress. A collection that
    cannot be read is a result; `Cancelled` is raised, and `QuillkeepError` when the connection broke.
    """
    looking = Looking(large=NEAR)
    try:
        return _Reading(ctx, database, looking).all(chosen, every, sizes)
    finally:
        looking.close()


class _Reading:
    def __init__(self, ctx: JobContext, database: Database[Any], looking: Looking) -> None:
        self.ctx, self.looking = ctx, looking
        self.side = LiveSide(database)
        self.again = LiveAgain(database, ctx.check)

    def all(self, chosen: Collection[str], every: bool, sizes: Mapping[str, int]) -> Pass:
        there = self.side.collections()
        whole = looked_into({name: kind for name, kind in there.items() if name in chosen})
        unread = self._read(there, whole, every, sum(sizes.get(name, 0) for name in whole))
        looking, check = self.looking, self.ctx.check
        phase = self.ctx.phase(
            "references", "held against each other, what seems wrong looked at again", unit="documents"
        )
        references = looking.references.result(
            there, live=True, left_out=tuple(unread), again=self.again, check=check
        )
        readable = {stored_name(name) for name in whole if name not in unread}
        doubles, moved = double_findings(looking.references, readable, again=self.again, check=check)
        for name in list(looking.seen):
            moved += look_again(looking, name, self.again, check)
        phase.finish()
        return Pass(
            looked=looking.seen,
            references=references,
            doubles=doubles,
            moved=moved + references.moved,
            unread=unread,
        )

    def _read(
        self, there: Mapping[str, str], whole: Collection[str], every: bool, total: int
    ) -> dict[str, str]:
        from pymongo.errors import ConnectionFailure

        phase = self.ctx.phase("documents", "every document once", total=total or None)
        unread: dict[str, str] = {}
        wanted = wanted_of(there)
        for name in [*wanted, *(name for name in whole if name not in wanted)]:
            fields: tuple[str, ...] = ()
            take: Take = self.looking.add
            if name in whole:
                self.looking.seen.setdefault(name, Looked())
            elif not every and (part := beside(name, tuple(whole))):
                fields, take = part, self.looking.references.add
            else:
                continue
            try:
                self.side.read({name: fields}, take, check=self.ctx.check, advance=phase.advance)
            except Cancelled:
                raise
            except QuillkeepError as error:
                if isinstance(error.__cause__, ConnectionFailure):
                    # Whoever is not there for one collection is not there for the next.
                    raise
                unread[name] = f"{error.what} {error.cause}".strip()
            except NotBson as error:
                unread[name] = f"A document of it is not whole: {error}."
        phase.finish()
        return unread
