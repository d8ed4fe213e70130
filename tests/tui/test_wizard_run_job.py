"""The running job, its proof and its end: only what the journal says, and every way on with its key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from textual.widgets import Static

from services.catalog.scan import Catalog
from services.errors import QuillkeepError
from services.jobs.events import AnyEvent, CancelRequested, Checkpoint, Log, PhaseStarted
from services.jobs.listing import JobSummary
from services.looking.live import SwapSeen
from services.operations.restore_model import PLAN_CHANGED, FinishPlan
from services.profile import AppControl
from tests.recorded import NOW, RecordedBackend
from tests.tui.wizard_run_support import (
    JOB,
    LIVE,
    PROFILE,
    after,
    ended,
    failure,
    finished,
    flat,
    hosted,
    loading,
    objects_put,
    plan_document,
    recorded,
    restored,
    running_state,
    started,
    state_of,
    swapping,
    told,
)
from tests.tui_support import run
from tui.screens.restore.done import DoneStep
from tui.screens.restore.interrupted import InterruptedView, Ways
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


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("started", "The application was started again by the job."),
        ("stopped", "The application is still stopped. a starts it."),
        ("found-stopped", "The application was stopped before and still is."),
    ],
)
def test_done_says_where_the_application_stands(app: str, words: str) -> None:
    async def test() -> None:
        state = running_state(step="done", result=restored(), ended=after(20))
        async with hosted(DoneStep, state, recorded(restore=ended(restored(), app=app))) as (console, _):
            await console.until(lambda: words in flat(console))
            text = flat(console)
            assert "at least until 2026-11-25 03:14 UTC" in text
            assert "looking whether anything is still missing" in text, "nobody looked since the end"
            assert "The restore ended after 12 min; the target (RTO) is 30 min." in text
            assert "within the target" not in text

    run(test())


def test_done_saves_reports_and_goes_to_health() -> None:
    async def test() -> None:
        state = running_state(step="done", result=restored(), ended=after(20))
        async with hosted(DoneStep, state, recorded(restore=ended(restored()))) as (console, _):
            await console.until("started again by the job")
            await console.press("y")
            report = console.app.clipboard
            assert report.startswith("# Restore of prod/quilltap") and "57,882 documents counted" in report
            for key, name in (("s", ".md"), ("j", ".json")):
                await console.press(key)
                await console.until("Save to which file?")
                assert name in console.text
                await console.press("escape")
            await console.press("enter")
            await console.until(lambda: console.app.current_mode == "health")

    run(test())


def test_done_without_copies_offers_no_rollback() -> None:
    async def test() -> None:
        document = restored(rollback_until=None)
        state = running_state(step="done", result=document)
        async with hosted(DoneStep, state, recorded(restore=ended(document))) as (console, screen):
            await console.until("No rollback copies were left.")
            await console.press("Z", "D")
            assert console.app.screen is screen

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


def test_done_starts_what_was_left_stopped_once_asked() -> None:
    async def test() -> None:
        state = running_state(step="done", result=restored(), ended=after(20))
        backend = recorded(restore=ended(restored(), app="stopped"))
        profile = replace(PROFILE, app=AppControl(stop="s", start="docker compose start app"))
        async with hosted(DoneStep, state, backend, profile=profile) as (console, _):
            await console.until(lambda: "a starts it" in flat(console))
            for no in ("n", "enter", "escape"):
                await console.press("a")
                await console.until("Start the application?")
                await console.press(no)
                assert not backend.started
            await console.press("a", "y")
            await console.until(lambda: bool(backend.started))
            assert backend.started[0][0] == "app-start"

    run(test())


@pytest.mark.parametrize(
    ("app", "profile", "why"),
    [
        ("started", {}, "was not left stopped"),
        ("stopped", {"app": None}, "No start command is configured"),
        ("stopped", {"read_only": True}, "READ-ONLY"),
    ],
)
def test_done_says_why_the_application_is_not_started(app: str, profile: dict[str, Any], why: str) -> None:
    async def test() -> None:
        state = running_state(step="done", result=restored(), ended=after(20))
        backend = recorded(restore=ended(restored(), app=app))
        control = {"app": AppControl(start="docker compose start app")}
        changed = replace(PROFILE, **{**control, **profile})
        async with hosted(DoneStep, state, backend, profile=changed) as (console, _):
            await console.until(lambda: "application" in flat(console))
            await console.until(lambda: "Reading where" not in flat(console))
            await console.press("a")
            await console.until(lambda: why in flat(console))
            assert not backend.started

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
