"""One job: its phases, measured progress, log and result; leaving it does not touch the job."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.timer import Timer
from textual.widgets import Static

from services.errors import QuillkeepError
from services.history.story import LogLine, Story
from services.jobs.if_cancelled import IfCancelled, if_cancelled
from services.jobs.listing import only_looks
from tui.bridge import Follower, JobNews, apart
from tui.screens import job_parts as parts
from tui.screens.base import ConsoleScreen
from tui.screens.confirm import YesNoModal
from tui.screens.way_back import is_offered, why_no_rollback
from tui.store import Problem
from tui.work import start_work
from widgets.filter_bar import FilterBar
from widgets.glyphs import tone
from widgets.key_value import KeyValues
from widgets.log_tail import LogTail
from widgets.phase_list import PhaseList
from widgets.plain import plain
from widgets.problem_box import ProblemBox
from widgets.progress_line import ProgressLine

LOG_SECONDS = 1.0
"""Log lines are drawn at most this often."""
MINUTE_SECONDS = 30.0
"""How often a running job's minutes are looked at; nothing is sent until they changed."""
EVENTS_AT_ONCE = 200
TONES = ("success", "warning", "error", "accent")


class JobScreen(ConsoleScreen):
    """Follows one journal; everything it shows is a line of it."""

    CSS_PATH = "../styles/jobs.tcss"
    HELP = """
# One job

A *job* is one long operation in a process of its own. It goes on when you leave this screen, close
the console or lose the connection; its *journal* is all that is shown here.

- `x` asks it to stop, after saying what stopping leaves at this moment. From the first rename of a
  restore on it is too late: the job finishes, and `rollback` puts the old state back.
- `f` follows the log or holds it still; the arrow keys, Page Up and Page Down scroll, End follows again.
- `/` shows only lines with certain words (`warning` and `error` are words too).
- `y` copies everything shown, `s` saves it as a new file.
- `g` goes on with what an interrupted restore left.
- `Z` shows how to roll this restore back; its plan changes nothing.
- Escape goes back; the job goes on.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="job.back", tooltip="The job goes on"),
        Binding("x", "cancel", "Cancel job", id="job.cancel"),
        Binding("g", "go_on", "Go on", id="job.go_on", tooltip="With what an interrupted restore left"),
        Binding("Z", "rollback", "Roll back", id="job.rollback", tooltip="What was live before this restore"),
        Binding("f", "follow", "Follow", id="job.follow", tooltip="Keep the newest line in sight, or hold"),
        Binding("slash", "filter", "Filter", key_display="/", id="job.filter"),
        Binding("y", "copy", "Copy", id="job.copy"),
        Binding("s", "save", "Save", id="job.save"),
    ]

    def __init__(self, job: str, *, asks_to_cancel: bool = False) -> None:
        """`asks_to_cancel` puts the question as soon as the journal says what cancelling would leave."""
        super().__init__()
        self.job = job
        self._asks = asks_to_cancel
        self.story = Story()
        self._follower: Follower | None = None
        self._unshown: list[LogLine] = []
        self._log_timer: Timer | None = None
        self._minutes: Timer | None = None
        self._asking: YesNoModal | None = None
        self._asked_words = ""
        self._answer = ""

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        marks = {"info": " ", "warning": glyphs.of("warning"), "error": glyphs.of("fail")}
        yield Static("", id="job-title", markup=False)
        yield Static("", id="job-origin", markup=False)
        with Vertical(id="job-body"):
            with VerticalScroll(id="job-told", can_focus=False):
                yield ProblemBox(glyphs=glyphs, id="job-problem")
                yield KeyValues(id="job-result")
                yield PhaseList(glyphs, id="job-phases")
                yield ProgressLine(glyphs, id="job-progress")
                yield Static("", id="job-answer", markup=False)
            with Vertical(id="job-log-side"):
                yield Static("", id="job-log-head", markup=False)
                yield LogTail(marks, ellipsis=glyphs.ellipsis, placeholder="No lines yet.", id="job-log")
                yield FilterBar("Lines with:", id="job-filter")

    def on_mount(self) -> None:
        """Reads the journal from its first line."""
        super().on_mount()
        self._since = self.console.store.backend.now()
        self.query_one(LogTail).focus()
        self._follower = Follower(self.console.store.backend, self, self.job, self.folder)
        self._minutes = self.set_interval(MINUTE_SECONDS, self._show_head)
        self._show_story()

    def on_unmount(self) -> None:
        """Stops reading; the job goes on."""
        if self._follower is not None:
            self._follower.close()

    @property
    def folder(self) -> Path:
        """The job's folder in the state folder."""
        return self.console.store.backend.paths.jobs / self.job

    @property
    def if_cancelled(self) -> IfCancelled:
        """What cancelling would leave now."""
        phase = self.story.phase
        verb = self.story.started.verb if self.story.started else ""
        return if_cancelled(self.job, verb, phase.key if phase else "", self.story.marks)

    async def on_job_news(self, news: JobNews) -> None:
        """What the journal says since the last time; a long one is read in pieces, so that nothing waits."""
        before = self.story.logged
        for number, event in enumerate(news.events, 1):
            self.story.add(event)
            if number % EVENTS_AT_ONCE == 0:
                await asyncio.sleep(0)
                if not self.is_attached:
                    return
        if news.ended:
            self.story.end()
        fresh = self.story.logged - before
        if fresh:
            self._unshown += list(self.story.log)[-fresh:]
        self._show_story()
        if self.story.ended:
            self._end()
        elif fresh and self._log_timer is None:
            self._show_log()
            self._log_timer = self.set_timer(LOG_SECONDS, self._log_due)
        if self._asking is not None:
            self._say_in_question(self._asking)
        elif self._asks and self.story.started is not None and self.is_current:
            self._asks = False
            if not self.story.ended:
                self.action_cancel()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what cannot be done; `why_disabled` says why."""
        if action == "rollback" and not is_offered(self.story.started.verb if self.story.started else ""):
            return False
        return None if self.why_disabled(action) else True

    def why_disabled(self, action: str) -> str:
        """Why an action does nothing now; empty when it works."""
        if action == "cancel" and self.story.ended:
            return "The job has ended."
        if action == "go_on" and not self._goes_on:
            return "Only an interrupted restore, rollback or finish is gone on with."
        if action == "rollback":
            started = self.story.started
            if started is None or not self.story.ended:
                return "The job has not ended."
            dry = only_looks(started.verb, started.plan)
            return why_no_rollback(self.console, self.job, verb="plan" if dry else started.verb)
        return ""

    @property
    def _goes_on(self) -> bool:
        return parts.can_go_on(self.job, self.story)

    def action_back(self) -> None:
        """Leaves; the job goes on."""
        self.dismiss(None)

    def action_cancel(self) -> None:
        """Asks first, saying what cancelling leaves now; too late is an answer, not a question."""
        found = self.if_cancelled
        if not found.possible:
            self._answer = found.left
            self._show_answer()
            return
        verb = self.story.started.verb if self.story.started else "job"
        self._asking = YesNoModal(f"Cancel the {verb} {self.job}?", self._question_words())
        self.console.push_screen(self._asking, self._answered)

    async def action_go_on(self) -> None:
        """To the Restore screen, which opens on what was interrupted."""
        await self.console.open_restore()

    def action_rollback(self) -> None:
        """What was live before this restore, on the rollback's plan."""
        from tui.screens.restore.rollback import open_rollback

        open_rollback(self.console, self.job)

    def action_follow(self) -> None:
        """Follows the log, or holds it still."""
        log = self.query_one(LogTail)
        log.follow(not log.following)
        self._show_log_head()

    def action_filter(self) -> None:
        """Opens the filter's line."""
        self.query_one(FilterBar).open()

    def action_copy(self) -> None:
        """Everything shown, into the terminal's clipboard."""
        self.console.copy_text(self._report(), name=self._file)

    def action_save(self) -> None:
        """Everything shown, as a new file."""
        self.console.save_text(self._report(), name=self._file)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Other words."""
        self.query_one(LogTail).filter(event.text)
        self._show_log_head()

    def on_filter_bar_left(self) -> None:
        """Back to the log."""
        self.query_one(LogTail).focus()

    def on_log_tail_following(self) -> None:
        """A scroll key began or stopped to follow."""
        self._show_log_head()

    @property
    def _file(self) -> str:
        return f"quillkeep-job-{self.job}.txt"

    def _report(self) -> str:
        now = self.console.store.backend.now()
        log = self.query_one(LogTail).text
        return parts.report_text(self.job, self.story, self.console.glyphs, log, self.folder, now)

    def _question_words(self) -> str:
        self._asked_words = self.if_cancelled.left
        return self._asked_words

    def _say_in_question(self, modal: YesNoModal) -> None:
        """The question says what holds at this moment, also when the job went on under it."""
        before = self._asked_words
        words = "It has ended meanwhile." if self.story.ended else self._question_words()
        if words != before and modal.is_mounted:
            modal.query_one("#effects", Static).update(plain(words))

    def _answered(self, yes: bool | None) -> None:
        self._asking = None
        if yes and not self.story.ended:
            start_work(self, self._cancel, group="cancel", description="cancel a job")

    async def _cancel(self) -> None:
        try:
            answer = await apart(self.console.store.backend.cancel_job, self.job)
        except QuillkeepError as error:
            self.console.show_problem(Problem.of(error))
            return
        self._answer = answer.answer
        self._show_answer()

    def _show_story(self) -> None:
        self._show_head()
        story = self.story
        self.query_one(PhaseList).show(parts.phase_rows(story, self.console.glyphs.ellipsis))
        live = not story.ended and story.phase is not None
        progress = self.query_one(ProgressLine)
        progress.display = live
        if live:
            share = story.phase.share if story.phase else None
            progress.show(share, parts.progress_of(story.phase))
        self._show_answer()
        self._show_log_head()

    def _show_head(self) -> None:
        title = self.query_one("#job-title", Static)
        _say(title, parts.title_of(self.job, self.story, self.console.glyphs))
        for name in TONES:
            title.set_class(tone(self.story.state) == name, f"-{name}")
        now = self.console.store.backend.now()
        _say(self.query_one("#job-origin", Static), parts.origin_of(self.story, now, self._since))

    def _show_answer(self) -> None:
        told = self._answer
        if self.story.cancel is not None and not self.story.ended:
            told = told or self.story.cancel.answer
        line = self.query_one("#job-answer", Static)
        line.display = bool(told) and not self.story.ended
        _say(line, told)

    def _show_log_head(self) -> None:
        log = self.query_one(LogTail)
        shown, every = log.counts
        followed = "following" if log.following else "held; f follows"
        how = "whole" if self.story.ended else followed
        many = f"{shown:,} of {every:,} lines" if shown != every else f"{every:,} lines"
        _say(self.query_one("#job-log-head", Static), f" Log ({how}): {many}")

    def _log_due(self) -> None:
        self._log_timer = None
        if self._unshown:
            self._show_log()
            self._log_timer = self.set_timer(LOG_SECONDS, self._log_due)

    def _show_log(self) -> None:
        lines, self._unshown = self._unshown, []
        self.query_one(LogTail).append(parts.tail_line(line) for line in lines)
        self._show_log_head()

    def _end(self) -> None:
        if self._minutes is not None:
            self._minutes.stop()
        self._show_log()
        problem = parts.problem_of(self.job, self.story, self.folder)
        box = self.query_one(ProblemBox)
        if problem is not None:
            status = "warn" if self.story.state in ("cancelled", "unknown") else "fail"
            box.show(problem.what, problem.cause, problem.touched, problem.next, status=status)
        self.query_one(KeyValues).show(parts.result_pairs(self.job, self.story))
        self.query_one("#job-told", VerticalScroll).can_focus = True
        self.query_one(LogTail).say("It wrote no lines.")
        self.console.look_at_jobs()


def _say(line: Static, text: str) -> None:
    """Another text; nothing is drawn again when it is the same."""
    content = plain(text)
    if line.content != content:
        line.update(content)
