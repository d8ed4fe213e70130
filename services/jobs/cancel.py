"""Asking a running job to stop: a signal to exactly its process, and its answer from the journal."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import msgspec

from services.errors import QuillkeepError, Refused, UsageProblem
from services.jobs.events import CancelRequested, Finished
from services.jobs.host import this_host
from services.jobs.journal import can_see, process_of, read_events
from services.jobs.launch import read_started
from services.jobs.process import is_alive
from services.paths import Paths

ANSWER_SECONDS = 5.0


class CancelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the job said; `accepted` is None when it did not answer in time, or ended meanwhile."""

    job: str
    accepted: bool | None
    answer: str


def job_folder(paths: Paths, job: str) -> Path:
    """The folder of a job. Errors: `UsageProblem` for an id nobody knows, `Refused` without permission."""
    folder = paths.jobs / job
    if not job or "/" in job or job in (".", "..") or not folder.is_dir():
        raise UsageProblem(f"There is no job {job}.", next="`quillkeep jobs` lists them.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise Refused(
            f"No permission to read job {job}.", next=f"Run as the user who owns {folder}, or as root."
        )
    return folder


def cancel_job(
    paths: Paths, job: str, *, number: signal.Signals = signal.SIGTERM, wait: float = ANSWER_SECONDS
) -> CancelAnswer:
    """Sends a job SIGTERM (or SIGINT) and waits for its answer.

    Errors: `UsageProblem` for an unknown id; `Refused` when it ended already, runs on another host, or
    belongs to another user.
    """
    folder = job_folder(paths, job)
    started = read_started(folder)
    if started is None:
        raise Refused(f"Job {job} has not begun.", next="Look again with `quillkeep jobs`.")
    if not can_see(started, this_host()):
        raise Refused(
            f"Job {job} runs on {started.host}, not here.", next=f"Run `quillkeep jobs cancel {job}` there."
        )
    before = _answers(folder)
    process = process_of(started)
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        raise _ended(job) from None
    try:
        if not is_alive(process):
            raise _ended(job)
        signal.pidfd_send_signal(handle, number)
    except PermissionError:
        raise Refused(
            f"Job {job} belongs to {started.user}, and only that user or root may cancel it.",
            next=f"`sudo -u {started.user} quillkeep jobs cancel {job}`",
        ) from None
    except ProcessLookupError:
        raise _ended(job) from None
    finally:
        os.close(handle)
    return _answer(folder, job, before, wait)


def _answer(folder: Path, job: str, before: int, wait: float) -> CancelAnswer:
    deadline = time.monotonic() + wait
    while True:
        events = read_events(folder)
        asked = [event for event in events if isinstance(event, CancelRequested)]
        if len(asked) > before:
            return CancelAnswer(job=job, accepted=asked[-1].accepted, answer=asked[-1].answer)
        if any(isinstance(event, Finished) for event in events):
            return CancelAnswer(job=job, accepted=None, answer="It ended meanwhile.")
        if time.monotonic() > deadline:
            text = f"It has not answered yet; `quillkeep jobs follow {job}` shows what it does."
            return CancelAnswer(job=job, accepted=None, answer=text)
        time.sleep(0.05)


def _answers(folder: Path) -> int:
    return sum(isinstance(event, CancelRequested) for event in read_events(folder))


def _ended(job: str) -> QuillkeepError:
    return Refused(
        f"Job {job} does not run any more.", next=f"`quillkeep jobs follow {job}` shows how it ended."
    )
