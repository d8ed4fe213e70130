"""What a lost job left is told from its checkpoints alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.jobs.events import APP, LOST, RENAMING, Checkpoint, Started
from services.jobs.way_on import RECORD, Remains, remains_of

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
STOPPED: list[tuple[str, dict[str, Any]]] = [
    (APP, {"state": "stopping", "found": "running"}),
    (APP, {"state": "stopped", "found": "running"}),
]


def remains(verb: str, *marks: tuple[str, dict[str, Any]], plan: dict[str, Any] | None = None) -> Remains:
    started = Started(
        at=NOW,
        job="J2",
        verb=verb,
        plan=plan or {},
        profile=None,
        pid=1,
        process_started="1",
        boot_id="b",
        host="h",
        machine_id="m",
        user="u",
        version="0",
    )
    return remains_of([started, *(Checkpoint(at=NOW, name=name, data=data) for name, data in marks)])


def both(job: str) -> set[str]:
    return {f"quillkeep restore --finish {job}", f"quillkeep rollback {job}"}


def test_before_anything_was_touched_a_restore_leaves_nothing_to_undo() -> None:
    found = remains("restore", (RECORD, {"job": "J2", "state": "loading"}))
    assert not found.renaming and found.way_on == ("quillkeep rollback J2",)
    assert "as they were" in found.left and "dropped by the next job" in found.left
    assert remains("restore").way_on == ()


def test_from_the_first_rename_on_two_commands_go_on() -> None:
    found = remains("restore", (RECORD, {"job": "J2", "state": "swapping"}), (RENAMING, {"job": "J2"}))
    assert found.renaming and set(found.way_on) == both("J2") and "mixed" in found.left


def test_a_finish_goes_on_with_the_swap_it_was_to_finish() -> None:
    assert set(remains("finish", plan={"job": "J1"}).way_on) == both("J1")
    assert set(remains("finish", (RENAMING, {"job": "J1"})).way_on) == both("J1")


def test_the_undo_of_an_interrupted_swap_goes_on_with_that_swap() -> None:
    assert set(remains("rollback", (RENAMING, {"job": "J1"})).way_on) == both("J1")


@pytest.mark.parametrize(
    ("marks", "holds"),
    [
        (STOPPED[:1], True),
        (STOPPED, True),
        ([*STOPPED, (APP, {"state": "starting"})], True),
        ([*STOPPED, (APP, {"state": "started"})], False),
        ([*STOPPED, (LOST, {"app": "started"})], False),
        ([*STOPPED, (LOST, {"app": "kept stopped"})], True),
        ([(APP, {"state": "found-stopped", "found": "stopped"})], False),
        ([(APP, {"state": "stopping", "found": "unknown"})], True),
        ([], False),
    ],
)
def test_who_holds_the_application_stopped(marks: list[tuple[str, dict[str, Any]]], holds: bool) -> None:
    found = remains("restore", *marks)
    assert found.app_to_start is holds and ("still stopped" in found.left) is holds


def test_a_backup_without_a_manifest_does_not_count() -> None:
    found = remains("backup")
    assert found.way_on == ("quillkeep backup",) and "next one sweeps" in found.left


def test_an_empty_journal_leaves_nothing() -> None:
    assert remains_of([]).way_on == ()
