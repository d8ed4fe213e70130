"""Stopping and starting the application by its three configured commands, and asking its health."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from typing import Literal

import msgspec

from services.app_health import Health, probe_health
from services.errors import QuillkeepError
from services.jobs.context import JobContext
from services.jobs.environment import plain_environment
from services.jobs.events import APP
from services.profile import AppControl
from services.redact import redact

AppState = Literal["running", "stopped", "unknown"]
COMMAND_SECONDS = 120.0
PROOF_SECONDS = 30.0
"""How long the status may lag behind the stop or start command."""
POLL_SECONDS = 0.25
OUTPUT_BYTES = 2_000
_NOT_RUN = (126, 127)
"""The shell's exits for a command that cannot be run or found (POSIX 2.8.2)."""
STILL_RUNS = "The application was not stopped; no data was changed."


class CommandResult(msgspec.Struct, frozen=True):
    """How a command ended; `exit_code` is None when it ran out of time, `output` the redacted end of it."""

    exit_code: int | None
    output: str


class AppController:
    """The application of one profile; commands run by `/bin/sh -c` in `/` with a small environment."""

    def __init__(
        self,
        app: AppControl,
        *,
        health_url: str | None = None,
        command_seconds: float = COMMAND_SECONDS,
        proof_seconds: float = PROOF_SECONDS,
    ) -> None:
        self.app = app
        self.health_url = health_url
        self._command_seconds = command_seconds
        self._proof_seconds = proof_seconds

    def state(self) -> AppState:
        """What the status command tells: exit 0 is running, any other stopped; not run at all is unknown.

        Without a status command a refusing `health_url` is stopped and an answering one running.
        """
        if self.app.status is None:
            return self._state_by_health()
        code = run_command(self.app.status, self._command_seconds).exit_code
        if code is None or code < 0 or code > 128 or code in _NOT_RUN:
            return "unknown"
        return "running" if code == 0 else "stopped"

    def stop(self) -> bool:
        """Runs the stop command; True when the status (or the health URL refusing) then proved it.

        False means nothing can tell. Errors: `QuillkeepError` when there is no command, when it failed, and
        when the application still runs afterwards.
        """
        return self._bring_to("stopped", self.app.stop, "stop", STILL_RUNS)

    def start(self) -> bool:
        """Runs the start command; True when the status then proved it. Errors as `stop`."""
        return self._bring_to("running", self.app.start, "start", "The application was left as it is.")

    def health(self) -> Health | None:
        """Asks `health_url`, None without one."""
        return probe_health(self.health_url) if self.health_url else None

    def _state_by_health(self) -> AppState:
        health = self.health()
        if health is None or health.state == "unknown":
            return "unknown"
        return "stopped" if health.state == "refusing" else "running"

    def _bring_to(self, wanted: AppState, command: str | None, verb: str, touched: str) -> bool:
        if command is None:
            raise QuillkeepError(
                f"There is no command to {verb} the application.",
                touched=touched,
                next=f"Set app.{verb} in the profile, or {verb} it by hand and try again.",
            )
        ran = run_command(command, self._command_seconds)
        if ran.exit_code != 0:
            ended = (
                f"did not end within {self._command_seconds:.0f} s"
                if ran.exit_code is None
                else f"ended with {ran.exit_code}"
            )
            raise QuillkeepError(
                f"The command that {verb}s the application {ended}.",
                cause=ran.output,
                touched=touched,
                next=f"Try the profile's app.{verb} command by hand, then try again.",
            )
        return self._proven(wanted, verb, touched)

    def _proven(self, wanted: AppState, verb: str, touched: str) -> bool:
        deadline = time.monotonic() + self._proof_seconds
        while True:
            state = self.state()
            if state == wanted:
                return True
            if time.monotonic() >= deadline:
                break
            if state == "unknown" and self.app.status is None and self.health_url is None:
                return False
            time.sleep(POLL_SECONDS)
        if state == "unknown":
            return False
        raise QuillkeepError(
            f"The application is still {state} after its {verb} command ended well.",
            cause=f"Its status was asked for {self._proof_seconds:.0f} s.",
            touched=touched,
            next=f"Look at the profile's app.{verb} and app.status commands: do they mean the same application?",
        )


def stop_app(controller: AppController, ctx: JobContext) -> bool:
    """Stops the application for a job, with the checkpoints its watcher reads; True when proven stopped.

    One that was stopped before is left alone, and nobody starts it afterwards.
    """
    found = controller.state()
    if found == "stopped":
        ctx.checkpoint(APP, state="found-stopped", found=found)
        return True
    ctx.checkpoint(APP, state="stopping", found=found)
    proven = controller.stop()
    ctx.checkpoint(APP, state="stopped", found=found, proven=proven)
    return proven


def start_app(controller: AppController, ctx: JobContext) -> bool:
    """Starts the application again for a job, with the checkpoints its watcher reads; True when proven."""
    ctx.checkpoint(APP, state="starting")
    proven = controller.start()
    ctx.checkpoint(APP, state="started", proven=proven)
    return proven


def run_command(command: str, seconds: float) -> CommandResult:
    """Runs a shell command to its end, in a session of its own; what it leaves running is not waited for.

    Output goes to a file, since a daemon it starts would keep a pipe open. On a timeout its whole process
    group is killed.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=plain_environment(),
            start_new_session=True,
            umask=0o022,
        )
        code: int | None
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = None
        end = output.seek(0, os.SEEK_END)
        output.seek(max(0, end - OUTPUT_BYTES))
        text = output.read().decode("utf-8", "replace").strip()
    return CommandResult(exit_code=code, output=redact(text))
