"""Plan and confirmation: what they show, each key, and that nothing starts before everything was confirmed."""

from __future__ import annotations

import msgspec
import pytest
from textual.widgets import Button, Input

from services.operations.restore_model import RestorePlan
from tests.recorded import RecordedBackend
from tests.tui.wizard_run_support import (
    PROFILE,
    failure,
    finished,
    flat,
    hosted,
    journal_of,
    plan_document,
    recorded,
    row,
    started,
    state_of,
)
from tests.tui_support import Console, run
from tui.screens.restore.confirm import ConfirmStep
from tui.screens.restore.confirm_rows import RiskRow
from tui.screens.restore.plan import PlanStep


def test_plan_loses_first_and_folds_what_is_the_same() -> None:
    async def test() -> None:
        backend = recorded(plan=journal_of(plan_document()))
        async with hosted(PlanStep, state_of(step="plan"), backend) as (console, screen):
            await console.until("2 collections lose at least 292 documents")
            text = console.text
            assert text.index("chats ") < text.index("sessions ") < text.index("memories ")
            assert "loses 244" in console.line("chats ")
            assert "1 collection is the same by content" in text
            assert "users " not in text
            assert "writers, unknown-space" in text
            await console.press("u")
            assert "same" in console.line("users ")
            await console.press("u")
            assert "users " not in console.text
            assert backend.started[0][0] == "plan"
            assert backend.started[0][1] == screen.step.state.request

    run(test())


def test_what_folds_nothing_offers_no_unfolding() -> None:
    async def test() -> None:
        rows = [one for one in plan_document()["collections"] if one["content"] != "same"]
        backend = recorded(plan=journal_of(plan_document(collections=rows)))
        async with hosted(PlanStep, state_of(step="plan"), backend) as (console, screen):
            await console.until("EFFECT")
            assert screen.step.why_disabled("unfold") == "Nothing is folded here."
            assert screen.step.why_disabled("go_on") == ""

    run(test())


def test_enter_goes_on_and_a_plan_for_the_same_request_is_kept() -> None:
    async def test() -> None:
        backend = recorded(plan=journal_of(plan_document()))
        state = state_of(step="plan")
        async with hosted(PlanStep, state, backend) as (console, screen):
            await console.until("EFFECT")
            await console.press("enter")
            assert screen.told == ["next"]
            assert state.plan is not None and state.planned == state.request
        async with hosted(PlanStep, state, backend) as (console, _):
            await console.until("EFFECT")
            assert len(backend.started) == 1
        state.collections = ("chats",)
        async with hosted(PlanStep, state, backend) as (console, _):
            await console.until("EFFECT")
            assert len(backend.started) == 2

    run(test())


def test_p_plans_again_and_forgets_what_was_accepted() -> None:
    async def test() -> None:
        backend = recorded(plan=journal_of(plan_document()))
        state = state_of(step="plan", plan=plan_document(), acknowledged={"writers"})
        state.planned = state.request
        async with hosted(PlanStep, state, backend) as (console, _):
            await console.until("EFFECT")
            assert not backend.started
            await console.press("p")
            await console.until(lambda: len(backend.started) == 1 and "EFFECT" in console.text)
            assert state.acknowledged == set()

    run(test())


def test_a_refused_plan_leads_nowhere_and_says_why() -> None:
    async def test() -> None:
        refusal = "Too little space: 1.0 GiB free, 4.1 GiB needed. Free space first."
        backend = recorded(plan=journal_of(plan_document(status="refused", refusals=[refusal])))
        async with hosted(PlanStep, state_of(step="plan"), backend) as (console, screen):
            await console.until("REFUSED")
            assert console.text.index("Too little space") < console.text.index("COLLECTION")
            await console.press("enter")
            assert screen.told == []
            assert screen.step.why_disabled("go_on").startswith("The plan is refused")

    run(test())


def test_a_plan_that_could_not_be_made_says_so_and_can_be_asked_again() -> None:
    async def test() -> None:
        trouble = failure(
            "failed", what="The database refused the connection.", next="Start MongoDB, then plan again."
        )
        async with hosted(PlanStep, state_of(step="plan"), recorded(plan=journal_of(trouble))) as (
            console,
            screen,
        ):
            await console.until("No plan could be made")
            assert "The database refused the connection." in console.text
            assert "Start MongoDB" in console.text
            await console.press("enter")
            assert screen.told == []

    run(test())


def test_waiting_for_the_plan_is_said_and_leads_nowhere() -> None:
    async def test() -> None:
        backend = recorded(plan=[started("plan")])
        async with hosted(PlanStep, state_of(step="plan"), backend) as (console, screen):
            await console.until("since 03:14:00 UTC")
            assert "Making the plan; nothing is changed by it" in console.text
            await console.press("enter", "u", "y")
            assert screen.told == []
        assert backend.cancelled, "a plan nobody waits for is not made to its end"

    run(test())


def test_what_cannot_be_told_is_said() -> None:
    async def test() -> None:
        plan = plan_document(collections=[row("events", 9, 9, "not compared yet", "replace")], risks=[])
        async with hosted(PlanStep, state_of(step="plan"), recorded(plan=journal_of(plan))) as (console, _):
            await console.until("1 not compared")
            assert "nobody can tell" in flat(console)

    run(test())


def test_copy_and_save_hold_the_whole_plan() -> None:
    async def test() -> None:
        backend = recorded(plan=journal_of(plan_document()))
        async with hosted(PlanStep, state_of(step="plan"), backend) as (console, _):
            await console.until("EFFECT")
            await console.press("y")
            assert "users" in console.app.clipboard and "risk writers" in console.app.clipboard
            await console.press("s")
            await console.until("Save to which file?")
            await console.press("escape")
            await console.until("EFFECT")

    run(test())


def test_hostile_names_stay_text() -> None:
    async def test() -> None:
        name = "[/x]\x1b[31m\u202eevil\n" + "w" * 200
        plan = plan_document(collections=[row(name, 5, 1, "differs", "replace", name)], warnings=[name])
        async with hosted(PlanStep, state_of(step="plan"), recorded(plan=journal_of(plan))) as (console, _):
            await console.until("[/x]")
            assert "\x1b" not in console.text and "\u202e" not in console.text
            assert "…" in console.line("loses 4")

    run(test())


async def _accept_all(console: Console) -> None:
    await console.press("space", "tab", "space")


def test_risks_are_accepted_one_by_one_and_never_beforehand() -> None:
    async def test() -> None:
        state = state_of(step="confirm", plan=plan_document())
        backend = recorded()
        async with hosted(ConfirmStep, state, backend) as (console, screen):
            rows = list(screen.query(RiskRow))
            assert [one.accepted for one in rows] == [False, False]
            await console.press("enter", "y", "a")
            assert state.acknowledged == set()
            await console.press("space")
            assert state.acknowledged == {"writers"}
            await console.press("space")
            assert state.acknowledged == set()
            assert "> [ ] I accept writers" in console.text
            await _accept_all(console)
            assert state.acknowledged == {"writers", "unknown-space"}
            assert "> [x] I accept unknown-space" in console.text
            assert "> [x] I accept writers" not in console.text
            assert not backend.started

    run(test())


def test_the_right_words_start_nothing_while_a_risk_is_not_accepted() -> None:
    async def test() -> None:
        backend = recorded()
        async with hosted(ConfirmStep, state_of(step="confirm", plan=plan_document()), backend) as (
            console,
            screen,
        ):
            screen.query_one("#words", Input).focus()
            await console.type("prod/quilltap")
            await console.press("enter")
            await console.until("Enter does it")
            await console.press("enter")
            await console.until("Not yet accepted")
            assert not backend.started
            assert isinstance(console.app.focused, RiskRow)

    run(test())


@pytest.mark.parametrize("typed", ["", "quilltap", "prod/quilltap2", "PROD/QUILLTAP"])
def test_wrong_words_stay_and_say_why(typed: str) -> None:
    async def test() -> None:
        backend = recorded()
        plan = plan_document(risks=[])
        async with hosted(ConfirmStep, state_of(step="confirm", plan=plan), backend) as (console, screen):
            await console.type(typed)
            await console.press("enter", "enter", "enter")
            assert "Nothing was done." in console.text
            assert screen.query_one("#words", Input).value == typed
            assert not backend.started and screen.told == []

    run(test())


def test_right_words_move_to_the_button_and_a_second_key_starts_the_restore_of_that_plan() -> None:
    async def test() -> None:
        state = state_of(step="confirm", plan=plan_document())
        state.planned = state.request
        backend = recorded(restore=[started("restore")])
        async with hosted(ConfirmStep, state, backend) as (console, screen):
            await _accept_all(console)
            await console.press("tab", "space", "tab")
            await console.type("prod/quilltap")
            await console.press("enter")
            assert isinstance(console.app.focused, Button)
            assert not backend.started
            await console.until("Enter does it")
            await console.press("enter")
            await console.until(lambda: screen.told == ["running"])
            verb, asked, _ = backend.started[0]
            assert verb == "restore"
            assert asked == RestorePlan(
                request=state.request,
                allow=("writers", "unknown-space"),
                leave_app_stopped=True,
                fingerprint="ab" * 32,
            )
            assert state.job and state.verb == "restore"

    run(test())


def test_another_mode_in_between_takes_the_focus_from_the_button() -> None:
    async def test() -> None:
        backend = recorded(restore=[started("restore")])
        plan = plan_document(risks=[])
        async with hosted(ConfirmStep, state_of(step="confirm", plan=plan), backend) as (console, screen):
            await console.type("prod/quilltap")
            await console.press("enter")
            await console.until("Enter does it")
            screen.query_one(ConfirmStep).left()
            await console.press("enter")
            await console.pilot.pause()
            assert isinstance(console.app.focused, Button) and "Enter does it" not in console.text
            assert not backend.started

    run(test())


def test_what_a_job_found_late_is_asked_too() -> None:
    async def test() -> None:
        state = state_of(
            step="confirm", plan=plan_document(risks=[]), late_risks={"writers": "node is connected"}
        )
        backend = recorded(restore=[started("restore")])
        async with hosted(ConfirmStep, state, backend) as (console, screen):
            assert "node is connected" in console.text
            await console.press("space")
            screen.query_one("#words", Input).focus()
            await console.type("prod/quilltap")
            await console.press("enter")
            await console.until("Enter does it")
            await console.press("enter")
            await console.until(lambda: bool(backend.started))
            asked = backend.started[0][1]
            assert isinstance(asked, RestorePlan) and asked.allow == ("writers",)

    run(test())


def test_read_only_confirms_nothing() -> None:
    async def test() -> None:
        profile = msgspec.structs.replace(PROFILE, read_only=True)
        backend = recorded(plan=journal_of(plan_document()))
        state = state_of(step="confirm", plan=plan_document(risks=[]))
        async with hosted(ConfirmStep, state, backend, profile=profile) as (console, screen):
            assert "READ-ONLY: nothing live may be changed" in console.text
            await console.type("prod/quilltap")
            await console.press("enter", "enter", "space")
            assert not backend.started and screen.told == []
        async with hosted(PlanStep, state_of(step="plan"), backend, profile=profile) as (console, screen):
            await console.until("EFFECT")
            await console.press("enter")
            assert screen.told == []
            assert "READ-ONLY" in screen.step.why_disabled("go_on")

    run(test())


def test_a_plan_without_refusals_only() -> None:
    async def test() -> None:
        plan = plan_document(refusals=["No."])
        backend = recorded()
        async with hosted(ConfirmStep, state_of(step="confirm", plan=plan), backend) as (console, _):
            await console.type("prod/quilltap")
            await console.press("enter", "enter")
            assert "The plan is refused" in console.text
            assert not backend.started

    run(test())


def test_a_job_that_does_not_start_says_so_and_stays() -> None:
    class Broken(RecordedBackend):
        def start_job(self, verb: str, plan: msgspec.Struct, profile: object) -> object:  # type: ignore[override]
            from services.errors import QuillkeepError

            raise QuillkeepError("The state folder cannot be written.", next="Check its owner.")

    async def test() -> None:
        backend = Broken(looks=recorded()._looks)
        plan = plan_document(risks=[])
        async with hosted(ConfirmStep, state_of(step="confirm", plan=plan), backend) as (console, screen):
            await console.type("prod/quilltap")
            await console.press("enter")
            await console.until("Enter does it")
            await console.press("enter")
            await console.until("The state folder cannot be written.")
            await console.press("escape")
            assert screen.told == [] and screen.step.state.job == ""

    run(test())


def test_plan_of_a_console_that_lost_its_job() -> None:
    async def test() -> None:
        backend = recorded(plan=[started("plan"), finished({"status": "ok", **plan_document()})])
        async with hosted(PlanStep, state_of(step="plan"), backend, size=(120, 40), utf8=False) as (
            console,
            _,
        ):
            await console.until("EFFECT")
            assert console.text.isascii()

    run(test())
