"""Every verb that runs as a job: where its plan and its function are, imported only when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

import msgspec

from services.errors import UsageProblem
from services.jobs.context import JobContext

Operation = Callable[[msgspec.Struct, JobContext], Any]


class VerbEntry(msgspec.Struct, frozen=True):
    """A module, the name of its plan type (a msgspec Struct) and of its function `(plan, ctx) -> result`."""

    module: str
    plan: str
    function: str


VERBS: dict[str, VerbEntry] = {
    "accept": VerbEntry("services.operations.accept", "AcceptPlan", "accept"),
    "app-start": VerbEntry("services.operations.app_start", "AppStartPlan", "app_start"),
    "backup": VerbEntry("services.operations.backup", "BackupPlan", "backup"),
    "delete": VerbEntry("services.operations.delete", "DeletePlan", "delete"),
    "diff": VerbEntry("services.operations.diff", "DiffPlan", "diff"),
    "finish": VerbEntry("services.operations.finish", "FinishPlan", "finish"),
    "pepper-check": VerbEntry("services.operations.pepper_check", "PepperPlan", "pepper_check"),
    "pairs": VerbEntry("services.operations.pairs", "PairsPlan", "pairs"),
    "pin": VerbEntry("services.operations.pin", "PinPlan", "pin"),
    "plan": VerbEntry("services.operations.plan", "PlanRequest", "plan"),
    "release": VerbEntry("services.operations.release", "ReleasePlan", "release"),
    "restore": VerbEntry("services.operations.restore", "RestorePlan", "restore"),
    "rollback": VerbEntry("services.operations.rollback", "RollbackPlan", "rollback"),
    "rollback-plan": VerbEntry("services.operations.rollback", "RollbackPlan", "rollback_plan"),
    "selftest": VerbEntry("services.operations.selftest", "SelftestPlan", "selftest"),
    "trash-empty": VerbEntry("services.operations.trash", "TrashEmptyPlan", "trash_empty"),
    "trash-restore": VerbEntry("services.operations.trash", "TrashRestorePlan", "trash_restore"),
    "unlock": VerbEntry("services.operations.unlock", "UnlockPlan", "unlock"),
    "unpin": VerbEntry("services.operations.pin", "PinPlan", "pin"),
    "validate": VerbEntry("services.operations.validate", "ValidatePlan", "validate"),
    "verify": VerbEntry("services.operations.verify", "VerifyPlan", "verify_any"),
}


def load(verb: str) -> tuple[type[msgspec.Struct], Operation]:
    """The plan type and the function of a verb. Errors: `UsageProblem` for a verb nobody knows."""
    entry = VERBS.get(verb)
    if entry is None:
        raise UsageProblem(f"There is no job called {verb}.", next="`quillkeep --help` lists the verbs.")
    module = importlib.import_module(entry.module)
    return cast(type[msgspec.Struct], getattr(module, entry.plan)), cast(
        Operation, getattr(module, entry.function)
    )
