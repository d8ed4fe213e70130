"""What can be done from Integrity: verify one or the oldest, check the live data, restore, save what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.binding import Binding

from services.catalog.model import Backup
from services.findings import Finding
from services.looking.integrity import LiveSeen
from tui.screens.archives_rows import reference
from tui.screens.integrity_rows import worst_first
from tui.screens.integrity_watch import LIVE, Watching
from tui.work import start_work

if TYPE_CHECKING:
    from services.operations.verify_model import VerifyPlan
    from tui.app import QuillkeepApp
    from tui.screens.integrity_dialogs import Planned

OBJECTS_ALONE = frozenset({"missing-object", "altered-object"})
"""Kinds of findings that objects put back; the rows of `files` are right."""
VERIFY = Binding(
    "v", "verify", "Verify", id="integrity.verify", tooltip="This backup; on the live row its checks"
)
RESTORE = Binding(
    "R", "restore", "Restore", id="integrity.restore", tooltip="The wizard, on what has the good version"
)
LIVE_CHECKS = Binding(
    "l", "live_checks", "Live checks", id="integrity.live", tooltip="Pairs, validate, the pepper"
)
WATCH = Binding("w", "watch", "Watch", id="integrity.watch", show=False, tooltip="The job that runs")


class IntegrityActions(Watching):
    """A screen with a backup, or the live data, in focus."""

    @property
    def focused_backup(self) -> Backup | None:
        """The backup under the cursor, None on the live row."""
        raise NotImplementedError

    @property
    def on_live(self) -> bool:
        """Whether the cursor is on the live data."""
        raise NotImplementedError

    @property
    def every_backup(self) -> Sequence[Backup]:
        """All that are known."""
        raise NotImplementedError

    @property
    def live(self) -> Sequence[LiveSeen]:
        """What is known of the live data."""
        raise NotImplementedError

    @property
    def finding(self) -> Finding | None:
        """The finding that a restore would answer, None for none."""
        found = (finding for one in worst_first(self.live) for finding in one.findings if finding.good_in)
        return next(found, None) if self.on_live else None

    def why_disabled(self, action: str) -> str:
        """Why a key does nothing now; empty while it works."""
        backup, profile = self.focused_backup, self.console.store.profile
        if action in ("verify", "restore", "copy", "detail") and backup is None and not self.on_live:
            return "Nothing is selected."
        if action == "live_checks" or (action == "verify" and self.on_live):
            return self.why_not_live()
        if action == "restore" and self.on_live and self.finding is None:
            return "No finding about the live data names a backup that has the good version."
        if action == "restore" and backup is not None and not backup.good_parts:
            return f"{backup.id} is not good: 2 Archives opens the wizard on it all the same."
        if action == "watch" and not self.watches:
            return "No check runs."
        if action == "oldest" and not self.every_backup:
            return "There is no backup to verify."
        if action in ("verify", "oldest") and profile.locations == () and backup is None:
            return "No folder for backups is configured: 8 shows the line to write."
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey where `why_disabled` has words."""
        return None if self.why_disabled(action) else super().check_action(action, parameters)

    def why_not_live(self) -> str:
        """Why the live data cannot be checked."""
        if self.console.store.profile.mongo is None:
            return "No database is configured: 8 shows the lines to write."
        return ""

    # A dialog is pushed within its key's own action: what is typed ahead goes to it, never to this screen.

    def action_verify(self) -> None:
        """Asks how deep, then starts; on the live row its checks are what there is."""
        backup = self.focused_backup
        if backup is not None:
            ask_and_verify(self, backup, reference(backup, self.every_backup))
        elif self.on_live:
            self.action_live_checks()

    def action_live_checks(self) -> None:
        """Asks which, then starts them."""
        from tui.screens.integrity_dialogs import CHOICES, LiveChecksModal

        def answered(word: str | None) -> None:
            if word == "full":
                self._ask_full()
            elif word is not None:
                self._start(CHOICES[word])

        self.app.push_screen(LiveChecksModal(), answered)

    def _ask_full(self) -> None:
        """A full validation locks: its price stands before the question."""
        from tui.screens.confirm import YesNoModal
        from tui.screens.integrity_dialogs import CHOICES

        store = self.console.store
        database = store.profile.mongo.database if store.profile.mongo else "the database"

        def answered(yes: bool | None) -> None:
            if yes:
                self._start(CHOICES["full"])

        modal = YesNoModal(
            f"Validate every collection of {database} in full?",
            "The server locks one collection after another while it reads every page of it: what the running "
            "application writes to it waits (on servers before 5.0 what it reads, too), up to half a minute "
            "for each GiB.\n\nNothing is changed. The quick validation (v) does without the long locks.",
        )
        self.app.push_screen(modal, answered)

    def _start(self, planned: Planned) -> None:
        async def begin() -> None:
            begun = [verb for verb, plan in planned if await self.begin(verb, plan)]
            if begun:
                self.console.say(f"Checking the live data: {', '.join(begun)}. w watches, 6 shows the jobs.")

        start_work(self, begin, group="begin-live", description="check the live data")

    async def action_restore(self) -> None:
        """The wizard on this backup, or on the one that has the good version of what was found."""
        finding, backup = self.finding, self.focused_backup
        if finding is not None and finding.kind in OBJECTS_ALONE:
            await open_objects(self.console, finding.good_in)
        elif finding is not None:
            names = finding.restore or ((finding.collection,) if finding.collection else ())
            await self.console.open_restore(backup=finding.good_in, collections=names)
        elif backup is not None:
            await self.console.open_restore(backup=reference(backup, self.every_backup))

    def action_watch(self) -> None:
        """The job on what is under the cursor, else the first that runs."""
        backup = self.focused_backup
        mine = self.running_on(LIVE if self.on_live else backup.id if backup else "")
        jobs = [*mine, *self.watches.values()]
        if jobs:
            self.console.open_job(jobs[0].job)

    def action_rescan(self) -> None:
        """Reads the notes and journals again."""
        self.console.look_at_jobs()
        self.rescan()


async def open_objects(console: QuillkeepApp, backup: str) -> None:
    """The restore wizard on a backup's objects alone: what is missing comes back, and nothing else changes."""
    from tui.screens.restore.wizard import RestoreScreen

    await console.switch_mode("restore")
    if isinstance(console.screen, RestoreScreen):
        console.screen.begin(backup=backup, objects=True)


def ask_and_verify(screen: Watching, backup: Backup, name: str) -> None:
    """How deep, then the job."""
    from tui.screens.verify_dialog import open_verify

    def begin(plan: VerifyPlan) -> None:
        start_work(screen, partial(_begin, screen, plan, backup), group="begin-verify", description="verify")

    open_verify(screen, backup, name, begin)


async def _begin(screen: Watching, plan: VerifyPlan, backup: Backup) -> None:
    if await screen.begin("verify", plan):
        screen.console.say(f"Verifying {backup.id}: w watches.")
