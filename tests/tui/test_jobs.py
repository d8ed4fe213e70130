"""The list of jobs: order, filter, opening, cancelling from the list, empty and forbidden states."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.errors import QuillkeepError
from services.jobs.listing import JobSummary, State
from services.profile import Profile
from tests.journals import BEGAN, JOB, phase, started
from tests.recorded import NOW, RecordedBackend
from tests.tui_support import opened, run
from tui.screens.confirm import YesNoModal
from tui.screens.job import JobScreen
from widgets.glyphs import Glyphs
from widgets.inventory_table import InventoryTable

PROFILE = Profile(name="prod")


def job(id: str, verb: str, state: State, **more: object) -> JobSummary:
    facts: dict[str, object] = {"started": BEGAN, "user": "quill", "host": "vm7", **more}
    return JobSummary(id=id, verb=verb, state=state, **facts)  # type: ignore[arg-type]


LOST = job(
    "20261121_030000",
    "restore",
    "lost",
    summary="The live data may be old and new mixed.",
    way_on=("quillkeep restore --finish 20261121_030000",),
)
JOBS = [
    job("20261122_031000", "verify", "succeeded", finished=BEGAN + timedelta(seconds=75), summary="checked"),
    job(JOB, "backup", "running", phase="dump", summary="reading quilltap", progress=0.43),
    LOST,
    job("20261120_030000", "backup", "no permission", user="", host="", summary="No permission to read it."),
]


def test_running_ones_are_on_top_with_their_progress() -> None:
    async def test() -> None:
        async with opened(PROFILE, RecordedBackend(jobs=JOBS), mode="jobs") as console:
            await console.until("running 43%")
            rows = [row.key for row in console.app.screen.query_one(InventoryTable).rows]
            assert rows == [JOB, "20261122_031000", "20261121_030000", "20261120_030000"]
            assert "1 running; ended: 1 lost, 1 no permission, 1 succeeded" in console.text
            assert "dump: reading quilltap" in console.line("running 43%")
            assert "1 min 15 s" in console.line("20261122_031000")
            assert "? no permission" in console.text

    run(test())


def test_the_row_under_the_cursor_is_told_whole() -> None:
    async def test() -> None:
        async with opened(PROFILE, RecordedBackend(jobs=JOBS), mode="jobs") as console:
            await console.until("running 43%")
            await console.press("down", "down")
            assert "quill on vm7: The live data may be old and new mixed." in console.text
            assert "Then: quillkeep restore --finish 20261121_030000" in console.text

    run(test())


def test_enter_opens_and_escape_comes_back() -> None:
    async def test() -> None:
        backend = RecordedBackend(jobs=JOBS, journals={JOB: [started(), phase("dump", 1)]})
        async with opened(PROFILE, backend, mode="jobs") as console:
            await console.until("running 43%")
            await console.press("enter")
            await console.until(f"backup {JOB}")
            assert isinstance(console.app.screen, JobScreen)
            await console.press("escape")
            assert "running 43%" in console.text

    run(test())


def test_x_opens_the_job_and_asks() -> None:
    async def test() -> None:
        backend = RecordedBackend(jobs=JOBS, journals={JOB: [started(), phase("dump", 1)]})
        async with opened(PROFILE, backend, mode="jobs") as console:
            await console.until("running 43%")
            await console.press("x")
            await console.until(f"Cancel the backup {JOB}?")
            await console.press("enter")
            assert isinstance(console.app.screen, JobScreen)
            assert backend.cancelled == []
            await console.press("escape", "x")
            await console.until(lambda: isinstance(console.app.screen, YesNoModal))
            await console.press("y")
            await console.until("Cancelling")
            assert backend.cancelled == [JOB]

    run(test())


def test_x_on_an_ended_job_does_nothing_and_says_why() -> None:
    async def test() -> None:
        async with opened(PROFILE, RecordedBackend(jobs=JOBS), mode="jobs") as console:
            await console.until("running 43%")
            await console.press("down", "x")
            assert console.app.screen.why_disabled("cancel") == "This job has ended."  # type: ignore[attr-defined]
            await console.until("This job has ended.")
            assert not isinstance(console.app.screen, JobScreen)

    run(test())


def test_filter_by_state_verb_and_words() -> None:
    async def test() -> None:
        async with opened(PROFILE, RecordedBackend(jobs=JOBS), mode="jobs") as console:
            await console.until("running 43%")
            await console.press("slash")
            await console.type("restore mixed")
            await console.until("1 of 4 shown")
            assert "20261121_030000" in console.text
            await console.press("enter")
            assert console.app.screen.query_one(InventoryTable).has_focus
            await console.press("slash")
            await console.type("zzz")
            await console.until("Nothing here has these words.")
            await console.press("escape")
            await console.until("running 43%")

    run(test())


def test_copy_save_and_look_again() -> None:
    async def test() -> None:
        async with opened(PROFILE, RecordedBackend(jobs=JOBS), mode="jobs") as console:
            await console.until("running 43%")
            await console.press("y")
            assert JOB in console.app.clipboard
            await console.press("r", "s")
            await console.until("quillkeep-jobs.txt")
            await console.press("escape")
            await console.until("running 43%")

    run(test())


def test_empty_says_what_to_do() -> None:
    async def test() -> None:
        async with opened(PROFILE, RecordedBackend(jobs=[]), mode="jobs") as console:
            await console.until("There are no jobs yet.")
            assert "makes a backup" in console.text
            assert console.app.focused is not None
            await console.press("enter", "x", "y", "slash", "escape")
            assert "There are no jobs yet." in console.text

    run(test())


def test_a_folder_that_may_not_be_read_is_not_empty() -> None:
    async def test() -> None:
        class Forbidden(RecordedBackend):
            """The state folder of somebody else."""

            def list_jobs(self) -> list[JobSummary]:
                raise QuillkeepError(
                    "No permission to read the jobs in /var/lib/quillkeep.", next="Run as root."
                )

        async with opened(PROFILE, Forbidden(), mode="jobs") as console:
            await console.until("No permission to read the jobs")
            assert "Run as root." in console.text
            assert "no jobs yet" not in console.text
            assert "Which jobs there are is not known." in console.text

    run(test())


def test_two_thousand_jobs_and_hostile_words() -> None:
    async def test() -> None:
        many = [
            job(
                f"{number:08}_000000",
                "[/x]",
                "failed",
                summary="\x1b[31m[/red]\nmongodb://u:geheim12@h/",
                finished=NOW,
            )
            for number in range(2_000)
        ]
        async with opened(
            PROFILE, RecordedBackend(jobs=many), mode="jobs", glyphs=Glyphs(utf8=False)
        ) as console:
            await console.until("2,000 failed")
            assert "geheim12" not in console.text
            assert "\x1b" not in console.text
            await console.press("end")
            await console.until("00001999_000000")
            await console.press("home", "pagedown", "pageup")
            assert "x failed" in console.text
            assert console.text.isascii()

    run(test())


def test_plans_and_dry_runs_that_ended_are_shown_when_asked_for() -> None:
    async def test() -> None:
        looked = job("20261122_040000", "plan", "succeeded", only_looked=True)
        planning = job("20261122_050000", "plan", "running", only_looked=True)
        backend = RecordedBackend(jobs=[planning, looked, JOBS[0]])
        async with opened(PROFILE, backend, mode="jobs") as console:
            await console.until("1 left out: plans and dry runs (p)")
            rows = [row.key for row in console.app.screen.query_one(InventoryTable).rows]
            assert rows == [planning.id, JOBS[0].id]
            await console.press("p")
            await console.until(lambda: len(console.app.screen.query_one(InventoryTable).rows) == 3)
            assert "left out" not in console.text

    run(test())


@pytest.mark.parametrize(
    ("width", "words"),
    [(120, "3 failed, 9 lost"), (80, "; 1,026 ended; 1,200 left out"), (60, "; 1,026 ended; 1,200 plans")],
)
def test_the_key_that_shows_plans_is_never_cut_off(width: int, words: str) -> None:
    states: dict[State, int] = {
        "running": 2,
        "cancelled": 11,
        "failed": 3,
        "lost": 9,
        "succeeded": 1_000,
        "warnings": 3,
    }
    jobs = [
        job(f"202611{day:02}_{number:06}", "backup", state)
        for day, (state, count) in enumerate(states.items(), 1)
        for number in range(count)
    ]
    jobs += [job(f"20261020_{n:06}", "plan", "succeeded", only_looked=True) for n in range(1_200)]

    async def test() -> None:
        async with opened(PROFILE, RecordedBackend(jobs=jobs), mode="jobs", size=(width, 24)) as console:
            await console.until("(p)")
            line = console.line("(p)")
            assert line.startswith("2 running") and words in line and line.rstrip().endswith("(p)"), line

    run(test())


def test_with_plans_only_the_head_is_a_sentence() -> None:
    async def test() -> None:
        only = job("20261122_040000", "plan", "succeeded", only_looked=True)
        async with opened(PROFILE, RecordedBackend(jobs=[only]), mode="jobs") as console:
            await console.until("p shows them")
            assert console.line("left out").startswith("1 left out: plans and dry runs (p)")

    run(test())
