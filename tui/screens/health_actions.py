"""What can be done from Health: its keys, and Enter on a line of what wants attention."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from services.status.model import Finding, Remedy, Status
from tui.present_status import status_lines
from tui.screens.base import ConsoleScreen
from tui.screens.health_list import AttentionList
from tui.screens.health_looks import NAMES
from tui.screens.way_back import why_no_rollback
from tui.terminal import Terminal
from tui.work import start_work

if TYPE_CHECKING:
    from services.catalog.model import Backup
    from services.jobs.listing import JobSummary
    from services.operations.verify_model import VerifyPlan


class HealthActions(ConsoleScreen):
    """A screen with a status and an `AttentionList`; the keys work on the line under the cursor or on the newest."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "backup", "Back up", id="health.backup", tooltip="Start a backup now"),
        Binding("v", "verify", "Verify", id="health.verify", tooltip="Prove the newest backup byte by byte"),
        Binding("3", "app.show_mode('restore')", "Restore", id="mode.restore", tooltip="The restore wizard"),
        Binding("f", "finish", "Finish", id="health.finish", tooltip="The interrupted restore"),
        Binding("Z", "rollback", "Roll back", id="health.rollback", tooltip="What was live before a restore"),
        Binding(
            "D",
            "release",
            "Drop copies",
            id="health.release",
            tooltip="Release the rollback copies of a restore: gone for ever",
        ),
        Binding("R", "app.show_mode('restore')", "Restore", show=False, id="health.restore"),
        Binding("a", "start_app", "Start app", id="health.app", tooltip="The stopped application"),
        Binding("o", "open_job", "Open job", id="health.job", tooltip="The running job"),
        Binding("r", "look_again", "Look again", id="health.look"),
        Binding("y", "copy", "Copy command", show=False, id="health.copy"),
        Binding("s", "save", "Save", show=False, id="health.save", tooltip="All of this as a text file"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.status: Status | None = None

    @property
    def focused_finding(self) -> Finding | None:
        """The finding under the cursor."""
        return self.query_one(AttentionList).focused_finding

    @property
    def running_jobs(self) -> list[JobSummary]:
        """Those of this profile, newest first."""
        name = self.console.store.profile.name
        return [job for job in self.console.store.running if job.profile == name or not job.verb]

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter does what the line's key does."""
        event.stop()
        finding = self.focused_finding
        if finding is not None:
            await self._remedy(finding)

    async def action_backup(self) -> None:
        """Asks for the reason, then starts one."""
        from tui.screens.backup_dialog import ask_and_start_backup

        await ask_and_start_backup(self.console)

    def action_verify(self) -> None:
        """Asks how deep, then verifies the newest backup, or the one the line is about."""
        from tui.screens.verify_dialog import open_verify

        backup = self._to_verify()
        if backup is None:
            return

        def begin(plan: VerifyPlan) -> None:
            start_work(self, partial(self._verify, backup, plan), group="verify", description="verify")

        open_verify(self, backup, backup.id, begin)

    async def action_finish(self) -> None:
        """The wizard, which opens on what was interrupted."""
        await self.console.open_restore()

    def action_rollback(self) -> None:
        """The rollback of the restore that the line is about, else of the newest one; its plan changes nothing."""
        from tui.screens.restore.rollback import open_rollback

        open_rollback(self.console, self._subject_of("rollback"))

    def action_release(self) -> None:
        """The release of the copies that the line is about, else of the newest ones."""
        from tui.screens.restore.release import open_release

        job = self._subject_of("release", "rollback")
        if job:
            open_release(self.console, job)

    def action_start_app(self) -> None:
        """The application that a job left stopped, once asked."""
        from tui.screens.app_start import ask_and_start_app

        ask_and_start_app(self.console)

    def action_open_job(self) -> None:
        """The running job."""
        running = self.running_jobs
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
        if self.status is not None:
            terminal = Terminal(utf8=self.console.glyphs.utf8, width=100)
            lines = status_lines(self.status, tuple(self.running_jobs), terminal)
            self.console.save_text("\n".join(lines) + "\n", name="quillkeep-status.txt")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Finish, rollback, release and the running job are offered only while there is one."""
        if action in ("finish", "rollback", "release", "start_app", "open_job") and not self._offered(action):
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
        if action == "rollback" and (job := self._subject_of("rollback")):
            return why_no_rollback(self.console, job)
        if action == "start_app" and profile.read_only:
            return "READ-ONLY: the application is not started from this console."
        if (
            action == "copy"
            and self.is_mounted
            and (self.focused_finding is None or not self.focused_finding.next)
        ):
            return "This line has no command."
        return ""

    def _offered(self, action: str) -> bool:
        if action == "open_job":
            return bool(self.running_jobs)
        remedies: dict[str, tuple[Remedy, ...]] = {
            "finish": ("finish",),
            "rollback": ("rollback",),
            "release": ("release", "rollback"),
            "start_app": ("start app",),
        }
        return bool(self._subject_of(*remedies[action]))

    async def _remedy(self, finding: Finding) -> None:
        modes = {name: name for name in ("restore", "archives", "integrity", "settings")}
        if finding.remedy == "archives" and (backup := self._backup(finding.subject)) is not None:
            from tui.screens.archive_detail import ArchiveDetailScreen

            await self.app.push_screen(ArchiveDetailScreen(backup))
        elif finding.remedy == "restore" and finding.collections:
            await self.console.open_restore(backup=finding.subject, collections=finding.collections)
        elif finding.remedy in modes:
            await self.console.action_show_mode(modes[finding.remedy])
        elif finding.remedy == "jobs" and finding.subject:
            self.console.open_job(finding.subject)
        elif finding.remedy == "jobs":
            await self.console.action_show_mode("jobs")
        else:
            actions = {"": "copy", "look again": "look_again", "start app": "start_app"}
            action = actions.get(finding.remedy, finding.remedy)
            why = self.why_disabled(action)
            if why:
                self.console.say(why, severity="warning")
            else:
                await self.run_action(action)

    def _subject_of(self, *remedies: Remedy) -> str:
        """The job that one of the remedies is about: of the line under the cursor, else the first there is."""
        if self.status is None or not self.is_mounted:
            return ""
        finding = self.focused_finding
        if finding is not None and finding.remedy in remedies:
            return finding.subject or "-"
        return next((one.subject or "-" for one in self.status.findings if one.remedy in remedies), "")

    def _backup(self, name: str) -> Backup | None:
        catalog = self.console.store.catalog.value
        return next((one for one in catalog.backups if one.id == name), None) if catalog and name else None

    def _to_verify(self) -> Backup | None:
        catalog = self.console.store.catalog.value
        if catalog is None:
            return None
        finding = self.focused_finding if self.is_mounted else None
        if finding is not None and finding.remedy == "verify":
            named = self._backup(finding.subject)
            if named is not None:
                return named
        own = (one for one in catalog.backups if one.ours and one.counted and not one.problem)
        return next(own, None)

    async def _verify(self, backup: Backup, plan: VerifyPlan) -> None:
        started = await self.console.begin_job("verify", plan)
        if started is not None:
            self.console.say(f"Verifying {backup.id} as job {started.job}; o opens it.")
