"""Reads the journals of the state folder as operations; a journal that did not change is not read again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from services.errors import QuillkeepError
from services.history.model import History, Operation, PhaseSpan
from services.history.outcome import outcome_of
from services.history.story import PhaseTold, Story
from services.history.words import clean
from services.jobs.host import HostIdentity, this_host
from services.jobs.journal import JOURNAL, decode_line
from services.jobs.listing import only_looks, summarize
from services.paths import Paths

WHOLE_BYTES = 32 << 20
"""A larger journal is read at its head and tail only."""
END_BYTES = 1 << 20
PROGRESS = b'{"event":"progress"'
INFO = b'"level":"info"'
LOG = b'{"event":"log"'
"""How the journal's own encoder begins such lines; others are decoded whatever they are."""
LOADING = "loading aside"
"""The phase of a restore that measures the documents it loads."""
PAUSE_EVERY = 25
"""Journals after which other threads get their turn."""

Known = dict[str, tuple[tuple[int, int], Operation]]
"""Operations that ended, by id, with their journal's mtime (ns) and size."""


def read_history(paths: Paths, known: Known | None = None) -> History:
    """Every operation, newest first; none when there is no state folder yet. Blocks: reads every new journal.

    `known` is read and filled. What a journal holds never raises: torn lines and kinds this version does not
    know are left out. Errors: `QuillkeepError` when the folder of all jobs may not be read.
    """
    known = {} if known is None else known
    try:
        names = [entry.name for entry in os.scandir(paths.jobs) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return History()
    except OSError as error:
        raise QuillkeepError(
            f"No permission to read the jobs in {paths.jobs}.",
            cause=f"{os.strerror(error.errno or 0)}.",
            next="Run as the user who owns that folder, or as root.",
        ) from error
    here = this_host()
    operations: list[Operation] = []
    forbidden: list[str] = []
    read = 0
    for name in sorted(names, reverse=True):
        folder = paths.jobs / name
        try:
            status = os.stat(folder / JOURNAL)
            mark = (status.st_mtime_ns, status.st_size)
            held = known.get(name)
            if held is not None and held[0] == mark:
                operations.append(held[1])
                continue
            found = read_operation(folder, here)
        except FileNotFoundError:
            found = _without_journal(folder, here)
        except OSError:
            forbidden.append(name)
            continue
        else:
            if found.exit_code is not None:
                known[name] = (mark, found)
        operations.append(found)
        read += 1
        if read % PAUSE_EVERY == 0:
            time.sleep(0)
    for gone in known.keys() - set(names):
        del known[gone]
    return History(operations=tuple(operations), forbidden=tuple(forbidden))


def read_operation(folder: Path, here: HostIdentity | None = None, *, whole: int = WHOLE_BYTES) -> Operation:
    """One job's journal as an operation; one of more than `whole` bytes is read at its ends (1 MiB each).

    Errors: `OSError` when it cannot be read.
    """
    size = os.stat(folder / JOURNAL).st_size
    with open(folder / JOURNAL, "rb") as stream:
        if size <= whole:
            story = _story(stream)
        else:
            head = stream.read(END_BYTES).splitlines()[:-1]
            stream.seek(size - END_BYTES)
            story = _story([*head, *stream.read().splitlines()[1:]])
    return operation_of(folder, story, here, partial=size > whole)


def operation_of(
    folder: Path, story: Story, here: HostIdentity | None = None, *, partial: bool = False
) -> Operation:
    """What a story tells; of one without a result its summary says whether it runs or was lost."""
    started, finished = story.started, story.finished
    if started is None:
        return _without_journal(folder, here or this_host())
    base = Operation(
        id=started.job,
        verb=started.verb,
        state=story.state,
        started=started.at,
        user=started.user,
        host=started.host,
        profile=started.profile,
        version=started.version,
        asked=asked_of(started.plan),
        partial=partial,
        only_looked=only_looks(started.verb, started.plan),
    )
    if finished is None:
        summary = summarize(folder, here or this_host())
        if summary.state == "lost":
            story.end()
        return replace(
            base,
            state=summary.state,
            finished=summary.finished,
            changed=clean(summary.summary),
            seconds=story.seconds() if summary.state == "lost" else None,
            phases=_spans(story.phases),
            way_on=summary.way_on,
            warnings=tuple(line.text for line in story.warnings),
        )
    outcome = outcome_of(started.verb, started.job, finished.result)
    seconds = story.seconds()
    moved = (outcome.bytes or 0) + _loaded(story)
    return replace(
        base,
        finished=finished.at,
        seconds=seconds,
        changed=outcome.changed,
        documents=outcome.documents,
        bytes=moved or outcome.bytes,
        rate=moved / seconds if moved and seconds else None,
        exit_code=finished.exit_code,
        phases=_spans(story.phases),
        facts=outcome.facts,
        warnings=outcome.warnings,
        error=outcome.error,
        way_on=outcome.way_on,
    )


def asked_of(plan: Mapping[str, Any]) -> str:
    """What a plan says beside its defaults, in words: `only database, allow writers`."""
    words: list[str] = []
    for key, value in plan.items():
        if isinstance(value, Mapping):
            inner = asked_of(value)
            words += [inner] if inner else []
        elif value in (None, False, "", "backup") or value == [] or key == "fingerprint":
            continue
        elif value is True:
            words.append(key.replace("_", " "))
        elif isinstance(value, list | tuple):
            words.append(f"{key.replace('_', ' ')} {', '.join(str(item) for item in value)}")
        else:
            words.append(f"{key.replace('_', ' ')} {value}")
    return clean(", ".join(words))


def _loaded(story: Story) -> int:
    """The bytes a restore loaded; its result does not say."""
    return max((phase.done or 0 for phase in story.phases if phase.key == LOADING), default=0)


def _story(lines: Iterable[bytes]) -> Story:
    """Phases, marks and the result; of progress only what was measured last in each phase."""
    story = Story()
    for line in _telling(lines):
        event = decode_line(line)
        if event is not None:
            story.add(event)
    return story


def _telling(lines: Iterable[bytes]) -> Iterator[bytes]:
    held: bytes | None = None
    for line in lines:
        if line.startswith(PROGRESS):
            held = line
            continue
        if line.startswith(LOG) and INFO in line:
            continue
        if held is not None:
            yield held
            held = None
        yield line
    if held is not None:
        yield held


def _spans(phases: list[PhaseTold]) -> tuple[PhaseSpan, ...]:
    return tuple(
        PhaseSpan(
            name=phase.name,
            began=phase.began,
            seconds=phase.seconds(),
            detail=phase.detail,
            done=phase.done,
            total=phase.total,
            unit=phase.unit,
        )
        for phase in phases
    )


def _without_journal(folder: Path, here: HostIdentity) -> Operation:
    summary = summarize(folder, here)
    return Operation(
        id=summary.id,
        verb=summary.verb,
        state=summary.state,
        started=summary.started,
        changed=clean(summary.summary),
        way_on=summary.way_on,
    )
