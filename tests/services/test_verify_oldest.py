"""A time budget spent on the backups that were verified longest ago."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.catalog import layout
from services.catalog.notes import CheckNote, append_note, read_notes
from services.catalog.scan import survey
from services.errors import Cancelled
from services.jobs.events import AnyEvent, PhaseStarted
from services.operations.verify import OldestResult, VerifyPlan, verify, verify_any
from services.profile import Location, MongoTarget, Profile
from services.secret import Secret
from services.verifying.oldest import verify_oldest
from tests.fabric import DOCUMENTS, HOST, NIGHT, OBJECTS, make_backup, rows_of
from tests.services.command_support import Command, environment
from tests.support import FIXTURES, RecordingContext, make_context


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    folders = tmp_path / "disk", tmp_path / "nas"
    for folder in folders:
        folder.mkdir(mode=0o700)
    return folders


@pytest.fixture
def context(places: tuple[Path, Path], tmp_path: Path) -> RecordingContext:
    profile = Profile(
        mongo=MongoTarget(uri=Secret(f"mongodb://{HOST}/"), database="quilltap"),
        locations=tuple(Location(name=folder.name, path=str(folder)) for folder in places),
    )
    return make_context(profile, tmp_path / "state")


def budget(context: RecordingContext, seconds: float = 60.0, **more: Any) -> OldestResult:
    result = verify_any(VerifyPlan(oldest_first=True, seconds=seconds, **more), context)
    assert isinstance(result, OldestResult)
    return result


def noted(folder: Path, id: str, context: RecordingContext, days: int, **more: Any) -> None:
    fields: dict[str, Any] = {"depth": "full", "status": "ok", "proof": "content"} | more
    append_note(folder, id, CheckNote(at=NIGHT + timedelta(days=days), **fields), context.paths)


class Clock:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def slow(context: RecordingContext, clock: Clock, seconds: float) -> None:
    """Every backup takes so long."""
    report = context.report

    def passing(event: AnyEvent) -> None:
        if isinstance(event, PhaseStarted):
            clock.now += seconds
        report(event)

    context.report = passing


def on_phase(context: RecordingContext, act: Callable[[], None]) -> None:
    """Does something once, as the first backup is begun."""
    report = context.report
    todo = [act]

    def acting(event: AnyEvent) -> None:
        if isinstance(event, PhaseStarted) and todo:
            todo.pop()()
        report(event)

    context.report = acting


def test_never_verified_first_then_the_oldest_in_every_location(
    context: RecordingContext, places: tuple[Path, Path]
) -> None:
    disk, nas = places
    first, second, third = (make_backup(disk, NIGHT + timedelta(days=day)) for day in range(3))
    shutil.copy(FIXTURES / "quilltap-20261101.gz", nas)
    shutil.copytree(FIXTURES / "backup-20261101", nas / "backup-20261101")
    noted(disk, first.id, context, -1)
    noted(disk, third.id, context, -3)
    noted(disk, second.id, context, -2)
    noted(disk, second.id, context, -1, depth="quick")
    result = budget(context)
    assert [one.id for one in result.verified] == [
        "quilltap-20261101.gz",
        "backup-20261101",
        third.id,
        second.id,
        first.id,
    ]
    assert result.status == "ok", result
    assert [one.location for one in result.verified] == ["nas", "nas", "disk", "disk", "disk"]
    assert result.verified[0].last is None and result.verified[2].last == NIGHT + timedelta(days=-3)
    assert result.left == result.gone == () and "5 backups verified" in result.summary
    for folder, id in ((nas, "backup-20261101"), (disk, first.id)):
        (*_, note) = read_notes(folder, id, context.paths).checks
        assert note.job == context.job and note.checks and note.seconds > 0 and note.bytes > 0


def test_the_copies_of_one_backup_are_verified_each(
    context: RecordingContext, places: tuple[Path, Path]
) -> None:
    disk, nas = places
    made = make_backup(disk)
    for path in disk.iterdir():
        shutil.copytree(path, nas / path.name) if path.is_dir() else shutil.copy(path, nas)
    rotten = nas / layout.objects_name(made.id) / next(iter(OBJECTS))
    rotten.write_bytes(b"\xff" * rotten.stat().st_size)
    result = budget(context)
    assert {one.location: one.status for one in result.verified} == {"disk": "ok", "nas": "fail"}
    assert result.status == "fail" and "1 of them damaged" in result.summary
    (bad,) = [one for one in result.verified if one.status == "fail"]
    assert next(iter(OBJECTS)) in bad.detail and bad.next
    assert [check.name for check in bad.checks] == ["objects"]


def test_the_budget_ends_after_the_backup_in_hand(
    context: RecordingContext, places: tuple[Path, Path]
) -> None:
    for day in range(4):
        make_backup(places[0], NIGHT + timedelta(days=day))
    clock = Clock()
    slow(context, clock, 40.0)
    catalog = survey(context.profile.locations, context.profile, context.paths)
    result = verify_oldest(VerifyPlan(oldest_first=True, seconds=100.0), catalog, context, clock=clock)
    assert len(result.verified) == 2 and len(result.left) == 2
    assert result.spent == 80.0 <= result.seconds
    assert "20 s were left" in result.left[0].why and result.left[0].last is None
    assert result.status == "ok" and "2 left for the next time (2 never verified)" in result.summary
    later = verify_oldest(VerifyPlan(oldest_first=True, seconds=50.0), catalog, context, clock=clock)
    assert {one.id for one in later.verified} <= {one.id for one in result.left}


def test_one_that_never_fits_is_named_and_smaller_ones_go_before_it(
    context: RecordingContext, places: tuple[Path, Path]
) -> None:
    disk, _ = places
    large, small = make_backup(disk), make_backup(disk, NIGHT + timedelta(days=1))
    noted(disk, large.id, context, -2, seconds=4000.0, bytes=3000)
    noted(disk, small.id, context, -1, seconds=0.1, bytes=10**9)
    result = budget(context, 600.0)
    assert [one.id for one in result.verified] == [small.id]
    assert [one.id for one in result.left] == [large.id]
    assert result.status == "warn" and "more than the whole budget" in result.warnings[0]
    assert f"quillkeep verify {large.id}" in result.warnings[0]


def test_linked_objects_are_read_once_in_a_run(context: RecordingContext, places: tuple[Path, Path]) -> None:
    first = make_backup(places[0])
    make_backup(places[0], NIGHT + timedelta(days=1), link_to=first.id)
    result = budget(context)
    assert result.status == "ok"
    one, other = result.verified
    assert one.bytes - other.bytes == sum(map(len, OBJECTS.values()))


def test_what_is_deleted_meanwhile_is_passed_over_in_words(
    context: RecordingContext, places: tuple[Path, Path]
) -> None:
    first, second = (make_backup(places[0], NIGHT + timedelta(days=day)) for day in range(2))
    shutil.copy(FIXTURES / "quilltap-20261101.gz", places[1])

    def delete() -> None:
        for path in list(places[0].iterdir()):
            if first.id[-15:] in path.name:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    on_phase(context, delete)
    result = budget(context)
    assert {one.id for one in result.verified} == {second.id, "quilltap-20261101.gz"}
    (gone,) = result.gone
    assert gone.id == first.id and "deleted or pruned" in gone.why
    assert result.status == "ok" and "1 deleted before their turn" in result.summary
    assert any(first.id in text and "gone" in text for text in context.warnings)
    assert not [name for name in os.listdir(places[0]) if first.id in name]


def test_a_cancel_between_two_keeps_what_was_noted(
    context: RecordingContext, places: tuple[Path, Path]
) -> None:
    made = [make_backup(places[0], NIGHT + timedelta(days=day)) for day in range(2)]
    clock = Clock()
    slow(context, clock, 1.0)
    catalog = survey(context.profile.locations, context.profile, context.paths)

    def watched() -> float:
        if len([name for name in context.phases if name == "verify"]) == 1:
            context.cancel.set()
        return clock()

    with pytest.raises(Cancelled):
        verify_oldest(VerifyPlan(oldest_first=True, seconds=60.0), catalog, context, clock=watched)
    assert len(context.phases) == 1
    assert not [name for name in os.listdir(places[0]) if "reading" in name]
    assert len(read_notes(places[0], made[1].id, context.paths).checks) <= 1


def test_nothing_there_is_not_a_success(context: RecordingContext) -> None:
    result = budget(context)
    assert result.status == "skipped" and result.summary.startswith("No backup was verified")


def test_a_location_that_cannot_be_read_is_said(context: RecordingContext, places: tuple[Path, Path]) -> None:
    make_backup(places[0])
    places[1].rmdir()
    result = budget(context)
    assert result.status == "warn" and len(result.verified) == 1
    assert any("nas" in text for text in result.warnings)


def test_one_that_is_deleted_while_it_is_verified_is_an_error(
    context: RecordingContext, places: tuple[Path, Path]
) -> None:
    made = make_backup(places[0])
    on_phase(context, lambda: shutil.rmtree(places[0]))
    with pytest.raises(Exception, match="is gone"):
        verify(VerifyPlan(backup=made.id), context)


def test_the_command(tmp_path: Path, places: tuple[Path, Path]) -> None:
    disk, _ = places
    command = Command(environment(tmp_path, f"mongodb://{HOST}/", "quilltap", disk))
    nothing = command.run("verify", "--oldest-first", "--json")
    assert nothing.returncode == 3 and json.loads(nothing.stdout)["status"] == "skipped"
    made = make_backup(disk)
    shutil.copy(FIXTURES / "corrupt" / "truncated.gz", disk)
    done = command.run("verify", "--oldest-first", "--for", "5m", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"]) == (1, "fail"), done.stderr
    assert {check["name"]: check["status"] for check in document["checks"]} == {
        "truncated.gz": "fail",
        made.id: "ok",
    }
    shown = command.run("verify", "--oldest-first", "--for", "5m").stdout
    assert "last verified" in shown and "2 backups verified" in shown and "next:" in shown
    for arguments in (("--for", "5m"), ("latest", "--oldest-first"), ("--oldest-first", "--for", "soon")):
        wrong = command.run("verify", *arguments)
        assert wrong.returncode == 2 and "Next:" in wrong.stderr, wrong.stderr


def test_what_came_to_no_verdict_is_not_called_verified(
    context: RecordingContext, places: tuple[Path, Path]
) -> None:
    make_backup(places[0])
    shutil.copy(FIXTURES / "quilltap-20261101.gz.gpg", places[1])
    result = budget(context)
    assert result.status == "skipped" and "1 backup verified" in result.summary
    assert "1 came to no verdict" in result.summary
    again = budget(context)
    (closed,) = [one for one in again.verified if one.location == "nas"]
    assert closed.last is None and "passphrase" in closed.detail


def test_a_location_shared_with_another_deployment_is_no_warning_every_night(
    context: RecordingContext, places: tuple[Path, Path]
) -> None:
    made = make_backup(places[0], host="elsewhere:27017")
    result = budget(context)
    assert result.status == "ok" and "another deployment's" in result.verified[0].detail
    assert verify(VerifyPlan(backup=made.id), context).status == "warn"


def test_the_worst_of_the_data_is_what_is_told(context: RecordingContext, places: tuple[Path, Path]) -> None:
    key, *_ = OBJECTS
    less = {name: data for name, data in OBJECTS.items() if name != key}
    documents = DOCUMENTS | {"files": rows_of(OBJECTS)}
    make_backup(places[0], documents=documents, objects=less, host="elsewhere:27017")
    (one,) = budget(context).verified
    assert (one.status, one.verdict, one.data) == ("warn", "ok", "fail")
    assert one.detail.startswith("pairs: ") and key in one.detail and one.next
