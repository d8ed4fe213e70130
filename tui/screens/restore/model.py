"""What the wizard has gathered so far, and the order of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from services.catalog.manifest import Part
from services.catalog.model import Backup
from services.recovery.request import RestoreRequest

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
    only: Part | None = None
    collections: tuple[str, ...] = ()
    """Empty: all of them."""
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

    @property
    def request(self) -> RestoreRequest:
        """What the plan and the restore are asked for."""
        assert self.backup is not None
        return RestoreRequest(
            backup=self.backup.id if self.backup.ours else str(self.main_path),
            collections=self.collections,
            only=self.only,
            exact=self.exact,
            objects_from="any" if self.objects_from_any else None,
            in_place=self.in_place,
        )

    @property
    def main_path(self) -> Path:
        """Where a backup that is not ours lies."""
        assert self.backup is not None
        one = self.backup
        return one.manifest_path or one.database_path or one.objects_path or one.folder
