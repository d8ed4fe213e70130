"""Step 5, the plan: made by the `plan` job, read by the admin, changing nothing."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from services.errors import QuillkeepError
from tui.bridge import apart
from tui.progress import amount, duration
from tui.screens.restore.following import FollowingStep
from tui.screens.restore.model import StepName
from tui.screens.restore.plan_rows import folds, plan_rows, verdict
from tui.screens.restore.run_journal import TITLES, PhaseSeen
from tui.work import start_work
from widgets.glyphs import Glyphs
from widgets.lines_view import Line, LinesView, wrapped
from widgets.plain import plain
from widgets.progress_line import ProgressLine

SAVED_CELLS = 120
"""How wide a saved plan is."""


class PlanView(FollowingStep):
    """A plan made by a job: waited for with its progress, shown, made again; a rollback's is one too."""

    VERB = "plan"
    BACK = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", "Go on to confirm", id="plan.confirm"),
        Binding("p", "again", "Plan again", id="plan.again"),
        Binding("u", "unfold", "Unfold", id="plan.unfold", tooltip="Show what is the same by content too"),
        Binding("y", "copy", "Copy", id="plan.copy"),
        Binding("s", "save", "Save to file", id="plan.save"),
    ]

    def __init__(self, state: Any) -> None:
        super().__init__(state)
        self._unfolded = False
        self._error: dict[str, str] | None = None
        self.asked: msgspec.Struct | None = None

    def compose(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="plan-verdict", classes="question", markup=False)
        yield ProgressLine(glyphs, id="plan-progress")
        yield LinesView(ellipsis=glyphs.ellipsis, id="plan-lines")
        yield Static("", id="plan-next", classes="next", markup=False)

    def request(self) -> msgspec.Struct:
        """What the job is asked."""
        raise NotImplementedError

    def heading(self, plan: dict[str, Any]) -> list[str]:
        """Sentences above the plan."""
        raise NotImplementedError

    def verdict(self, plan: dict[str, Any]) -> Line:
        """The plan in one line."""
        return verdict(plan, self.console.glyphs, back=self.BACK)

    def body(self, plan: dict[str, Any], glyphs: Glyphs, width: int, *, unfolded: bool) -> list[Line]:
        """The plan in lines."""
        return plan_rows(plan, glyphs, width, unfolded=unfolded, back=self.BACK)

    def still_holds(self) -> bool:
        """Whether the plan in the state is the one for what is asked now."""
        return self.state.plan is not None

    def entered(self) -> None:
        """A plan for another request, or none: it is made now."""
        if not self.children:
            # The console is being left while the step is put there.
            return
        self.query_one("#plan-lines").focus()
        if self.still_holds():
            self._show()
        else:
            self.action_again()

    def action_again(self) -> None:
        """Starts the job."""
        if self.followed:
            self.console.say("The plan is being made.")
            return
        self.state.plan = None
        self._error = None
        start_work(self, self._begin, exclusive=True, group="plan", description="plan")
        self._show()

    async def _begin(self) -> None:
        request = self.request()
        started = await self.console.begin_job(self.VERB, request)
        if started is None:
            self._error = {"what": "The plan could not be made.", "next": "p tries again."}
            self._show()
            return
        self.asked = request
        self.follow(started.job, started.folder)
        self._show()

    def heard(self) -> None:
        """Progress, the plan, or why there is none."""
        if not self.run.ended:
            self._show()
            return
        result = self.run.result
        job = self.followed
        self.unfollow()
        if result is None:
            self._error = {
                "what": f"The job {job} that makes the plan is gone without a result.",
                "touched": "Nothing was touched: it only read.",
                "next": "p makes the plan again.",
            }
        elif isinstance(result.get("error"), dict):
            self._error = {key: str(text) for key, text in result["error"].items()}
        else:
            self.state.plan = result
            self.state.planned_at = self.console.store.backend.now()
            self.planned()
        self._show()

    def planned(self) -> None:
        """The plan stands in the state."""

    def on_unmount(self) -> None:
        """A plan that nobody waits for is not made to its end."""
        job = self.followed
        super().on_unmount()
        if job:
            backend = self.console.store.backend
            start_work(
                self.console,
                partial(_stop, backend.cancel_job, job),
                description="cancel plan",
                exit_on_error=False,
            )

    def action_go_on(self) -> None:
        """To the confirmation."""
        closed = self.why_disabled("go_on")
        if closed:
            self.console.say(closed, severity="warning")
            return
        self.go_on()

    def go_on(self) -> None:
        """The plan may be confirmed."""
        self.post_message(self.Forward())

    def why_disabled(self, action: str) -> str:
        """Why one cannot go on, or why there is nothing to copy."""
        plan = self.state.plan
        if action == "again":
            return "The plan is being made." if self.followed else ""
        if plan is None and action in ("go_on", "copy", "save", "unfold"):
            return "There is no plan yet."
        if action == "unfold" and (self.BACK or not any(map(folds, (plan or {}).get("collections") or ()))):
            return "Nothing is folded here."
        if action == "go_on" and plan is not None:
            if plan.get("refusals"):
                return "The plan is refused: remove the reasons on top, then press p to plan again."
            if self.console.store.profile.read_only:
                return "READ-ONLY: nothing live may be changed from this console."
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what has a reason against it."""
        return None if self.why_disabled(action) else True

    def action_unfold(self) -> None:
        """Shows or folds what is the same."""
        self._unfolded = not self._unfolded
        self._show()

    def action_copy(self) -> None:
        """The whole plan, unfolded."""
        self.console.copy_text(self.text, name=self._file)

    def action_save(self) -> None:
        """As a file."""
        self.console.save_text(self.text, name=self._file)

    @property
    def text(self) -> str:
        """The plan as text."""
        plan = self.state.plan or {}
        lines = self.body(plan, Glyphs(utf8=False), SAVED_CELLS, unfolded=True)
        return "\n".join([*self.heading(plan), "", *(line.text.rstrip() for line in lines), ""])

    @property
    def _file(self) -> str:
        return f"quillkeep-{self.VERB}-{self.console.store.backend.now():%Y%m%d_%H%M%S}.txt"

    def _show(self) -> None:
        if not self.is_mounted or not self.children:
            return
        plan = self.state.plan
        progress = self.query_one(ProgressLine)
        progress.display = plan is None and self._error is None
        if progress.display:
            phase = self.run.current
            share, text = progress_words(phase) if phase else (None, self.run.said or "starting")
            told = phase is None and bool(self.run.said)
            since = f", since {self.run.started.at:%H:%M:%S} UTC" if self.run.started and not told else ""
            progress.show(share, f"{text}{since}")
        self._head(plan)
        self.query_one(LinesView).show(lambda width: self._lines(plan, width))
        self.query_one("#plan-next", Static).update(plain(self._next(plan)))
        self.refresh_keys()

    def _head(self, plan: dict[str, Any] | None) -> None:
        head = self.query_one("#plan-verdict", Static)
        if plan is not None:
            line = self.verdict(plan)
        elif self._error is not None:
            line = Line(self.console.glyphs.status("fail", "No plan could be made"), "error")
        else:
            line = Line(f"{self.console.glyphs.of('waiting')} Making the plan; nothing is changed by it")
        content = plain(line.text)
        head.update(content.stylize(f"$text-{line.tone}") if line.tone else content)

    def _lines(self, plan: dict[str, Any] | None, width: int) -> list[Line]:
        lines: list[Line] = []
        if self.state.notice:
            lines += [Line(text, "warning") for text in wrapped(f"! {self.state.notice}", width, rest="  ")]
        if self._error is not None:
            for key, word in (
                ("what", ""),
                ("cause", "Cause: "),
                ("touched", "Touched: "),
                ("next", "Next: "),
            ):
                if self._error.get(key):
                    tone = "error" if key == "what" else "strong" if key == "next" else ""
                    lines += [
                        Line(text, tone)
                        for text in wrapped(self._error[key], width, first=word, rest=" " * len(word))
                    ]
            return lines
        if plan is None:
            return lines
        for sentence in self.heading(plan):
            lines += [Line(text, "dim") for text in wrapped(sentence, width)]
        return [*lines, *self.body(plan, self.console.glyphs, width, unfolded=self._unfolded)]

    def _next(self, plan: dict[str, Any] | None) -> str:
        if self.followed or (plan is None and self._error is None):
            return "Escape goes back; the plan only reads."
        closed = self.why_disabled("go_on")
        if plan is None:
            return "p plans again, Escape goes back."
        return closed or "Enter goes on to the confirmation; nothing is changed before it."


class PlanStep(PlanView):
    """The plan of a restore."""

    NAME: ClassVar[StepName] = "plan"
    HELP: ClassVar[str] = """
# The plan

What the restore would change, worked out now and shown before anything is touched. Nothing is changed here.

Refusals stand on top: with one there is no way forward until its reason is gone. Then risks and warnings,
then collections, those that lose documents first. `same` and `differs` are told by content, never guessed from
counts; `u` unfolds those that are the same.

- `enter` goes on to the confirmation
- `p` plans again, `y` copies the plan, `s` saves it, `escape` goes back
"""

    def request(self) -> msgspec.Struct:
        return self.state.request

    def still_holds(self) -> bool:
        return (
            self.state.plan is not None and self.state.planned == self.state.request and not self.state.notice
        )

    def planned(self) -> None:
        """Whatever was confirmed, was confirmed of another plan."""
        assert isinstance(self.asked, type(self.state.request))
        self.state.planned = self.asked
        self.state.acknowledged.clear()

    def go_on(self) -> None:
        self.state.notice = ""
        super().go_on()

    def heading(self, plan: dict[str, Any]) -> list[str]:
        at = self.state.planned_at
        made = f" Planned at {at:%H:%M:%S} UTC." if at else ""
        created = str(plan.get("created") or "")[:16].replace("T", " ")
        lines = [f"Restores {plan.get('backup')}, made {created} UTC, into {plan.get('target')}.{made}"]
        risks = [str(risk["word"]) for risk in plan.get("risks") or ()]
        if risks:
            lines.append(f"To be accepted one by one in the next step: {', '.join(risks)} (below).")
        return lines


def progress_words(phase: PhaseSeen) -> tuple[float | None, str]:
    """A phase's share and what was measured, behind its title; a time left only where the job could tell one."""
    return phase.share, "  ".join([TITLES.get(phase.name, phase.name), *measured(phase)])


def measured(phase: PhaseSeen) -> list[str]:
    """How far, how long still, how fast and how much, as far as each is known."""
    parts = []
    if phase.total:
        parts.append(f"{int((phase.share or 0) * 100)} %")
    if phase.eta is not None and phase.done:
        parts.append(f"{duration(phase.eta)} left")
    if phase.rate:
        parts.append(f"{amount(int(phase.rate), phase.unit)}/s")
    if phase.total and phase.unit != "bytes":
        parts.append(f"{phase.done:,} of {amount(phase.total, phase.unit)}")
    elif phase.total:
        parts.append(f"{amount(phase.done, phase.unit)} of {amount(phase.total, phase.unit)}")
    elif phase.done:
        parts.append(amount(phase.done, phase.unit))
    return parts


async def _stop(cancel: Any, job: str) -> None:
    try:
        await apart(cancel, job)
    except QuillkeepError:
        # It ended by itself meanwhile, which is all that was wanted.
        return
