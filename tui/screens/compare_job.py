"""A `diff` job seen from a screen: it begins with the screen, is followed, and goes on when the screen is left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from textual.content import Content
from textual.widgets import Static

from services.history.story import Story
from services.operations.diff_model import DiffPlan
from tui.bridge import Follower, JobNews
from tui.screens import job_parts
from tui.screens.base import ConsoleScreen
from tui.store import Problem
from tui.work import start_work
from widgets.glyphs import tone
from widgets.plain import plain
from widgets.problem_box import ProblemBox
from widgets.progress_line import ProgressLine

TONES = ("success", "warning", "error", "accent")
NO_RESULT = "There is no result yet."


class ComparisonScreen(ConsoleScreen):
    """A subclass gives `plan`, `markdown`, `verdict`, `show_rows` and `show_words`.

    Its body holds one each of `#compare-verdict`, `#compare-warning`, `ProgressLine` and `ProblemBox`.
    """

    CSS_PATH = "../styles/compare.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._job = ""
        self._story = Story()
        self._since: datetime | None = None
        self._follower: Follower | None = None
        self._result: dict[str, Any] | None = None
        self._starting = False

    def plan(self) -> DiffPlan:
        """What is compared."""
        raise NotImplementedError

    def markdown(self) -> str:
        """The result as a text to keep; empty without one."""
        raise NotImplementedError

    def verdict(self, result: dict[str, Any]) -> tuple[str, str]:
        """(status, the first line) of a result."""
        raise NotImplementedError

    def show_rows(self) -> None:
        """The result's rows, or none."""
        raise NotImplementedError

    def show_words(self) -> None:
        """What stands above the rows beside verdict, progress and problem."""
        raise NotImplementedError

    def on_unmount(self) -> None:
        """Stops reading the journal; the job goes on."""
        self._close()

    def on_job_news(self, news: JobNews) -> None:
        """What the journal says since the last time; a job that was replaced by a newer one is not heard."""
        if news.job != self._job:
            return
        for event in news.events:
            self._story.add(event)
        if news.ended:
            self._story.end()
        finished = self._story.finished
        if finished is not None and "verdict" in finished.result:
            self._result = finished.result
        self._show_state()
        if news.ended:
            self.show_rows()
            self.console.look_at_jobs()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what cannot be done; `why_disabled` says why."""
        return None if self.why_disabled(action) else True

    def why_disabled(self, action: str) -> str:
        """Why an action does nothing now; empty when it works."""
        if action in ("text", "copy", "save", "json") and self._result is None:
            return self._why_no_result
        if action == "job" and not self._job:
            return "No job has started."
        if action == "again" and self._still_runs:
            return "The comparison still runs."
        return ""

    @property
    def _why_no_result(self) -> str:
        return "The comparison did not come to a result." if self._story.ended else NO_RESULT

    @property
    def _still_runs(self) -> bool:
        return self._starting or (bool(self._job) and not self._story.ended)

    def action_back(self) -> None:
        """Leaves; the job goes on."""
        if self._job and not self._story.ended:
            self.console.say(f"The comparison goes on: job {self._job} is in Jobs.")
        self.dismiss(None)

    def action_text(self) -> None:
        """Everything as one text."""
        self.console.show_text("Comparison", self.markdown(), name=self._file("md"))

    def action_json(self) -> None:
        """The verb's document."""
        text = msgspec.json.format(msgspec.json.encode(self._result), indent=2).decode()
        self.console.show_text("Comparison as JSON", text, name=self._file("json"))

    def action_copy(self) -> None:
        """The comparison, into the terminal's clipboard."""
        self.console.copy_text(self.markdown(), name="the comparison")

    def action_save(self) -> None:
        """The comparison, as a new file."""
        self.console.save_text(self.markdown(), name=self._file("md"))

    def action_job(self) -> None:
        """The job itself."""
        self.console.open_job(self._job)

    def action_again(self) -> None:
        """Compares again."""
        self.begin()

    def _file(self, ending: str) -> str:
        return f"quillkeep-comparison-{self._job}.{ending}"

    def _close(self) -> None:
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def begin(self) -> None:
        """Starts the job; what was shown of the last one goes."""
        self._close()
        self._story = Story()
        self._job = ""
        self._result = None
        self._starting = True
        self._since = self.console.store.backend.now()
        self._show_state()
        self.show_rows()
        start_work(self, self._start, exclusive=True, group="compare", description="compare")

    async def _start(self) -> None:
        started = await self.console.begin_job("diff", self.plan())
        self._starting = False
        if started is None:
            self._story.end()
        else:
            self._job = started.job
            self._follower = Follower(self.console.store.backend, self, started.job, started.folder)
        self._show_state()
        self.refresh_bindings()

    def _show_state(self) -> None:
        story, result = self._story, self._result
        self.show_words()
        self._show_verdict()
        progress = self.query_one(ProgressLine)
        progress.display = bool(self._job) and not story.ended
        phase = story.phase
        if progress.display:
            progress.show(phase.share if phase else None, job_parts.progress_of(phase))
        problem: Problem | None = None
        if self._job and story.ended and result is None:
            folder = self.console.store.backend.paths.jobs / self._job
            problem = job_parts.problem_of(self._job, story, folder)
        box = self.query_one(ProblemBox)
        if problem is None:
            box.show("")
        else:
            box.show(problem.what, problem.cause, problem.touched, problem.next)
        warnings = [str(text) for text in (result or {}).get("warnings") or ()]
        more = f" (and {len(warnings) - 1} more: a)" if len(warnings) > 1 else ""
        line = self.query_one("#compare-warning", Static)
        line.display = bool(warnings)
        say(line, f"{self.console.glyphs.of('warn')} {warnings[0]}{more}" if warnings else "")

    def _show_verdict(self) -> None:
        glyphs = self.console.glyphs
        line = self.query_one("#compare-verdict", Static)
        if self._result is not None:
            status, text = self.verdict(self._result)
        elif not self._story.ended:
            since = f"{self._since.astimezone(UTC):%H:%M}" if self._since else ""
            phase = self._story.phase
            doing = f": {phase.detail or phase.name}" if phase is not None else ""
            status, text = "running", f"{glyphs.status('running', 'comparing')} since {since} UTC{doing}"
        else:
            status = self._story.state if self._job else "unknown"
            text = f"{glyphs.status(status)}  There is no result: r compares again."
        for name in TONES:
            line.set_class(tone(status) == name, f"-{name}")
        say(line, text)


def say(line: Static, text: str | Content) -> None:
    """Another text; nothing is drawn again when it is the same."""
    content = plain(text) if isinstance(text, str) else text
    if line.content != content:
        line.update(content)
