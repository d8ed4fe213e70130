"""Which jobs there are and how each stands, from the heads and tails of their journals."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from services.errors import QuillkeepError
from services.jobs.events import (
    LOST,
    AnyEvent,
    CancelRequested,
    Checkpoint,
    Finished,
    Log,
    PhaseStarted,
    Progress,
    Started,
)
from services.jobs.host import HostIdentity, this_host
from services.jobs.journal import (
    JOURNAL,
    SILENT_SECONDS,
    can_see,
    decode_line,
    decode_lines,
    process_of,
    read_events,
)
from services.jobs.launch import ID_FORMAT
from services.jobs.process import is_alive
from services.jobs.way_on import remains_of
from services.operations.result import job_state
from services.paths import Paths

State = Literal[
    "running",
    "cancelling",
    "succeeded",
    "warnings",
    "failed",
    "refused",
    "cancelled",
    "lost",
    "no permission",
]
HEAD_BYTES = 8_192
TAIL_BYTES = 8_192
STARTING_SECONDS = 30.0


LIVE = "live"


class JobSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One job: `progress` is 0..1 of the phase where its total is known; `way_on` are the next commands."""

    id: str
    verb: str
    state: State
    started: datetime | None
    finished: datetime | None = None
    summary: str = ""
    profile: str | None = None
    phase: str = ""
    progress: float | None = None
    exit_code: int | None = None
    user: str = ""
    host: str = ""
    way_on: tuple[str, ...] = ()
    app_stopped: bool = False
    """A lost job that had stopped the application, by its journal; whether it runs now is not known here."""
    only_looked: bool = False
    """A plan or a dry run, which changed nothing."""
    checked_live: bool = False
    """A check of all live data that came to a verdict: `exit_code` 1 says that something is broken."""


Known = dict[str, tuple[tuple[int, int], JobSummary]]
"""Summaries of jobs that ended, by id, with their journal's mtime (ns) and size: what a caller that looks again
and again hands back, so that only journals that changed are read."""


def only_looks(verb: str, plan: Mapping[str, Any]) -> bool:
    """Whether a job of this verb and plan changes nothing, and is asked before one that does."""
    return verb in ("plan", "rollback-plan") or plan.get("dry_run") is True


def checks_live(verb: str, plan: Mapping[str, Any]) -> bool:
    """Whether a job of this verb and plan looks at all that is live, not at a backup or a part."""
    if verb == "validate":
        return not plan.get("collections")
    if verb == "pairs":
        return plan.get("rows", LIVE) == LIVE and plan.get("objects", "") in ("", LIVE)
    return verb == "pepper-check" and plan.get("target", LIVE) == LIVE and not plan.get("candidates")


def list_jobs(paths: Paths, known: Known | None = None) -> list[JobSummary]:
    """All jobs of this state folder, newest first; none when there is no such folder yet.

    A job this user may not read is listed as `no permission`. `known` is read and filled. Errors:
    `QuillkeepError` when that holds for the folder of all jobs.
    """
    try:
        names = [entry.name for entry in os.scandir(paths.jobs) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise QuillkeepError(
            f"No permission to read the jobs in {paths.jobs}.",
            cause=f"{os.strerror(error.errno or 0)}.",
            next="Run as the user who owns that folder, or as root.",
        ) from error
    here = this_host()
    ordered = sorted(names, reverse=True)
    if known is None:
        return [summarize(paths.jobs / name, here) for name in ordered]
    for gone in known.keys() - set(names):
        del known[gone]
    return [_known_or_read(paths.jobs / name, here, known) for name in ordered]


def _known_or_read(folder: Path, here: HostIdentity, known: Known) -> JobSummary:
    try:
        status = os.stat(folder / JOURNAL)
    except OSError:
        return summarize(folder, here)
    mark = (status.st_mtime_ns, status.st_size)
    held = known.get(folder.name)
    if held is not None and held[0] == mark:
        return held[1]
    found = summarize(folder, here)
    if found.exit_code is not None:
        known[folder.name] = (mark, found)
    return found


def summarize(folder: Path, here: HostIdentity | None = None) -> JobSummary:
    """How one job stands; never raises for what its journal holds."""
    try:
        head, tail, changed = _ends(folder)
    except FileNotFoundError:
        return _without_journal(folder)
    except OSError:
        return JobSummary(
            id=folder.name, verb="", state="no permission", started=None, summary="No permission to read it."
        )
    started = decode_line(head)
    if not isinstance(started, Started):
        return _without_journal(folder)
    finished = next((event for event in reversed(tail) if isinstance(event, Finished)), None)
    if finished is not None:
        return _ended(started, finished)
    if _runs(started, here or this_host(), changed):
        return _running(started, tail)
    return _lost(folder, started)


def _ended(started: Started, finished: Finished) -> JobSummary:
    error = finished.result.get("error")
    state = job_state(finished.status)
    following = error.get("next", "") if isinstance(error, dict) else ""
    return JobSummary(
        id=started.job,
        verb=started.verb,
        state=state,
        started=started.at,
        finished=finished.at,
        summary=_dry_words(started, finished.result) or _result_in_words(finished.result, state),
        profile=started.profile,
        exit_code=finished.exit_code,
        only_looked=only_looks(started.verb, started.plan),
        user=started.user,
        host=started.host,
        way_on=(str(following),) if following else (),
        checked_live=not isinstance(error, dict) and checks_live(started.verb, started.plan),
    )


def _dry_words(started: Started, result: Mapping[str, Any]) -> str:
    """What a dry run would have done; empty for what was no dry run, or failed."""
    plan = started.plan
    if plan.get("dry_run") is not True or isinstance(result.get("error"), Mapping):
        return ""
    subject = str(result.get("id") or plan.get("backup") or plan.get("job") or "")
    what = f"the copies of {subject}" if started.verb == "release" else subject
    return f"dry run: would {started.verb} {what}".rstrip()


def _result_in_words(result: dict[str, Any], state: str) -> str:
    error = result.get("error")
    if isinstance(error, dict):
        return " ".join(str(error[key]) for key in ("what", "touched") if error.get(key))
    given = result.get("summary") or result.get("id")
    warnings = result.get("warnings")
    if isinstance(warnings, list) and warnings:
        return f"{given}: {warnings[0]}" if given else str(warnings[0])
    return str(given or state)


def _running(started: Started, tail: list[AnyEvent]) -> JobSummary:
    phase, fraction, detail = "", None, ""
    cancelling = False
    for event in tail:
        if isinstance(event, PhaseStarted):
            phase, detail, fraction = event.phase, event.detail, None
        elif isinstance(event, Progress):
            phase, detail = event.phase, event.detail or detail
            fraction = min(1.0, event.done / event.total) if event.total else None
        elif isinstance(event, Log) and not phase:
            detail = event.text
        elif isinstance(event, CancelRequested):
            cancelling = cancelling or event.accepted
    return JobSummary(
        id=started.job,
        verb=started.verb,
        state="cancelling" if cancelling else "running",
        started=started.at,
        summary=detail,
        profile=started.profile,
        phase=phase,
        progress=fraction,
        only_looked=only_looks(started.verb, started.plan),
        user=started.user,
        host=started.host,
    )


def _lost(folder: Path, started: Started) -> JobSummary:
    events = read_events(folder)
    remains = remains_of(events)
    told = next((e for e in reversed(events) if isinstance(e, Checkpoint) and e.name == LOST), None)
    phase = next((e.phase for e in reversed(events) if isinstance(e, PhaseStarted)), "")
    return JobSummary(
        id=started.job,
        verb=started.verb,
        state="lost",
        started=started.at,
        finished=told.at if told else None,
        summary=str(told.data.get("left", remains.left)) if told else remains.left,
        profile=started.profile,
        phase=phase,
        only_looked=only_looks(started.verb, started.plan),
        user=started.user,
        host=started.host,
        way_on=remains.way_on,
        app_stopped=remains.app_to_start,
    )


def _without_journal(folder: Path) -> JobSummary:
    """Just made, or its process never came up; the id is the time."""
    try:
        started = datetime.strptime(folder.name, ID_FORMAT).replace(tzinfo=UTC)
        young = time.time() - folder.stat().st_mtime < STARTING_SECONDS
    except (ValueError, OSError):
        started, young = None, False
    return JobSummary(
        id=folder.name,
        verb="",
        state="running" if young else "lost",
        started=started,
        summary="Starting." if young else f"It never began: see its log in {folder}.",
    )


def _runs(started: Started, here: HostIdentity, changed: float) -> bool:
    if can_see(started, here):
        return is_alive(process_of(started))
    return time.time() - changed < SILENT_SECONDS


def _ends(folder: Path) -> tuple[bytes, list[AnyEvent], float]:
    """A journal's first line, its last events, and when it was last written."""
    with open(folder / JOURNAL, "rb", buffering=0) as stream:
        status = os.fstat(stream.fileno())
        head = stream.read(HEAD_BYTES)
        while b"\n" not in head and len(head) < status.st_size:
            more = stream.read(HEAD_BYTES)
            if not more:
                break
            head += more
        if len(head) >= status.st_size:
            return head.partition(b"\n")[0], list(decode_lines(head.splitlines())), status.st_mtime
        length = TAIL_BYTES
        while True:
            start = max(0, status.st_size - length)
            data = os.pread(stream.fileno(), status.st_size - start, start)
            lines = data.splitlines()
            whole = lines if start == 0 else lines[1:]
            if whole or start == 0:
                return head.partition(b"\n")[0], list(decode_lines(whole)), status.st_mtime
            length *= 4
