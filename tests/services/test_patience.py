"""A job that waits for the database says so in its journal, once, and only when it does wait."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from services.errors import QuillkeepError
from services.jobs.events import Log
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.finish import finish
from services.operations.plan import plan
from services.operations.restore import restore
from services.operations.restore_model import FinishPlan, RestorePlan, RollbackPlan
from services.operations.rollback import rollback, rollback_plan
from services.recovery.request import RestoreRequest
from tests.support import RecordingContext, make_context, make_profile

JOB = "20261122_030000"


@pytest.mark.parametrize(
    "operation",
    [
        lambda ctx: restore(RestorePlan(request=RestoreRequest(backup="latest")), ctx),
        lambda ctx: plan(RestoreRequest(backup="latest"), ctx),
        lambda ctx: finish(FinishPlan(job=JOB, to_database="q"), ctx),
        lambda ctx: rollback(RollbackPlan(job=JOB, to_database="q"), ctx),
        lambda ctx: rollback_plan(RollbackPlan(job=JOB, to_database="q"), ctx),
        lambda ctx: backup(BackupPlan(only="database"), ctx),
    ],
    ids=["restore", "plan", "finish", "rollback", "rollback-plan", "backup"],
)
def test_a_database_that_does_not_answer_is_named(tmp_path: Path, operation: object) -> None:
    location = tmp_path / "backups"
    location.mkdir(mode=0o700)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        uri = f"mongodb://{host}/?serverSelectionTimeoutMS=1500&connectTimeoutMS=1500"
        ctx: RecordingContext = make_context(
            make_profile(uri, "q", location=location), tmp_path / "state", job=JOB
        )
        with pytest.raises(QuillkeepError):
            assert callable(operation)
            operation(ctx)
    said = [event.text for event in ctx.events if isinstance(event, Log) and "to answer" in event.text]
    assert len(said) == 1
    assert said[0].startswith("Waiting since ") and f"UTC for MongoDB at {host} to answer." in said[0]
