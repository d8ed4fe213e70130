"""`app start`: proven by status, forgotten by the records, refused where live data may be mixed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.demo.servers import Mongod
from services.errors import Refused
from services.jobs.events import Checkpoint
from services.mongo.record import read_records
from services.operations.app_model import AppStartPlan
from services.operations.app_start import app_start
from services.operations.restore import restore
from services.operations.restore_model import RestorePlan
from services.profile import AppControl
from services.recovery.request import RestoreRequest
from tests.services.command_support import Command, environment
from tests.services.swap_support import Deployment, Interrupted, at_checkpoint, deployed, fill, interrupt


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    path = tmp_path / "running"
    path.touch()
    return path


@pytest.fixture
def deployment(mongod: Mongod, tmp_path: Path, flag: Path) -> Iterator[Deployment]:
    """A fresh database whose application runs while a file is there."""
    with deployed(mongod, tmp_path) as made:
        app = AppControl(stop=f"rm -f {flag}", start=f"touch {flag}", status=f"test -e {flag}")
        made.profile = replace(made.profile, app=app)
        yield made


def left_stopped(deployment: Deployment) -> None:
    fill(deployment.db)
    made = deployment.backup()
    request = RestoreRequest(backup=made)
    plan = RestorePlan(request=request, allow=("writers",), leave_app_stopped=True)
    restore(plan, deployment.context())


def test_it_starts_what_a_restore_left_stopped_and_the_records_forget_it(
    deployment: Deployment, flag: Path
) -> None:
    left_stopped(deployment)
    assert not flag.exists() and any(one.app_stopped_by_us for one in read_records(deployment.db))
    context = deployment.context()
    result = app_start(AppStartPlan(), context)
    assert (result.status, result.started) == ("ok", True) and flag.exists()
    states = [
        mark.data["state"] for mark in context.events if isinstance(mark, Checkpoint) and mark.name == "app"
    ]
    assert states[-1] == "started"
    assert not any(one.app_stopped_by_us for one in read_records(deployment.db))
    again = app_start(AppStartPlan(), deployment.context())
    assert (again.status, again.started) == ("ok", False)


def test_a_start_that_nothing_can_prove_is_a_warning(deployment: Deployment, flag: Path) -> None:
    assert deployment.profile.app is not None
    flag.unlink()
    unproven = replace(deployment.profile.app, status=None)
    deployment.profile = replace(deployment.profile, app=unproven)
    result = app_start(AppStartPlan(), deployment.context())
    assert result.status == "warnings" and flag.exists() and "cannot be told" in result.warnings[0]


def test_it_is_refused_read_only_without_a_command_and_while_a_swap_waits(
    deployment: Deployment, flag: Path
) -> None:
    whole = deployment.profile
    deployment.profile = replace(whole, read_only=True)
    with pytest.raises(Refused, match="READ-ONLY"):
        app_start(AppStartPlan(), deployment.context())
    deployment.profile = replace(whole, app=None)
    with pytest.raises(Refused, match="no command"):
        app_start(AppStartPlan(), deployment.context())
    deployment.profile = whole
    fill(deployment.db)
    made = deployment.backup()
    with pytest.raises(Interrupted):
        deployment.restore(made, at_checkpoint("renaming", interrupt))
    flag.unlink(missing_ok=True)
    with pytest.raises(Refused, match="mixed"):
        app_start(AppStartPlan(), deployment.context())
    assert not flag.exists()


def test_the_command_tells_what_is_not_configured(
    mongod: Mongod, database: str, location: Path, tmp_path: Path
) -> None:
    command = Command(environment(tmp_path, mongod.uri, database, location))
    assert command.run("app", "start").returncode == 4
    told = command.run("app", "status", "--json")
    assert told.returncode == 3 and '"no control"' in told.stdout
