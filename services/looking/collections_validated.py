"""Finds in the journals what validations and pair checks of the live data found last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from services.findings import Finding
from services.jobs.events import Finished, Started
from services.jobs.journal import JOURNAL, decode_line
from services.looking.collections_held import PairsSeen, Validation
from services.pairs.model import LIVE, PairsResult
from services.paths import Paths
from services.profile import Profile
from services.validating.model import ValidateResult

MOST_JOURNALS = 5_000
"""Journals whose first line is read; ids are times, so these are the newest."""
MOST_VALIDATIONS = 60
HEAD_BYTES, LONG_HEAD_BYTES = 1 << 13, 1 << 20
TAIL_BYTES = 1 << 16
REPLACES = frozenset({"restore", "finish", "rollback"})
"""Verbs that put other documents in place."""
CONCLUSIVE = frozenset({"ok", "warn", "fail"})


class Replaced(NamedTuple):
    """When a restore or rollback ended, and which collections it put in place; None where it did not say."""

    at: datetime
    names: frozenset[str] | None

    def touched(self, started: datetime, name: str = "") -> bool:
        """Whether what was looked at since `started` is no longer what is live; of no name, anything at all."""
        return started < self.at and (not name or self.names is None or name in self.names)

    @property
    def documents(self) -> bool:
        """Whether any were put in place; a restore of the objects alone leaves them as they were."""
        return self.names is None or bool(self.names)


Seen = tuple[dict[str, Validation], tuple[Finding, ...], PairsSeen | None, tuple[str, ...]]


def validated(profile: Profile, paths: Paths) -> Seen:
    """(verdict by collection, findings between collections, the newest pair check, what could not be read)."""
    runs: list[tuple[Started, Finished, ValidateResult]] = []
    pairs: tuple[Started, Finished, PairsResult] | None = None
    replaced: list[Replaced] = []
    names: list[str] = []
    problems: list[str] = []
    database = profile.mongo.database if profile.mongo else ""
    try:
        names = sorted((entry.name for entry in os.scandir(paths.jobs)), reverse=True)[:MOST_JOURNALS]
    except FileNotFoundError:
        pass
    except OSError as error:
        problems.append(
            f"No permission to read the jobs in {paths.jobs} ({os.strerror(error.errno or 0)}): "
            "what was validated is not known."
        )
    for started, journal in _started(paths.jobs, names):
        if started.profile != profile.name:
            continue
        if started.verb in REPLACES:
            finished = last_line(journal)
            if finished is not None and finished.status in ("ok", "warnings"):
                named = finished.result.get("collections")
                replaced.append(Replaced(finished.at, frozenset(named) if isinstance(named, dict) else None))
        elif started.verb == "validate" and len(runs) < MOST_VALIDATIONS:
            finished = last_line(journal)
            result = _as(finished, ValidateResult)
            if finished is not None and result is not None and result.database in ("", database):
                runs.append((started, finished, result))
        elif started.verb == "pairs" and pairs is None:
            finished = last_line(journal)
            found = _as(finished, PairsResult)
            if finished is not None and found is not None and found.rows_of == LIVE == found.objects_of:
                pairs = (started, finished, found)
    return (
        _verdicts(runs, replaced),
        _references(runs, replaced),
        _pairs_seen(pairs, replaced),
        tuple(problems),
    )


def _started(jobs: Path, names: list[str]) -> Iterator[tuple[Started, Path]]:
    for name in names:
        journal = jobs / name / JOURNAL
        try:
            with open(journal, "rb", buffering=0) as stream:
                head = stream.read(HEAD_BYTES)
                if b"\n" not in head and len(head) == HEAD_BYTES:
                    head += stream.read(LONG_HEAD_BYTES)
        except OSError:
            # Another user's job, or one just begun: the list of jobs says so.
            continue
        event = decode_line(head.partition(b"\n")[0])
        if isinstance(event, Started):
            yield event, journal


def last_line(journal: Path) -> Finished | None:
    """How a job ended, None while it has not; a result may be long, so its line is searched for from the end."""
    try:
        with open(journal, "rb", buffering=0) as stream:
            size = os.fstat(stream.fileno()).st_size
            length = TAIL_BYTES
            while True:
                start = max(0, size - length)
                data = os.pread(stream.fileno(), size - start, start).rstrip(b"\n")
                _, found, line = data.rpartition(b"\n")
                if found or start == 0:
                    event = decode_line(line if found else data)
                    return event if isinstance(event, Finished) else None
                length *= 4
    except OSError:
        return None


def _as(finished: Finished | None, kind: type[Any]) -> Any:
    """A job's document by its type; None for an error, or a document of another version."""
    if finished is None or "error" in finished.result:
        return None
    try:
        return msgspec.convert(finished.result, kind)
    except msgspec.ValidationError:
        return None


def _verdicts(
    runs: list[tuple[Started, Finished, ValidateResult]], replaced: list[Replaced]
) -> dict[str, Validation]:
    """Newest first: a later quick run that found nothing does not replace an older full one."""
    found: dict[str, Validation] = {}
    for started, finished, result in runs:
        for seen in result.collections:
            one = Validation(
                job=started.job,
                at=finished.at,
                full=result.full,
                seen=seen,
                backup=result.backup,
                replaced=any(one.touched(started.at, seen.name) for one in replaced),
            )
            held = found.get(seen.name)
            if held is None or _counts_more(one, held):
                found[seen.name] = one
    return found


def _counts_more(older: Validation, newer: Validation) -> bool:
    """Whether the older run is the verdict: deeper, conclusive, of the same data, and the newer one found less."""
    if older.replaced != newer.replaced or older.seen.status not in CONCLUSIVE:
        return False
    if newer.seen.status not in CONCLUSIVE:
        return True
    return older.full and not newer.full and newer.seen.status != "fail" and older.seen.status == "fail"


def _references(
    runs: list[tuple[Started, Finished, ValidateResult]], replaced: list[Replaced]
) -> tuple[Finding, ...]:
    """Of the newest run over every collection; none of data that was replaced since."""
    for started, _, result in runs:
        if started.plan.get("collections"):
            continue
        return () if any(one.documents and one.touched(started.at) for one in replaced) else result.references
    return ()


def _pairs_seen(
    pairs: tuple[Started, Finished, PairsResult] | None, replaced: list[Replaced]
) -> PairsSeen | None:
    if pairs is None:
        return None
    started, finished, result = pairs
    return PairsSeen(
        job=started.job,
        at=finished.at,
        status=result.status,
        depth=result.depth,
        summary=result.summary,
        findings=result.findings,
        replaced=any(one.touched(started.at) for one in replaced),
    )
