"""The newest results of the jobs that look at the live data, from their journals."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from services.catalog.model import CheckStatus
from services.counted import counted
from services.jobs.events import AnyEvent, Finished, Started
from services.jobs.journal import JOURNAL, decode_line, read_events
from services.jobs.listing import summarize
from services.looking.integrity import LIVE_VERBS, LiveSeen, LiveVerb
from services.looking.integrity_findings import checks_of, findings_of, told_of
from services.paths import Paths
from services.profile import Profile

LIVE = "live"
HEAD_BYTES = 64 << 10
"""A journal's first line is looked for in so much of it."""
REPLACES = frozenset({"restore", "finish", "rollback"})
"""Verbs that put other documents in place."""
MAX_JOURNALS = 5_000
"""Newest journals whose first line is read: months of nights."""
MAX_FINDINGS = 200
MAX_LINE = 500
"""Characters of one sentence beside the findings."""
_WORST = {"fail": 0, "unknown": 1, "warn": 2}
_STATUSES = frozenset({"ok", "warn", "fail", "skipped", "unknown"})


def newest_live(profile: Profile, paths: Paths) -> tuple[tuple[LiveSeen, ...], str]:
    """The newest verdict of each verb about this profile's live data, and why the jobs could not be read.

    A newer job that came to no verdict (failed, refused, cancelled, lost) is told beside it. Journals of
    this state folder only: those of other hosts and users are not known here.
    """
    found = _Found()
    forbidden = 0
    try:
        names = [entry.name for entry in os.scandir(paths.jobs) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        names = []
    except OSError as error:
        problem = f"No permission to read the jobs in {paths.jobs}: {os.strerror(error.errno or 0)}."
        return found.all(), problem
    for name in sorted(names, reverse=True)[:MAX_JOURNALS]:
        try:
            started = _started(paths.jobs / name)
            if started is not None and started.profile == profile.name:
                found.add(started, paths.jobs / name)
        except PermissionError:
            forbidden += 1
        except OSError:
            # Removed while it was looked at: it is no job of this list any more.
            continue
        if found.complete:
            break
    problem = f"{counted(forbidden, 'jobs')} could not be read: no permission." if forbidden else ""
    return found.all(), problem


class _Found:
    """What the journals told so far; they come the newest first."""

    def __init__(self) -> None:
        self._held: dict[LiveVerb, LiveSeen] = {}
        self._tried: dict[LiveVerb, LiveSeen] = {}
        self._parts: list[str] = []
        self._replaced: datetime | None = None
        self._documents: datetime | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing older can matter."""
        return len(self._held) == len(LIVE_VERBS)

    def add(self, started: Started, folder: Path) -> None:
        """One journal. Errors: `OSError`."""
        if started.verb in REPLACES and self._documents is None:
            finished = _finished(read_events(folder))
            if finished is not None and finished.status in ("ok", "warnings"):
                self._replaced = self._replaced or finished.at
                # A restore of the objects alone leaves every document as it was looked at.
                if finished.result.get("collections") != {}:
                    self._documents = finished.at
        verb = _live_verb(started)
        if verb is None or verb in self._held:
            return
        seen = _seen(verb, started, read_events(folder))
        if seen is None and summarize(folder).state == "lost":
            lost = "lost: its process is gone, without a result"
            seen = LiveSeen(verb=verb, tried_at=started.at, tried=lost)
        if seen is None:
            return
        if seen.at is None:
            self._tried.setdefault(verb, seen)
        elif started.plan.get("collections"):
            # A look at some collections says nothing of the others: it is told, and never the verdict.
            some = counted(len(started.plan["collections"]), "collections")
            self._parts.append(f"A newer look at {some} alone ended {seen.status} ({started.job}).")
        else:
            since = self._replaced if verb == "pairs" else self._documents
            self._held[verb] = msgspec.structs.replace(
                seen, replaced_at=since if since and since > started.at else None
            )

    def all(self) -> tuple[LiveSeen, ...]:
        """One of each verb."""
        found = []
        for verb in LIVE_VERBS:
            seen, newer = self._held.get(verb) or LiveSeen(verb=verb), self._tried.get(verb)
            if newer is not None:
                seen = msgspec.structs.replace(seen, tried_at=newer.tried_at, tried=newer.tried)
            if verb == "validate" and self._parts:
                seen = msgspec.structs.replace(seen, told=(*self._parts[:MAX_FINDINGS], *seen.told))
            found.append(seen)
        return tuple(found)


def _started(folder: Path) -> Started | None:
    with open(folder / JOURNAL, "rb", buffering=0) as stream:
        head = stream.read(HEAD_BYTES)
    event = decode_line(head.partition(b"\n")[0])
    return event if isinstance(event, Started) else None


def _live_verb(started: Started) -> LiveVerb | None:
    """The verb of a job that looked at the live data, None for any other job."""
    plan = started.plan
    for verb in LIVE_VERBS:
        if started.verb == verb:
            subject = plan.get("rows", LIVE) if verb == "pairs" else plan.get("target", LIVE)
            other = plan.get("objects", "") if verb == "pairs" else ""
            return verb if subject == LIVE and other in ("", LIVE) else None
    return None


def _seen(verb: LiveVerb, started: Started, events: Sequence[AnyEvent]) -> LiveSeen | None:
    """What a job came to, None without a result."""
    finished = _finished(events)
    if finished is None:
        return None
    result = finished.result
    error = result.get("error")
    if isinstance(error, dict) or finished.status not in _STATUSES:
        words = [str(error.get(key)) for key in ("what", "cause", "next") if error.get(key)] if error else []
        return LiveSeen(
            verb=verb, tried_at=finished.at, tried=f"{finished.status}: {' '.join(words)}".rstrip(": ")
        )
    findings = sorted(findings_of(result), key=lambda one: _WORST.get(one.status, 0))
    status: CheckStatus = msgspec.convert(finished.status, CheckStatus)
    return LiveSeen(
        verb=verb,
        status=status,
        at=finished.at,
        job=started.job,
        depth=str(started.plan.get("depth") or ("full" if started.plan.get("full") else "")),
        summary=str(result.get("summary") or ""),
        warnings=tuple(str(one) for one in (result.get("warnings") or ())[:MAX_FINDINGS]),
        findings=tuple(findings[:MAX_FINDINGS]),
        more_findings=max(0, len(findings) - MAX_FINDINGS),
        told=tuple(line[:MAX_LINE] for line in told_of(result)[:MAX_FINDINGS]),
        checks=checks_of(result, finished.at, started.job),
    )


def _finished(events: Sequence[AnyEvent]) -> Finished | None:
    return next((event for event in reversed(events) if isinstance(event, Finished)), None)
