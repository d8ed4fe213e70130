"""Hundreds of kills at random moments: whatever was printed is typed, and the data is old or new, wholly.

`QUILLKEEP_SOAK_KILLS` is the number of kills of the job (400 when it is not set; a tenth of it of mongod), and
`QUILLKEEP_SOAK_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from services.jobs.events import Finished, PhaseStarted
from services.jobs.process import is_alive
from services.mongo.record import UNFINISHED
from tests.faults.deployment import Deployment, Job, wait_for

KILLS = int(os.environ.get("QUILLKEEP_SOAK_KILLS", "400"))
SEED = int(os.environ.get("QUILLKEEP_SOAK_SEED", "1"))
LONGEST = {"restore": 1.6, "backup": 0.9}
"""Seconds a job takes here, and some; a moment after its end counts as `ended before`."""

pytestmark = pytest.mark.soak


def phase_of(job: Job) -> str:
    """The last phase it had begun."""
    return next((e.phase for e in reversed(job.events) if isinstance(e, PhaseStarted)), "starting")


def ended(job: Job) -> bool:
    """Whether it wrote its result."""
    return any(isinstance(event, Finished) for event in job.events)


def way_out(deployment: Deployment, commands: tuple[str, ...], chance: random.Random) -> str:
    """Types one of the commands, and the one that follows from it until the data is whole; gives the first verb."""
    if not commands:
        return "nothing to type"
    command = chance.choice(commands)
    followed = deployment.follow(command)
    assert followed.returncode in (0, 3), (command, followed.stderr)
    return " ".join(command.split()[1 : 3 if "--finish" in command else 2])


def play(deployment: Deployment, count: int, strike: Callable[[Job, random.Random], None]) -> Counter[str]:
    """Kills `count` times and counts phases, ways out and ends."""
    figures: Counter[str] = Counter()
    chance = random.Random(SEED)
    for number in range(count):
        deployment.reset()
        verb = "backup" if number % 4 == 3 else "restore"
        job = deployment.start(verb)
        strike(job, chance)
        wait_for(lambda job=job: not is_alive(job.process), "the job is gone", 240)
        if ended(job):
            error = job.wait().result.get("error")
            figures["ended by itself" if error is None else "failed by itself"] += 1
            if error is not None and deployment_waits(deployment):
                commands = [part for part in error["next"].split("`") if part.startswith("quillkeep r")]
                figures[f"way out: {way_out(deployment, tuple(commands), chance)}"] += 1
        else:
            figures[f"killed in {verb}: {phase_of(job)}"] += 1
            commands = job.settled().way_on
            deployment.assert_named()
            figures[f"way out: {way_out(deployment, commands, chance)}"] += 1
        figures[f"data {deployment.assert_whole()}"] += 1
        assert deployment.running.exists(), "the application runs again"
        deployment.assert_named()
        deployment.assert_tidy_after_the_next_run()
        if number % 20 == 19:
            print(f"{number + 1} of {count}: {dict(figures)}", flush=True)
    return figures


def deployment_waits(deployment: Deployment) -> bool:
    """Whether a half-done swap is recorded."""
    found = deployment.db["__quillkeep_jobs"].find_one({"kind": "swap", "state": {"$in": list(UNFINISHED)}})
    return found is not None


def tell(capsys: pytest.CaptureFixture[str], title: str, figures: Counter[str], begun: float) -> None:
    """Prints the figures past pytest's capture."""
    with capsys.disabled():
        print(f"\n{title}, seed {SEED}, {time.monotonic() - begun:.0f} s:")
        for word, count in sorted(figures.items()):
            print(f"  {count:5}  {word}")


def test_kills_of_the_job(killed: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()

    def strike(job: Job, chance: random.Random) -> None:
        time.sleep(chance.uniform(0, LONGEST["restore" if job.verb == "restore" else "backup"]))
        job.kill_now()

    figures = play(killed, KILLS, strike)
    tell(capsys, f"{KILLS} kills of the job", figures, begun)


def test_kills_of_mongod(killed: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    count = max(1, KILLS // 10)

    def strike(job: Job, chance: random.Random) -> None:
        time.sleep(chance.uniform(0.2, LONGEST["restore" if job.verb == "restore" else "backup"]))
        killed.mongod.kill()
        killed.mongod.restart()

    figures = play(killed, count, strike)
    tell(capsys, f"{count} kills of mongod", figures, begun)
