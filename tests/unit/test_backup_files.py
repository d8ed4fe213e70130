"""The pure parts of a backup: space, sidecar, and what an object that cannot be read becomes."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from services.catalog.manifest import ArchiveFile, CollectionEntry, Manifest, Member
from services.errors import QuillkeepError, Refused
from services.jobs.context import utc_now
from services.objects.snapshot_result import MissingObject, RottenFile, SnapshotResult
from services.operations import backup_space
from services.operations.backup_files import sidecar_text
from services.operations.backup_objects import objects_entry, objects_warnings
from services.operations.backup_space import Room, archive_estimate


def manifest(archive: int, uncompressed: int) -> Manifest:
    now = utc_now()
    return Manifest(
        id="quilltap_20261122_020000",
        started=now,
        finished=now,
        tool_version="0",
        collections={"chats": CollectionEntry(documents=1, bytes=uncompressed)},
        files=(
            ArchiveFile(name="a.gz", bytes=archive, sha256="", members=(Member(0, archive, ""),)),
            ArchiveFile(name="a.gz.sha256", bytes=100, sha256=""),
        ),
    )


def test_the_archive_is_estimated_by_the_previous_ratio() -> None:
    assert archive_estimate(2_000, manifest(500, 1_000)) == 1_100
    assert archive_estimate(10, manifest(500, 1_000)) == 550
    assert archive_estimate(1_000, None) == 750
    assert archive_estimate(1_000, manifest(500, 0)) == 750


def test_room_is_looked_at_before_and_during(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 100 << 20
    monkeypatch.setattr(backup_space, "free_bytes", lambda _folder: free)
    room = Room(tmp_path)
    room.require(50 << 20)
    room.before_write(20 << 20)
    free = 9 << 20
    with pytest.raises(QuillkeepError, match="became full after"):
        room.before_write(20 << 20)
    with pytest.raises(Refused, match="Too little space"):
        room.require(50 << 20)
    assert "became full" in room.explain(OSError(errno.ENOSPC, "x")).what
    assert "Writing to" in room.explain(OSError(errno.EIO, "x")).what


def test_the_sidecar_is_one_line_of_sha256sum() -> None:
    assert sidecar_text("ab" * 32, "quilltap_mongo_1.gz") == b"ab" * 32 + b" *quilltap_mongo_1.gz\n"


def test_missing_and_damaged_objects_are_warnings_and_lost_ones_are_not() -> None:
    file = ArchiveFile(name="l", bytes=1, sha256="")
    fine = SnapshotResult(count=2, bytes=20, lost=("gone",), contradicting=("odd",), file=file)
    assert objects_warnings(fine) == []
    assert objects_entry(fine).lost == ("gone",)
    assert objects_entry(fine).contradicting == ("odd",)
    bad = SnapshotResult(
        count=1,
        bytes=10,
        missing=(MissingObject("a", "403"), MissingObject("b", "short")),
        rotten=(RottenFile("c", 7),),
        file=file,
        warnings=("Files cannot be hard-linked here (EPERM): they are copied.",),
    )
    assert objects_entry(bad).missing == ("a", "b")
    first, second = objects_warnings(bad)
    assert "2 objects could not be read" in first and "a (403)" in first and "accept" in first
    assert "1 file of earlier snapshots" in second and "c" in second
