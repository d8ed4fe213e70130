"""What can be done with one backup: the same keys on the inventory and on the detail screen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from textual.binding import Binding, BindingType

from services.catalog.model import Backup
from services.jobs.events import Finished
from services.jobs.listing import JobSummary
from tui.bridge import Follower, JobNews
from tui.screens.archives_rows import reference, size
from tui.screens.base import ConsoleScreen
from tui.store import Problem
from tui.work import start_work

RESCAN_AFTER = (
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
    "trash-restore",
)
"""Jobs whose end may have changed what the list says."""


BACK_UP = Binding("b", "backup", "Back up", id="archives.backup", tooltip="Start a backup")
VERIFY = Binding("v", "verify", "Verify", id="archives.verify", tooltip="Prove this backup byte by byte")
RESTORE = Binding("R", "restore", "Restore", id="archives.restore", tooltip="Open the restore wizard on it")
COPY = Binding(
    "y", "copy", "Copy", id="archives.copy", tooltip="The id, or the commands where they are shown"
)
OTHERS: tuple[BindingType, ...] = (
    Binding("d", "delete", "Delete", id="archives.delete", tooltip="Move it into the trash; type its id"),
    Binding("c", "compare", "Compare", id="archives.compare", tooltip="Mark it; on a second one compare"),
    Binding("l", "compare_live", "Compare with live", id="archives.compare_live", show=False),
    Binding("p", "pin", "Pin or unpin", id="archives.pin", show=False),
    Binding("a", "accept", "Accept as it is", id="archives.accept", show=False),
    Binding("r", "rescan", "Look again", id="archives.rescan", show=False),
)
"""The keys of both screens; each puts those first that matter most on it."""


class BackupActions(ConsoleScreen):
    """A screen with a backup in focus; starts the jobs of the verbs and tells how they ended."""

    def __init__(self) -> None:
        super().__init__()
        self._mine: dict[str, str] = {}
        """Jobs begun here, and the backup each is about."""
        self._followers: list[Follower] = []
        self._ended: dict[str, Finished] = {}
        self._running_jobs: frozenset[str] | None = None
        self._again = False

    @property
    def focused_backup(self) -> Backup | None:
        """The backup that the keys are about."""
        raise NotImplementedError

    @property
    def every_backup(self) -> Sequence[Backup]:
        """All that are known."""
        catalog = self.console.store.catalog.value
        return catalog.backups if catalog is not None else ()

    def why_disabled(self, action: str) -> str:
        """Why a key of this screen does nothing now; empty while it works."""
        backup = self.focused_backup
        profile = self.console.store.profile
        if action == "backup" and not profile.locations:
            return "No folder for backups is configured: 8 shows the line to write."
        if action in _NEED_ONE and backup is None:
            return "No backup is selected."
        if action == "accept" and backup is not None and not (backup.suspicious or backup.missing_keys):
            return f"{backup.id} is neither suspicious nor missing an object: there is nothing to accept."
        if action == "delete" and profile.read_only:
            return "READ-ONLY: no backup can be deleted."
        if action == "delete" and backup is not None and backup.pinned:
            return f"{backup.id} is pinned: p takes the pin away."
        if action == "compare_live" and profile.mongo is None and profile.bucket is None:
            return "Neither a database nor a bucket is configured."
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey where `why_disabled` has words."""
        return None if self.why_disabled(action) else super().check_action(action, parameters)

    async def action_backup(self) -> None:
        """Asks for the reason, then starts one."""
        from tui.screens.backup_dialog import ask_and_start_backup

        await ask_and_start_backup(self.console)

    # A dialog is pushed within its key's own action: what is typed ahead goes to it, never to this screen.

    def action_verify(self) -> None:
        """Asks how deep, then starts."""
        from tui.screens.verify_dialog import open_verify

        backup = self.focused_backup
        if backup is not None:
            name = reference(backup, self.every_backup)
            open_verify(self, backup, name, lambda plan: self._start("verify", plan, backup))

    async def action_restore(self) -> None:
        """The wizard, with this backup chosen."""
        backup = self.focused_backup
        if backup is not None:
            await self.console.open_restore(backup=reference(backup, self.every_backup))

    def action_compare(self) -> None:
        """The first key marks, the second on another backup compares; on the marked one it takes the mark away."""
        backup = self.focused_backup
        if backup is None:
            return
        marked = self.console.store.marked
        if marked is None:
            self.console.store.marked = backup
            self.marked_changed()
            return
        self.console.store.marked = None
        self.marked_changed()
        if (marked.id, marked.location) != (backup.id, backup.location):
            self._compare(marked, reference(backup, self.every_backup))

    def action_compare_live(self) -> None:
        """The marked backup, or this one, against the live data."""
        backup = self.console.store.marked or self.focused_backup
        self.console.store.marked = None
        self.marked_changed()
        if backup is not None:
            self._compare(backup, "live")

    def marked_changed(self) -> None:
        """Another backup is marked, or none."""
        marked = self.console.store.marked
        if marked is not None:
            self.console.say(
                f"{marked.id} is marked: c on another backup compares them, l compares it with live."
            )

    def _compare(self, one: Backup, other: str) -> None:
        from tui.screens.compare import CompareScreen

        self.app.push_screen(CompareScreen(reference(one, self.every_backup), other))

    async def action_pin(self) -> None:
        """Keeps it from every deletion, or no longer."""
        from services.operations.pin import PinPlan

        backup = self.focused_backup
        if backup is not None:
            verb = "unpin" if backup.pinned else "pin"
            plan = PinPlan(backup=reference(backup, self.every_backup), unpin=backup.pinned)
            await self.begin(verb, plan, backup)

    def action_accept(self) -> None:
        """Shows what would be accepted, then asks."""
        from services.operations.accept import AcceptPlan
        from tui.screens.archive_dialogs import accept_modal

        backup = self.focused_backup
        if backup is None:
            return
        plan = AcceptPlan(backup=reference(backup, self.every_backup))

        def answered(yes: bool | None) -> None:
            if yes:
                self._start("accept", plan, backup)

        self.app.push_screen(accept_modal(backup), answered)

    def action_delete(self) -> None:
        """Its id has to be typed."""
        from services.operations.delete import DeletePlan
        from tui.screens.delete_dialog import DeleteModal

        backup = self.focused_backup
        if backup is None:
            return
        name = reference(backup, self.every_backup)
        plan = DeletePlan(backup=name, location=backup.location or None if name == backup.id else None)

        def answered(yes: bool | None) -> None:
            if yes:
                self._start("delete", plan, backup)

        self.app.push_screen(DeleteModal(backup, plan), answered)

    def _start(self, verb: str, plan: msgspec.Struct, backup: Backup) -> None:
        start_work(self, partial(self.begin, verb, plan, backup), group=f"begin-{verb}", description=verb)

    def action_copy(self) -> None:
        """The id, as the verbs take it."""
        backup = self.focused_backup
        if backup is not None:
            self.console.copy_text(reference(backup, self.every_backup), name="the backup's id")

    def action_rescan(self) -> None:
        """Looks through the locations again."""
        self.rescan()

    def rescan(self) -> None:
        """Looks now, or once more when a look is under way that may have begun too early."""
        if self.console.store.catalog.waiting:
            self._again = True
        else:
            self.console.look_at("catalog")

    async def begin(self, verb: str, plan: msgspec.Struct, backup: Backup) -> None:
        """Starts a job on a backup and follows it; what forbids it is shown."""
        started = await self.console.begin_job(verb, plan)
        if started is None:
            return
        self._mine[started.job] = backup.id
        backend = self.console.store.backend
        self._followers.append(Follower(backend, self, started.job, started.folder))
        if verb == "verify":
            self.console.say(f"Verifying {backup.id} as job {started.job}; 6 shows it.")
        self.notes_changed()

    def notes_changed(self) -> None:
        """What the rows say of running jobs may be new."""

    def note_of(self, backup: Backup) -> str:
        """What runs on a backup now, in words; empty for nothing."""
        for job in self.console.store.running:
            if self.about(job) == backup.id:
                part = f" {job.progress:.0%}" if job.progress else ""
                return f"{job.verb}{part}"
        return ""

    def about(self, job: JobSummary) -> str:
        """The backup a running job is about; empty when it is about none, or does not say."""
        return self._mine.get(job.id) or (job.summary if job.verb == "verify" else "")

    def on_unmount(self) -> None:
        """The jobs go on; nobody reads their journals here any more."""
        for follower in self._followers:
            follower.close()

    def on_job_news(self, news: JobNews) -> None:
        """How a job begun here ended."""
        if news.finished is not None:
            self._ended[news.job] = news.finished
        if not news.ended:
            return
        self._followers = [one for one in self._followers if one.job != news.job]
        self.rescan()
        self.console.look_at_jobs()
        finished = self._ended.pop(news.job, None)
        if finished is not None:
            self._tell(finished, self._mine.get(news.job, ""))
        else:
            self.console.say(
                f"Job {news.job} ended without a result; 6 shows what it left.", severity="error"
            )

    def _tell(self, finished: Finished, backup: str) -> None:
        error = finished.result.get("error")
        if isinstance(error, dict):
            self.console.show_problem(Problem(**{name: str(error.get(name) or "") for name in _PROBLEM}))
            return
        text, severity = ended_words(finished, backup)
        self.console.say(text, severity=severity)

    def watch_jobs(self) -> None:
        """Looks through the locations again when a job has ended that may have changed them."""
        running = self.console.store.running
        now = frozenset(job.id for job in running if job.verb in RESCAN_AFTER or not job.verb)
        before, self._running_jobs = self._running_jobs, now
        if before is not None and before - now:
            self.rescan()


def ended_words(finished: Finished, backup: str) -> tuple[str, str]:
    """A job's end as a sentence and how loud it is."""
    result = finished.result
    warnings = result.get("warnings")
    more = f" {warnings[0]}" if isinstance(warnings, list) and warnings else ""
    loud = {"ok": "information", "fail": "error", "failed": "error"}.get(finished.status, "warning")
    if "checks" in result:
        bad = [one for one in result["checks"] if isinstance(one, dict) and one.get("status") != "ok"]
        why = f": {bad[0].get('name')}: {bad[0].get('detail')}" if bad else ""
        return f"Verify of {backup} ended {finished.status}{why}{more}", loud
    if "pinned" in result:
        return (
            f"{backup} is {'pinned: no rule deletes it' if result['pinned'] else 'no longer pinned'}.{more}",
            loud,
        )
    if "still" in result:
        still = "; ".join(f"{part} is still not good: {why}" for part, why in result["still"].items())
        return (
            f"{backup} is accepted as it is{f', but {still}' if still else ' and counts as good'}.{more}",
            loud,
        )
    if "deleted" in result:
        free = freed_words(result.get("trash_frees"))
        return f"{backup} is in the trash of its location (t in Archives). {free}{more}".rstrip(), loud
    return f"{backup}: {finished.status}.{more}", loud


def freed_words(freed: Any, what: str = "Emptying the trash would free") -> str:
    """What an emptying of the trash frees, in words; empty where it was not counted."""
    if not isinstance(freed, dict):
        return ""
    shared = (
        f"; {size(freed['shared'])} are shared with other backups and free nothing"
        if freed.get("shared")
        else ""
    )
    return f"{what} {size(freed['bytes'])}{shared}."


_NEED_ONE = frozenset(
    {"verify", "restore", "compare", "compare_live", "pin", "accept", "delete", "copy", "detail"}
)
_PROBLEM = ("what", "cause", "touched", "next")
