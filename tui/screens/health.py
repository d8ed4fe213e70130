"""Health: the ten-second glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize, ScreenSuspend
from textual.widgets import OptionList, Static

from services.jobs.events import Finished, PhaseStarted, Progress
from services.status.assess import assess
from tui.bridge import Follower, JobNews
from tui.present_status import NOT_YET, rpo_words, rto_words
from tui.screens import health_text as text
from tui.screens.health_actions import HealthActions
from tui.screens.health_list import AttentionList, Keys, keys_of
from tui.screens.health_looks import NAMES, looks_of, waiting_for
from widgets.gauge import Gauge
from widgets.key_names import bound_key
from widgets.lines_view import LinesView
from widgets.plain import plain

if TYPE_CHECKING:
    from services.status.model import Status

MINUTE = 60.0
LOOK_MINUTES = 10
FOCUS_LINES = 4
TALL, FEW_ALARMS = 30, 2
RESCAN_AFTER = frozenset(
    {
        "backup",
        "verify",
        "pin",
        "unpin",
        "accept",
        "delete",
        "release",
        "restore",
        "finish",
        "rollback",
        "app-start",
        "trash-restore",
    }
)
"""Jobs whose end changes what Health says."""


class HealthScreen(HealthActions):
    """The verdict, the figures, and what wants attention with the key that deals with it."""

    MODE: ClassVar[str] = "health"
    TOPICS: ClassVar[tuple[str, ...]] = (*NAMES, "jobs")
    CSS_PATH = "../styles/health.tcss"
    HELP = """
# Health

The first line is the verdict: **OK**, **WARNING** (the newest good backup is late), **CRITICAL** (twice as
late, never backed up, files gone, an interrupted restore or a stopped application waits) or **UNKNOWN**
(something could not be read). Database and objects are judged separately; the worst wins.

- *good*: complete, not suspicious, every byte proven.
- *RPO*: how much data would be lost, as the age of the newest good backup. *RTO*: how long a restore takes.
- The strip shows the last 14 days in UTC, and the size of each day's backup.

**Needs attention** lists what to do. Each line names its key; Enter on a line does the same. `b` backs up,
`v` verifies the newest, `3` restores, `f` opens an interrupted restore, `Z` rolls a
restore back, `D` drops its rollback copies for ever, `o` opens
the running job, `y` copies a line's command, `s` saves all of this as text, `r` looks again.
"""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, str] = {}
        self._due = False
        self._follower: Follower | None = None
        self._progress: Progress | None = None
        self._ended: frozenset[str] | None = None

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="health-verdict", markup=False)
        if self.console.store.hint:
            yield Static(
                plain(self.console.store.hint), id="health-hint", classes="health-line", markup=False
            )
        with Horizontal(id="health-main"):
            with Vertical(id="health-left"):
                for name in ("health-database", "health-objects"):
                    yield Static("", id=name, classes="health-line", markup=False)
                yield Gauge(f"{'RPO':<{text.LABEL}}", glyphs, id="health-rpo")
                yield Gauge(f"{'RTO':<{text.LABEL}}", glyphs, id="health-rto")
                for name in ("health-lasts", "health-strip", "health-job", "health-head"):
                    yield Static("", id=name, classes="health-line", markup=False)
                yield AttentionList(glyphs, self._keys, id="health-list")
                yield Static("", id="health-focus", markup=False)
            yield LinesView(ellipsis=glyphs.ellipsis, id="health-side")

    def on_mount(self) -> None:
        """Everything at once; ages are told anew once a minute."""
        super().on_mount()
        self._show_status()
        self.query_one(AttentionList).focus()
        self.set_interval(MINUTE, self._show_status)
        self.set_interval(LOOK_MINUTES * MINUTE, self._look_sometimes)

    def show(self, topic: str) -> None:
        """Looks that answer together are shown together."""
        if topic == "jobs":
            self._watch_jobs()
        if not self._due:
            self._due = True
            self.call_next(self._show_status)

    def on_resize(self, event: Resize) -> None:
        """The strip and the details are made for the width."""
        self.call_after_refresh(self._show_status)

    def on_screen_suspend(self, event: ScreenSuspend) -> None:
        """Nobody sees the running job's progress."""
        self._unfollow()

    def on_unmount(self) -> None:
        """Jobs go on; nobody reads their journals here any more."""
        self._unfollow()

    def on_job_news(self, news: JobNews) -> None:
        """Phase and progress of the running job, four times a second at most."""
        if self._follower is None or news.job != self._follower.job:
            return
        for event in news.events:
            if isinstance(event, Progress):
                self._progress = event
            elif isinstance(event, PhaseStarted):
                self._progress = Progress(at=event.at, phase=event.phase, done=0, total=None)
            elif isinstance(event, Finished):
                self._progress = None
        self._show_job()
        if news.ended:
            self._follower = None
            self._progress = None
            self.console.look_at_jobs()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """The details are those of the line under the cursor."""
        event.stop()
        self._show_focus()
        self.refresh_bindings()

    @property
    def _keys(self) -> Keys:
        return keys_of(self.console.keymap)

    def _show_status(self) -> None:
        self._due = False
        if not self.is_mounted:
            return
        store, glyphs = self.console.store, self.console.glyphs
        now = store.backend.now()
        looks = looks_of(store)
        status = self.status = assess(store.profile, looks, now)
        looking = looks.catalog is None and status.status != "CRITICAL"
        verdict = self.query_one("#health-verdict", Static)
        self._say("health-verdict", text.verdict_line(status, glyphs, looking=looking))
        for word in ("OK", "WARNING", "CRITICAL", "UNKNOWN"):
            verdict.set_class(word == status.status and not looking, f"-{word.lower()}")
        for part in ("database", "objects"):
            found = next((one for one in status.parts if one.part == part), None)
            name = f"health-{part}"
            line = text.part_line(found, glyphs) if found else f"{text.PARTS[part]:<{text.LABEL}}{NOT_YET}"
            self._say(name, line)
            late = found is not None and found.status != "OK"
            self.query_one(f"#{name}", Static).set_class(late, "-late")
        rpo, rto = self.query_one("#health-rpo", Gauge), self.query_one("#health-rto", Gauge)
        rpo.show(status.rpo_hours, status.rpo_target_hours, rpo_words(status))
        rto.show(status.rto_minutes, status.rto_target_minutes, rto_words(status))
        self._say("health-lasts", "\n".join(text.last_lines(status, now)))
        width = self.query_one("#health-left").size.width
        self._say("health-strip", "\n".join(text.strip_text(status, glyphs, width)))
        self._show_job()
        # On a short terminal the strip makes room for what wants attention.
        alarms = sum(finding.status != "OK" for finding in status.findings)
        self.query_one("#health-strip").display = self.size.height >= TALL or alarms <= FEW_ALARMS
        self.query_one(AttentionList).show(status.findings)
        self._say_head(status)
        self._show_focus()
        self.refresh_bindings()

    def _say_head(self, status: Status) -> None:
        """How many want attention, and how many of them the list has no row for."""
        if self.is_mounted and status is self.status:
            hidden = self.query_one(AttentionList).hidden
            more = f"   {self.console.glyphs.ellipsis} {hidden} more (Down)" if hidden else ""
            self._say("health-head", f"{text.head_line(status, *waiting_for(self.console.store))}{more}")

    def on_attention_list_room_changed(self) -> None:
        """Another number of findings has no row."""
        if self.status is not None:
            self._say_head(self.status)

    def _show_focus(self) -> None:
        if self.status is None:
            return
        status, finding, glyphs = self.status, self.focused_finding, self.console.glyphs
        width = self.query_one("#health-left").size.width
        cut = finding is not None and self.query_one(AttentionList).is_cut(finding)
        demo = self.console.store.demo is not None
        lines = text.focus_lines(finding, width, FOCUS_LINES, glyphs, whole=cut, demo=demo)
        self._say("health-focus", "\n".join(lines))
        side = self.query_one("#health-side", LinesView)
        side.show(lambda room: text.side_lines(finding, status, self._keys, room, demo=demo))

    def _show_job(self) -> None:
        running = self.running_jobs
        line = self.query_one("#health-job", Static)
        line.display = bool(running)
        if not running:
            self._unfollow()
            return
        if self._follower is None or self._follower.job != running[0].id:
            self._unfollow()
            store = self.console.store
            folder = store.backend.paths.jobs / running[0].id
            if self.is_current:
                self._follower = Follower(store.backend, self, running[0].id, folder)
        glyphs = self.console.glyphs
        key = bound_key(self.console.keymap, "health.job", "o")
        self._say("health-job", text.job_line(running[0], self._progress, glyphs, len(running) - 1, key))

    def _unfollow(self) -> None:
        if self._follower is not None:
            self._follower.close()
        self._follower = None
        self._progress = None

    def _watch_jobs(self) -> None:
        """Looks again when a job has ended that may have changed what is shown, also one that nobody saw begin."""
        jobs = self.console.store.jobs.value or ()
        now = frozenset(
            job.id for job in jobs if job.verb in RESCAN_AFTER and job.state not in ("running", "cancelling")
        )
        before, self._ended = self._ended, now
        if before is not None and now - before:
            self.console.look_at(*NAMES)

    def _look_sometimes(self) -> None:
        """A console that is left open keeps up with other hosts; what hangs is not asked again by itself."""
        store = self.console.store
        if self.is_current:
            self.console.look_at(*(name for name in NAMES if store.looked(name).problem is None))

    def _say(self, name: str, said: str) -> None:
        """Other words for a line; the same ones are not drawn again."""
        if self._said.get(name) != said:
            self._said[name] = said
            self.query_one(f"#{name}", Static).update(Content(said))
