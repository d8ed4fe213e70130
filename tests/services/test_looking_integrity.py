"""What the look at integrity knows: notes of every age, journals of the live checks, and what it cannot read."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.catalog import layout
from services.catalog.model import CheckStatus, Depth
from services.catalog.notes import BadObject, CheckNote, NotedCheck, SharedDamageNote, append_note
from services.findings import Finding
from services.jobs.events import AnyEvent, Finished
from services.jobs.journal import JOURNAL
from services.looking.child import look as ask
from services.looking.integrity import (
    EVIDENCE_BYTES,
    BackupSeen,
    CheckSeen,
    IntegrityAnswer,
    IntegrityRequest,
    look,
)
from services.looking.integrity_backups import catalogue
from services.looking.wire import encode
from services.paths import Paths
from services.profile import Location, Profile
from tests.fabric import NIGHT, as_nobody, make_backup, open_folder
from tests.journals import started, write

NAMES = {one.name: one for one in catalogue()}
LATER = NIGHT + timedelta(hours=1)


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, Paths, Profile]:
    """A location, a state folder and a profile of both."""
    folder = tmp_path / "backups"
    folder.mkdir()
    profile = Profile(name="prod", locations=(Location(name="nas", path=str(folder)),))
    return folder, Paths(tmp_path / "state"), profile


def note(depth: Depth, after: float, checks: dict[str, tuple[CheckStatus, str]], **other: Any) -> CheckNote:
    """A verify so many hours later; its checks end as given."""
    statuses = [status for status, _ in checks.values()]
    fields: dict[str, Any] = {
        "at": LATER + timedelta(hours=after),
        "depth": depth,
        "status": "fail" if "fail" in statuses else "ok",
        "checks": tuple(
            NotedCheck(name=name, status=status, detail=detail, next="Do this.", decides="database")
            for name, (status, detail) in checks.items()
        ),
    }
    return CheckNote(**{**fields, **other})


def only(answer: IntegrityAnswer) -> BackupSeen:
    """The one backup of the answer."""
    assert len(answer.backups) == 1
    return answer.backups[0]


def checks_of(place: tuple[Path, Paths, Profile], id: str) -> dict[str, CheckSeen]:
    """All checks of one backup, by name."""
    _, paths, profile = place
    return {one.name: one for one in only(look(IntegrityRequest(backup=id), profile, paths)).checks}


def state(answer: IntegrityAnswer, seen: BackupSeen, name: str) -> str:
    """The letter of a check in a backup's row."""
    return seen.states[answer.names.index(name)]


def test_nothing_verified_is_nothing_passed(place: tuple[Path, Paths, Profile]) -> None:
    folder, paths, profile = place
    make_backup(folder)
    answer = look(IntegrityRequest(), profile, paths)
    seen = only(answer)
    assert set(seen.states) == {"-"} and len(seen.states) == len(answer.names)
    assert seen.looked_at is None and seen.proven_at is None
    assert {one.verb for one in answer.live} == {"pairs", "validate", "pepper-check"}
    assert all(one.at is None for one in answer.live)


def test_the_newest_run_of_each_check_counts(place: tuple[Path, Paths, Profile]) -> None:
    folder, paths, profile = place
    id = make_backup(folder).id
    append_note(folder, id, note("full", 0, {"manifest": ("ok", ""), "archive": ("fail", "cut")}), paths)
    append_note(folder, id, note("quick", 5, {"manifest": ("ok", "again")}), paths)
    answer = look(IntegrityRequest(), profile, paths)
    seen = only(answer)
    assert state(answer, seen, "archive") == "f" and state(answer, seen, "manifest") == "o"
    assert seen.proven_at == LATER and seen.looked_at == LATER + timedelta(hours=5)
    assert [(one.name, one.detail, one.next) for one in seen.wrong] == [("archive", "cut", "Do this.")]
    found = checks_of(place, id)
    assert found["manifest"].depth == "quick" and found["archive"].depth == "full"
    append_note(folder, id, note("full", 9, {"archive": ("ok", "whole")}), paths)
    assert checks_of(place, id)["archive"].status == "ok"


def test_what_could_not_be_read_since_hides_no_failure(place: tuple[Path, Paths, Profile]) -> None:
    folder, paths, _ = place
    id = make_backup(folder).id
    append_note(folder, id, note("full", 0, {"archive": ("fail", "cut"), "counts": ("ok", "")}), paths)
    append_note(
        folder,
        id,
        note("full", 2, {"archive": ("unknown", "no permission"), "counts": ("unknown", "-")}),
        paths,
    )
    found = checks_of(place, id)
    assert found["archive"].status == "fail" and "ended unknown: no permission" in found["archive"].since
    assert found["counts"].status == "unknown" and not found["counts"].since


def test_notes_that_name_no_checks_stand_for_their_parts(place: tuple[Path, Paths, Profile]) -> None:
    folder, paths, profile = place
    id = make_backup(folder).id
    old = note("full", 0, {}, status="fail", parts={"database": "fail", "objects": "ok"}, findings=("cut",))
    append_note(folder, id, old, paths)
    found = checks_of(place, id)
    assert found["database as a whole"].status == "fail" and found["database as a whole"].detail == "cut"
    assert found["objects as a whole"].status == "ok"
    answer = look(IntegrityRequest(), profile, paths)
    assert state(answer, only(answer), "database as a whole") == "f"
    new = note("full", 3, {"archive": ("ok", "")}, parts={"database": "ok", "objects": "ok"})
    append_note(folder, id, new, paths)
    assert set(checks_of(place, id)) == {"archive"}, "a verify that names its checks takes their place"
    quick = note("quick", 0, {"manifest": ("ok", "")}, parts={"database": "ok"})
    other = make_backup(folder, NIGHT - timedelta(days=1)).id
    append_note(folder, other, old, paths)
    append_note(folder, other, msgspec.structs.replace(quick, at=LATER + timedelta(hours=9)), paths)
    assert checks_of(place, other)["database as a whole"].status == "fail", (
        "a quick run hides no full failure"
    )


def test_shared_damage_is_a_failure_of_the_objects(place: tuple[Path, Paths, Profile]) -> None:
    folder, paths, _ = place
    id = make_backup(folder).id
    damage = SharedDamageNote(at=LATER, found_in="quilltap_20261121_020000", bad=(BadObject(key="a.png"),))
    append_note(folder, id, damage, paths)
    found = checks_of(place, id)["shared damage"]
    assert (
        found.status == "fail" and found.decides == "objects" and "1 object file shared with" in found.detail
    )


def test_findings_come_from_the_journal_of_the_job_that_made_them(place: tuple[Path, Paths, Profile]) -> None:
    folder, paths, _ = place
    id = make_backup(folder).id
    finding = Finding(kind="missing", status="fail", what="a.png is missing", good_in="another", count=1)
    result = {
        "id": id,
        "location": "nas",
        "checks": [{"name": "archive", "status": "fail", "found": [msgspec.to_builtins(finding)]}],
    }
    write_job(paths, "20261122_030000", "verify", "fail", result)
    append_note(folder, id, note("full", 0, {"archive": ("fail", "cut")}, job="20261122_030000"), paths)
    assert checks_of(place, id)["archive"].found == (finding,)
    append_note(folder, id, note("full", 1, {"archive": ("fail", "cut")}, job="../../elsewhere"), paths)
    assert checks_of(place, id)["archive"].found == ()


def write_job(
    paths: Paths,
    job: str,
    verb: str,
    status: str,
    result: dict[str, Any],
    plan: dict[str, Any] | None = None,
    profile: str = "prod",
    hours: float = 0.0,
) -> Path:
    """A finished job's journal."""
    begun = started(verb, job, plan or {}, profile=profile)
    events: list[AnyEvent] = [
        begun,
        Finished(at=LATER + timedelta(hours=hours), status=status, exit_code=0, result=result),
    ]
    return write(paths.jobs / job, events)


def test_the_newest_live_verdicts_of_this_profile(place: tuple[Path, Paths, Profile]) -> None:
    _, paths, profile = place
    finding = {"kind": "missing-object", "status": "fail", "what": "2 rows", "count": 2, "good_in": "b"}
    ok = {"status": "ok", "summary": "all pair", "findings": []}
    write_job(paths, "20261120_010000", "pairs", "ok", ok)
    write_job(
        paths,
        "20261121_010000",
        "pairs",
        "fail",
        {"summary": "2 missing", "findings": [finding]},
        {"depth": "heads"},
    )
    write_job(paths, "20261122_010000", "pairs", "ok", ok, {"rows": "quilltap_20261121_020000"})
    write_job(
        paths, "20261122_020000", "pairs", "ok", ok, {"rows": "live", "objects": "quilltap_20261121_020000"}
    )
    write_job(paths, "20261122_030000", "pairs", "ok", ok, profile="staging")
    error = {"error": {"what": "MongoDB does not answer.", "cause": "Refused.", "next": "Start it."}}
    write_job(paths, "20261122_040000", "pairs", "failed", error)
    collections = [{"name": "chats", "findings": [finding, {"odd": True}]}]
    write_job(
        paths, "20261122_050000", "validate", "fail", {"collections": collections, "references": [finding]}
    )
    live = {one.verb: one for one in look(IntegrityRequest(), profile, paths).live}
    pairs = live["pairs"]
    assert (pairs.status, pairs.job, pairs.depth, pairs.summary) == (
        "fail",
        "20261121_010000",
        "heads",
        "2 missing",
    )
    assert pairs.findings[0].good_in == "b"
    assert pairs.tried == "failed: MongoDB does not answer. Refused. Start it."
    assert [one.status for one in live["validate"].findings] == ["fail", "fail", "unknown"]
    assert live["pepper-check"].at is None


def test_a_restore_since_makes_a_live_verdict_old(place: tuple[Path, Paths, Profile]) -> None:
    _, paths, profile = place
    checks = [
        {"name": "references", "status": "ok", "detail": "all lead"},
        {"name": "shape", "status": "fail"},
    ]
    write_job(paths, "20261122_030000", "validate", "fail", {"checks": checks, "summary": "2 findings"})
    write_job(paths, "20261122_030001", "validate", "ok", {"collections": []}, {"collections": ["chats"]})
    live = {one.verb: one for one in look(IntegrityRequest(), profile, paths).live}["validate"]
    assert live.status == "fail" and live.replaced_at is None, "a look at one collection is not the verdict"
    assert live.told == ("A newer look at 1 collection alone ended ok (20261122_030001).",)
    assert [one.name for one in live.checks] == ["shape", "references"]
    write_job(paths, "20261122_040000", "restore", "failed", {}, hours=1)
    assert look(IntegrityRequest(), profile, paths).live[1].replaced_at is None
    write_job(paths, "20261122_050000", "restore", "warnings", {}, hours=2)
    assert look(IntegrityRequest(), profile, paths).live[1].replaced_at == LATER + timedelta(hours=2)


def test_a_restore_of_objects_alone_makes_only_the_pair_check_old(place: tuple[Path, Paths, Profile]) -> None:
    _, paths, profile = place
    for verb in ("pairs", "validate", "pepper-check"):
        plan = {"rows": "live", "objects": "live"} if verb == "pairs" else {}
        write_job(paths, f"20261122_03000{len(verb)}", verb, "fail", {"summary": "broken"}, plan)
    write_job(paths, "20261122_040000", "restore", "ok", {"collections": {}, "objects": {"put": 2}}, hours=1)
    live = look(IntegrityRequest(), profile, paths).live
    old = {one.verb for one in live if one.replaced_at is not None}
    assert {one.status for one in live} == {"fail"} and old == {"pairs"}
    write_job(paths, "20261122_035000", "restore", "ok", {"collections": {"chats": {}}}, hours=0.5)
    live = look(IntegrityRequest(), profile, paths).live
    assert all(one.replaced_at is not None for one in live), "an earlier one put documents in place"


def test_a_job_that_is_gone_without_a_result_is_told(place: tuple[Path, Paths, Profile]) -> None:
    _, paths, profile = place
    write(paths.jobs / "20261122_030000", [started("validate", "20261122_030000", profile="prod")])
    live = {one.verb: one for one in look(IntegrityRequest(), profile, paths).live}
    assert live["validate"].at is None and live["validate"].tried.startswith("lost")


def test_unreadable_is_told_by_name() -> None:
    with open_folder() as base:
        folder, paths = base / "backups", Paths(base / "state")
        folder.mkdir()
        id = make_backup(folder).id
        append_note(folder, id, note("full", 0, {"archive": ("ok", "")}), paths)
        write_job(paths, "20261122_030000", "pairs", "ok", {})
        (folder / layout.notes_name(id)).chmod(0)
        (paths.jobs / "20261122_030000" / JOURNAL).chmod(0)
        for path in (folder, paths.state, paths.jobs, *paths.jobs.iterdir()):
            path.chmod(0o755)
        places = (Location(name="nas", path=str(folder)), Location(name="usb", path="/no/such"))
        with as_nobody():
            answer = look(IntegrityRequest(), Profile(name="prod", locations=places), paths)
    assert [problem.location for problem in answer.problems] == ["usb"]
    assert answer.live_problem == "1 job could not be read: no permission."
    assert answer.live[0].at is None
    seen = only(answer)
    assert any("could not be read" in line for line in seen.unreadable)
    assert set(seen.states) == {"-"}


def test_evidence_is_bounded_and_the_rest_is_counted(
    place: tuple[Path, Paths, Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, paths, profile = place
    for day in range(3):
        id = make_backup(folder, NIGHT - timedelta(days=day), objects=None).id
        wrong: dict[str, tuple[CheckStatus, str]] = dict.fromkeys(list(NAMES)[:6], ("fail", "long " * 1000))
        append_note(folder, id, note("full", 0, wrong), paths)
    monkeypatch.setattr("services.looking.integrity_backups.EVIDENCE_BYTES", 1_500)
    answer = look(IntegrityRequest(), profile, paths)
    assert [len(one.wrong) for one in answer.backups] == [4, 4, 0]
    assert [one.more_wrong for one in answer.backups] == [2, 2, 6]
    assert all(len(check.detail) <= 300 for one in answer.backups for check in one.wrong)
    assert len(encode(answer)) < 40_000 < EVIDENCE_BYTES


def test_through_its_child_process(place: tuple[Path, Paths, Profile]) -> None:
    folder, paths, profile = place
    id = make_backup(folder).id
    append_note(folder, id, note("full", 0, {"archive": ("fail", "\x1b[31m[/x]")}), paths)
    answer = ask("integrity", profile, paths)
    assert json.loads(encode(answer)) == json.loads(encode(look(IntegrityRequest(), profile, paths)))
    one = ask("integrity", profile, paths, IntegrityRequest(backup=id))
    assert only(one).checks[0].name == "archive"
