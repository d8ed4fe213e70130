"""A restore was interrupted: the state of every collection, and the one thing to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from services.operations.restore_model import FinishPlan
from tui.screens.confirm import YesNoModal
from tui.screens.restore.confirm import READ_ONLY
from tui.screens.restore.model import Interruption, StepName, interruption
from tui.screens.restore.step import Step
from tui.work import start_work
from widgets.glyphs import Glyphs
from widgets.lines_view import Line, LinesView, fitted, wrapped
from widgets.plain import plain

if TYPE_CHECKING:
    from tui.store import Store

FINISH = (
    "Every loaded copy that is not live yet is read and proven again; then the rest is renamed into place and "
    "what is live is proven. What was live before stays as rollback copies."
)
UNDO = (
    "What was live before takes its names back and is proven; copies that never went live are dropped, and "
    "replaced objects are put back. It cannot itself be rolled back."
)
DROP = "What it had loaded beside the live data is dropped, and the application is started if this job stopped it."


class Ways(dict[str, str]):
    """The jobs that `finish` and `rollback` lead on from, as far as there are such ways."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Ways:
        """From the commands that a service named."""
        ways = cls()
        for text in texts:
            for verb, pattern in (
                ("finish", r"restore --finish ([\w.-]*\w)"),
                ("rollback", r"quillkeep rollback ([\w.-]*\w)"),
            ):
                found = re.search(pattern, text)
                if found:
                    ways.setdefault(verb, found[1])
        return ways


def closed(store: Store) -> str:
    """Why neither way can be taken now."""
    if store.profile.read_only:
        return READ_ONLY
    live = store.looked("live")
    if live.problem is not None and not live.waiting:
        return (
            f"The database cannot be reached: {live.problem.what} First make it answer, then r looks again."
        )
    return ""


def interrupted_lines(
    found: Interruption | None, ways: Ways, store: Store, glyphs: Glyphs, width: int
) -> list[Line]:
    """What is known of it, the ways on with what each will do, and where every collection stands."""
    lines: list[Line] = []

    def say(text: str, tone: str = "", first: str = "") -> None:
        lines.extend(Line(part, tone) for part in wrapped(text, width, first=first, rest=" " * len(first)))

    if found is not None:
        of = f" of {found.swap.backup}" if found.swap and found.swap.backup else ""
        began = found.swap.started if found.swap else found.summary.started if found.summary else None
        when = f", begun {began:%Y-%m-%d %H:%M} UTC" if began else ""
        say(f"Job {found.job} ({found.verb}{of}{when}) ended without a result.")
        if found.summary is not None and found.summary.summary:
            say(found.summary.summary, "warning", f"{glyphs.of('warning')} ")
        told = found.summary.summary if found.summary is not None else ""
        if found.swap is not None and found.swap.app_stopped and "application is still stopped" not in told:
            say("The application is still stopped by it.", "warning", f"{glyphs.of('warning')} ")
    live = store.looked("live")
    if live.problem is not None:
        say(f"The database cannot be reached: {live.problem.what}", "error", f"{glyphs.of('fail')} ")
        say(f"So where each collection stands cannot be told now. {live.problem.next}", "", "  ")
        say("First make the database answer, then press r; the ways below go on from there.", "strong", "  ")
    elif live.value is None:
        since = f" since {live.asked:%H:%M:%S} UTC" if live.asked else ""
        say(f"Waiting for the database{since} to tell where each collection stands.", "dim")
    lines.append(Line(""))
    if "finish" in ways and _first(found) == "finish":
        say(f"Finish it (recommended). {FINISH}", "accent", "f  ")
        if "rollback" in ways:
            say(f"Or roll it back. {UNDO}", "", "Z  ")
    elif "rollback" in ways:
        undo = UNDO if "finish" in ways else DROP
        say(f"Roll it back (recommended). {undo}", "accent", "Z  ")
        if "finish" in ways:
            say(f"Or finish it. {FINISH}", "", "f  ")
    else:
        say("There is no way on that this console knows: o shows the job.", "", "o  ")
    if found is not None and found.swap is not None and found.swap.collections:
        lines += [Line(""), *standing_rows(found.swap.collections, glyphs)]
    return lines


def standing_rows(collections: dict[str, str], glyphs: Glyphs) -> list[Line]:
    """Where each collection of a swap stands now."""
    cells = max(len("COLLECTION"), min(36, max((len(name) for name in collections), default=0)))
    head = Line(f"{fitted('COLLECTION', cells)}  WHERE IT STANDS", "strong")
    rows = sorted(collections.items())
    return [head, *(Line(f"{fitted(name, cells, glyphs.ellipsis)}  {where}") for name, where in rows)]


def _first(found: Interruption | None) -> str:
    """Which way the service names first."""
    for command in found.way_on if found else ():
        if "rollback" in command and "--finish" not in command:
            return "rollback"
        return "finish"
    return "finish"


def ask_finish(step: Step, job: str) -> None:
    """y/n, default No; then the finish runs as a job and the wizard shows it."""
    console = step.console

    async def begin() -> None:
        started = await console.begin_job("finish", FinishPlan(job=job))
        if started is None:
            return
        state = step.state
        state.job, state.folder, state.verb = started.job, started.folder, "finish"
        state.result, state.plan, state.committed = None, None, False
        step.post_message(Step.Forward("running"))

    def answered(yes: bool | None) -> None:
        if yes:
            start_work(step, begin, exclusive=True, group="start", description="start finish")

    console.push_screen(YesNoModal(f"Finish the interrupted job {job}?", FINISH), answered)


class InterruptedView(Step):
    """What the console opens on while a restore is half done."""

    NAME: ClassVar[StepName] = "running"
    TOPICS: ClassVar[tuple[str, ...]] = ("jobs", "live")
    HELP: ClassVar[str] = """
# A restore was interrupted

Its process is gone: a crash, a reboot, a kill. Nothing is lost: what was live before and what was loaded both
lie in the database, and the collections' UUIDs tell which is which.

- `f` finishes it: copies are proven again, the rest goes live, everything is proven.
- `Z` rolls it back: its plan is shown first, what was live before is put back.
- `r` looks again, `o` opens the job. `escape` leaves to the ordinary steps; it stays interrupted.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "finish", "Finish it", id="interrupted.finish"),
        Binding("Z", "rollback", "Roll it back", id="interrupted.rollback"),
        Binding("o", "open", "Job and log", id="interrupted.job"),
    ]

    def compose(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="interrupted-title", classes="question", markup=False)
        yield LinesView(ellipsis=glyphs.ellipsis, id="interrupted-lines")
        yield Static("", id="interrupted-next", classes="next", markup=False)

    def entered(self) -> None:
        """Shows what is known, while the database is asked."""
        if not self.children:
            # The console is being left while the step is put there.
            return
        self.query_one(LinesView).focus()
        self._draw()

    def show(self, topic: str) -> None:
        """Another state."""
        self._draw()

    @property
    def found(self) -> Interruption | None:
        """What waits."""
        return interruption(self.console.store)

    @property
    def ways(self) -> Ways:
        """How it goes on."""
        found = self.found
        return Ways.of(found.way_on) if found else Ways()

    def why_disabled(self, action: str) -> str:
        """Why a way cannot be taken."""
        if action in ("finish", "rollback"):
            if action not in self.ways:
                return "That way does not lead on from here."
            return closed(self.console.store)
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what has a reason against it."""
        return None if self.why_disabled(action) else True

    def action_finish(self) -> None:
        """y/n, then the job."""
        words = self.why_disabled("finish")
        if words:
            self.console.say(words, severity="warning")
            return
        ask_finish(self, self.ways["finish"])

    def action_rollback(self) -> None:
        """The rollback's own plan."""
        words = self.why_disabled("rollback")
        if words:
            self.console.say(words, severity="warning")
            return
        from tui.screens.restore.rollback import open_rollback

        open_rollback(self.console, self.ways["rollback"])

    def action_open(self) -> None:
        """The job's own screen."""
        if self.found is not None:
            self.console.open_job(self.found.job)

    def _draw(self) -> None:
        if not self.is_mounted or not self.children:
            return
        glyphs, found = self.console.glyphs, self.found
        verb = found.verb if found else "restore"
        title = plain(f"{glyphs.of('critical')} A {verb} was interrupted").stylize("$text-error")
        if found is None:
            title = plain(f"{glyphs.of('ok')} Nothing waits any more: what was interrupted is over")
        self.query_one("#interrupted-title", Static).update(title)
        store = self.console.store
        self.query_one(LinesView).show(
            lambda width: (
                interrupted_lines(found, self.ways, store, glyphs, width)
                if found
                else [Line("Escape goes to the ordinary steps, 1 to Health.")]
            )
        )
        words = closed(store) if found else ""
        if found and not words:
            keys = [
                key
                for verb, key in (("finish", "f finishes it"), ("rollback", "Z shows the rollback"))
                if verb in self.ways
            ]
            words = f"{', '.join(keys)}; both ask first. Escape leaves."
        self.query_one("#interrupted-next", Static).update(plain(words))
        self.screen.refresh_bindings()
