"""`app start` and `app status`: the application of the profile."""

from __future__ import annotations

from typing import Any

import click

from services.operations.result import exit_code
from tui.session import Session, json_option, pass_session
from widgets.text import escape


@click.group()
def app() -> None:
    """The application itself: whether it runs, and starting it."""


@app.command()
@json_option
@pass_session
def start(session: Session) -> int:
    """Start the application, by the profile's start command."""
    from services.operations.app_model import AppStartPlan
    from tui.follow import run_job

    return run_job(session, "app-start", AppStartPlan(), present=_started)


@app.command()
@json_option
@pass_session
def status(session: Session) -> int:
    """Whether the application runs; exit 3 where that cannot be told."""
    from services.looking.live_asking import ask_app

    state, problem = ask_app(session.profile)
    known = state in ("running", "stopped")
    word = "ok" if known else "unknown"
    session.output.document({"status": word, "warnings": [problem] if problem else [], "app": state})
    session.output.lines([f"The application: {state}."])
    if problem:
        session.output.warn(problem)
    return exit_code(word)


def _started(session: Session, result: dict[str, Any]) -> list[str]:
    return [f"{escape(str(result.get('summary') or '')).capitalize()}."]
