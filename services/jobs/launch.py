"""Starting a job: its folder, its process, and its spec over a pipe."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from services.errors import QuillkeepError
from services.files import make_private_folder
from services.jobs.environment import child_environment, proxies
from services.jobs.events import Started
from services.jobs.journal import JOURNAL, LOG, decode_line, process_of
from services.jobs.process import ProcessIdentity, identify
from services.jobs.spec import JobSpec, conceal
from services.jobs.systemd import wants_scope
from services.paths import Paths
from services.profile import Profile
from services.redact import redact
from services.secret import Secret, encode_for_pipe

RUNNER = "services.jobs.runner"
ID_FORMAT = "%Y%m%d_%H%M%S"
READY_SECONDS = 30.0
"""How long a process may take to write its first line on a busy machine."""
LOG_TAIL = 2_000


class StartedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that wrote its first journal line."""

    job: str
    folder: Path
    process: ProcessIdentity


def start_job(
    verb: str, plan: msgspec.Struct, profile: Profile, paths: Paths, *, now: datetime | None = None
) -> StartedJob:
    """Starts an operation in a process of its own session and returns once its journal has begun.

    The job's id is the UTC second, or the next free one. Nothing of the profile is in its arguments or
    environment. Errors: `QuillkeepError` with the end of the log when the process did not come up, or when
    the state folder cannot be written.
    """
    job, folder = make_job_folder(paths, now or datetime.now(UTC))
    spec = JobSpec(
        job=job,
        verb=verb,
        plan=msgspec.json.decode(encode_for_pipe(plan)),
        shown=msgspec.to_builtins(plan, enc_hook=conceal),
        profile=profile,
        state=str(paths.state),
        folder=str(folder),
        proxies={name: Secret(value) for name, value in proxies().items()},
    )
    payload = encode_for_pipe(spec)
    command = [sys.executable, "-P", "-m", RUNNER]
    if wants_scope():
        scope = [shutil.which("systemd-run") or "systemd-run", "--scope", "--quiet", "--collect"]
        process = _spawn([*scope, f"--unit=quillkeep-job-{job}", "--", *command], folder, payload)
        if process is not None:
            return StartedJob(job=job, folder=folder, process=process)
    process = _spawn(command, folder, payload)
    if process is None:
        what = f"The job {job} ({verb}) did not start."
        if os.statvfs(folder).f_bavail == 0 and not (folder / LOG).stat().st_size:
            # It would stand among the jobs as running, and then as lost, with nothing to read in it.
            shutil.rmtree(folder, ignore_errors=True)
            raise QuillkeepError(
                what,
                cause=f"The disk of {paths.state} is full.",
                next="Free space there, or set QUILLKEEP_STATE_DIR to a folder on another disk; then try again.",
            )
        raise QuillkeepError(what, cause=_log_tail(folder), next=f"Look at {folder / LOG}, then try again.")
    return StartedJob(job=job, folder=folder, process=process)


def make_job_folder(paths: Paths, now: datetime) -> tuple[str, Path]:
    """Makes `<state>/jobs/<job id>` exclusively, 0700; a taken id moves to the next second."""
    try:
        make_private_folder(paths.jobs)
        while True:
            job = now.astimezone(UTC).strftime(ID_FORMAT)
            try:
                os.mkdir(paths.jobs / job, 0o700)
            except FileExistsError:
                now += timedelta(seconds=1)
                continue
            return job, paths.jobs / job
    except OSError as error:
        raise QuillkeepError(
            f"The state folder {paths.state} cannot be written, so no job can be started.",
            cause=f"{os.strerror(error.errno or 0)}.",
            next="Check its owner and mode, or set QUILLKEEP_STATE_DIR to a folder of yours.",
        ) from error


def spawn_detached(command: list[str], log: Path, payload: bytes) -> subprocess.Popen[bytes]:
    """Executes a process in its own session, cwd `/`, umask 077, stdio to `log`, and feeds it `payload`.

    A thread waits for it, so that it leaves no zombie in a caller that lives on.
    """
    flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    output = os.open(log, flags, 0o600)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd="/",
            env=child_environment(),
            start_new_session=True,
            umask=0o077,
        )
    finally:
        os.close(output)
    threading.Thread(target=process.wait, name=f"reaper-{process.pid}", daemon=True).start()
    if process.stdin is not None:
        try:
            with process.stdin as pipe:
                pipe.write(payload)
        except BrokenPipeError:
            # It ended before it read: the caller sees that it is gone and shows its log.
            return process
    return process


def _spawn(command: list[str], folder: Path, payload: bytes) -> ProcessIdentity | None:
    """The process once its journal has begun, None when it ended before."""
    process = spawn_detached(command, folder / LOG, payload)
    deadline = time.monotonic() + READY_SECONDS
    while True:
        running = identify(process.pid) is not None
        started = read_started(folder)
        if started is not None:
            return process_of(started)
        if not running:
            return None
        if time.monotonic() > deadline:
            process.kill()
            return None
        time.sleep(0.01)


def read_started(folder: Path) -> Started | None:
    """A journal's first line, once it is whole."""
    try:
        with open(folder / JOURNAL, "rb") as stream:
            line = stream.readline()
    except FileNotFoundError:
        return None
    event = decode_line(line) if line.endswith(b"\n") else None
    return event if isinstance(event, Started) else None


def _log_tail(folder: Path) -> str:
    try:
        data = (folder / LOG).read_bytes()[-LOG_TAIL:]
    except OSError as error:
        return f"Its log cannot be read: {os.strerror(error.errno or 0)}."
    return redact(data.decode("utf-8", "replace").strip())
