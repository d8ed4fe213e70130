"""What stands under a live name when its turn in the swap comes, where that is not what the plan saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from services.counted import by_number, counted
from services.mongo.connect import LiveCollection
from services.mongo.record import Pair, dump_spec
from services.mongo.rename import count_of, indexes_of, name_of
from services.mongo.specs import create_options, is_ttl
from services.names import old_name
from services.redact import redact

if TYPE_CHECKING:
    from pymongo.database import Database


def seen_anew(
    database: Database[Any], job: str, pair: Pair, live: dict[str, LiveCollection]
) -> tuple[Pair, str]:
    """The pair as it must be recorded before anything of it moves, and a sentence when somebody changed it.

    A collection that was dropped, replaced or created since the plan is what a rollback brings back. One
    whose UUID lies elsewhere already, or whose view is dropped already, keeps its record: then this step
    is done, and what stands there is a writer's.
    """
    current = live.get(pair.name)
    if pair.outgoing == "collection" and name_of(live, pair.old_uuid) is not None:
        return pair, ""
    if current is not None and current.kind == "view":
        definition = dump_spec(create_options(current.options, None))
        if pair.outgoing == "view":
            return replace(pair, old_view=definition), ""
        words = f"{pair.name} became a view since the plan was made; a rollback brings the view back."
        return replace(_absent(pair), outgoing="view", old_view=definition), words
    if pair.outgoing == "view":
        return pair, ""
    if current is None or current.uuid is None:
        if pair.outgoing == "absent":
            return pair, ""
        return _absent(
            pair
        ), f"{pair.name} was dropped by somebody since the plan was made: none is set aside."
    seen = replace(outgoing_of(database, pair, current, job), outgoing="collection")
    count = count_of(database, pair.name)
    made = "created" if pair.outgoing == "absent" else "replaced by another collection"
    return seen, (
        f"{pair.name} was {made} since the plan was made; its {counted(count, 'documents')} {by_number(count, 'is', 'are')} set aside as {seen.old}."
    )


def outgoing_of(database: Database[Any], pair: Pair, current: LiveCollection | None, job: str) -> Pair:
    """The pair with everything needed to bring `current` back."""
    if current is None:
        return pair
    if current.kind == "view":
        return replace(pair, outgoing="view", old_view=dump_spec(create_options(current.options, None)))
    indexes = indexes_of(database, current.name)
    return replace(
        pair,
        outgoing="collection",
        old=old_name(job, pair.ordinal),
        old_uuid=current.uuid,
        old_ttl=tuple(dump_spec(index) for index in indexes if is_ttl(index)),
        old_expire=expiry_of(current),
    )


def expiry_of(current: LiveCollection) -> int | None:
    """Seconds after which a clustered collection expires its documents by itself, None when it does not."""
    seconds = current.options.get("expireAfterSeconds")
    return None if seconds is None or current.kind != "collection" else int(seconds)


def view_text(view: LiveCollection) -> str:
    """A view's definition in one line, for somebody who wants it back."""
    return redact(dump_spec(create_options(view.options, None)))


def _absent(pair: Pair) -> Pair:
    return replace(pair, outgoing="absent", old=None, old_uuid=None, old_ttl=(), old_expire=None)
