"""Notes: durable lines, torn and foreign ones tolerated, the verdict they amount to."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.catalog.manifest import Part
from services.catalog.model import CheckStatus, Depth
from services.catalog.notes import (
    AcceptNote,
    AnyNote,
    BadObject,
    CheckNote,
    NotedCheck,
    Notes,
    PinNote,
    SharedDamageNote,
    UnpinNote,
    append_note,
    read_notes,
    state_folder,
)
from services.catalog.verdict import (
    check_runs,
    last_asked,
    last_told,
    part_status,
    proven_full,
    verified,
    why_failed,
)
from services.paths import Paths
from tests.fabric import as_nobody, open_folder

T0 = datetime(2026, 11, 22, 3, tzinfo=UTC)


def run(depth: Depth, status: CheckStatus, hours: int = 0, **more: Any) -> CheckNote:
    return CheckNote(at=T0 + timedelta(hours=hours), depth=depth, status=status, proof="content", **more)


def notes(*entries: AnyNote) -> Notes:
    return Notes(entries=entries)


def test_lines_are_appended_and_read_back(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "state")
    written: list[AnyNote] = [
        run("full", "fail", findings=("collection chats is cut",), bad=(BadObject(key="a\nb", inode=7),)),
        PinNote(at=T0, by="ana"),
        AcceptNote(at=T0, lost=("users/u1/x",), suspicious=True),
        UnpinNote(at=T0),
    ]
    for note in written:
        assert append_note(tmp_path, "quilltap_20261122_020000", note, paths).parent == tmp_path
    found = read_notes(tmp_path, "quilltap_20261122_020000", paths)
    assert list(found.entries) == written
    assert not found.pinned and found.lost == ("users/u1/x",) and found.suspicious_accepted
    file = tmp_path / "quilltap_20261122_020000.notes.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_bytes().splitlines()) == 4


def test_a_torn_line_costs_itself_only(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "state")
    file = append_note(tmp_path, "x", run("full", "ok"), paths)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:30])
    append_note(tmp_path, "x", PinNote(at=T0), paths)
    found = read_notes(tmp_path, "x", paths)
    assert [type(entry) for entry in found.entries] == [CheckNote, PinNote]
    assert found.unreadable == ("line 2 is torn or not a note",)


def test_notes_of_a_later_version_and_garbage_are_named(tmp_path: Path) -> None:
    file = tmp_path / "x.notes.jsonl"
    file.write_bytes(
        b'{"note":"rehearsal","at":"2026-11-22T03:00:00Z"}\n\xff\xfe\n[]\n\n{"note":"pin","at":"2026-11-22T03:00:00Z"}\n'
    )
    found = read_notes(tmp_path, "x", Paths(tmp_path / "state"))
    assert found.pinned
    assert "rehearsal" in found.unreadable[0]
    assert len(found.unreadable) == 3


def test_a_location_that_this_user_may_not_write() -> None:
    with open_folder() as base:
        (base / "backups").mkdir(mode=0o555)
        (base / "state").mkdir()
        os.chmod(base / "state", 0o777)
        with as_nobody():
            _falls_back(base / "backups", Paths(base / "state"))


def test_a_location_that_is_no_folder_falls_back_to_the_state_folder(tmp_path: Path) -> None:
    location = tmp_path / "gone"
    _falls_back(location, Paths(tmp_path / "state"))


def _falls_back(location: Path, paths: Paths) -> None:
    file = append_note(location, "quilltap-20261101.gz", PinNote(at=T0), paths)
    assert file.parent == state_folder(location, paths)
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert read_notes(location, "quilltap-20261101.gz", paths).pinned


@pytest.mark.parametrize(
    ("entries", "depth", "status"),
    [
        ((run("full", "fail"), run("quick", "ok", 1)), "full", "fail"),
        ((run("full", "ok"), run("quick", "ok", 1)), "full", "ok"),
        ((run("full", "ok"), run("quick", "fail", 1)), "quick", "fail"),
        ((run("quick", "fail"), run("full", "ok", 1)), "full", "ok"),
        ((run("full", "fail"), run("full", "ok", 1)), "full", "ok"),
        ((run("full", "fail"), run("full", "unknown", 1)), "full", "fail"),
        ((run("full", "ok"), run("full", "unknown", 1)), "full", "unknown"),
        ((run("quick", "ok"),), "quick", "ok"),
        ((run("full", "skipped"),), "full", "skipped"),
        ((run("full", "ok"), run("quick", "fail", 1), run("quick", "ok", 2)), "full", "ok"),
        ((run("full", "fail"), run("deep", "ok", 1)), "deep", "ok"),
    ],
)
def test_the_newest_run_of_the_same_or_greater_depth_counts(
    entries: tuple[CheckNote, ...], depth: Depth, status: CheckStatus
) -> None:
    found = verified(notes(*entries))
    assert found is not None
    assert (found.depth, found.status) == (depth, status)


def test_an_unreadable_run_takes_no_proof_away() -> None:
    both = notes(run("full", "ok"), run("full", "unknown", 1))
    assert part_status(both, "database") == "ok"
    assert proven_full(both, "database")


def test_a_bad_part_leaves_the_other_alone() -> None:
    parts: dict[Part, CheckStatus] = {"database": "ok", "objects": "fail"}
    both = notes(run("full", "fail", parts=parts))
    assert part_status(both, "database") == "ok"
    assert part_status(both, "objects") == "fail"


def test_shared_damage_stands_until_a_full_check_denies_it() -> None:
    shared = SharedDamageNote(at=T0, found_in="quilltap_20261121_020000", bad=(BadObject(key="k", inode=9),))
    assert part_status(notes(shared), "objects") == "fail"
    assert part_status(notes(shared, run("quick", "ok", 1)), "objects") == "fail"
    assert part_status(notes(shared, run("full", "ok", 1)), "objects") == "ok"
    assert [bad.inode for bad in notes(shared).bad_objects] == [9]


def test_no_notes_no_verdict() -> None:
    assert verified(notes()) is None
    assert part_status(notes(), "database") is None
    assert not proven_full(notes(PinNote(at=T0)), "database")


@pytest.mark.parametrize(
    ("entries", "depth", "status"),
    [
        ((run("deep", "fail"), run("full", "ok", 1)), "deep", "fail"),
        ((run("deep", "fail"), run("quick", "fail", 1), run("quick", "ok", 2)), "deep", "fail"),
        ((run("deep", "fail"), run("full", "fail", 1), run("full", "ok", 2)), "deep", "fail"),
        ((run("deep", "fail"), run("deep", "warn", 1)), "deep", "warn"),
        ((run("deep", "ok"), run("full", "fail", 1)), "full", "fail"),
        ((run("deep", "ok"), run("full", "fail", 1), run("full", "ok", 2)), "deep", "ok"),
    ],
)
def test_a_full_ok_hides_no_deep_failure(
    entries: tuple[CheckNote, ...], depth: Depth, status: CheckStatus
) -> None:
    found = verified(notes(*entries))
    assert found is not None
    assert (found.depth, found.status) == (depth, status)
    assert part_status(notes(*entries), "database") == status


def ended(name: str, status: CheckStatus, decides: str = "database") -> NotedCheck:
    return NotedCheck(name=name, status=status, detail=f"{name} is {status}", decides=decides)


@pytest.mark.parametrize(
    ("ends", "counts"),
    [
        ((("full", "fail"), ("quick", "ok")), "fail"),
        ((("full", "fail"), ("full", "ok")), "ok"),
        ((("full", "fail"), ("full", "unknown")), "fail"),
        ((("full", "ok"), ("full", "unknown")), "unknown"),
        ((("full", "ok"), ("quick", "fail")), "fail"),
        ((("quick", "fail"), ("quick", "ok")), "ok"),
        ((("full", "skipped"),), "skipped"),
    ],
)
def test_what_counts_of_one_check(ends: tuple[tuple[Depth, CheckStatus], ...], counts: CheckStatus) -> None:
    entries = [
        run(depth, status, hours, checks=(ended("archive", status),))
        for hours, (depth, status) in enumerate(ends)
    ]
    counted = check_runs(notes(*entries))["archive"]
    assert counted.check.status == counts
    assert check_runs(notes()) == {}


def test_the_reason_of_a_part_is_that_of_its_own_check() -> None:
    parts: dict[Part, CheckStatus] = {"database": "fail", "objects": "fail"}
    checks = (ended("pairs", "fail", "data"), ended("archive", "fail"), ended("objects", "fail", "objects"))
    both = notes(run("full", "fail", parts=parts, checks=checks, findings=("archive is fail",)))
    assert why_failed(both, "objects") == "objects is fail"
    assert why_failed(both, "database") == "archive is fail"


def test_when_a_depth_was_last_asked_for() -> None:
    both = notes(run("full", "ok", 1, asked="deep"), run("quick", "ok", 2))
    assert last_asked(both, "deep") == last_asked(both, "full") == T0 + timedelta(hours=1)
    assert last_asked(both, "quick") == T0 + timedelta(hours=2)
    assert last_asked(notes(), "quick") is None
    assert last_told(both, "deep") is None and last_told(both, "full") == T0 + timedelta(hours=1)
    assert last_told(notes(run("full", "skipped")), "full") is None
