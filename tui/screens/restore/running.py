"""Step 7, the job that changes live data, as its journal tells it: never more than was measured."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from services.errors import QuillkeepError
from services.operations.restore_model import PLAN_CHANGED
from tui.bridge import apart
from tui.progress import amount
from tui.screens.confirm import YesNoModal
from tui.screens.restore.following import FollowingStep
from tui.screens.restore.model import StepName
from tui.screens.restore.plan import measured
from tui.screens.restore.proof_rows import LOST
from tui.screens.restore.run_journal import (
    TITLES,
    PhaseSeen,
    application_words,
    cancel_leaves,
    expected_phases,
    touched_now,
    untouched_yet,
)
from tui.store import Problem
from tui.work import start_work
from widgets.lines_view import Line, LinesView, wrapped
from widgets.phase_list import PhaseList, PhaseRow
from widgets.plain import plain

QUIET_SECONDS = 15.0
"""After this long without a word a time left is not shown any more, but since when nothing was heard."""
LOOK_SECONDS = 5.0
WHAT = {"restore": "Restoring", "finish": "Finishing", "rollback": "Rolling back", "release": "Releasing"}


class RunningStep(FollowingStep):
    """The running restore, finish or rollback."""

    NAME: ClassVar[StepName] = "running"
    HELP: ClassVar[str] = """
# The running job

What stands here is read from the job's journal. The job is a process of its own: this screen can be left, the
console closed or the connection lost, and it goes on. `3` comes back to it, also in another console.

- `x` cancels, after saying what that leaves at this moment. From the first rename on it is too late: what began
  is finished.
- `o` opens the job with its whole log.

A time left is shown only while one can be measured.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "cancel", "Cancel", id="running.cancel"),
        Binding("o", "open", "Job and log", id="running.log"),
    ]

    def compose(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="run-title", classes="question", markup=False)
        yield Static("", id="run-touched", markup=False)
        yield Static("", id="run-untouched", markup=False)
        yield Static("", id="run-app", classes="why", markup=False)
        yield PhaseList(glyphs, id="run-phases")
        yield LinesView(follow=True, ellipsis=glyphs.ellipsis, id="run-log")
        yield Static("", id="run-next", classes="next", markup=False)

    def entered(self) -> None:
        """Reads the journal from its start, whoever started the job."""
        if not self.children:
            # The console is being left while the step is put there.
            return
        self.query_one("#run-log").focus()
        self.follow_state()
        self.set_interval(LOOK_SECONDS, self._draw)
        self._draw()

    def heard(self) -> None:
        """Phases, facts, the end."""
        self.state.committed = self.run.renaming
        if self.run.started is not None:
            self.state.verb = self.run.started.verb
        self._draw()
        if self.run.ended:
            self._ended()

    def _ended(self) -> None:
        state = self.state
        state.result = self.run.result or {"status": LOST, "warnings": []}
        self.unfollow()
        self.console.look_at_jobs()
        self.console.look_at("live")
        if self.run.finished is not None:
            if state.result["status"] in ("ok", "warnings"):
                state.ended = state.ended or self.run.finished.at
            elif back_to_plan(state.result) and state.verb == "restore" and state.backup is not None:
                state.notice = str(state.result["error"]["what"])
                state.plan, state.planned, state.job, state.folder = None, None, "", None
                self.post_message(self.Forward("plan"))
                return
        self.post_message(self.Forward("proof"))

    def why_no_way_back(self) -> str:
        """The job is not undone by leaving."""
        return (
            "The job goes on by itself: x cancels it, a number key shows another screen, 3 comes back here."
        )

    def why_disabled(self, action: str) -> str:
        """Why a cancel is not possible."""
        if action == "cancel":
            if self.run.ended:
                return "The job has ended."
            if self.run.renaming:
                return "Too late: the first rename has begun, and what began is finished."
            if self.run.reached("releasing"):
                return "Too late: the copies are being dropped."
            if self.run.cancelling:
                return "It is being cancelled already."
            if self.run.started is None:
                return "The job has not said anything yet."
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what has a reason against it."""
        return None if self.why_disabled(action) else True

    def action_cancel(self) -> None:
        """Asks, saying what cancelling leaves at this moment."""
        closed = self.why_disabled("cancel")
        if closed:
            self.console.say(closed)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                start_work(self, self._cancel, exclusive=True, group="cancel", description="cancel")

        self.console.push_screen(
            YesNoModal(
                f"Cancel the {self.state.verb} {self.state.job}?", cancel_leaves(self.run, self.state.verb)
            ),
            answered,
        )

    async def _cancel(self) -> None:
        try:
            answer = await apart(self.console.store.backend.cancel_job, self.state.job)
        except QuillkeepError as error:
            self.console.show_problem(Problem.of(error))
            return
        severity = "information" if answer.accepted else "warning"
        self.console.say(answer.answer, severity=severity)

    def action_open(self) -> None:
        """The job's own screen."""
        self.console.open_job(self.state.job)

    def _draw(self) -> None:
        if not self.is_mounted or not self.children:
            return
        state, run = self.state, self.run
        title = f"{WHAT.get(state.verb, state.verb)}"
        if state.verb == "restore" and run.started is not None:
            request = run.started.plan.get("request") or {}
            backup = state.backup.id if state.backup else str(request.get("backup") or "")
            title += f" {backup}"
        elif run.swap_job and run.swap_job != state.job:
            title += f" {run.swap_job}"
        title = f"{self.console.glyphs.of('running')} {title}, job {state.job}"
        if run.cancelling:
            title += ": cancelling, it stops at the next safe point"
        self._put("#run-title", title)
        if run.started is None:
            # Of a restore that has begun long ago: nothing is said of it before its journal was read.
            self._put("#run-touched", "Reading the journal of the job.")
        else:
            self._put("#run-touched", f"Touched right now: {touched_now(run)}.")
            self._put(
                "#run-untouched", untouched_yet(run, state.verb), "$text-warning" if run.renaming else ""
            )
            controlled = self.console.store.profile.app is not None
            self._put("#run-app", f"Application: {application_words(run, controlled=controlled)}.")
        self.query_one(PhaseList).show(self.rows())
        self.query_one(LinesView).show(self._log)
        self._put(
            "#run-next",
            "Leaving is fine: the job goes on; 1 shows Health, 3 comes back here.",
        )
        self.refresh_keys()

    def _put(self, selector: str, text: str, style: str = "") -> None:
        content = plain(text)
        content = content.stylize(style) if style else content
        widget = self.query_one(selector, Static)
        if widget.content != content:
            widget.update(content)

    def rows(self) -> list[PhaseRow]:
        """Phases that were, the one that is, and those that will come for certain."""
        rows = []
        for phase in self.run.phases:
            text = ""
            if phase.state == "running":
                text = self._measured(phase)
            elif phase.done and (phase.total is None or phase.done == phase.total):
                text = amount(phase.done, phase.unit)
            rows.append(PhaseRow(TITLES.get(phase.name, phase.name), phase.state, text))
        if not rows and self.run.started is not None and not self.run.ended:
            rows.append(PhaseRow(self._before_phases(), "running"))
        seen = [phase.name for phase in self.run.phases]
        expected = expected_phases(self.state.verb, self.state.plan)
        last = max((expected.index(name) for name in seen if name in expected), default=-1)
        if not self.run.ended:
            rows += [PhaseRow(TITLES.get(name, name), "waiting") for name in expected[last + 1 :]]
        return rows

    def _before_phases(self) -> str:
        """What it waits for before its first phase, in its own words, and since when."""
        if self.run.said:
            return self.run.said
        begun = f" since {self.run.started.at:%H:%M:%S} UTC" if self.run.started else ""
        return f"connect, and look at what is live{begun}"

    def _measured(self, phase: PhaseSeen) -> str:
        heard = phase.moved or phase.began
        quiet = (self.console.store.backend.now() - heard).total_seconds()
        if quiet > QUIET_SECONDS and not self.run.ended:
            return f"nothing heard since {heard:%H:%M:%S} UTC"
        return "  ".join(measured(phase))

    def _log(self, width: int) -> list[Line]:
        lines = []
        for entry in self.run.logs:
            tone = {"warning": "warning", "error": "error"}.get(entry.level, "dim")
            first = f"{entry.at:%H:%M:%S} "
            lines += [
                Line(text, tone) for text in wrapped(entry.text, width, first=first, rest=" " * len(first))
            ]
        return lines


def back_to_plan(result: dict[str, Any]) -> bool:
    """Whether the plan no longer held: nothing was touched, and another one is needed."""
    error = result.get("error")
    return result.get("status") == "refused" and isinstance(error, dict) and error.get("what") == PLAN_CHANGED


def risks_found_late(result: dict[str, Any]) -> dict[str, str]:
    """Risks that a refused job names and that were not in its plan, with what it says of them."""
    error = result.get("error")
    if result.get("status") != "refused" or not isinstance(error, dict):
        return {}
    words = re.findall(r"--allow ([a-z-]+)", str(error.get("next") or ""))
    cause = str(error.get("cause") or "")
    found = {}
    for number, word in enumerate(words):
        rest = cause.partition(f"{word}: ")[2]
        following = words[number + 1] if number + 1 < len(words) else ""
        found[word] = (rest.partition(f" {following}: ")[0] if following else rest).strip() or cause
    return found
