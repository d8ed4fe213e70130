"""The end of a restore: the application, the rollback copies, and the report."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.profile import AppControl
from tests.tui.wizard_run_support import (
    PROFILE,
    after,
    ended,
    flat,
    hosted,
    recorded,
    restored,
    running_state,
)
from tests.tui_support import run
from tui.screens.restore.done import DoneStep


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
