"""Time series, which cannot be renamed: one whose name is free is created in place after the others are proven.

Until the swap is done they are the job's own: whatever ends it earlier drops them again.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from services.archive.documents import hex64
from services.errors import Refused
from services.jobs.context import JobContext
from services.mongo.aside import drop_aside
from services.mongo.commands import CommandFailed
from services.mongo.insert import Rejected
from services.mongo.live_sums import live_sums
from services.mongo.record import Pair, SwapRecord
from services.mongo.rename import listing
from services.recovery.contents import BUCKETS
from services.recovery.draft import Draft
from services.recovery.session import Session
from services.recovery.steps import incoming_of, load


def planned(draft: Draft) -> tuple[Pair, ...]:
    """The time series this restore creates, for its record."""
    if draft.contents is None:
        return ()
    return tuple(
        Pair(name=row.name, ordinal=ordinal, incoming="timeseries", outgoing="absent")
        for ordinal, row in enumerate(draft.rows)
        if row.action == "create" and draft.contents.collections[row.name].kind == "timeseries"
    )


def check_free(session: Session, series: tuple[Pair, ...]) -> None:
    """`Refused` when one of the names has been taken since the plan: it is somebody else's."""
    live = listing(session.database)
    taken = [pair.name for pair in series if pair.name in live or BUCKETS + pair.name in live]
    if taken:
        raise Refused(
            f"Somebody created {', '.join(taken)} since the plan was made.",
            next="Look at the plan again with `quillkeep plan`.",
        )


def create(
    session: Session,
    draft: Draft,
    series: tuple[Pair, ...],
    ctx: JobContext,
    rejected: Rejected,
    check: Callable[[], None],
) -> tuple[Pair, ...]:
    """Creates, loads and proves them; gives them with their proofs."""
    if not series or draft.contents is None:
        return series
    incoming = [incoming_of(draft.contents.collections[pair.name], pair.name) for pair in series]
    proofs = load(session, draft.contents, incoming, ctx, rejected=rejected, check=check)
    return tuple(
        replace(
            pair,
            documents=proofs[pair.name].documents,
            bytes=proofs[pair.name].bytes,
            content=proofs[pair.name].content,
        )
        for pair in series
    )


def drop_created(session: Session, record: SwapRecord) -> list[str]:
    """Drops what the job created, unless it has been written since its proof; gives what stays, with the reason."""
    left = []
    live = listing(session.database)
    for pair in record.series:
        if pair.name not in live:
            continue
        if pair.content:
            held = live_sums(session.database, BUCKETS + pair.name)
            if (held.documents, held.bytes, hex64(held.content)) != (
                pair.documents,
                pair.bytes,
                pair.content,
            ):
                left.append(
                    f"the time series {pair.name}, which was created by {record.job} and written since"
                )
                continue
        try:
            drop_aside(session.database, pair.name)
        except CommandFailed as error:
            left.append(f"the time series {pair.name} ({error.cause})")
    return left


def staying(record: SwapRecord) -> list[str]:
    """What a rollback says of time series: they cannot be set aside, so they stay."""
    names = ", ".join(pair.name for pair in record.series)
    if not names:
        return []
    return [
        f"The time series {names} was created by {record.job} and stays: it cannot be renamed, and nothing is dropped."
    ]
