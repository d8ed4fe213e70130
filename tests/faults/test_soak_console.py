"""Consoles killed at random moments of restores and backups that they began, and often the job with them.

`QUILLKEEP_SOAK_CONSOLES` is the number of kills (50 when it is not set), `QUILLKEEP_SOAK_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from services.jobs.process import is_alive
from tests.faults.deployment import Deployment, Job, wait_for
from tests.faults.test_soak_kills import LONGEST, SEED, deployment_waits, tell, way_out
from tests.faults.wizard_keys import Console

KILLS = int(os.environ.get("QUILLKEEP_SOAK_CONSOLES", "50"))
WITH_THE_JOB = 0.5
"""How often the job is killed too."""

pytestmark = pytest.mark.soak


def finish_by_keys(console: Console, job: Job) -> str:
    """What the next console opens on, and the key that it names; gives which."""
    console.said("A restore was interrupted")
    console.until(lambda: "(recommended)" in console.flat)
    if "f Finish it (recommended)" not in console.flat:
        return ""
    console.keys("f")
    console.said(f"Finish the interrupted job {job.id}?")
    console.keys("y")
    console.said("Finished, ", 60)
    return "f finishes it"


def test_kills_of_the_console(killed: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun, chance, figures = time.monotonic(), random.Random(SEED), Counter[str]()
    with Console(killed, tmp_path / "tmux") as console:
        for number in range(KILLS):
            killed.reset()
            verb = "backup" if number % 3 == 2 else "restore"
            console.open()
            console.said("[1 Health]")
            job = console.backup() if verb == "backup" else console.restore()
            time.sleep(chance.uniform(0, LONGEST[verb]))
            console.signal_console(signal.SIGKILL)
            if chance.random() < WITH_THE_JOB:
                job.kill_now()
            wait_for(lambda job=job: not is_alive(job.process), "the job is gone", 240)
            if job.ended:
                assert job.wait().exit_code in (0, 3), job.wait()
                figures[f"{verb} went on to its end"] += 1
            else:
                lost = job.settled()
                console.open()
                way = finish_by_keys(console, job) if deployment_waits(killed) else ""
                if not way:
                    way = way_out(killed, lost.way_on, chance)
                figures[f"{verb} killed too: {way}"] += 1
            figures[f"data {killed.assert_whole()}"] += 1
            assert killed.running.exists(), "the application runs again"
            killed.assert_named()
            killed.assert_tidy_after_the_next_run()
    tell(capsys, f"{KILLS} kills of the console", figures, begun)
