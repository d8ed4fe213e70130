"""Where an embedded server may lie: memory or disk, how much of it, and whose leftovers go."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from services.deep import scratch
from services.deep.model import DeepOptions, Loaded
from services.deep.place import choose, embedded_problem
from services.deep.scratch import Scratch, free_bytes, free_memory, in_memory, needed_bytes, sweep
from services.paths import Paths
from services.profile import MongoTarget, Profile
from services.secret import Secret
from tests.fabric import as_nobody, open_folder

LIVE = Profile(mongo=MongoTarget(uri=Secret("mongodb://db.example/"), database="quilltap"))


def test_memory_is_told_from_a_disk() -> None:
    assert in_memory(Path("/dev/shm")) and in_memory(Path("/dev/shm/not/there/yet"))
    assert not in_memory(Path("/proc")) and not in_memory(Path("/"))


def test_what_is_free_and_what_is_needed(tmp_path: Path) -> None:
    free = free_bytes(tmp_path / "not" / "there")
    assert free is not None and free > 0
    assert needed_bytes(0, 0) == scratch.OVERHEAD_BYTES
    assert needed_bytes(1 << 30, None) > needed_bytes(1 << 30, 0) > (1 << 30)


def test_a_containers_limit_counts_more_than_the_machines_memory(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert free_memory(tmp_path, tmp_path) == 8000 << 10
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert free_memory(tmp_path, tmp_path) == 8000 << 10
    (tmp_path / "memory.max").write_text("5000\n")
    assert free_memory(tmp_path, tmp_path) == 4000
    (tmp_path / "memory.current").write_text("6000\n")
    assert free_memory(tmp_path, tmp_path) == 0
    assert free_memory(tmp_path / "none", tmp_path / "none") is None


def test_a_scratch_folder_is_private_and_goes_with_its_mark(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "state")
    for parent in (paths.state / "deep", tmp_path):
        made = Scratch(parent, paths, "job")
        assert made.folder.stat().st_mode & 0o777 == 0o700 and made.folder.is_relative_to(parent)
        (made.folder / "file").touch()
        assert sweep(paths) == [] and (made.folder / "file").exists(), "a living job's stays"
        made.close()
        assert not made.folder.exists() and not list((paths.state / "deep").iterdir())


def test_a_scratch_folder_that_cannot_be_made_leaves_no_mark(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "state")
    with pytest.raises(OSError):
        Scratch(tmp_path / "not there", paths, "job")
    assert not list((paths.state / "deep").iterdir())


def test_what_is_left_without_a_mark_goes_once_it_is_old(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    young, old, broken = (
        paths.state / "deep" / f"{scratch.PREFIX}{name}" for name in ("young", "old", "broken")
    )
    for folder in (young, old, broken):
        folder.mkdir(parents=True)
    os.utime(old, (time.time() - 600,) * 2)
    (broken / scratch.MARK).write_text("{")
    left = sweep(paths)
    assert young.exists() and not old.exists() and broken.exists()
    assert len(left) == 1 and "cannot be read" in left[0]


def test_the_places_in_their_order(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "state")
    assert embedded_problem() is None, "the tests need the embedded server"
    assert choose(LIVE, paths, DeepOptions(), encrypted=False).folder == str(tmp_path / "state" / "deep")
    assert choose(LIVE, paths, DeepOptions(), encrypted=True).folder == "/dev/shm"
    found = choose(LIVE, paths, DeepOptions(scratch=str(tmp_path)), encrypted=True)
    assert found.where == "live" and "not a tmpfs" in found.reason, "aside, where the plaintext lies anyhow"
    found = choose(LIVE, paths, DeepOptions(on="embedded", scratch=str(tmp_path)), encrypted=True)
    assert found.where is None and "--scratch" in found.next
    found = choose(LIVE, paths, DeepOptions(), encrypted=False, data_bytes=1 << 50)
    assert found.where == "live" and "the embedded server needs" in found.reason
    found = choose(Profile(), paths, DeepOptions(), encrypted=False, data_bytes=1 << 50)
    assert found.where is None and "no database is configured" in found.reason


def test_a_folder_that_cannot_be_written_is_no_place() -> None:
    with open_folder() as folder, as_nobody():
        folder = folder / "closed"
        found = choose(Profile(), Paths(folder), DeepOptions(scratch="/proc"), encrypted=False)
    assert found.where is None and "may not write into /proc" in found.reason


@pytest.mark.parametrize(
    ("backup", "server", "other"),
    [
        ("6.0.5", "6.0.5", False),
        ("6.0.1", "6.0.5", False),
        ("7.0.14", "6.0.5", True),
        ("5.0.9", "6.0.5", True),
        ("10.0", "1.0", True),
        ("", "6.0.5", False),
        ("unknown", "6.0.5", False),
    ],
)
def test_majors(backup: str, server: str, other: bool) -> None:
    assert Loaded(server_version=server, backup_version=backup).other_major is other
