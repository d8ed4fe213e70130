"""What earlier restores and rollbacks left in the database: UUIDs decide, the record only tells what belongs together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from msgspec.structs import replace

from services.looking.live import SwapSeen
from services.mongo.connect import LiveCollection
from services.mongo.record import HOLDS_COPIES, UNFINISHED, Pair, SwapRecord, load_spec
from services.mongo.rename import name_of
from services.mongo.specs import comparable_options
from services.operations.restore_model import ROLLBACK_HOURS

State = Literal["loading", "unfinished", "holds copies", "released"]


class Measuring(NamedTuple):
    """A swap and the names of its copies, whose sizes are still to be asked."""

    swap: SwapSeen
    copies: tuple[str, ...]


def see_swaps(
    records: Sequence[SwapRecord], live: dict[str, LiveCollection], *, working: str, app_runs: bool
) -> list[Measuring]:
    """Every record as an admin sees it, newest first.

    `working` is the living job that holds the lock of writing jobs; `app_runs` whether the application runs.
    """
    found = [_see(record, live, working, app_runs) for record in reversed(records)]
    return [entry for entry in found if entry is not None]


def _see(
    record: SwapRecord, live: dict[str, LiveCollection], working: str, app_runs: bool
) -> Measuring | None:
    copies = copies_of(record, live)
    state = _state(record, copies)
    if state == "loading" and working:
        return None
    objects = record.objects
    in_bucket = (objects.replaced + objects.set_aside) if objects and state != "released" else 0
    kept = record.state in HOLDS_COPIES and record.finished is not None
    swap = SwapSeen(
        job=record.job,
        verb=record.verb,
        state=state,
        backup=record.backup,
        started=record.started,
        finished=record.finished,
        until=record.finished + timedelta(hours=ROLLBACK_HOURS) if kept and record.finished else None,
        bytes=objects.bytes if objects and in_bucket else 0,
        objects=in_bucket,
        collections=_collections(record, live),
        way_on=way_on(record, state),
        app_stopped=record.app_stopped_by_us and not app_runs,
        working=working if state == "unfinished" else "",
    )
    return Measuring(swap, copies)


def copies_of(record: SwapRecord, live: dict[str, LiveCollection]) -> tuple[str, ...]:
    """The collections that this record still holds beside the live ones."""
    found = []
    for pair in record.pairs:
        aside = pair.aside if record.state == "failed" else None
        found += [name for name in (aside, pair.old, *pair.late) if name is not None and name in live]
    return tuple(found)


def _state(record: SwapRecord, copies: tuple[str, ...]) -> State:
    if record.state in UNFINISHED:
        return "unfinished"
    if record.state == "loading":
        return "loading"
    if record.state in ("done", "failed") or copies:
        return "holds copies"
    return "released"


def way_on(record: SwapRecord, state: State) -> tuple[str, ...]:
    """The commands that go on from here, the likelier one first."""
    finish = f"quillkeep restore --finish {record.job}"
    back = f"quillkeep rollback {record.job}"
    if state == "unfinished":
        # Before the first rename the live data is the old one: going back is the smaller step.
        return (back, finish) if record.state == "objects" else (finish, back)
    if state == "released":
        return ()
    if state == "loading":
        return (back,)
    if record.state in ("done", "failed"):
        return (back, f"quillkeep release {record.job}")
    return (f"quillkeep release {record.job}",)


def where_it_stands(pair: Pair, live: dict[str, LiveCollection]) -> str:
    """What is live under the pair's name now, in words: "new", "old", "missing" or "written by somebody else"."""
    current = live.get(pair.name)
    kept = name_of(live, pair.old_uuid)
    beside = "old copy kept" if kept is not None and kept != pair.name else ""
    waits = name_of(live, pair.aside_uuid)
    waiting = "new one waits" if waits is not None and waits != pair.name else ""
    word = _word(pair, current)
    if word == "new":
        notes = [beside]
    elif word == "old":
        notes = [waiting]
    else:
        notes = [beside, waiting]
    told = ", ".join(note for note in notes if note)
    return f"{word} ({told})" if told else word


def _collections(record: SwapRecord, live: dict[str, LiveCollection]) -> dict[str, str]:
    words = {pair.name: where_it_stands(pair, live) for pair in record.pairs}
    for pair in record.series:
        words[pair.name] = "created here" if pair.name in live else "not there yet"
    safety = f"; before that: safety backup {record.safety}" if record.safety else ""
    for name in record.in_place:
        words[name] = f"{'replaced' if name in live else 'dropped'} in place{safety}"
    return words


def _word(pair: Pair, current: LiveCollection | None) -> str:
    if current is None:
        if pair.incoming == "absent":
            return "set aside"
        return "missing" if pair.outgoing != "absent" else "not there yet"
    if current.kind == "view":
        if _is_view(current, pair.view):
            return "new"
        return "old" if _is_view(current, pair.old_view) else "a view of somebody else"
    if current.uuid is not None and current.uuid == pair.aside_uuid:
        return "new"
    if current.uuid is not None and current.uuid == pair.old_uuid:
        return "old"
    return "written by somebody else"


def _is_view(current: LiveCollection, definition: str | None) -> bool:
    return definition is not None and comparable_options(current.options) == comparable_options(
        load_spec(definition)
    )


def with_sizes(swap: SwapSeen, documents: int, size: int) -> SwapSeen:
    """The swap with its copies' documents, and their bytes beside those of the copied objects."""
    return replace(swap, documents=documents, bytes=swap.bytes + size)
