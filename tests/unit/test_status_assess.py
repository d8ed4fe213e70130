"""Health's verdict: every rule and its borders, and what is not known is never guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.catalog.scan import Catalog, LocationProblem
from services.profile import Profile
from services.status.model import Looks, Word
from tests.status_support import (
    BOTH,
    NOW,
    PROFILE,
    TROUBLE,
    catalog,
    found,
    job,
    live,
    locations,
    looks,
    made,
    of,
    swap,
)


def test_all_is_well() -> None:
    status = of(looks())
    assert status.status == "OK"
    assert status.verdict == "Backed up and proven: database 9 h ago and objects 9 h ago."
    assert status.findings == ()
    assert status.rpo_hours == 9
    assert status.waiting_for == ()
    assert [part.part for part in status.parts] == ["database", "objects"]


@pytest.mark.parametrize(
    ("hours", "word"),
    [
        (0, "OK"),
        (24, "OK"),
        (26, "OK"),
        (26 + 1 / 3600, "WARNING"),
        (48 - 1 / 3600, "WARNING"),
        (48, "CRITICAL"),
        (1000, "CRITICAL"),
    ],
)
def test_the_age_of_the_newest_good_backup(hours: float, word: Word) -> None:
    status = of(looks(made(hours)))
    assert status.status == word
    assert {part.status for part in status.parts} == {word}
    if word != "OK":
        assert found(status, "newest good backup is").next == "quillkeep backup"
        assert found(status, "newest good backup is").remedy == "backup"


@given(st.floats(min_value=0, max_value=500), st.floats(min_value=0.5, max_value=100))
def test_the_rule_for_any_age_and_limit(age: float, rpo: float) -> None:
    status = of(looks(made(age)), replace(PROFILE, rpo_hours=rpo))
    exact = (NOW - made(age).created).total_seconds() / 3600
    if exact >= 2 * rpo:
        assert status.status == "CRITICAL"
    elif exact > rpo + 2:
        assert status.status == "WARNING"
    else:
        assert status.status == "OK"


def test_the_parts_are_judged_separately() -> None:
    status = of(looks(made(1, parts=("database",)), made(60, parts=("objects",))))
    assert [(part.part, part.status) for part in status.parts] == [
        ("database", "OK"),
        ("objects", "CRITICAL"),
    ]
    assert status.status == "CRITICAL"
    assert status.rpo_hours == 60
    assert status.verdict.startswith("Objects: ")


@pytest.mark.parametrize("part", BOTH)
def test_a_part_that_was_never_backed_up(part: str) -> None:
    other = tuple(one for one in BOTH if one != part)
    status = of(looks(made(1, parts=other)))
    assert status.status == "CRITICAL"
    assert status.rpo_hours is None
    assert found(status, "never backed up").status == "CRITICAL"


def test_no_backup_at_all() -> None:
    status = of(replace(looks(), catalog=catalog()))
    assert status.status == "CRITICAL"
    assert [part.detail for part in status.parts] == ["never backed up", "never backed up"]
    assert status.last_backup is None
    assert status.nights_free is None
    assert {day.status for day in status.days} == {"none"}
    assert len(status.days) == 14


def test_a_backup_that_is_not_ours_or_not_good_does_not_count() -> None:
    for other in (
        made(1, ours=False, other_deployment="profile test"),
        made(1, counted=False),
        made(1, kind="archive"),
        made(1, good_parts=(), not_good={"database": "a check failed", "objects": "a check failed"}),
    ):
        assert of(looks(other)).status == "CRITICAL"


def test_files_that_are_gone() -> None:
    broken = made(30, missing=("quilltap_mongo_20261120_211400.gz is gone",), complete=False, good_parts=())
    status = of(looks(made(1), broken))
    finding = found(status, "Files are gone")
    assert (finding.status, finding.remedy, finding.subject) == ("CRITICAL", "archives", broken.id)
    assert status.status == "CRITICAL"


def test_a_suspicious_backup_is_told_with_its_way_on() -> None:
    odd = made(
        1,
        good_parts=(),
        suspicious=("memories fell by 60 %",),
        not_good={"database": "suspicious", "objects": "suspicious"},
    )
    status = of(looks(odd, made(20)))
    finding = found(status, "memories fell")
    assert (finding.status, finding.next) == ("WARNING", f"quillkeep show {odd.id}")
    assert f"Only if nothing was lost: `quillkeep accept {odd.id}`" in finding.detail
    assert status.parts[0].backup == made(20).id
    assert sum("suspicious" in one.what for one in status.findings) == 1


def test_an_older_suspicious_backup_is_settled_by_a_newer_good_one() -> None:
    odd = made(30, good_parts=(), suspicious=("memories fell by 60 %",))
    assert of(looks(made(1), odd)).status == "OK"


def test_a_failed_verification() -> None:
    failed = made(20)
    assert failed.verified is not None
    failed = replace(
        failed,
        verified=replace(failed.verified, status="fail"),
        good_parts=("database",),
        not_good={"objects": "3 object files are damaged"},
    )
    status = of(looks(made(1), failed))
    assert found(status, "Verification failed").status == "WARNING"
    assert "3 object files" in found(status, "Verification failed").detail


def test_a_backup_that_was_never_verified_is_a_notice() -> None:
    status = of(looks(made(1, verified=None), made(25)))
    finding = found(status, "not verified since it was made (1 of 2)")
    assert (finding.status, finding.remedy) == ("OK", "verify")
    assert status.status == "OK"


def test_older_ones_that_were_never_verified_lead_to_integrity() -> None:
    quick = made(49)
    assert quick.verified is not None
    quick = replace(quick, verified=replace(quick.verified, depth="quick"))
    status = of(looks(made(1), made(25, verified=None), quick))
    finding = found(status, "2 older backups of 3 were not verified since made")
    assert (finding.status, finding.remedy) == ("OK", "integrity")
    assert finding.next == "quillkeep verify --oldest-first --for 10m"
    assert status.status == "OK"


def test_a_clock_that_is_wrong() -> None:
    ahead = made(-9)
    status = of(looks(ahead, made(5)))
    assert found(status, "claims to be made 9 h from now").status == "WARNING"
    assert status.parts[0].backup == made(5).id
    assert status.rpo_hours == 5
    only = of(looks(ahead))
    assert [part.status for part in only.parts] == ["UNKNOWN", "UNKNOWN"]
    assert only.rpo_hours is None


def test_a_little_skew_is_no_matter() -> None:
    status = of(looks(made(-0.05)))
    assert status.status == "OK"
    assert status.rpo_hours == 0


def test_a_location_that_cannot_be_read_is_the_one_finding_and_nothing_reads_as_none() -> None:
    gone = LocationProblem(
        location="nas", path="/backups", problem="the folder does not exist (not mounted?)"
    )
    status = of(looks(catalog=Catalog(backups=(), problems=(gone,))))
    assert status.status == "UNKNOWN" and status.days == ()
    assert [one.remedy for one in status.findings if one.status != "OK"] == ["look again"]
    assert status.verdict.startswith("The location nas cannot be read")
    assert status.parts[0].detail == "none in what can be read; nas cannot"


@pytest.mark.parametrize("problem", ["no permission to read it", "the folder does not exist (not mounted?)"])
def test_a_location_that_cannot_be_read(problem: str) -> None:
    broken = LocationProblem(location="nas", path="/mnt/nas", problem=problem)
    fresh = of(looks(catalog=catalog(made(1), problems=(broken,))))
    assert fresh.status == "UNKNOWN"
    assert [part.status for part in fresh.parts] == ["OK", "OK"]
    assert found(fresh, "The location nas cannot be read").remedy == "look again"
    stale = of(looks(catalog=catalog(made(60), problems=(broken,))))
    assert [part.status for part in stale.parts] == ["UNKNOWN", "UNKNOWN"]
    never = of(looks(catalog=catalog(problems=(broken,))))
    assert [part.status for part in never.parts] == ["UNKNOWN", "UNKNOWN"]
    assert "none in what can be read" in never.parts[0].detail


def test_a_location_is_told_of_once() -> None:
    broken = LocationProblem(location="backups", path="/srv/backups", problem="no permission to read it")
    seen = looks(
        catalog=catalog(problems=(broken,)),
        locations=locations(free=None, total=None, problem="no permission to read it"),
    )
    assert sum("cannot be read" in finding.what for finding in of(seen).findings) == 1


def test_a_known_critical_is_not_hidden_by_what_is_not_known() -> None:
    status = of(looks(live=live(swaps=(swap(),)), catalog=TROUBLE))
    assert status.status == "CRITICAL"
    assert "interrupted" in status.verdict
    assert [part.status for part in status.parts] == ["UNKNOWN", "UNKNOWN"]


def test_what_is_not_known_stands_above_a_warning() -> None:
    assert of(looks(made(30), live=TROUBLE)).status == "UNKNOWN"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("catalog", "the folders of the backups"),
        ("live", "the database"),
        ("bucket", "the bucket"),
        ("locations", "the free space"),
        ("jobs", "the jobs"),
    ],
)
def test_what_has_not_answered_is_waited_for_and_not_guessed(name: str, words: str) -> None:
    status = of(replace(looks(), **{name: None}))
    assert status.waiting_for == (words,)
    assert status.findings == ()
    assert status.status == ("UNKNOWN" if name == "catalog" else "OK")
    assert words in status.verdict
    if name == "catalog":
        assert status.parts == ()
        assert status.rpo_hours is None
        assert status.days == ()


def test_nothing_has_answered() -> None:
    status = of(Looks())
    assert status.status == "UNKNOWN"
    assert len(status.waiting_for) == 5
    assert status.findings == ()


def test_nothing_is_configured() -> None:
    status = of(looks(catalog=catalog(), live=TROUBLE), Profile())
    assert status.status == "UNKNOWN"
    assert "BACKUP_DIR=" in found(status, "no folder for backups").detail


def test_the_last_backup_failed() -> None:
    failed = job("backup", "failed", 2, summary="No space left.", way_on=("Free space.",))
    status = of(looks(jobs=(failed,)))
    finding = found(status, "The last backup failed (Sun 22 Nov 01:16 UTC)")
    assert (finding.status, finding.detail) == ("WARNING", "No space left. Free space.")
    later = job("backup", "succeeded", 1, summary=made(1).id)
    assert of(looks(jobs=(later, failed))).status == "OK"
    assert of(looks(jobs=(failed, later))).status == "WARNING"


def test_a_refused_backup_counts_as_a_backup_that_did_not_come() -> None:
    refused = job("backup", "refused", 2, summary="A restore holds the lock.")
    assert found(of(looks(jobs=(refused,))), "was refused").remedy == "backup"


def test_the_nights_of_space() -> None:
    backup = made(1)
    seen = looks(backup, locations=locations(free=1_000, last_backup=backup.id, last_added=100))
    status = of(seen)
    assert status.nights_free == 10
    assert "the last backup added 100 Bytes" in status.space_detail
    low = of(looks(backup, locations=locations(free=600, last_backup=backup.id, last_added=100)))
    assert found(low, "Space for 6 nights").status == "WARNING"
    first = of(looks(backup, locations=locations(last_backup=backup.id, last_added=None)))
    assert first.nights_free is None
    assert "second backup" in first.space_detail


def test_notices_change_no_verdict() -> None:
    profile = replace(PROFILE, pepper=None, read_only=True)
    status = of(looks(live=live(rights_missing=("insert",), grant="db.grant()")), profile)
    assert status.status == "OK"
    assert {finding.status for finding in status.findings} == {"OK"}
    for words in ("pepper", "READ-ONLY", "lacks insert"):
        found(status, words)


def test_every_finding_leads_somewhere() -> None:
    worst = looks(
        made(60, missing=("x is gone",), good_parts=()),
        live=live(swaps=(swap(), swap("holds copies", job="20261121_010000")), app="stopped"),
        bucket=TROUBLE,
        jobs=(job("backup", "failed", 1, summary="No."), job("verify", "lost", 1)),
    )
    for finding in of(worst).findings:
        assert finding.next or finding.remedy, finding.what
        assert finding.what.endswith("."), finding.what


def test_the_worst_comes_first() -> None:
    status = of(looks(made(60), bucket=TROUBLE, live=TROUBLE))
    words = [finding.status for finding in status.findings]
    assert words == sorted(words, key=["CRITICAL", "UNKNOWN", "WARNING", "OK"].index)
    assert "(+2 more)" in status.verdict


def test_days_are_utc_whatever_the_zone_of_the_clock() -> None:
    from zoneinfo import ZoneInfo

    # The night in which Berlin's clocks go back: 02:30 comes twice there.
    night = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    backups = [made(hours, now=night.astimezone(UTC)) for hours in (0, 1, 24)]
    here = of(looks(*backups), now=night)
    there = of(looks(*backups), now=night.astimezone(UTC))
    assert here.days == there.days
    assert here.rpo_hours == there.rpo_hours == 0
    assert [day.status for day in here.days[-2:]] == ["ok", "ok"]


@given(st.lists(st.floats(min_value=-50, max_value=1000), max_size=30))
def test_any_backups_give_a_status(ages: list[float]) -> None:
    status = of(replace(looks(), catalog=catalog(*(made(age) for age in ages))))
    assert len(status.days) == 14
    assert sum(day.backups for day in status.days) <= len(ages)
    past = [age for age in ages if age >= -0.08]
    assert (status.rpo_hours is None) == (not past)
