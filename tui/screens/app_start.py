"""Starting the application that a job left stopped: one question, then a job."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from services.operations.app_model import AppStartPlan
from tui.screens.confirm import YesNoModal
from tui.work import start_work

if TYPE_CHECKING:
    from tui.app import QuillkeepApp


def why_no_start(console: QuillkeepApp) -> str:
    """Why the application cannot be started from here; empty when it can."""
    profile = console.store.profile
    if profile.app is None or not profile.app.start:
        return "No start command is configured: start it by hand (docker compose start app)."
    if profile.read_only:
        return "READ-ONLY: the application is not started from this console."
    return ""


def ask_and_start_app(console: QuillkeepApp) -> None:
    """Asks y/n, then starts the job; what stands against it is said in words."""
    why = why_no_start(console)
    app = console.store.profile.app
    if why or app is None:
        console.say(why, severity="warning")
        return

    def answered(yes: bool | None) -> None:
        if yes:
            start_work(
                console, partial(_start, console), group="app-start", description="start the application"
            )

    console.push_screen(
        YesNoModal(
            "Start the application?",
            f"A job runs: {app.start}\nIts status proves that it came up. No data is touched.",
        ),
        answered,
    )


async def _start(console: QuillkeepApp) -> None:
    await console.begin_job("app-start", AppStartPlan())
