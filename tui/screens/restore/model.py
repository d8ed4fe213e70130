"""What the wizard has gathered so far, and the order of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from services.catalog.manifest import Part
from services.catalog.model import Backup
from services.jobs.way_on import CHANGES_LIVE
from services.recovery.request import RestoreRequest

if TYPE_CHECKING:
    from services.jobs.listing import JobSummary
    from services.looking.contents import ContentsAnswer
    from services.looking.live import LiveAnswer, SwapSeen
    from tui.store import Problem, Store

StepName = Literal["happened", "backup", "what", "checks", "plan", "confirm", "running", "proof", "done"]


class StepInfo(NamedTuple):
    """A step, its word in the stepper, and the phase of the recovery it counts for."""

    name: StepName
    title: str
    phase: str


STEPS: tuple[StepInfo, ...] = (
    StepInfo("happened", "What happened", "detection"),
    StepInfo("backup", "Which backup", "access"),
    StepInfo("what", "What to restore", "access"),
    StepInfo("checks", "Checks", "preparation"),
    StepInfo("plan", "Plan", "preparation"),
    StepInfo("confirm", "Confirm", "preparation"),
    StepInfo("running", "Restore", "restore"),
    StepInfo("proof", "Proof", "verification"),
    StepInfo("done", "Done", "verification"),
)
PHASES = ("detection", "access", "preparation", "restore", "verification")
"""The five phases of the guide's recovery plan; detection and access count from opening the wizard."""


@dataclass
class WizardState:
    """Mutable; one per open wizard. Leaving the mode keeps it, a job that runs goes on without it."""

    opened: datetime
    step: StepName = "happened"
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds per phase that ended."""
    phase_since: datetime | None = None
    symptom: str = ""
    why: str = ""
    """Why the symptom preselected what it did, in words."""
    backup: Backup | None = None
    twin: bool = False
    """Another location holds a backup of the same id."""
    only: Part | None = None
    collections: tuple[str, ...] = ()
    """Empty: all of them."""
    with_objects: bool = False
    """The objects of the bucket come back beside the chosen collections."""
    preselected: object = None
    """What the symptom preselected by what was seen then; other things seen preselect anew."""
    exact: bool = False
    objects_from_any: bool = False
    in_place: bool = False
    verify_result: dict[str, Any] | None = None
    """The `verify` document of the chosen backup, when it was run here."""
    plan: dict[str, Any] | None = None
    """The `plan` document; `fingerprint` goes into the restore."""
    acknowledged: set[str] = field(default_factory=set)
    """Risk words confirmed one by one."""
    leave_app_stopped: bool = False
    job: str = ""
    """The restore's (or finish's, or rollback's) job once it was started."""
    folder: Path | None = None
    verb: str = "restore"
    committed: bool = False
    """The first rename has begun: there is no way back but `rollback`."""
    result: dict[str, Any] | None = None
    """The job's document once it ended."""
    planned: RestoreRequest | None = None
    """What `plan` was made for; another request needs another plan."""
    planned_at: datetime | None = None
    notice: str = ""
    """Why the plan has to be looked at again, in words; empty once it was shown."""
    late_risks: dict[str, str] = field(default_factory=dict)
    """Risks that only a started job found (word: detail), to be confirmed like the plan's."""
    held: dict[str, ContentsAnswer | Problem] = field(default_factory=dict)
    """What backups hold, so far as it was asked."""
    missing: tuple[str, ...] = ()
    """Collections seen missing when the symptom was chosen."""
    fewer: tuple[str, ...] = ()
    from_database: str = ""
    """The database of a dump that has another name, once the admin said that it is meant."""
    damage_at: datetime | None = None
    """When the admin says it happened, UTC; None when nothing was said."""
    verify_job: str = ""
    """The verification of the chosen backup that was started here."""
    verify_folder: Path | None = None
    verify_skipped: bool = False
    """The admin said, after it was explained, to go on without it."""
    ended: datetime | None = None
    """When the data was back and proven: the stopwatch stands."""
    still: tuple[str, ...] | None = None
    """What a look after the end still saw missing, in words; None while nobody looked."""
    continues: bool = False
    """It goes on with the incident of the restore before it, and so does its clock."""
    interruption_left: bool = False
    """The admin left the view of an interrupted restore for the ordinary steps."""
    given: object = None
    """What another screen filled in when it opened the wizard; None where the admin began it here."""

    @property
    def touched(self) -> bool:
        """Whether anything was entered or started."""
        return self.step != "happened" or bool(self.symptom or self.backup or self.job)

    @property
    def only_given(self) -> bool:
        """Whether another screen filled it in and nothing was entered since: another choice takes its place."""
        return (
            self.given is not None and self.step in ("happened", "backup") and self.given == self._entered()
        )

    def _entered(self) -> object:
        backup = self.backup and (self.backup.location, self.reference)
        chosen = (backup, self.only, self.collections, self.with_objects, self.exact, self.objects_from_any)
        said = (self.symptom, self.damage_at, self.in_place, self.from_database, self.leave_app_stopped)
        return chosen, said, self.plan is None, self.verify_job, self.verify_skipped, self.job

    def enter(self, step: StepName, now: datetime) -> None:
        """Goes to a step; the time since the last phase began is counted for that phase."""
        before, after = phase_of(self.step), phase_of(step)
        self.step = step
        if before != after:
            since = self.phase_since or self.opened
            self.spent[before] = self.spent.get(before, 0.0) + (now - since).total_seconds()
            self.phase_since = now

    def minutes(self, now: datetime) -> int:
        """Whole minutes since the wizard was opened, until it ended."""
        return max(0, int((self._until(now) - self.opened).total_seconds() // 60))

    def _until(self, now: datetime) -> datetime:
        """Where the clock stands: it goes on while something is still seen missing."""
        return now if self.ended is None or self.still else self.ended

    @property
    def stands(self) -> bool:
        """Whether the clock stands."""
        return self.ended is not None and not self.still

    @property
    def finished(self) -> bool:
        """Whether its job ended and its proof is shown: what is opened next begins anew."""
        return self.step in ("proof", "done") and (self.result is not None or self.ended is not None)

    def anew(self, now: datetime, *, held: bool = False) -> WizardState:
        """The wizard of the next restore of the same incident, whose clock goes on."""
        following = WizardState(opened=self.opened, phase_since=now, continues=True)
        since = self.phase_since or self.opened
        current = phase_of(self.step)
        following.spent = {
            **self.spent,
            current: self.spent.get(current, 0.0) + (now - since).total_seconds(),
        }
        if held:
            following.held = self.held
        return following

    def phase_minutes(self, now: datetime) -> tuple[tuple[str, int | None], ...]:
        """Whole minutes of each phase so far, None for one that has not begun."""
        spent = dict(self.spent)
        current = phase_of(self.step)
        since = self.phase_since or self.opened
        spent[current] = spent.get(current, 0.0) + max(0.0, (self._until(now) - since).total_seconds())
        return tuple((phase, int(spent[phase] // 60) if phase in spent else None) for phase in PHASES)

    def choose(self, collections: tuple[str, ...], *, objects: bool = False) -> None:
        """What another screen chose: collections, or the objects alone."""
        self.collections, self.only = collections, "objects" if objects else None
        chosen = "The objects alone were" if objects else "These collections were" if collections else ""
        self.why = f"{chosen} chosen where you came from." if chosen else ""
        self.given = self._entered()

    @property
    def request(self) -> RestoreRequest:
        """What the plan and the restore are asked for."""
        assert self.backup is not None
        return RestoreRequest(
            backup=self.reference,
            collections=self.collections,
            with_objects=self.with_objects and bool(self.collections),
            only=self.only,
            exact=self.exact,
            objects_from="any" if self.objects_from_any else None,
            in_place=self.in_place,
            from_database=self.from_database or None,
        )

    @property
    def reference(self) -> str:
        """What names exactly this backup to a verb: its path where its id does not."""
        assert self.backup is not None
        return self.backup.id if self.backup.ours and not self.twin else str(self.main_path)

    def take(self, backup: Backup | None, backups: Sequence[Backup]) -> None:
        """Chooses a backup among all there are."""
        self.backup = backup
        self.twin = backup is not None and sum(one.id == backup.id for one in backups) > 1

    @property
    def main_path(self) -> Path:
        """Where a backup that is not ours lies."""
        assert self.backup is not None
        one = self.backup
        return one.manifest_path or one.database_path or one.objects_path or one.folder


def phase_of(step: StepName) -> str:
    """The phase a step counts for."""
    return next(info.phase for info in STEPS if info.name == step)


def place_of(step: StepName) -> int:
    """A step's place, from 0."""
    return next(place for place, info in enumerate(STEPS) if info.name == step)


GOOD = ("ok", "warnings")
"""The statuses of a job that ended well."""


def troubled_step(state: WizardState) -> tuple[int, str] | None:
    """The step of the restore itself and how it ended, once that was not well."""
    status = str((state.result or {}).get("status") or "")
    return (place_of("running"), status) if status and status not in GOOD else None


def titles_of(state: WizardState) -> tuple[str, ...]:
    """The steps' words; nothing is called a proof where nothing was proven."""
    troubled = troubled_step(state) is not None
    return tuple("Outcome" if info.name == "proof" and troubled else info.title for info in STEPS)


class Interruption(NamedTuple):
    """A restore, finish or rollback that ended half-way: by its journal on this host, by the database, or both."""

    job: str
    verb: str
    way_on: tuple[str, ...]
    summary: JobSummary | None
    swap: SwapSeen | None


def interruption(store: Store) -> Interruption | None:
    """What was interrupted and still waits, the newest first; None when nothing does.

    The database knows best; while it cannot be asked, a lost job counts until a later one ended well.
    """
    jobs = [job for job in store.jobs.value or () if job.profile == store.profile.name]
    running = {job.id for job in jobs if job.state in ("running", "cancelling")}
    looked = store.looked("live")
    live: LiveAnswer | None = looked.value if looked.problem is None else None
    lost = _lost(jobs)
    if live is None:
        return Interruption(lost.id, lost.verb, lost.way_on, lost, None) if lost and not running else None
    for swap in live.swaps:
        waits = swap.state == "unfinished" or (swap.app_stopped and lost is not None and swap.job == lost.id)
        if waits and not swap.working and swap.job not in running:
            summary = next((job for job in jobs if job.id == swap.job), None)
            return Interruption(swap.job, swap.verb, swap.way_on, summary, swap)
    return None


def needs_attention(store: Store) -> bool:
    """Whether the console should open on the restore mode."""
    return interruption(store) is not None


def to_adopt(store: Store) -> JobSummary | None:
    """A restore, finish or rollback of this profile that runs now."""
    return next(
        (
            job
            for job in store.running
            if job.verb in CHANGES_LIVE and job.profile == store.profile.name and job.id not in store.shown
        ),
        None,
    )


def _lost(jobs: list[JobSummary]) -> JobSummary | None:
    """The newest lost job that leads on, unless one that changes the live data ended well after it."""
    for job in jobs:
        if job.verb not in CHANGES_LIVE:
            continue
        if job.state in ("succeeded", "warnings"):
            return None
        if job.state == "lost" and job.way_on:
            return job
    return None
