"""Step 8: what the job's result proves, or why it was not done, what was touched, and how it goes on."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from tui.screens.restore.following import FollowingStep
from tui.screens.restore.interrupted import Ways, ask_finish, closed, interrupted_lines
from tui.screens.restore.model import GOOD, StepName, interruption
from tui.screens.restore.proof_rows import LOST, outcome, proof_rows, timing
from tui.screens.restore.report import report_text
from tui.screens.restore.running import risks_found_late
from widgets.lines_view import Line, LinesView, wrapped
from widgets.plain import plain


class ProofStep(FollowingStep):
    """The result as it was counted."""

    NAME: ClassVar[StepName] = "proof"
    TOPICS: ClassVar[tuple[str, ...]] = ("jobs", "live")
    HELP: ClassVar[str] = """
# Proof

What the job counted and proved, read from its result: documents and indexes of what is live, objects, warnings,
and what was live before and is now only in the rollback copies. Where the job did not end well: why, what was
and what was not touched, and the ways on.

- `enter` goes on, `Z` shows the rollback, `f` finishes an interrupted job
- `p` goes back to the plan, where nothing live was changed
- `o` opens the job with its log, `y` copies the report, `s` saves it
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", "Go on", id="proof.go_on"),
        Binding("f", "finish", "Finish it", id="proof.finish"),
        Binding("Z", "rollback", "Roll back", id="proof.rollback"),
        Binding("p", "plan", "Plan again", id="proof.plan"),
        Binding("o", "open", "Job and log", id="proof.job"),
        Binding("y", "copy", "Copy", id="proof.copy"),
        Binding("s", "save", "Save report", id="proof.save"),
    ]

    def compose(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="proof-title", classes="question", markup=False)
        yield Static("", id="proof-when", classes="why", markup=False)
        yield LinesView(ellipsis=glyphs.ellipsis, id="proof-lines")
        yield Static("", id="proof-next", classes="next", markup=False)

    def entered(self) -> None:
        """Reads the whole journal once more: it knows the proof's steps."""
        if not self.children:
            # The console is being left while the step is put there.
            return
        self.query_one(LinesView).focus()
        self.follow_state()
        if self.state.result is not None:
            # Not when the journal is read: whoever leaves before that has seen how it ended.
            self.console.store.shown.add(self.state.job)
        self._draw()

    def heard(self) -> None:
        """The journal is read."""
        if self.run.ended:
            self.console.store.shown.add(self.state.job)
            self.state.result = self.state.result or self.run.result or {"status": LOST, "warnings": []}
        self._draw()

    def show(self, topic: str) -> None:
        """What a lost job left may be known by now."""
        self._draw()

    @property
    def good(self) -> bool:
        """Whether it ended well."""
        return self.state.result is not None and self.state.result.get("status") in GOOD

    @property
    def lost(self) -> bool:
        """Whether its process is gone without a result."""
        return self.state.result is not None and self.state.result.get("status") == LOST

    @property
    def ways(self) -> Ways:
        """How it goes on from here."""
        state = self.state
        if self.good and state.result is not None:
            holds = state.result.get("rollback_until") and state.verb != "release"
            return Ways(rollback=str(state.result.get("job") or state.job)) if holds else Ways()
        texts = []
        error = (state.result or {}).get("error")
        if isinstance(error, dict):
            texts.append(str(error.get("next") or ""))
        if self.lost:
            summary = next((job for job in self.console.store.jobs.value or () if job.id == state.job), None)
            texts += summary.way_on if summary else ()
        return Ways.of(texts)

    @property
    def _untouched(self) -> bool:
        """Another plan may be made: this one changed no collection, and leads nowhere else."""
        return not self.good and not self.run.renaming and not self.ways and self.state.verb == "restore"

    def why_no_way_back(self) -> str:
        """What was done is undone by a rollback only."""
        if self._untouched:
            return "Press p to plan again."
        return "Going back undoes nothing: Enter goes on, Z shows the rollback."

    def why_disabled(self, action: str) -> str:
        """Why an action leads nowhere now."""
        if action == "go_on" and not self.good:
            return "It did not end well: the lines above say how to go on."
        if action == "plan" and (not self._untouched or self.state.backup is None):
            return "The plan leads nowhere from here."
        if action in ("finish", "rollback"):
            if action not in self.ways:
                return "That way does not lead on from here."
            return closed(self.console.store)
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Those that lead nowhere are not shown; those that are forbidden are greyed."""
        words = self.why_disabled(action)
        if not words:
            return True
        return False if action in ("plan", "finish") else None

    def action_go_on(self) -> None:
        """To the last step."""
        self._unless("go_on", lambda: self.post_message(self.Forward()))

    def action_finish(self) -> None:
        """y/n, then the job."""
        self._unless("finish", lambda: ask_finish(self, self.ways["finish"]))

    def action_rollback(self) -> None:
        """The rollback's own plan."""
        from tui.screens.restore.rollback import open_rollback

        self._unless("rollback", lambda: open_rollback(self.console, self.ways["rollback"]))

    def action_plan(self) -> None:
        """Another plan, with what this run found."""
        self._unless("plan", self._plan_again)

    def _plan_again(self) -> None:
        state = self.state
        state.late_risks.update(risks_found_late(state.result or {}))
        if state.late_risks:
            state.notice = f"The job found what the plan could not: {', '.join(state.late_risks)}."
        state.plan, state.planned, state.job, state.folder, state.result = None, None, "", None, None
        self.post_message(self.Forward("plan"))

    def action_open(self) -> None:
        """The job's own screen."""
        self.console.open_job(self.state.job)

    def action_copy(self) -> None:
        """The report."""
        self.console.copy_text(self._report(), name=self._file)

    def action_save(self) -> None:
        """The report as a file."""
        self.console.save_text(self._report(), name=self._file)

    @property
    def _file(self) -> str:
        return f"quillkeep-{self.state.verb}-{self.state.job}.md"

    def _report(self) -> str:
        return report_text(self.state, self.run, self.console.store)

    def _unless(self, action: str, act: object) -> None:
        words = self.why_disabled(action)
        if words:
            self.console.say(words, severity="warning")
        elif callable(act):
            act()

    def _draw(self) -> None:
        if not self.is_mounted or not self.children:
            return
        state, glyphs = self.state, self.console.glyphs
        waits = state.result is None
        line = (
            Line(f"{glyphs.of('waiting')} Reading how the job ended")
            if waits
            else outcome(state.verb, state.result, glyphs, renaming=self.run.renaming)
        )
        title = plain(line.text)
        self.query_one("#proof-title", Static).update(
            title.stylize(f"$text-{line.tone}") if line.tone else title
        )
        self.query_one("#proof-when", Static).update(plain(timing(self.run)))
        self.query_one(LinesView).show(self._lines)
        self.query_one("#proof-next", Static).update(plain(self._next()))
        self.refresh_keys()

    def _lines(self, width: int) -> list[Line]:
        state, glyphs, store = self.state, self.console.glyphs, self.console.store
        if state.result is not None and not self.lost:
            return proof_rows(state.verb, state.result, state.plan, self.run, glyphs, width)
        if not self.lost:
            return []
        found = interruption(store)
        lines = []
        if found is None:
            left = str(self.run.lost.data.get("left") or "") if self.run.lost else ""
            lines = [Line(text, "warning") for text in wrapped(left, width)] if left else []
        return [*lines, *interrupted_lines(found, self.ways, store, glyphs, width)]

    def _next(self) -> str:
        if self.good:
            return (
                "Enter goes on." if self.state.verb == "release" else "Enter goes on; Z shows the way back."
            )
        if self._untouched and self.state.backup is not None:
            late = risks_found_late(self.state.result or {})
            more = f"; {', '.join(late)} can be accepted then" if late else ""
            return f"p plans again{more}. A number key shows another screen."
        ways = self.ways
        keys = [
            word
            for verb, word in (("finish", "f finishes it"), ("rollback", "Z shows the rollback"))
            if verb in ways
        ]
        return f"{', '.join(keys)}; both ask first." if keys else "o opens the job with its log."
