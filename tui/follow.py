"""Starts a job, shows it until it ends, and turns signals into a cancel of it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from services.errors import Cancelled, QuillkeepError, Refused, UsageProblem
from services.jobs.events import Finished, Log
from tui.output import show_failure
from tui.plan_names import READING, named_backups
from tui.progress import Narrator
from tui.session import Session

Present = Callable[[Session, dict[str, Any]], list[str]]
LEAVE = 2
"""The second signal leaves; the job goes on."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How following a job ended: `finished` is None when the follower left or the job was lost."""

    job: str
    finished: Finished | None
    signals: tuple[int, ...] = ()
    left: bool = False
    told: frozenset[str] = frozenset()
    """Sentences that were shown while it ran."""


def run_job(session: Session, verb: str, plan: msgspec.Struct, *, present: Present) -> int:
    """Runs the verb as a job, waits for it, prints its result and gives its exit code."""
    ended = follow_new_job(session, verb, plan)
    return report(session, ended, present=present)


def follow_new_job(session: Session, verb: str, plan: msgspec.Struct) -> Ended:
    """Starts a job and shows it until it ends."""
    from services.jobs.launch import start_job
    from tui.passphrase import ask_for_passphrase

    if verb in READING:
        ask_for_passphrase(session, *named_backups(plan))
    with watched_signals() as received:
        started = start_job(verb, plan, session.profile, session.paths)
        return _follow(session, started.job, started.folder, received, cancels=True)


def follow_job(session: Session, job: str, folder: Path) -> Ended:
    """Shows a job that somebody else started; a signal only leaves it."""
    with watched_signals() as received:
        return _follow(session, job, folder, received, cancels=False)


@contextlib.contextmanager
def watched_signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM instead of dying of them; SIGHUP keeps its default, which ends only us.

    It begins before the job does, so that no signal falls between the job's start and the first look at it.
    """
    received: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Left(Exception):
    """The person leaves; the job goes on."""


def _follow(session: Session, job: str, folder: Path, received: list[int], *, cancels: bool) -> Ended:
    from services.jobs.journal import follow_events
    from tui.output import print_json

    narrator = Narrator(session.output.err)
    as_lines = session.output.as_json and not cancels
    asked = False

    def idle() -> None:
        nonlocal asked
        if len(received) >= LEAVE or (received and not cancels):
            raise _Left
        if received and not asked:
            asked = True
            _ask_to_cancel(session, job, received[0], narrator)

    finished: Finished | None = None
    left = False
    told: set[str] = set()
    try:
        for event in follow_events(folder, idle=idle):
            if isinstance(event, Log):
                told.add(event.text)
            if as_lines:
                print_json(event)
            else:
                narrator.show(event)
            if isinstance(event, Finished):
                finished = event
    except _Left:
        left = True
    finally:
        narrator.close()
    return Ended(job=job, finished=finished, signals=tuple(received), left=left, told=frozenset(told))


def _ask_to_cancel(session: Session, job: str, number: int, narrator: Narrator) -> None:
    from services.jobs.cancel import cancel_job

    try:
        cancel_job(session.paths, job, number=signal.Signals(number), wait=0)
    except Refused as error:
        # It ended between the signal and now; its result follows.
        narrator.say(error.what)
        return
    narrator.say("Asked the job to stop. A second signal leaves it and lets it go on.")


def result_of(session: Session, verb: str, plan: msgspec.Struct) -> dict[str, Any]:
    """Runs a job that only looks, for its result; a failure of it is raised here."""
    ended = follow_new_job(session, verb, plan)
    if ended.left or ended.finished is None:
        raise Cancelled("Cancelled.", next=f"`quillkeep jobs follow {ended.job}` shows the job.")
    result = ended.finished.result
    error = result.get("error")
    if isinstance(error, Mapping):
        failure = _FAILURES.get(ended.finished.exit_code, QuillkeepError)
        raise failure(
            str(error.get("what", "")),
            cause=str(error.get("cause", "")),
            touched=str(error.get("touched", "")),
            next=str(error.get("next", "")),
        )
    return result


_FAILURES: dict[int, type[QuillkeepError]] = {2: UsageProblem, 4: Refused, 130: Cancelled, 143: Cancelled}


def report(session: Session, ended: Ended, *, present: Present) -> int:
    """The result on stdout, warnings and failures on stderr, and the exit code."""
    output = session.output
    if ended.left:
        output.say(f"Job {ended.job} goes on. Follow it: quillkeep jobs follow {ended.job}")
        output.document(
            {"status": "cancelled", "warnings": [f"left; job {ended.job} goes on"], "job": ended.job}
        )
        return 128 + ended.signals[0]
    if ended.finished is None:
        raise lost(session, ended.job)
    finished = ended.finished
    result = dict(finished.result)
    result.setdefault("status", finished.status)
    result.setdefault("warnings", [])
    output.document(result)
    error = result.get("error")
    if isinstance(error, Mapping):
        show_failure(*(str(error.get(key) or "") for key in ("what", "cause", "touched", "next")))
    else:
        output.lines(present(session, result))
    for warning in result["warnings"]:
        if warning not in ended.told:
            output.warn(str(warning))
    return finished.exit_code


def lost(session: Session, job: str) -> QuillkeepError:
    """What an admin reads of a job whose process is gone: what it left, and the commands that go on."""
    from services.jobs.listing import summarize

    summary = summarize(session.paths.jobs / job)
    return QuillkeepError(
        f"Job {job} ended without a result: its process is gone.",
        touched=summary.summary,
        next="; or ".join(f"`{command}`" for command in summary.way_on)
        or f"`quillkeep jobs follow {job}` shows its journal.",
    )
