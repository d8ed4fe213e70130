"""Health: the ten-second glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize, ScreenSuspend
from textual.widgets import OptionList, Static

from services.jobs.events import Finished, PhaseStarted, Progress
from services.status.assess import assess
from services.status.model import Finding, Status
from tui.bridge import Follower, JobNews
from tui.present_status import NOT_YET, rpo_words, rto_words, status_lines
from tui.screens import health_text as text
from tui.screens.base import ConsoleScreen
from tui.screens.health_list import AttentionList, Keys, keys_of
from tui.screens.health_looks import NAMES, looks_of, waiting_for
from tui.terminal import Terminal
from widgets.gauge import Gauge
from widgets.key_names import key_name
from widgets.lines_view import LinesView
from widgets.plain import plain

if TYPE_CHECKING:
    from services.catalog.model import Backup
    from services.jobs.listing import JobSummary

MINUTE = 60.0
LOOK_MINUTES = 10
FOCUS_LINES = 4
RESCAN_AFTER = frozenset(
    {"backup", "verify", "pin", "unpin", "accept", "delete", "release", "restore", "finish", "rollback"}
)
"""Jobs whose end changes what Health says."""


class HealthScreen(ConsoleScreen):
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
`v` verifies the newest, `3` restores, `f` opens an interrupted restore, `R` releases rollback copies, `o` opens
the running job, `y` copies a line's command, `s` saves all of this as text, `r` looks again.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "backup", "Back up", id="health.backup", tooltip="Start a backup now"),
        Binding("v", "verify", "Verify", id="health.verify", tooltip="Prove the newest backup byte by byte"),
        Binding("3", "app.show_mode('restore')", "Restore", id="mode.restore", tooltip="The restore wizard"),
        Binding("f", "finish", "Finish", id="health.finish", tooltip="The interrupted restore"),
        Binding(
            "R", "release", "Release copies", id="health.release", tooltip="Rollback copies of a restore"
        ),
        Binding("o", "open_job", "Open job", id="health.job", tooltip="The running job"),
        Binding("r", "look_again", "Look again", id="health.look"),
        Binding("y", "copy", "Copy command", show=False, id="health.copy"),
        Binding("s", "save", "Save", show=False, id="health.save", tooltip="All of this as a text file"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._status: Status | None = None
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

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter does what the line's key does."""
        event.stop()
        finding = self.focused_finding
        if finding is not None:
            await self._remedy(finding)

    @property
    def focused_finding(self) -> Finding | None:
        """The finding under the cursor."""
        return self.query_one(AttentionList).focused_finding

    @property
    def _keys(self) -> Keys:
        return keys_of(self.console.keymap)

    # What the keys do.

    def action_backup(self) -> None:
        """Asks for the reason, then starts one."""
        from tui.screens.backup_dialog import ask_and_start_backup

        self.run_worker(ask_and_start_backup(self.console), group="ask", description="back up")

    def action_verify(self) -> None:
        """Asks how deep, then verifies the newest backup, or the one the line is about."""
        self.run_worker(self._verify(), group="ask", description="verify")

    async def action_finish(self) -> None:
        """The wizard, which opens on what was interrupted."""
        await self.console.open_restore()

    def action_release(self) -> None:
        """The release of the copies that the line is about, else of the newest ones."""
        from tui.screens.restore.release import open_release

        job = self._subject_of("release")
        if job:
            open_release(self.console, job)

    def action_open_job(self) -> None:
        """The running job."""
        running = self._mine()
        if running:
            self.console.open_job(running[0].id)

    def action_look_again(self) -> None:
        """Asks everything again."""
        self.console.look_at_jobs()
        self.console.look_at(*NAMES)

    def action_copy(self) -> None:
        """The command of the line under the cursor."""
        finding = self.focused_finding
        if finding is not None and finding.next:
            self.console.copy_text(finding.next, name="the command")

    def action_save(self) -> None:
        """What `quillkeep status` would print."""
        if self._status is not None:
            plain = Terminal(utf8=self.console.glyphs.utf8, width=100)
            lines = status_lines(self._status, tuple(self._mine()), plain)
            self.console.save_text("\n".join(lines) + "\n", name="quillkeep-status.txt")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Finish, release and the running job are offered only while there is one."""
        if action in ("finish", "release", "open_job") and not self._offered(action):
            return False
        return None if self.why_disabled(action) else super().check_action(action, parameters)

    def why_disabled(self, action: str) -> str:
        """Why a key of Health does nothing now."""
        profile = self.console.store.profile
        if action == "backup" and not profile.locations:
            return "No folder for backups is configured: 8 shows the line to write."
        if action == "verify" and self._to_verify() is None:
            return "There is no backup to verify."
        if action == "release" and profile.read_only:
            return "READ-ONLY: rollback copies are not released."
        if (
            action == "copy"
            and self.is_mounted
            and (self.focused_finding is None or not self.focused_finding.next)
        ):
            return "This line has no command."
        return ""

    def _offered(self, action: str) -> bool:
        if action == "open_job":
            return bool(self._mine())
        return bool(self._subject_of("finish" if action == "finish" else "release"))

    async def _remedy(self, finding: Finding) -> None:
        modes = {"restore": "restore", "archives": "archives", "settings": "settings"}
        if finding.remedy in modes:
            await self.console.action_show_mode(modes[finding.remedy])
        elif finding.remedy == "jobs" and finding.subject:
            self.console.open_job(finding.subject)
        elif finding.remedy == "jobs":
            await self.console.action_show_mode("jobs")
        else:
            actions = {"": "copy", "look again": "look_again"}
            action = actions.get(finding.remedy, finding.remedy)
            why = self.why_disabled(action)
            if why:
                self.console.say(why, severity="warning")
            else:
                await self.run_action(action)

    def _subject_of(self, remedy: str) -> str:
        """The job that a remedy is about: of the line under the cursor, else the first there is."""
        if self._status is None or not self.is_mounted:
            return ""
        finding = self.focused_finding
        if finding is not None and finding.remedy == remedy:
            return finding.subject or "-"
        return next((one.subject or "-" for one in self._status.findings if one.remedy == remedy), "")

    def _to_verify(self) -> Backup | None:
        catalog = self.console.store.catalog.value
        if catalog is None:
            return None
        finding = self.focused_finding if self.is_mounted else None
        if finding is not None and finding.remedy == "verify":
            named = next((one for one in catalog.backups if one.id == finding.subject), None)
            if named is not None:
                return named
        own = (one for one in catalog.backups if one.ours and one.counted and not one.problem)
        return next(own, None)

    async def _verify(self) -> None:
        from services.operations.verify import VerifyPlan
        from tui.screens.archive_dialogs import DepthModal

        backup = self._to_verify()
        if backup is None:
            return
        depth = await self.app.push_screen_wait(DepthModal(backup))
        if depth is None:
            return
        started = await self.console.begin_job("verify", VerifyPlan(backup=backup.id, depth=depth))
        if started is not None:
            self.console.say(f"Verifying {backup.id} as job {started.job}; o opens it.")

    # What is shown.

    def _show_status(self) -> None:
        self._due = False
        if not self.is_mounted:
            return
        store, glyphs = self.console.store, self.console.glyphs
        now = store.backend.now()
        looks = looks_of(store)
        status = self._status = assess(store.profile, looks, now)
        looking = looks.catalog is None and status.status != "CRITICAL"
        verdict = self.query_one("#health-verdict", Static)
        self._say("health-verdict", text.verdict_line(status, glyphs, looking=looking))
        for word in ("OK", "WARNING", "CRITICAL", "UNKNOWN"):
            verdict.set_class(word == status.status and not looking, f"-{word.lower()}")
        for part in ("database", "objects"):
            found = next((one for one in status.parts if one.part == part), None)
            name = f"health-{part}"
            line = text.part_line(found, glyphs) if found else f"{part.capitalize():<{text.LABEL}}{NOT_YET}"
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
        self._say("health-head", text.head_line(status, *waiting_for(store)))
        self.query_one(AttentionList).show(status.findings)
        self._show_focus()
        self.refresh_bindings()

    def _show_focus(self) -> None:
        if self._status is None:
            return
        status, finding, glyphs = self._status, self.focused_finding, self.console.glyphs
        width = self.query_one("#health-left").size.width
        cut = finding is not None and self.query_one(AttentionList).is_cut(finding)
        lines = text.focus_lines(finding, width, FOCUS_LINES, glyphs, whole=cut)
        self._say("health-focus", "\n".join(lines))
        side = self.query_one("#health-side", LinesView)
        side.show(lambda room: text.side_lines(finding, status, self._keys, room))

    def _show_job(self) -> None:
        running = self._mine()
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
        key = key_name(self.console.keymap.get("health.job", "o").partition(",")[0])
        self._say("health-job", text.job_line(running[0], self._progress, glyphs, len(running) - 1, key))

    def _mine(self) -> list[JobSummary]:
        name = self.console.store.profile.name
        return [job for job in self.console.store.running if job.profile == name or not job.verb]

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
