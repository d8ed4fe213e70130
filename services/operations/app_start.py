"""`app start`: starts the application that a job left stopped, proven by its status."""

from __future__ import annotations

from msgspec.structs import replace

from services.app_control import AppController, start_app
from services.errors import Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.jobs.events import APP
from services.mongo.record import read_records, save_record
from services.operations.app_model import AppStartPlan, AppStartResult
from services.recovery import guards
from services.recovery.session import Session, open_session


def app_start(plan: AppStartPlan, ctx: JobContext) -> AppStartResult:
    """Starts the application and forgets that a job had stopped it.

    Errors: `Refused` when READ-ONLY, without a start command, while another job works on the database and
    while an interrupted swap waits there; `QuillkeepError` when the command fails or its status says otherwise.
    """
    profile = ctx.profile
    if profile.read_only:
        raise Refused(
            "This profile is READ-ONLY: the application may not be started.",
            next="Run it without --read-only, and with a profile that has no read_only=true.",
        )
    if profile.app is None or not profile.app.start:
        raise Refused(
            "There is no command to start the application.",
            next="Start it by hand (docker compose start app), or set app.start in the profile.",
        )
    controller = AppController(profile.app, health_url=profile.health_url)
    if profile.mongo is None:
        return _start(controller, ctx)
    with (
        open_session(profile, writing=True) as session,
        DatabaseLock.acquire(
            session.database, job=ctx.job, verb="app-start", clock=ctx.clock, check=ctx.check, tell=ctx.log
        ),
    ):
        waiting = guards.unfinished(session)
        if waiting:
            raise Refused(
                "The application was not started: live data may be old and new mixed.",
                cause=waiting[0],
                next="Finish or undo that first; it starts the application itself.",
            )
        result = _start(controller, ctx)
        _forget(session)
    return result


def _start(controller: AppController, ctx: JobContext) -> AppStartResult:
    if controller.state() == "running":
        ctx.checkpoint(APP, state="started", proven=True)
        return AppStartResult(status="ok", started=False, summary="the application runs already")
    ctx.phase("starting the application")
    proven = start_app(controller, ctx)
    unproven = (
        "Its start command ended well; whether it runs cannot be told: set app.status or health_url.",
    )
    return AppStartResult(
        status="ok" if proven else "warnings",
        warnings=() if proven else unproven,
        started=True,
        summary="the application was started",
    )


def _forget(session: Session) -> None:
    """No later finish or rollback, and no status, takes it for stopped by a job any more."""
    for record in read_records(session.database):
        if record.app_stopped_by_us:
            save_record(session.database, replace(record, app_stopped_by_us=False))
