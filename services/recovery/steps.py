"""The steps a restore, a finish and a rollback are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from services.counted import counted
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.mongo.aside import Incoming, Proof, drop_copies, forget_durable, make_durable, prove
from services.mongo.commands import CommandFailed
from services.mongo.connect import LiveCollection
from services.mongo.insert import Rejected
from services.mongo.load import Loader
from services.mongo.record import Pair, SwapRecord, dump_spec, save_record
from services.mongo.rename import count_of, indexes_of, listing, name_of
from services.mongo.space import ABORT_BYTES, free_bytes
from services.mongo.specs import comparable_options, create_options, is_ttl, missing_indexes, secondary
from services.mongo.standing import outgoing_of
from services.mongo.swap import Swapper
from services.names import JOBS_COLLECTION, aside_name
from services.recovery.contents import BUCKETS, CollectionContents, DatabaseContents
from services.recovery.request import Row
from services.recovery.session import Session

SPACE_SECONDS = 1.0


def incoming_of(entry: CollectionContents, target: str) -> Incoming:
    """How a backup's collection is loaded under a name."""
    storage = entry.stream.collection if entry.kind == "timeseries" else ""
    if storage.startswith(BUCKETS):
        storage = BUCKETS + target
    return Incoming(
        name=entry.name,
        stream=entry.stream,
        target=target,
        storage=storage,
        metadata=entry.metadata(),
        scan=bool(entry.quirks),
    )


class SpaceWatch:
    """A `check` that also looks at the server's free space once a second, and ends the load in time."""

    def __init__(self, ctx: JobContext, session: Session) -> None:
        self._ctx = ctx
        self._session = session
        self._next = 0.0

    def __call__(self) -> None:
        """Raises `Cancelled`, or `CommandFailed` when under 1 GiB is left."""
        import time

        self._ctx.check()
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + SPACE_SECONDS
        left = free_bytes(self._session.database)
        if left is not None and left < ABORT_BYTES:
            raise CommandFailed(
                "The server's disk is nearly full, so the load was stopped before it could take MongoDB down.",
                code=None,
                cause=f"{left:,} bytes are left",
                unknown=False,
            )


def load(
    session: Session,
    contents: DatabaseContents,
    incoming: Sequence[Incoming],
    ctx: JobContext,
    *,
    rejected: Rejected,
    check: Callable[[], None],
) -> dict[str, Proof]:
    """Loads and proves collections; what the stream gave must be what the backup's own figures say."""
    if not incoming:
        return {}
    total = sum(contents.collections[item.name].bytes for item in incoming)
    ctx.log(
        f"Loading {counted(len(incoming), 'collections')} beside the live ones; nothing live is touched yet."
    )
    phase = ctx.phase("loading aside", total=total)
    loader = Loader(
        session.fast,
        session.database,
        contents.source,
        incoming,
        job=ctx.job,
        bypass=session.rights.bypass_validation,
        guard=session.guard,
        rejected=rejected,
        check=check,
        advance=phase.advance,
        proven=lambda amount: None,
        log=ctx.log,
    )
    try:
        proofs = loader.run()
    finally:
        forget_quietly(session, ctx)
    phase.finish()
    for item in incoming:
        compare_stream(contents.collections[item.name], loader)
    return proofs


def forget_quietly(session: Session, ctx: JobContext) -> None:
    """Removes the durability marker; when that fails the next writing job does it."""
    try:
        forget_durable(session.database, ctx.job)
    except CommandFailed as error:
        ctx.log(f"A marker document stays in {JOBS_COLLECTION}: {error.cause}", "warning")


def compare_stream(entry: CollectionContents, loader: Loader) -> None:
    """What was read for loading is what the backup's figures say. Errors: `ArchiveError`."""
    from services.archive.documents import hex64
    from services.archive.model import ArchiveError

    got = loader.stream_sums.get(entry.stream)
    documents, size, content = (got.documents, got.bytes, got.content) if got else (0, 0, 0)
    if (documents, size, hex64(content)) != (entry.documents, entry.bytes, entry.content):
        raise ArchiveError(
            f"{counted(entry.documents, 'documents')} of {entry.bytes:,} bytes with content {entry.content}",
            found=f"{documents:,} of {size:,} with {hex64(content)}",
            namespace=str(entry.stream),
        )


def build_pairs(
    session: Session,
    contents: DatabaseContents,
    rows: Sequence[Row],
    proofs: dict[str, Proof],
    live: dict[str, LiveCollection],
    job: str,
) -> tuple[Pair, ...]:
    """One pair per name that the swap moves, with everything needed to undo it."""
    pairs = []
    for ordinal, row in enumerate(rows):
        current = live.get(row.name)
        if row.action == "set aside":
            pairs.append(
                outgoing_of(
                    session.database,
                    Pair(name=row.name, ordinal=ordinal, incoming="absent", outgoing="absent"),
                    current,
                    job,
                )
            )
            continue
        if row.action not in ("create", "replace"):
            continue
        entry = contents.collections[row.name]
        if entry.kind == "timeseries":
            continue
        if entry.kind == "view":
            pair = Pair(
                name=row.name,
                ordinal=ordinal,
                incoming="view",
                outgoing="absent",
                view=dump_spec(create_options(entry.metadata().get("options") or {}, None)),
                metadata=entry.raw_metadata,
            )
        else:
            proof = proofs[row.name]
            pair = Pair(
                name=row.name,
                ordinal=ordinal,
                incoming="collection",
                outgoing="absent",
                aside=proof.target,
                aside_uuid=proof.uuid,
                ttl=tuple(dump_spec(spec) for spec in proof.ttl),
                metadata=entry.raw_metadata,
                documents=proof.documents,
                bytes=proof.bytes,
                content=proof.content,
            )
        pairs.append(outgoing_of(session.database, pair, current, job))
    return tuple(pairs)


def aside_targets(rows: Sequence[Row], contents: DatabaseContents, job: str) -> list[Incoming]:
    """What is loaded aside: every ordinary collection that will be replaced or created."""
    return [
        incoming_of(contents.collections[row.name], aside_name(job, ordinal))
        for ordinal, row in enumerate(rows)
        if row.action in ("create", "replace") and contents.collections[row.name].kind == "collection"
    ]


def make_swapper(
    session: Session, record: SwapRecord, ctx: JobContext, lock: DatabaseLock, warnings: list[str]
) -> Swapper:
    """A swapper that keeps its record in the database and beside the journal, and looks at its lock."""

    def save(changed: SwapRecord) -> None:
        store(session, changed, ctx)

    return Swapper(
        session.database,
        record,
        guard=session.guard,
        save=save,
        before_rename=lock.assert_held,
        log=ctx.log,
        warn=warnings.append,
    )


def store(session: Session, record: SwapRecord, ctx: JobContext) -> None:
    """The record on this disk (fsynced with the journal) and then in the database (majority, journaled)."""
    import msgspec

    ctx.checkpoint("record", job=record.job, state=record.state, record=msgspec.to_builtins(record))
    save_record(session.database, record)


def prove_asides(session: Session, record: SwapRecord, ctx: JobContext) -> None:
    """Reads every collection that is still aside again; one that already went live was proven aside."""
    live = listing(session.database)
    phase = ctx.phase("proving again", total=sum(pair.bytes for pair in record.pairs))
    make_durable(session.database, ctx.job)
    for pair in record.pairs:
        if pair.aside_uuid is None or not pair.content:
            continue
        where = name_of(live, pair.aside_uuid)
        if where is None:
            raise CommandFailed(
                f"The loaded copy of {pair.name} is gone.",
                code=None,
                cause="somebody dropped it",
                unknown=False,
            )
        if where == pair.name:
            continue
        prove(
            session.database,
            pair.name,
            where,
            documents=pair.documents,
            bytes_=pair.bytes,
            content=int(pair.content, 16),
            check=ctx.check,
            advance=phase.advance,
        )
    forget_quietly(session, ctx)
    phase.finish()


def prove_live(
    session: Session, record: SwapRecord
) -> tuple[list[str], list[str], dict[str, tuple[int, list[str]]]]:
    """(problems, warnings, {name: (documents, indexes)}) of what is live now, by UUID."""
    live = listing(session.database)
    problems: list[str] = []
    warnings: list[str] = []
    counts: dict[str, tuple[int, list[str]]] = {}
    for pair in record.pairs:
        current = live.get(pair.name)
        if pair.incoming == "absent":
            if current is not None and current.uuid == pair.old_uuid:
                problems.append(f"{pair.name} should have been set aside and is still live")
            continue
        if pair.incoming == "view":
            if current is None or current.kind != "view":
                problems.append(f"the view {pair.name} is missing")
            elif pair.view and comparable_options(current.options) != comparable_options(_load(pair.view)):
                problems.append(f"the view {pair.name} has another definition")
            continue
        if current is None or current.uuid != pair.aside_uuid:
            problems.append(f"{pair.name} is not the collection that was loaded and proven")
            continue
        present = indexes_of(session.database, pair.name)
        if pair.metadata:
            from services.archive.metadata import parse_metadata

            metadata = parse_metadata(pair.metadata)
            wanted = [dict(index) for index in secondary([dict(i) for i in metadata.get("indexes") or []])]
            lacking = missing_indexes([index for index in wanted if not is_ttl(index)], present)
            if lacking:
                problems.append(f"{pair.name} lacks the indexes {', '.join(lacking)}")
            if comparable_options(current.options) != comparable_options(metadata.get("options") or {}):
                problems.append(f"{pair.name} has other options than the backup")
        documents = count_of(session.database, pair.name)
        if documents != pair.documents and pair.content:
            warnings.append(
                f"{pair.name} has been written since it went live: {counted(documents, 'documents')}, "
                f"{pair.documents:,} were restored."
            )
        counts[pair.name] = (documents, sorted(str(index["name"]) for index in present))
    for pair in record.series:
        current = live.get(pair.name)
        if current is None or current.kind != "timeseries":
            problems.append(f"the time series {pair.name} is missing")
            continue
        counts[pair.name] = (pair.documents, [])
    return problems, warnings, counts


def _load(text: str) -> dict[str, Any]:
    from services.mongo.record import load_spec

    return load_spec(text)


def drop_asides(session: Session, job: str) -> list[str]:
    """Drops every copy of a job that never went live; gives what could not be dropped."""
    return drop_copies(session.database, job)
