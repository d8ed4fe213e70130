"""A restore that was lost: where every collection stands, and both ways on."""

from __future__ import annotations

from pathlib import Path

import msgspec

from services.catalog.scan import Catalog
from services.errors import QuillkeepError
from services.jobs.events import Checkpoint
from services.jobs.listing import JobSummary
from services.looking.live import SwapSeen
from services.operations.restore_model import FinishPlan
from tests.recorded import NOW, RecordedBackend
from tests.tui.wizard_run_support import (
    JOB,
    LIVE,
    PROFILE,
    after,
    flat,
    hosted,
    plan_document,
    recorded,
    running_state,
    started,
    state_of,
    swapping,
)
from tests.tui_support import run
from tui.screens.restore.interrupted import InterruptedView, Ways
from tui.screens.restore.proof import ProofStep
from tui.screens.restore.running import RunningStep


def lost_backend(*, live: object = None, way_on: tuple[str, ...] | None = None) -> RecordedBackend:
    """A machine on which a restore was lost behind its first rename."""
    ways = way_on or (f"quillkeep restore --finish {JOB}", f"quillkeep rollback {JOB}")
    swap = SwapSeen(
        job=JOB,
        verb="restore",
        state="unfinished",
        backup="quilltap_20261122_020000",
        started=NOW,
        collections={"chats": "new (old copy kept)", "memories": "old (new one waits)"},
        way_on=ways,
        app_stopped=True,
    )
    summary = JobSummary(
        id=JOB,
        verb="restore",
        state="lost",
        started=NOW,
        profile="prod",
        summary="It had begun to rename collections: the live data may be old and new mixed.",
        way_on=ways,
    )
    seen = msgspec.structs.replace(LIVE, swaps=(swap,))
    lost = Checkpoint(at=after(5), name="lost", data={"left": summary.summary})
    return RecordedBackend(
        looks={"catalog": Catalog(backups=()), "live": live or seen},
        jobs=[summary],
        journals={"restore": [*swapping(), lost], "finish": [started("finish")]},
    )


def test_interrupted_says_where_every_collection_stands_and_the_one_thing_to_do() -> None:
    async def test() -> None:
        backend = lost_backend()
        async with hosted(InterruptedView, state_of(), backend) as (console, screen):
            await console.app.store.refresh_jobs()
            await console.until("A restore was interrupted")
            text = flat(console)
            assert "f Finish it (recommended)." in text and "Z Or roll it back." in text
            assert "The application is still stopped by it." in text
            assert "new (old copy kept)" in console.line("chats")
            assert "old (new one waits)" in console.line("memories")
            for no in ("enter", "escape", "n"):
                await console.press("f", no)
            assert not backend.started
            await console.press("f", "y")
            await console.until(lambda: screen.told == ["running"])
            assert backend.started[0][:2] == ("finish", FinishPlan(job=JOB))

    run(test())


def test_interrupted_before_any_rename_recommends_going_back() -> None:
    async def test() -> None:
        ways = (f"quillkeep rollback {JOB}",)
        async with hosted(InterruptedView, state_of(), lost_backend(way_on=ways)) as (console, screen):
            await console.app.store.refresh_jobs()
            await console.until("Roll it back (recommended)")
            assert screen.step.why_disabled("finish") == "That way does not lead on from here."

    run(test())


def test_interrupted_with_a_dead_database_says_what_comes_first() -> None:
    async def test() -> None:
        dead = QuillkeepError("The database refused the connection.", next="Start MongoDB.")
        backend = lost_backend(live=dead)
        async with hosted(InterruptedView, state_of(), backend) as (console, screen):
            await console.app.store.refresh_jobs()
            await console.until("The database cannot be reached")
            text = flat(console)
            assert "Start MongoDB." in text
            assert "First make the database answer, then press r" in text
            await console.press("f", "Z")
            assert not backend.started
            assert screen.step.why_disabled("finish").startswith("The database cannot be reached")

    run(test())


def test_interrupted_read_only_offers_nothing() -> None:
    async def test() -> None:
        backend = lost_backend()
        profile = msgspec.structs.replace(PROFILE, read_only=True)
        async with hosted(InterruptedView, state_of(), backend, profile=profile) as (console, _):
            await console.app.store.refresh_jobs()
            await console.until("READ-ONLY: nothing live may be changed")
            await console.press("f", "Z")
            assert not backend.started

    run(test())


def test_a_job_lost_in_the_wizard_shows_the_same_ways_on() -> None:
    async def test() -> None:
        backend = lost_backend()
        state = running_state(step="proof", result={"status": "lost", "warnings": []})
        async with hosted(ProofStep, state, backend) as (console, screen):
            await console.app.store.refresh_jobs()
            await console.until("LOST: the restore ended without a result")
            await console.until(lambda: "f Finish it (recommended)." in flat(console))
            await console.press("f", "y")
            await console.until(lambda: screen.told == ["running"])
            assert state.result is None and state.verb == "finish"

    run(test())


def test_ways_are_read_from_the_commands_that_services_name() -> None:
    assert Ways.of([f"Put the rest back with `quillkeep rollback {JOB}`."]) == {"rollback": JOB}
    assert Ways.of(["`quillkeep rollback` without JOB takes the newest."]) == {}
    assert Ways.of([f"quillkeep restore --finish {JOB}", f"quillkeep rollback {JOB}"]) == {
        "finish": JOB,
        "rollback": JOB,
    }


def test_plan_of_a_finish_is_not_needed() -> None:
    async def test() -> None:
        state = running_state(verb="finish", plan=None, folder=Path("/var/lib/quillkeep/jobs/finish"))
        async with hosted(RunningStep, state, recorded(finish=[started("finish")])) as (console, _):
            await console.until("prove the loaded copies")
            assert "collections are as the interrupted job left them" in flat(console)
            assert plan_document()["strategy"] == "swap"

    run(test())
