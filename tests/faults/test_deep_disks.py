"""A disk that fills under an embedded server: refused first, ended in time later, nothing left on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.operations.verify import verify
from services.operations.verify_model import VerifyPlan
from tests.deep_support import Place, detail, ends, make_place
from tests.faults.test_disks import Disk
from tests.services.test_deep_leaves_nothing import LOADING, at_phase

NAME = "quilltap-20261101.gz"


@pytest.fixture
def place() -> Iterator[Place]:
    made = make_place()
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture
def disk(short_path: Path) -> Iterator[Disk]:
    made = Disk(short_path / "disk", "2g")
    yield made
    made.close()


def test_too_little_room_is_seen_before_anything_is_loaded(place: Place, disk: Disk) -> None:
    disk.resize("300m")
    result = place.deep(place.put(NAME), scratch=str(disk.folder), on="embedded")
    assert ends(result) == {"deep-load": "skipped"}
    assert "free, and the embedded server needs" in detail(result, "deep-load")
    assert not list(disk.folder.iterdir())


def test_a_disk_that_fills_meanwhile_ends_the_load_in_time(place: Place, disk: Disk) -> None:
    context = at_phase(place.context(), LOADING, lambda: disk.resize(f"{disk.used() + (64 << 20)}"))
    plan = VerifyPlan(backup=place.put(NAME), depth="deep", scratch=str(disk.folder), on="embedded")
    result = verify(plan, context)
    assert ends(result) == {"deep-load": "unknown"} and result.status == "unknown"
    assert "nearly full" in detail(result, "deep-load")
    assert not list(disk.folder.iterdir())
    place.assert_nothing_left()
