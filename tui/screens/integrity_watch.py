"""The jobs that check something, followed while their screen is in front: what each is about, and how far it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from textual.events import ScreenSuspend

from services.jobs.events import AnyEvent, Finished, Log, PhaseStarted, Progress, Started
from services.looking.integrity import LIVE_VERBS
from tui.bridge import Follower, JobNews
from tui.screens.archive_actions import RESCAN_AFTER, ended_words
from tui.screens.base import ConsoleScreen
from tui.store import Problem

CHECKING = ("verify", *LIVE_VERBS)
LIVE = "live"
CHANGES = frozenset({*RESCAN_AFTER, *LIVE_VERBS})
"""Jobs whose end may have changed what is known of integrity."""
SAID_KEPT = 500
LOOK_SECONDS = 5.0
"""How often a verify of several is followed by a look at what it noted."""
_RESULT = re.compile(r"([a-z][a-z0-9 -]{0,40}): (ok|warn|fail|skipped|unknown): (.*)", re.DOTALL)
_OF_SEVERAL = re.compile(r"(.*) in .* \(([\d,]+ of [\d,]+)\)", re.DOTALL)
_LEVELS = {"error": "fail", "warning": "warn"}
_PROBLEM = ("what", "cause", "touched", "next")


class Said(NamedTuple):
    """A result, or a warning, as the journal told it while the job ran; `subject` is what it is about."""

    status: str
    name: str
    detail: str
    subject: str


class Watch:
    """One running job as its journal tells it."""

    def __init__(self, job: str, verb: str = "") -> None:
        self.job = job
        self.verb = verb
        self.plan: Mapping[str, Any] = {}
        self.subject = ""
        """The backup's id that it looks at now, `live`, or empty before it says."""
        self.phase = ""
        self.turn = ""
        """Of a verify of several: `3 of 12`."""
        self.share: float | None = None
        self.said: list[Said] = []
        self.finished: Finished | None = None

    def add(self, event: AnyEvent) -> None:
        """The next line."""
        if isinstance(event, Started):
            self.verb, self.plan = event.verb, event.plan
            if self.verb in LIVE_VERBS and about_live(self.verb, event.plan):
                self.subject = LIVE
            elif self.verb in LIVE_VERBS:
                named = (event.plan.get(key) for key in ("rows", "target", "objects"))
                self.subject = next((str(one) for one in named if one and one != LIVE), "")
        elif isinstance(event, PhaseStarted):
            self.phase, self.share = event.phase, None
            if self.verb == "verify" and event.detail:
                several = _OF_SEVERAL.fullmatch(event.detail)
                self.subject = several[1] if several else event.detail
                self.turn = several[2] if several else ""
        elif isinstance(event, Progress):
            self.share = min(1.0, event.done / event.total) if event.total else None
        elif isinstance(event, Log):
            self._hear(event)
        elif isinstance(event, Finished):
            self.finished = event

    def _hear(self, event: Log) -> None:
        result = _RESULT.fullmatch(event.text)
        if result is not None:
            said = Said(result[2], result[1], result[3], self.subject)
        elif event.level in _LEVELS:
            said = Said(_LEVELS[event.level], "", event.text, self.subject)
        else:
            return
        self.said = [*self.said[-SAID_KEPT:], said]

    @property
    def words(self) -> str:
        """What runs, and its share where that is known: never the whole of it while it runs."""
        part = f" {min(0.99, self.share):.0%}" if self.share is not None else ""
        return f"{self.verb}{part}"


def about_live(verb: str, plan: Mapping[str, Any]) -> bool:
    """Whether a job of this verb and plan looks at the live data."""
    if verb == "pairs":
        return plan.get("rows", LIVE) == LIVE and plan.get("objects", "") in ("", LIVE)
    return verb == "validate" or plan.get("target", LIVE) == LIVE


class Begun:
    """The jobs that the screens of Integrity began, by id with folder and verb, and those whose end was shown."""

    def __init__(self) -> None:
        self.jobs: dict[str, tuple[Path, str]] = {}
        self.over: set[str] = set()


class Watching(ConsoleScreen):
    """A screen that follows every checking job of its profile; leaving it leaves the jobs."""

    def __init__(self, begun: Begun | None = None) -> None:
        super().__init__()
        self.begun = begun or Begun()
        self.watches: dict[str, Watch] = {}
        self._followers: dict[str, Follower] = {}
        self._ended: frozenset[str] | None = None
        self._heard: set[str] = set()
        """Jobs whose end this screen has looked after already; another one's follower may have told it first."""

    def rescan(self) -> None:
        """Looks again at what a job may have changed."""
        raise NotImplementedError

    def progressed(self) -> None:
        """What runs has gone on."""

    async def begin(self, verb: str, plan: msgspec.Struct) -> bool:
        """Starts a job and follows it; what forbids it is shown, and False given."""
        started = await self.console.begin_job(verb, plan)
        if started is None:
            return False
        self.begun.jobs[started.job] = (started.folder, verb)
        self._follow(started.job, started.folder, verb)
        return True

    def watch_jobs(self) -> None:
        """Follows what runs, and looks again when something ended that may have changed what is shown."""
        store = self.console.store
        for name, (folder, verb) in [*self.begun.jobs.items()]:
            self._follow(name, folder, verb)
        for job in store.running:
            if job.verb in CHECKING and job.profile == store.profile.name:
                self._follow(job.id, store.backend.paths.jobs / job.id, job.verb)
        now = frozenset(
            job.id
            for job in store.jobs.value or ()
            if job.verb in CHANGES and job.state not in ("running", "cancelling")
        )
        before, self._ended = self._ended, now
        if before is not None and now - before - self._heard:
            self.rescan()

    def _follow(self, job: str, folder: Path, verb: str) -> None:
        if job in self._followers or job in self.begun.over or not self.is_current:
            return
        self.watches.setdefault(job, Watch(job, verb))
        self._followers[job] = Follower(self.console.store.backend, self, job, folder)

    def on_screen_suspend(self, event: ScreenSuspend) -> None:
        """Nobody sees what they tell."""
        self._unfollow()

    def on_unmount(self) -> None:
        """The jobs go on."""
        self._unfollow()

    def _unfollow(self) -> None:
        for follower in self._followers.values():
            follower.close()
        self._followers.clear()
        self.watches.clear()

    def on_job_news(self, news: JobNews) -> None:
        """What a journal says since the last time, four times a second at most."""
        watch = self.watches.get(news.job)
        if watch is None:
            return
        before = watch.subject
        for event in news.events:
            watch.add(event)
        if before not in ("", watch.subject) and not news.ended:
            self._look_sometimes()
        if news.ended:
            mine, told = news.job in self.begun.jobs, news.job in self.begun.over
            del self.watches[news.job]
            self._followers.pop(news.job, None)
            self.begun.over.add(news.job)
            self._heard.add(news.job)
            self.begun.jobs.pop(news.job, None)
            # The list and the detail over it may both follow while a dialog lies over them: one of them tells.
            if not told:
                self._tell(watch, mine=mine)
            self.rescan()
            self.console.look_at_jobs()
        self.progressed()

    def _look_sometimes(self) -> None:
        """A verify of several went on to the next: what it noted of the last one is shown, not too often."""
        store = self.console.store
        asked = store.looked("integrity").asked
        if asked is None or (store.backend.now() - asked).total_seconds() > LOOK_SECONDS:
            self.rescan()

    def _tell(self, watch: Watch, *, mine: bool) -> None:
        """How it ended; a dialog only for what was begun here."""
        finished = watch.finished
        if finished is None:
            self.console.say(
                f"Job {watch.job} ended without a result; 6 shows what it left.", severity="error"
            )
            return
        error = finished.result.get("error")
        if isinstance(error, dict) and not mine:
            self.console.say(
                f"{watch.verb} {watch.job} ended {finished.status}; 6 shows why.", severity="error"
            )
        elif isinstance(error, dict):
            self.console.show_problem(Problem(**{name: str(error.get(name) or "") for name in _PROBLEM}))
        else:
            text, severity = _end_of(watch, finished)
            self.console.say(text, severity=severity)

    def running_on(self, subject: str) -> Sequence[Watch]:
        """The jobs that look at a backup, or at `live`, now."""
        return [watch for watch in self.watches.values() if watch.subject == subject]


def _end_of(watch: Watch, finished: Finished) -> tuple[str, str]:
    """A job's end as a sentence and how loud it is."""
    result = finished.result
    if watch.verb == "verify" and "verified" not in result:
        return ended_words(finished, str(result.get("id") or watch.subject))
    loud = {"ok": "information", "fail": "error", "failed": "error"}.get(finished.status, "warning")
    summary = str(result.get("summary") or "")
    what = watch.verb if watch.verb != "verify" else "The verify of the oldest"
    return f"{what} ended {finished.status}{f': {summary}' if summary else '.'}", loud
