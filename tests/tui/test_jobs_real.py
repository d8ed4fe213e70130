"""Real jobs on real servers, as Jobs, one job's screen and History show them."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from pymongo.database import Database

from services.history.read import read_history
from services.jobs.launch import start_job
from services.operations.backup_model import BackupPlan
from services.operations.selftest import SelftestPlan
from services.paths import Paths
from services.profile import Profile
from tests.tui_support import opened, run


def test_a_backup_from_its_start_to_its_history(profile: Profile, db: Database[Any], tmp_path: Path) -> None:
    db.chats.insert_many([{"n": number} for number in range(300)])

    async def test() -> None:
        paths = Paths(tmp_path / "state")
        async with opened(profile, paths, mode="jobs") as console:
            await console.until("There are no jobs yet.")
            begun = await console.app.begin_job("backup", BackupPlan(only="database", reason="routine"))
            assert begun is not None
            await console.until(begun.job)
            await console.press("enter")
            await console.until("succeeded  backup", 40)
            await console.until(lambda: "300 documents" in console.line("Result"))
            assert "1 collection, 300 documents" in console.line("Database")
            await console.press("7")
            await console.until(f"job {begun.job}")
            assert "only database, reason routine" in " ".join(console.text.split())
            await console.press("enter")
            await console.until("Timeline")
            for name in ("dump", "prove", "publish"):
                assert name in console.text
        one = read_history(paths).operations[0]
        assert (one.documents, one.state, one.exit_code) == (300, "succeeded", 0)
        assert one.bytes
        assert one.rate

    run(test())


def test_too_late_is_what_the_job_itself_answers(tmp_path: Path) -> None:
    async def test() -> None:
        paths = Paths(tmp_path / "state")
        plan = SelftestPlan(steps=100, seconds=0.06, commit_at=0)
        job = await asyncio.to_thread(start_job, "selftest", plan, Profile(), paths)
        async with opened(Profile(), paths) as console:
            console.app.open_job(job.job)
            await console.until("▶ running  selftest")
            await console.press("x", "y")
            await console.until("Too late: finishing.")
            assert "▶ running  selftest" in console.text
            await console.until("✓ succeeded  selftest", 30)
            assert "cancelled" not in console.text

    run(test())


def test_a_killed_job_is_lost_at_once(tmp_path: Path) -> None:
    async def test() -> None:
        paths = Paths(tmp_path / "state")
        plan = SelftestPlan(steps=1_000, seconds=0.05)
        job = await asyncio.to_thread(start_job, "selftest", plan, Profile(), paths)
        async with opened(Profile(), paths) as console:
            console.app.open_job(job.job)
            await console.until("▶ running  selftest")

            os.kill(job.process.pid, signal.SIGKILL)
            await console.until("? lost  selftest")
            assert "its process is gone" in console.text
            await console.press("escape", "6")
            await console.until("1 lost")

    run(test())
