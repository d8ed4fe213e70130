"""What cancelling leaves, by verb, phase and checkpoints."""

from __future__ import annotations

import pytest

from services.jobs.events import APP, RENAMING, Checkpoint
from services.jobs.if_cancelled import if_cancelled
from tests.journals import JOB, mark

LOADING = mark("record", job=JOB, state="loading")
OBJECTS = mark("record", job=JOB, state="objects")
STOPPED = mark(APP, state="stopped", found="running")
FOUND_STOPPED = mark(APP, state="stopping", found="stopped")


@pytest.mark.parametrize(
    ("verb", "marks", "says"),
    [
        ("backup", (), "this backup will not count"),
        ("restore", (), "Nothing was loaded yet"),
        ("restore", (LOADING,), "what was loaded beside them is dropped"),
        ("restore", (LOADING, OBJECTS), "Objects already replaced are put back"),
        ("rollback", (), "the rollback copies are untouched"),
        ("rollback", (OBJECTS,), "replaced again by what was live"),
        ("finish", (LOADING,), "still half done"),
        ("release", (), "every rollback copy stays"),
        ("verify", (), "It only looks"),
        ("something-new", (), "says then what it left"),
    ],
)
def test_says_what_stays(verb: str, marks: tuple[Checkpoint, ...], says: str) -> None:
    found = if_cancelled(JOB, verb, "", marks)
    assert found.possible
    assert says in found.left


def test_the_application_is_named_only_when_this_job_stopped_it() -> None:
    words = "is started again"
    assert words in if_cancelled(JOB, "restore", "", (STOPPED,)).left
    assert words not in if_cancelled(JOB, "restore", "", (FOUND_STOPPED,)).left
    assert words not in if_cancelled(JOB, "restore", "", (STOPPED, mark(APP, state="started"))).left


def test_from_the_first_rename_on_it_is_too_late() -> None:
    found = if_cancelled(JOB, "restore", "swapping", (LOADING, mark(RENAMING, job=JOB)))
    assert not found.possible
    assert "Too late" in found.left
    assert f"quillkeep rollback {JOB}" in found.left


def test_a_finish_names_the_job_whose_swap_it_goes_on_with() -> None:
    found = if_cancelled("20261122_040000", "finish", "", (mark(RENAMING, job=JOB),))
    assert f"quillkeep rollback {JOB}" in found.left


def test_in_place_says_that_it_replaces() -> None:
    assert (
        "replacing live collections"
        in if_cancelled(JOB, "restore", "", (mark(RENAMING, job=JOB, in_place=True),)).left
    )


def test_a_backup_that_publishes_may_still_finish() -> None:
    assert "either finishes and counts" in if_cancelled(JOB, "backup", "publish", ()).left


def test_a_release_is_too_late_once_it_drops() -> None:
    assert if_cancelled(JOB, "release", "counting what exists nowhere else", ()).possible
    assert not if_cancelled(JOB, "release", "releasing", ()).possible
