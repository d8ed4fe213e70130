"""The process that outlives a job: when the job is lost, it puts the application back or keeps it stopped.

`python -P -m services.jobs.watcher`, its spec on standard input, in a session of its own.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

from services.app_control import AppController
from services.errors import QuillkeepError
from services.jobs.context import JobContext, utc_now
from services.jobs.events import LOST, WATCHED, Checkpoint, Finished, Level, Log
from services.jobs.journal import LOG, Journal, read_events
from services.jobs.launch import spawn_detached
from services.jobs.process import ProcessIdentity, identify, is_alive, this_process
from services.jobs.spec import WatchSpec, receive, secrets_of
from services.jobs.way_on import Remains, remains_of
from services.redact import remember
from services.secret import encode_for_pipe

WATCHER = "services.jobs.watcher"
READY = "watcher"
"""A file in the job's folder that the watcher makes once it watches."""
READY_SECONDS = 15.0
POLL_SECONDS = 0.5
START_ATTEMPTS = 3
RETRY_SECONDS = 2.0


def start_watcher(ctx: JobContext) -> ProcessIdentity:
    """Starts the watcher of the calling job and returns once it watches, with the checkpoint `watched`.

    Call it before the application is stopped. It ends by itself when the job has written its result.
    Errors: `QuillkeepError` when it does not come up.
    """
    job = this_process()
    spec = WatchSpec(
        job=ctx.job,
        folder=str(ctx.folder),
        pid=job.pid,
        started=job.started,
        boot_id=job.boot_id,
        app=ctx.profile.app,
        health_url=ctx.profile.health_url,
        secrets=secrets_of(ctx.profile),
    )
    process = spawn_detached([sys.executable, "-P", "-m", WATCHER], ctx.folder / LOG, encode_for_pipe(spec))
    deadline = time.monotonic() + READY_SECONDS
    while not (ctx.folder / READY).exists():
        if identify(process.pid) is None or time.monotonic() > deadline:
            process.kill()
            raise QuillkeepError(
                "The watcher, which looks after the application should this job be killed, did not start.",
                next=f"Look at {ctx.folder / LOG}, then try again.",
            )
        time.sleep(0.01)
    found = identify(process.pid) or ProcessIdentity(process.pid, "", job.boot_id)
    ctx.checkpoint(WATCHED, pid=found.pid)
    return found


def main() -> None:
    """Waits for the end of the job and, when it left no result, does what can be done without it."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        # A handler, not SIG_IGN, which the application it may start would inherit.
        signal.signal(number, lambda *_: None)
    spec = receive(WatchSpec)
    remember(*spec.secrets)
    folder = Path(spec.folder)
    job = ProcessIdentity(pid=spec.pid, started=spec.started, boot_id=spec.boot_id)
    os.close(os.open(folder / READY, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    wait_for_end(job)
    (folder / READY).unlink(missing_ok=True)
    events = read_events(folder)
    if any(isinstance(event, Finished) for event in events):
        return
    journal = Journal(folder)
    try:
        _attend(spec, remains_of(events), journal)
    finally:
        journal.close()


def wait_for_end(process: ProcessIdentity) -> None:
    """Returns when exactly this process is gone (pidfd_open(2), else by looking twice a second)."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        handle = None
    try:
        waiter = select.poll()
        if handle is not None:
            waiter.register(handle, select.POLLIN)
        while is_alive(process):
            if handle is None:
                time.sleep(POLL_SECONDS)
            else:
                waiter.poll()
    finally:
        if handle is not None:
            os.close(handle)


def _attend(spec: WatchSpec, remains: Remains, journal: Journal) -> None:
    app = "untouched"
    if remains.app_to_start:
        if remains.renaming:
            app = "kept stopped"
            _say(journal, "error", f"Job {spec.job} ended without a result: the application stays stopped.")
        else:
            app = _start(spec, journal)
    way_on = list(remains.way_on)
    left = (
        remains.left if app != "started" else remains.left.replace(" The application is still stopped.", "")
    )
    commands = "; or: ".join(way_on)
    _say(
        journal,
        "error",
        f"Job {spec.job} is lost. {left}" + (f" To go on: {commands}" if commands else ""),
    )
    data = {"job": spec.job, "renaming": remains.renaming, "app": app, "left": left, "way_on": way_on}
    journal.write(Checkpoint(at=utc_now(), name=LOST, data=data))


def _start(spec: WatchSpec, journal: Journal) -> str:
    """Nothing live was renamed, so the application may run as it did before."""
    if spec.app is None or spec.app.start is None:
        _say(journal, "error", "The application was stopped and has no start command: start it by hand.")
        return "not started"
    controller = AppController(spec.app, health_url=spec.health_url)
    for attempt in range(START_ATTEMPTS):
        if attempt:
            time.sleep(RETRY_SECONDS)
        try:
            controller.start()
        except QuillkeepError as error:
            _say(journal, "error", f"The watcher could not start the application: {error}")
        else:
            _say(journal, "warning", "The watcher started the application again; nothing live was renamed.")
            return "started"
    return "not started"


def _say(journal: Journal, level: Level, text: str) -> None:
    journal.write(Log(at=utc_now(), level=level, text=text))


if __name__ == "__main__":
    main()
