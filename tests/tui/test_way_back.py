"""An older restore is rolled back from wherever it is told of, and what cannot come back says why."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from services.history.model import History
from services.jobs.listing import JobSummary, summarize
from tests.journals import finished, started, write
from tests.recorded import NOW, RecordedBackend
from tests.status_support import PROFILE, live, swap
from tests.tui_support import Console, opened, run

NEWER = swap("holds copies", bytes=1_200_000, documents=5)
OLDER = replace(
    NEWER,
    job="20261121_020000",
    started=NEWER.started - timedelta(days=1),
    way_on=("quillkeep rollback 20261121_020000", "quillkeep release 20261121_020000"),
)


def _job(id: str, verb: str) -> JobSummary:
    return JobSummary(id=id, verb=verb, state="succeeded", started=NOW, finished=NOW, profile="prod")


JOBS = [_job(NEWER.job, "restore"), _job(OLDER.job, "restore"), _job("20261120_020000", "backup")]


async def _told(console: Console, words: str) -> None:
    await console.until(lambda: any(words in one.message for one in console.app._notifications))


def test_from_the_list_of_jobs() -> None:
    async def test() -> None:
        backend = RecordedBackend(looks={"live": live(swaps=(NEWER, OLDER))}, jobs=JOBS, history=History())
        async with opened(PROFILE, backend, mode="jobs") as console:
            await console.until(lambda: console.app.store.looked("live").value and OLDER.job in console.text)
            await console.press("down", "down", "Z")
            await _told(console, "Only a restore or a rollback can be rolled back.")
            await console.press("up", "Z")
            await _told(console, f"A newer one stands on top of {OLDER.job}")
            await console.press("up", "Z")
            await console.until(f"Rollback of {NEWER.job}")

    run(test())


def test_read_only_rolls_nothing_back() -> None:
    async def test() -> None:
        backend = RecordedBackend(looks={"live": live(swaps=(NEWER,))}, jobs=JOBS)
        async with opened(replace(PROFILE, read_only=True), backend, mode="jobs") as console:
            await console.until(lambda: console.app.store.looked("live").value and NEWER.job in console.text)
            await console.press("Z")
            await _told(console, "READ-ONLY: nothing is rolled back.")
            assert not backend.started

    run(test())


def test_a_dry_run_reads_as_one(tmp_path: Path) -> None:
    for verb, plan, result, words in (
        ("release", {"job": "J1", "dry_run": True}, {"released": False}, "would release the copies of J1"),
        ("delete", {"backup": "B1", "dry_run": True}, {"id": "B1", "deleted": False}, "would delete B1"),
    ):
        folder = write(tmp_path / verb, [started(verb, plan=plan), finished(3, **result)])
        told = summarize(tmp_path / verb)
        assert told.summary == f"dry run: {words}", folder
    write(tmp_path / "real", [started("delete", plan={"backup": "B1"}), finished(3, id="B1")])
    assert "dry run" not in summarize(tmp_path / "real").summary
