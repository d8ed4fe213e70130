"""The application around a restore: found, stopped, proven stopped, and started again."""

from __future__ import annotations

from services.app_control import AppController, start_app, stop_app
from services.errors import QuillkeepError
from services.jobs.context import JobContext
from services.recovery.session import Session
from services.recovery.writers import Writers, look


class Application:
    """Stops the application for one job and puts it back as it was found, or leaves it stopped when told to."""

    def __init__(self, ctx: JobContext, session: Session, *, concerned: bool) -> None:
        self._ctx = ctx
        self._session = session
        self._concerned = concerned and ctx.profile.app is not None
        self._control = (
            AppController(ctx.profile.app, health_url=ctx.profile.health_url)
            if ctx.profile.app and self._concerned
            else None
        )
        self.concerned = concerned
        self.was_running: bool | None = None
        self.stopped_by_us = False

    def stop(self) -> Writers:
        """Stops only the application, when it runs and a stop command is configured; tells what is proven then."""
        ctx = self._ctx
        if self._control is not None:
            state = self._control.state()
            self.was_running = None if state == "unknown" else state == "running"
            app = ctx.profile.app
            if state != "stopped" and app is not None and app.stop:
                ctx.log("Stopping the application.")
                self.stopped_by_us = True
                stop_app(self._control, ctx)
        return look(ctx.profile, self._session, is_application=self.concerned)

    def adopt(self, was_running: bool | None, stopped_by_us: bool) -> None:
        """Takes over what an interrupted job recorded."""
        self.was_running = was_running
        self.stopped_by_us = stopped_by_us

    def as_found(self, was_running: bool | None, stopped_by_us: bool) -> list[str]:
        """Starts what an interrupted job stopped and nobody has started since; failures are warnings in words."""
        if not stopped_by_us or self._control is None or self._control.state() == "running":
            return []
        self.adopt(was_running, stopped_by_us)
        return self.start_again()

    def start_again(self, *, leave_stopped: bool = False) -> list[str]:
        """Starts it when this job, or the one it finishes, stopped it; failures are warnings in words."""
        app = self._ctx.profile.app
        if not self.stopped_by_us or self._control is None:
            return []
        if leave_stopped:
            self._ctx.log("The application was left stopped, as asked.")
            return []
        if app is None or not app.start:
            return ["The application was stopped and no start command is configured: start it yourself."]
        try:
            self._ctx.log("Starting the application again.")
            start_app(self._control, self._ctx)
        except QuillkeepError as error:
            return [f"The application did not start again: {error.what} {error.cause}".strip()]
        self.stopped_by_us = False
        return []
