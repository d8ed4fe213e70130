"""The proof of a restore: what was counted, what differs, and what was not touched."""

from __future__ import annotations

import pytest

from services.operations.restore_model import FinishPlan
from tests.tui.wizard_run_support import (
    JOB,
    ended,
    failure,
    finished,
    flat,
    hosted,
    loading,
    recorded,
    restored,
    running_state,
    started,
    swapping,
)
from tests.tui_support import run
from tui.screens.restore.proof import ProofStep


def test_proof_shows_what_was_counted_and_what_is_no_longer_live() -> None:
    async def test() -> None:
        state = running_state(step="proof")
        async with hosted(ProofStep, state, recorded(restore=ended(restored()))) as (console, screen):
            await console.until("57,882 documents counted")
            text = flat(console)
            assert "Restored, proven: 5 collections" in text
            assert "Content: every document of 3 collections" in text
            assert "Live: by UUID exactly the proven collections" in text
            assert "12 put (12.4 MB; 3 replaced others, whose bytes are kept), 2,991 kept." in text
            assert "not live any more: documents of chats (244), sessions (48), at least" in text
            assert "at least until 2026-11-25 03:14 UTC" in text
            await console.press("enter")
            assert screen.told == ["next"]

    run(test())


def test_nothing_counted_is_never_called_restored() -> None:
    async def test() -> None:
        nothing = restored(collections={}, objects=None, rollback_until=None)
        state = running_state(step="proof", verb="finish", plan=None)
        async with hosted(ProofStep, state, recorded(restore=[started("finish"), finished(nothing)])) as (
            console,
            _,
        ):
            await console.until("nothing was left to do")
            assert "Restored" not in console.text and "proven" not in console.text

    run(test())


def test_warnings_stand_first_and_differing_counts_are_marked() -> None:
    async def test() -> None:
        late = "sessions has been written since it went live: 41 documents, 40 were restored."
        document = restored(status="warnings", warnings=[late])
        async with hosted(ProofStep, running_state(step="proof"), recorded(restore=ended(document))) as (
            console,
            _,
        ):
            await console.until("with 1 warning")
            assert console.text.index("sessions has been written") < console.text.index(
                "Content: every document"
            )

    run(test())


@pytest.mark.parametrize(
    ("status", "title"),
    [("failed", "FAILED: nothing was restored"), ("cancelled", "CANCELLED: nothing was restored")],
)
def test_what_was_not_done_says_what_was_not_touched(status: str, title: str) -> None:
    async def test() -> None:
        document = failure(status, what="It stopped.", cause="A reason.", touched="Live data is as it was.")
        state = running_state(step="proof")
        backend = recorded(restore=[*loading(), finished(document)])
        async with hosted(ProofStep, state, backend) as (console, screen):
            await console.until(title)
            assert "Touched: Live data is as it was." in flat(console)
            await console.press("enter", "Z", "f")
            assert screen.told == [] and not backend.started
            await console.press("p")
            assert screen.told == ["plan"]
            assert state.plan is None and state.job == "" and state.result is None

    run(test())


def test_a_failed_proof_names_both_ways_on_and_asks_before_each() -> None:
    async def test() -> None:
        document = failure(
            "failed",
            what="The restored collections are live, but the proof failed.",
            next=f"Finish it with `quillkeep restore --finish {JOB}`, or undo it with `quillkeep rollback {JOB}`.",
        )
        state = running_state(step="proof")
        backend = recorded(restore=[*swapping(), finished(document)], finish=[started("finish")])
        async with hosted(ProofStep, state, backend) as (console, screen):
            await console.until("FAILED: the restore did not end well")
            assert screen.step.why_disabled("plan")
            await console.press("f")
            await console.until("Finish the interrupted job")
            await console.press("enter")
            assert not backend.started
            await console.press("f", "y")
            await console.until(lambda: screen.told == ["running"])
            assert backend.started[0][:2] == ("finish", FinishPlan(job=JOB))
            assert state.verb == "finish"

    run(test())


def test_a_rollback_that_only_set_aside_says_what_with_its_count() -> None:
    async def test() -> None:
        document = restored(
            collections={},
            objects=None,
            set_aside={"characters": 40},
            summary="no collection had to come back; set aside: characters (40 documents)",
        )
        state = running_state(step="proof", verb="rollback", plan=None)
        events = [started("rollback"), finished(document)]
        async with hosted(ProofStep, state, recorded(restore=events)) as (console, _):
            await console.until("Rolled back, proven: 1 collection set aside with 40 documents")
            text = flat(console)
            assert "Set aside, not live any more: characters (40 documents); kept as rollback copies" in text
            assert "nothing was left" not in text
            assert console.line("characters  ").split() == ["characters", "set", "aside", "40", "-"]

    run(test())
