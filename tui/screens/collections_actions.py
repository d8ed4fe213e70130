"""What can be done with a collection: the same keys on the list and on the detail screen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual.binding import Binding

from services.findings import Finding
from services.jobs.events import Finished, PhaseStarted, Progress
from services.jobs.listing import JobSummary
from services.looking.collections import CollectionsAnswer
from services.looking.collections_held import CollectionsHeldAnswer
from services.looking.collections_view import CollectionRow
from services.validating.model import ValidatePlan
from tui.bridge import Follower, JobNews
from tui.screens.base import ConsoleScreen
from tui.screens.collections_words import WayBack, way_back
from tui.screens.integrity_actions import open_objects
from tui.store import Looked, Problem
from tui.work import start_work

LIVE_LOOK, HELD_LOOK = "collections", "collections_held"
AGAIN_AFTER = frozenset({"backup", "verify", "accept", "delete", "pairs"})
"""Jobs whose end may have changed what is known beside the database."""
LIVE_AFTER = frozenset({"restore", "finish", "rollback", "release", "validate"})
"""Jobs whose end may have changed what is live, or how the server counts it, as well."""
STALE_SECONDS = 60.0
_PROBLEM = ("what", "cause", "touched", "next")

VALIDATE = Binding(
    "v", "validate", "Validate", id="collections.validate", tooltip="This collection; asks how deep"
)
VALIDATE_ALL = Binding(
    "V",
    "validate_all",
    "Validate all",
    id="collections.validate_all",
    tooltip="Every collection; asks how deep",
)
RESTORE = Binding(
    "R",
    "restore",
    "Restore",
    id="collections.restore",
    tooltip="Opens the restore wizard on this collection alone",
)
DOCUMENTS = Binding("d", "documents", "Documents", id="collections.documents", tooltip="Its documents by id")
COMPARE = Binding(
    "c",
    "compare",
    "Compare",
    id="collections.compare",
    tooltip="The newest good backup with live, by document",
)
LOOK = Binding("r", "look", "Look again", id="collections.look", show=False)


class CollectionActions(ConsoleScreen):
    """A screen with a collection in focus; starts jobs, follows them, and looks again when they end."""

    def __init__(self) -> None:
        super().__init__()
        self._followers: dict[str, Follower] = {}
        self._validating: dict[str, frozenset[str]] = {}
        """Validations begun here that run: the names each looks at, empty for all."""
        self._doing = self._told = ""
        self._ended: dict[str, Finished] = {}
        self._over: frozenset[str] | None = None
        self._again: set[str] = set()
        self._asking: set[str] = set()

    @property
    def live(self) -> Looked[CollectionsAnswer]:
        """The newest answer of the database."""
        return self.console.store.looked(LIVE_LOOK)

    @property
    def held(self) -> Looked[CollectionsHeldAnswer]:
        """The newest answer of the backups and journals."""
        return self.console.store.looked(HELD_LOOK)

    @property
    def focused_row(self) -> CollectionRow | None:
        """The collection that the keys are about."""
        raise NotImplementedError

    @property
    def focused_finding(self) -> Finding | None:
        """The finding that Restore is about, None for the collection as a whole."""
        return None

    @property
    def running_names(self) -> frozenset[str] | None:
        """What is validated now by a job begun here; empty for everything, None for nothing."""
        if not self._validating:
            return None
        every = list(self._validating.values())
        return frozenset() if any(not names for names in every) else frozenset().union(*every)

    @property
    def way_back(self) -> WayBack:
        """What Restore would restore, and from which backup."""
        row = self.focused_row
        return way_back(row, self.held.value, self.focused_finding) if row is not None else WayBack()

    def why_disabled(self, action: str) -> str:
        """Why a key of this screen does nothing now; empty while it works."""
        if action not in ("validate", "validate_all", "restore", "documents", "compare", "open"):
            return ""
        if action in ("validate", "validate_all") and self.console.store.profile.mongo is None:
            return "No database is configured: 8 shows the line to write."
        if action == "validate_all":
            return ""
        row = self.focused_row
        if row is None:
            return "No collection is selected."
        if action in ("validate", "documents", "compare") and row.state != "live":
            why = {
                "not read": "The database gave no answer: r asks again.",
                "gone": "It is not live any more.",
            }
            return why.get(row.state, "There is no such collection.")
        if action == "validate" and row.kind == "view":
            return "A view holds no documents of its own."
        newest = self.held.value.newest if self.held.value is not None else None
        if action == "compare" and newest is None:
            return "There is no good backup to compare with."
        if action == "compare" and newest is not None and row.name not in newest.collections:
            return f"{newest.id} does not hold it."
        if action == "compare" and row.kind == "view":
            return "A view holds no documents of its own."
        if action == "restore" and not self.way_back.backup:
            return "No good backup holds it."
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey where `why_disabled` has words."""
        return None if self.why_disabled(action) else super().check_action(action, parameters)

    def action_validate(self) -> None:
        """Asks how deep, then starts it for this collection."""
        row = self.focused_row
        if row is not None:
            self._ask(row.name, (row.name,))

    def action_validate_all(self) -> None:
        """Asks how deep, then starts it for every collection."""
        self._ask("every collection", ())

    def _ask(self, what: str, names: tuple[str, ...]) -> None:
        from tui.screens.collections_dialogs import ValidateModal

        live = self.live.value.collections if self.live.value is not None else ()
        sizes = {
            one.name: one.bytes for one in live if one.bytes is not None and (not names or one.name in names)
        }

        def answered(full: bool | None) -> None:
            if full is not None:
                plan = ValidatePlan(collections=names, full=full)
                start_work(self, partial(self._validate, plan), group="validate", description="validate")

        self.app.push_screen(ValidateModal(what, sizes), answered)

    async def _validate(self, plan: ValidatePlan) -> None:
        started = await self.console.begin_job("validate", plan)
        if started is None:
            return
        self._validating[started.job] = frozenset(plan.collections)
        self._followers[started.job] = Follower(self.console.store.backend, self, started.job, started.folder)
        self._doing = ""
        self.console.say(f"Validating as job {started.job}; it goes on when you leave, and 6 shows it.")
        self.jobs_changed()

    async def action_restore(self) -> None:
        """The wizard, on the backup that has the good version and on what brings it back alone."""
        way = self.way_back
        if way.objects:
            await open_objects(self.console, way.backup)
        elif way.backup:
            await self.console.open_restore(backup=way.backup, collections=way.names)

    def action_documents(self) -> None:
        """Its documents by id."""
        from tui.screens.documents import DocumentsScreen

        row = self.focused_row
        if row is not None:
            self.app.push_screen(DocumentsScreen(row.name))

    def action_compare(self) -> None:
        """The newest good backup with what is live, this collection by document."""
        from tui.screens.compare_documents import CompareDocumentsScreen

        row, held = self.focused_row, self.held.value
        if row is not None and held is not None and held.newest is not None:
            self.app.push_screen(CompareDocumentsScreen(held.newest.reference, "live", row.name))

    def action_look(self) -> None:
        """Asks the database and reads backups and journals again."""
        self.look_again(LIVE_LOOK, HELD_LOOK)

    def look_again(self, *names: str) -> None:
        """Looks now, or once more when a look is under way that may have begun too early."""
        for name in names:
            if self.console.store.looked(name).waiting:
                self._again.add(name)
            else:
                self.console.look_at(name)

    def look_if_needed(self) -> None:
        """Asks what was never asked; of a profile just taken that is everything."""
        for name in (LIVE_LOOK, HELD_LOOK):
            looked = self.console.store.looked(name)
            if looked.asked is not None:
                self._asking.discard(name)
            elif name not in self._asking:
                # Its worker begins later: until then nothing else tells that it was asked.
                self._asking.add(name)
                self.console.look_at(name)
            if name in self._again and looked.asked is not None and not looked.waiting:
                self._again.discard(name)
                self.console.look_at(name)

    def on_screen_resume(self) -> None:
        """What was asked a while ago is asked again when the screen comes back."""
        now = self.console.store.backend.now()
        for name in (LIVE_LOOK, HELD_LOOK):
            answered = self.console.store.looked(name).answered
            if answered is not None and (now - answered).total_seconds() > STALE_SECONDS:
                self.look_again(name)

    def heard_of_live(self) -> None:
        """Somebody asked the database after this screen did, since something may have happened to it."""
        other, ours = self.console.store.looked("live"), self.live
        if (
            other.asked is not None
            and not other.waiting
            and ours.answered is not None
            and other.asked > ours.answered
        ):
            self.look_again(LIVE_LOOK)

    def jobs_changed(self) -> None:
        """Another validation runs, or says where it is."""

    @property
    def doing(self) -> str:
        """What a validation does now, in words; empty when none runs."""
        if self._validating:
            return f"validating: {self._doing}" if self._doing else "validating"
        other = next((job for job in self.console.store.running if job.verb == "validate"), None)
        if other is None:
            return ""
        share = f" {other.progress:.0%}" if other.progress else ""
        return f"validating (job {other.id}){share}"

    def on_unmount(self) -> None:
        """The jobs go on; nobody reads their journals here any more."""
        for follower in self._followers.values():
            follower.close()

    def on_job_news(self, news: JobNews) -> None:
        """Where a validation begun here is, and how it ended."""
        for event in news.events:
            if isinstance(event, PhaseStarted | Progress) and news.job in self._validating:
                share = (
                    f" {event.done / event.total:.0%}" if isinstance(event, Progress) and event.total else ""
                )
                self._doing = f"{event.detail or event.phase}{share}"
        if news.finished is not None:
            self._ended[news.job] = news.finished
        if news.ended:
            self._over_with(news.job)
        self.jobs_changed()

    def _over_with(self, job: str) -> None:
        self._validating.pop(job, None)
        self._followers.pop(job, None)
        self.look_again(LIVE_LOOK, HELD_LOOK)
        self.console.look_at_jobs()
        finished = self._ended.pop(job, None)
        if finished is None:
            self.console.say(f"Job {job} ended without a result; 6 shows what it left.", severity="error")
            return
        error = finished.result.get("error")
        if isinstance(error, dict):
            self.console.show_problem(Problem(**{name: str(error.get(name) or "") for name in _PROBLEM}))
            return
        loud = {"ok": "information", "fail": "error"}.get(finished.status, "warning")
        self.console.say(ended_words(finished), severity=loud)

    def watch_jobs(self) -> None:
        """Looks again when a job has ended that may have changed what is shown, whoever began it."""
        jobs: Sequence[JobSummary] | None = self.console.store.jobs.value
        if jobs is None:
            return
        if not self._validating and self.doing != self._told:
            self._told = self.doing
            self.jobs_changed()
        ended = {job.id: job.verb for job in jobs if job.state not in ("running", "cancelling")}
        before, self._over = self._over, frozenset(ended)
        if before is None:
            return
        verbs = {verb for job, verb in ended.items() if job not in before}
        if verbs & LIVE_AFTER:
            self.look_again(LIVE_LOOK, HELD_LOOK)
        elif verbs & AGAIN_AFTER:
            self.look_again(HELD_LOOK)


def ended_words(finished: Finished) -> str:
    """A validation's end as a sentence."""
    result = finished.result
    summary = str(result.get("summary") or "")
    warnings = result.get("warnings")
    more = f" {warnings[0]}" if isinstance(warnings, list) and warnings else ""
    return f"The validation ended {finished.status}{f': {summary}' if summary else ''}.{more}".replace(
        "..", "."
    )
