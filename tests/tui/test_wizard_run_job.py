"""The running job: only what its journal says, and cancelling."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual.widgets import Static

from services.jobs.events import AnyEvent, CancelRequested, Log, PhaseStarted
from services.operations.restore_model import PLAN_CHANGED
from tests.recorded import NOW
from tests.tui.wizard_run_support import (
    JOB,
    after,
    ended,
    failure,
    finished,
    flat,
    hosted,
    loading,
    objects_put,
    recorded,
    restored,
    running_state,
    started,
    swapping,
    told,
)
from tests.tui_support import run
from tui.screens.restore.proof import ProofStep
from tui.screens.restore.running import RunningStep, risks_found_late


def test_running_says_what_is_done_now_and_to_come() -> None:
    async def test() -> None:
        async with hosted(RunningStep, running_state(), recorded(restore=loading())) as (console, screen):
            await console.until(lambda: " now " in console.line("load beside the live data"))
            assert "done" in console.line("read the backup to its end")
            line = console.line("load beside the live data")
            assert "now" in line and "44 %" in line and "5 s left" in line and "48.0 MB/s" in line
            for coming in ("put objects", "prove the objects", "rename into place", "prove what is live"):
                assert "to come" in console.line(coming)
            text = flat(console)
            assert "Touched right now: only copies, loaded beside the live collections." in text
            assert "Not touched yet: the live collections are as they were until the first rename." in text
            assert "stopped by this job at 03:13:55 UTC" in text
            assert "the job goes on" in text
            assert screen.told == []

    run(test())


@pytest.mark.parametrize(
    ("figures", "shown", "hidden"),
    [
        ({"eta": None}, "44 %", "left"),
        ({"eta": None, "rate": None, "total": None}, "193.0 MB", "%"),
        ({"done": 0, "rate": None, "eta": 3.0}, "0 %", "left"),
    ],
)
def test_a_time_left_is_shown_only_when_it_was_measured(
    figures: dict[str, object], shown: str, hidden: str
) -> None:
    async def test() -> None:
        async with hosted(RunningStep, running_state(), recorded(restore=loading(**figures))) as (console, _):
            await console.until(lambda: " now " in console.line("load beside the live data"))
            line = console.line("load beside the live data")
            assert shown in line and hidden not in line

    run(test())


def test_silence_is_said_instead_of_a_time_left() -> None:
    async def test() -> None:
        backend = recorded(restore=loading())
        backend._now = NOW + timedelta(seconds=40)
        async with hosted(RunningStep, running_state(), backend) as (console, _):
            await console.until("nothing heard since 03:14:00 UTC")
            assert " left" not in console.line("load beside the live data")

    run(test())


def test_past_the_first_rename_nothing_says_untouched() -> None:
    async def test() -> None:
        state = running_state()
        async with hosted(RunningStep, state, recorded(restore=swapping())) as (console, screen):
            await console.until(lambda: " now " in console.line("rename into place"))
            text = flat(console)
            assert "Touched right now: live collections" in text
            assert "Too late to cancel: the first rename has begun." in text
            assert "Not touched yet" not in text
            assert state.committed
            assert screen.step.why_disabled("cancel").startswith("Too late")
            await console.press("x")
            assert "Cancel the restore" not in console.text

    run(test())


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (loading()[:5], "Nothing was changed so far"),
        (loading(), "The copies loaded so far are dropped."),
        (objects_put(), "Objects that were replaced are put back from their copies"),
    ],
)
def test_cancel_says_what_it_leaves_and_no_is_the_default(events: list[AnyEvent], words: str) -> None:
    async def test() -> None:
        backend = recorded(restore=events)
        async with hosted(RunningStep, running_state(), backend) as (console, screen):
            last = [event.phase for event in events if isinstance(event, PhaseStarted)][-1]
            step = screen.step
            assert isinstance(step, RunningStep)
            await console.until(lambda: step.run.reached(last))
            for no in ("enter", "escape", "n"):
                await console.press("x")
                await console.until("Cancel the restore")
                assert words in str(console.app.screen.query_one("#effects", Static).content)
                await console.press(no)
                assert not backend.cancelled
            await console.press("x", "y")
            await console.until(lambda: backend.cancelled == [JOB])
            await console.until(lambda: "the job stops at the next safe point" in told(console))

    run(test())


def test_a_cancel_that_was_accepted_is_said_and_not_asked_twice() -> None:
    async def test() -> None:
        asked = CancelRequested(at=after(1), by="SIGTERM", accepted=True, answer="Cancelling.")
        async with hosted(RunningStep, running_state(), recorded(restore=[*loading(), asked])) as (
            console,
            screen,
        ):
            await console.until(lambda: "cancelling, it stops at the next safe point" in flat(console))
            assert screen.step.why_disabled("cancel") == "It is being cancelled already."

    run(test())


def test_leaving_leaves_the_job_alone_and_coming_back_shows_it() -> None:
    async def test() -> None:
        backend = recorded(restore=loading())
        state = running_state()
        for _ in range(2):
            async with hosted(RunningStep, state, backend) as (console, screen):
                await console.until(lambda: " now " in console.line("load beside the live data"))
                assert "goes on" in screen.step.why_no_way_back()
        assert not backend.cancelled and not backend.started

    run(test())


def test_the_end_leads_to_the_proof_and_stops_the_clock() -> None:
    async def test() -> None:
        state = running_state()
        async with hosted(RunningStep, state, recorded(restore=ended(restored()))) as (console, screen):
            await console.until(lambda: screen.told == ["proof"])
            assert state.result is not None and state.result["status"] == "ok"
            assert state.ended == after(20)

    run(test())


def test_a_plan_that_no_longer_holds_leads_back_to_it_with_the_reason() -> None:
    async def test() -> None:
        changed = failure("refused", what=PLAN_CHANGED, touched="Live data is as it was.")
        state = running_state()
        backend = recorded(restore=[started("restore"), finished(changed)])
        async with hosted(RunningStep, state, backend) as (console, screen):
            await console.until(lambda: screen.told == ["plan"])
            assert state.notice == PLAN_CHANGED and state.plan is None and not state.job
            assert state.ended is None

    run(test())


def test_a_risk_found_late_is_carried_back_to_the_plan() -> None:
    refused = failure(
        "refused",
        what="The plan has a risk that was not allowed: writers.",
        cause="writers: node is connected. Stop it.",
        next="Remove the cause, or accept it: --allow writers",
    )
    assert risks_found_late(refused) == {"writers": "node is connected. Stop it."}

    async def test() -> None:
        state = running_state(step="proof")
        backend = recorded(restore=[started("restore"), finished(refused)])
        async with hosted(ProofStep, state, backend) as (console, screen):
            await console.until("writers can be accepted then")
            await console.press("p")
            assert screen.told == ["plan"]
            assert state.late_risks == {"writers": "node is connected. Stop it."}
            assert "writers" in state.notice

    run(test())


def test_before_the_first_phase_the_screen_says_what_it_waits_for() -> None:
    async def test() -> None:
        words = "Waiting since 03:14:00 UTC for MongoDB at 127.0.0.1:27017 to answer."
        said = Log(at=NOW, level="info", text=words)
        for events, shown in (
            ([started("restore")], "connect, and look at what is live since"),
            ([started("restore"), said], words),
        ):
            backend = recorded(restore=events)
            async with hosted(RunningStep, running_state(), backend) as (console, _):
                await console.until(shown)
                assert "now " in console.line(shown)
                assert "to come" in console.text

    run(test())
