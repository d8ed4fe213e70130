"""Integrity while checks run: rows as their journals tell, how each ended, and nothing sent at rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.jobs.events import Finished, Log
from services.jobs.listing import JobSummary
from services.operations.verify_model import VerifyPlan
from tests.pictures.rest import at_rest
from tests.recorded import NOW
from tests.tui.archives_support import told
from tests.tui.integrity_support import SOME, integrity, journal, on, phase, shown
from tests.tui.integrity_support import look as recorded_look
from tests.tui.terminal import on_terminal
from tests.tui_support import run
from tui.bridge import JobNews
from tui.screens.integrity_watch import Watch, Watching
from widgets.progress_line import ProgressLine

BACKUP = "quilltap_20261122_021400"


def test_verify_asks_how_deep_and_its_row_shows_that_it_runs() -> None:
    async def test() -> None:
        said = Log(at=NOW, level="error", text="objects: fail: 3_photo.png: another sha256")
        events = journal("verify", *phase(BACKUP, 40), said)
        manager, backend = integrity(journals={"verify": events})
        async with manager as console:
            await on(console, BACKUP)
            await console.press("v", "escape")
            assert not backend.started
            await console.press("v", "f")
            await console.until("▶ verify 40%")
            assert backend.started[0][:2] == ("verify", VerifyPlan(backup=BACKUP, depth="full"))
            assert "▶ verify 40%: verify (w watches)" in console.text
            await console.press("enter")
            await console.until("another sha256")
            assert "now" in console.line("another sha256")
            # A notice stands over it for a moment.
            assert "▶ verify 40%" in console.app.screen.query_one(ProgressLine)._says
            await console.press("w")
            await console.until(lambda: type(console.app.screen).__name__ == "JobScreen")
            await console.press("escape", "escape", "2", "4")
            await console.until("▶ verify 40%")
            assert not backend.cancelled

    run(test())


def test_the_end_of_a_verify_is_told_and_looked_at() -> None:
    async def test() -> None:
        asked = []

        def look(request: Any) -> Any:
            asked.append(request.backup)
            return SOME

        checks = [{"name": "objects", "status": "fail", "detail": "3_photo.png"}]
        result = {"id": BACKUP, "status": "fail", "checks": checks, "warnings": []}
        end = Finished(at=NOW, status="fail", exit_code=1, result=result)
        manager, _ = integrity(look, journals={"verify": journal("verify", *phase(BACKUP, 100), end)})
        async with manager as console:
            await on(console, BACKUP)
            before = len(asked)
            await console.press("v", "f")
            await told(console, f"Verify of {BACKUP} ended fail: objects: 3_photo.png")
            await console.until(lambda: len(asked) > before)
            assert "▶" not in console.text

    run(test())


def test_what_ended_over_another_screen_is_looked_at_on_the_way_back() -> None:
    asked = []

    def look(request: Any) -> Any:
        asked.append(request.backup)
        return recorded_look(SOME)(request)

    ended = JobSummary(id="20261122_031400", verb="verify", state="succeeded", started=NOW, profile="prod")

    async def test() -> None:
        manager, backend = integrity(look)
        async with manager as console:
            await on(console, BACKUP)
            await console.press("enter")
            await console.until("· none    manifest")
            every = asked.count("")
            backend._jobs.append(ended)
            console.app.look_at_jobs()
            await console.until(lambda: asked.count(BACKUP) == 2)
            await console.press("escape")
            await console.until(lambda: asked.count("") == every + 1)

    run(test())


def test_the_list_and_the_detail_over_it_tell_an_end_once() -> None:
    result = {"id": BACKUP, "status": "fail", "checks": [], "warnings": []}
    end = Finished(at=NOW, status="fail", exit_code=1, result=result)

    async def test() -> None:
        manager, _ = integrity()
        async with manager as console:
            await on(console, BACKUP)
            await console.press("enter")
            await console.until("· none    manifest")
            both = [screen for screen in console.app.screen_stack if isinstance(screen, Watching)]
            assert len(both) == 2
            for screen in both:
                screen.watches["20261122_031400"] = Watch("20261122_031400", "verify")
                screen.post_message(JobNews("20261122_031400", (end,), ended=True))
            await told(console, f"Verify of {BACKUP} ended fail")
            await console.until(lambda: not any(screen.watches for screen in both))
            assert [one.message for one in console.app._notifications].count(
                f"Verify of {BACKUP} ended fail"
            ) == 1

    run(test())


def test_what_was_begun_elsewhere_is_followed_too() -> None:
    job = JobSummary(
        id="20261122_030000",
        verb="verify",
        state="running",
        started=NOW - timedelta(minutes=14),
        profile="prod",
    )

    async def test() -> None:
        manager, _ = integrity(jobs=[job], journals={job.id: journal("verify", *phase(BACKUP, 66))})
        async with manager as console:
            await console.until("▶ verify 66%")

    run(test())


def test_at_rest_it_sends_nothing() -> None:
    async def test() -> None:
        with on_terminal() as terminal:
            manager, _ = integrity()
            async with manager as console:
                await shown(console)
                await at_rest(console.pilot)
                await console.pilot.pause(0.1)
                terminal.take()
                await console.pilot.pause(1.0)
                assert terminal.take() == ""
                await console.press("down")
                await at_rest(console.pilot)
                assert 0 < len(terminal.take().encode()) < 2_000

    run(test())


def test_a_failure_of_what_was_begun_here_is_a_dialog_and_of_others_a_notice() -> None:
    error = {"what": "MongoDB does not answer.", "cause": "Refused.", "touched": "", "next": "Start it."}
    end = Finished(at=NOW, status="failed", exit_code=1, result={"error": error})
    other = JobSummary(id="20261122_020000", verb="pairs", state="running", started=NOW, profile="prod")

    async def test() -> None:
        journals = {"pepper-check": journal("pepper-check", end), other.id: journal("pairs", end)}
        manager, _ = integrity(jobs=[other], journals=journals)
        async with manager as console:
            await told(console, "pairs 20261122_020000 ended failed; 6 shows why.")
            await console.press("l", "k")
            await console.until("MongoDB does not answer.")
            assert type(console.app.screen).__name__ == "ProblemModal"

    run(test())
