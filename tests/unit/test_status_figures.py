"""The figures beside the verdict: the predicted restore, the strip of days, the last of each, and their words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.jobs.events import AnyEvent, Finished, PhaseStarted, Progress, Started
from services.jobs.journal import Journal
from services.paths import Paths
from services.status import words
from services.status.assess import assess
from services.status.model import Measured, Rates, Sizes, Status
from services.status.rates import measure
from tests.status_support import NOW, PROFILE, catalog, job, looks, made


def of(rates: Rates, *ages: float) -> Status:
    return assess(PROFILE, looks(*(made(age) for age in ages or (9,)), rates=rates), NOW)


def measured(verb: str, size: int, seconds: float) -> Measured:
    return Measured(verb=verb, job="20261120_020000", at=NOW - timedelta(days=2), bytes=size, seconds=seconds)


def test_nothing_measured_gives_no_prediction() -> None:
    status = of(Rates())
    assert status.rto_minutes is None
    assert "was measured" in status.rto_detail


def test_a_restore_is_predicted_by_the_last_restore() -> None:
    sizes = {made(9).id: Sizes(documents_bytes=60_000, objects_bytes=30_000, objects=3)}
    rates = Rates(
        loading=measured("restore", 1_000, 2.0),
        putting=measured("restore", 1_000, 1.0),
        reading=measured("verify", 1, 1_000.0),
        sizes=sizes,
    )
    status = of(rates)
    assert status.rto_minutes == pytest.approx((120 + 30) / 60)
    assert "by the restore of Fri 20 Nov" in status.rto_detail


def test_objects_that_were_never_put_are_said_to_be_left_out() -> None:
    status = of(Rates(loading=measured("restore", 1_000, 60.0)))
    assert status.rto_minutes == pytest.approx(1.0)
    assert "as large as then" in status.rto_detail
    assert "without objects" in status.rto_detail


def test_without_a_restore_a_verification_tells_the_reading() -> None:
    status = of(Rates(reading=measured("verify", 9_000_000, 60.0), proving=measured("backup", 1, 1.0)))
    assert status.rto_minutes == pytest.approx(2.0)
    assert "reading alone" in status.rto_detail
    assert "no restore was ever measured" in status.rto_detail
    assert "read-back" in of(Rates(proving=measured("backup", 9_000_000, 60.0))).rto_detail


def test_without_a_good_backup_nothing_is_predicted() -> None:
    seen = replace(looks(rates=Rates(reading=measured("verify", 1, 1.0))), catalog=catalog())
    assert assess(PROFILE, seen, NOW).rto_minutes is None


def _at(seconds: float) -> datetime:
    return datetime(2026, 11, 20, 2, 0, tzinfo=UTC) + timedelta(seconds=seconds)


def _write(paths: Paths, job_id: str, verb: str, events: list[AnyEvent], result: dict[str, object]) -> None:
    folder = paths.jobs / job_id
    folder.mkdir(parents=True, mode=0o700)
    journal = Journal(folder)
    journal.write(
        Started(
            at=_at(0),
            job=job_id,
            verb=verb,
            plan={},
            profile="prod",
            pid=1,
            process_started="1",
            boot_id="b",
            host="h",
            machine_id="m",
            user="u",
            version="1",
        )
    )
    for event in events:
        journal.write(event)
    journal.write(Finished(at=_at(20), status="ok", exit_code=0, result={"status": "ok", **result}))
    journal.close()


def test_rates_are_read_from_journals(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    _write(
        paths,
        "20261120_020000",
        "restore",
        [
            PhaseStarted(at=_at(1), phase="loading aside", total=8_000),
            Progress(at=_at(2), phase="loading aside", done=4_000, total=8_000),
            Progress(at=_at(6), phase="loading aside", done=8_000, total=8_000),
            PhaseStarted(at=_at(6), phase="putting objects", total=10_000),
            Progress(at=_at(10), phase="putting objects", done=10_000, total=10_000),
            PhaseStarted(at=_at(10), phase="swapping", total=3, unit="collections"),
        ],
        {},
    )
    _write(
        paths,
        "20261120_030000",
        "verify",
        [
            PhaseStarted(at=_at(1), phase="verify", total=9_000),
            Progress(at=_at(4), phase="verify", done=9_000, total=9_000),
        ],
        {},
    )
    _write(
        paths,
        "20261120_040000",
        "backup",
        [],
        {
            "id": "quilltap_20261120_040000",
            "database": {"collections": {"users": {"bytes": 5, "documents": 2}, "chats": {"bytes": 7}}},
            "objects": {"count": 2, "bytes": 30},
        },
    )
    rates = measure(PROFILE, paths)
    assert rates.loading is not None and (rates.loading.bytes, rates.loading.seconds) == (8_000, 16.0)
    assert rates.putting is not None and (rates.putting.bytes, rates.putting.seconds) == (10_000, 4.0)
    assert rates.reading is not None and rates.reading.seconds == 19.0
    assert rates.proving is None
    assert rates.sizes == {
        "quilltap_20261120_040000": Sizes(
            documents_bytes=12, collections={"users": 2, "chats": 0}, objects_bytes=30, objects=2
        )
    }
    assert measure(replace(PROFILE, name="test"), paths) == Rates()


def test_no_jobs_give_no_rates(tmp_path: Path) -> None:
    assert measure(PROFILE, Paths(tmp_path)) == Rates()


def test_the_strip() -> None:
    odd = made(24, good_parts=(), suspicious=("fell",))
    half = made(48, parts=("database",))
    seen = looks(made(1), odd, half, jobs=(job("backup", "failed", 72), job("backup", "failed", 1.5)))
    days = assess(PROFILE, seen, NOW).days
    assert len(days) == 14
    assert [day.status for day in days[-5:]] == ["none", "fail", "warn", "warn", "ok"]
    assert days[-1].day.isoformat() == "2026-11-22"
    assert (days[-1].backups, days[-1].bytes) == (1, 18_000_000)


def test_two_halves_make_a_day() -> None:
    seen = looks(made(1, parts=("database",)), made(2, parts=("objects",)))
    assert assess(PROFILE, seen, NOW).days[-1].status == "ok"


def test_the_last_of_each() -> None:
    backup = made(9)
    restored = job("restore", "warnings", 5)
    seen = looks(backup, jobs=(restored, job("backup", "succeeded", 9, summary=backup.id)))
    status = assess(PROFILE, seen, NOW)
    assert status.last_backup is not None
    assert (status.last_backup.subject, status.last_backup.status) == (backup.id, "good")
    assert status.last_backup.seconds == 120
    assert status.last_verification is not None
    assert (status.last_verification.status, status.last_verification.left) == ("ok", "full, by content")
    assert status.last_restore is not None
    assert status.last_restore.subject == f"restore {restored.id}"
    assert status.last_restore.status == "warnings"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "under 1 min"), (0.5, "30 min"), (9, "9 h"), (71.9, "71 h"), (72, "3 days"), (1000, "41 days")],
)
def test_hours(value: float, text: str) -> None:
    assert words.hours(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.2, "under 1 min"), (12.4, "12 min"), (125, "2 h 5 min")])
def test_minutes(value: float, text: str) -> None:
    assert words.minutes(value) == text


def test_names_and_counts() -> None:
    assert words.count(1, "backup") == "1 backup"
    assert words.count(1_200, "backup") == "1,200 backups"
    assert words.names(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert words.seconds(0.44) == "0.4 s"
    assert words.seconds(90) == "90 s"
    assert words.seconds(300) == "5 min"
