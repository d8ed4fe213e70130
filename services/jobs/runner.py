"""The job's process: `python -P -m services.jobs.runner`, its spec on standard input."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import msgspec
from msgspec.structs import replace

from services import __version__
from services.errors import Cancelled, QuillkeepError
from services.jobs.context import JobContext, utc_now
from services.jobs.events import CancelRequested, Finished, Log, Started
from services.jobs.host import this_host, user_name
from services.jobs.journal import Journal
from services.jobs.process import this_process
from services.jobs.spec import JobSpec, conceal, receive, secrets_of
from services.jobs.systemd import killed_at_logout
from services.operations.registry import load
from services.operations.result import exit_code, failure_document
from services.paths import Paths
from services.redact import redact, remember
from services.secret import decode_from_pipe, encode_for_pipe

TOO_LATE = "Too late: finishing."
CANCELLING = "Cancelling: the job stops at the next safe point."
_CANCEL_EXIT = {signal.SIGINT: 130, signal.SIGTERM: 143}


def main() -> NoReturn:
    """Runs one job to its end; the process leaves without Python's exit, once the result is on disk."""
    wakes = _Wakes()
    _redact_tracebacks()
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    spec = receive(JobSpec)
    remember(*secrets_of(spec.profile), *spec.proxies.values())
    os.environ.update({name: value.reveal() for name, value in spec.proxies.items()})
    journal = Journal(Path(spec.folder))
    ctx = JobContext(
        job=spec.job,
        profile=spec.profile,
        paths=Paths(Path(spec.state)),
        folder=Path(spec.folder),
        report=journal.write,
    )
    journal.write(_started(spec))
    warning = killed_at_logout()
    if warning is not None:
        ctx.log(warning, "warning")
    finished = _run(spec, ctx, wakes)
    _write_result(journal, finished)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(finished.exit_code)


class _Wakes:
    """What wakes the main thread, in order: signals that came, and the operation's end.

    The bytes of a wakeup fd, not Python's handlers: of two signals that come together (systemd and a closing
    terminal send SIGHUP beside SIGTERM) the kernel may give one to another thread, which would wake nobody.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (signal.SIGHUP, *_CANCEL_EXIT):
            # Not SIG_IGN: that would be inherited by what the job starts, the application among it.
            signal.signal(number, _nothing)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP, *_CANCEL_EXIT})

    def end(self) -> None:
        """The operation ended."""
        os.write(self._writer, b"\0")

    def __iter__(self) -> Iterator[signal.Signals]:
        """SIGINT and SIGTERM as they come, until the end; SIGHUP does nothing."""
        while True:
            for number in os.read(self._reader, 512):
                if not number:
                    return
                if number in _CANCEL_EXIT:
                    yield signal.Signals(number)


def _nothing(_: int, __: FrameType | None) -> None:
    return


def _redact_tracebacks() -> None:
    """What ends a thread is printed without secrets; Python's tracebacks show no locals."""

    def show(_: type[BaseException] | None, error: BaseException | None, __: object = None) -> None:
        if error is not None:
            print(redact("".join(traceback.format_exception(error))), file=sys.stderr, flush=True)

    sys.excepthook = show
    threading.excepthook = lambda args: show(args.exc_type, args.exc_value)


def _write_result(journal: Journal, finished: Finished) -> None:
    """A full disk may still take a short result; else the process's exit code is all that tells."""
    try:
        journal.write(finished)
    except QuillkeepError as error:
        short = {"status": finished.status, "warnings": [error.cause, "The result did not fit on the disk."]}
        try:
            journal.write(replace(finished, result=short))
        except QuillkeepError as trouble:
            print(f"{trouble} Ended {finished.status} ({finished.exit_code}).", file=sys.stderr, flush=True)


def _run(spec: JobSpec, ctx: JobContext, wakes: _Wakes) -> Finished:
    """The operation works in a thread of its own, so that signals are answered while it is in a driver."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="operation")
    future = pool.submit(_operate, spec, ctx)
    future.add_done_callback(lambda _: wakes.end())
    asked: signal.Signals | None = None
    for woken in wakes:
        accepted = ctx.request_cancel()
        asked = asked or (woken if accepted else None)
        answer = CANCELLING if accepted else TOO_LATE
        ctx.report(CancelRequested(at=ctx.clock(), by=woken.name, accepted=accepted, answer=answer))
    return _finished(future, ctx, asked)


def _operate(spec: JobSpec, ctx: JobContext) -> dict[str, Any]:
    plan_type, operation = load(spec.verb)
    plan = decode_from_pipe(encode_for_pipe(spec.plan), plan_type)
    result = operation(plan, ctx)
    document: dict[str, Any] = msgspec.to_builtins(result, enc_hook=conceal)
    return document


def _finished(future: Future[dict[str, Any]], ctx: JobContext, asked: signal.Signals | None) -> Finished:
    error = future.exception()
    if error is None:
        document = future.result()
        status = str(document.get("status", "failed"))
        return Finished(at=ctx.clock(), status=status, exit_code=exit_code(status), result=document)
    known = error if isinstance(error, QuillkeepError) else _unexpected(error, ctx)
    code = known.exit_code
    if isinstance(known, Cancelled) and asked is not None:
        code = _CANCEL_EXIT[asked]
    return Finished(at=ctx.clock(), status=known.status, exit_code=code, result=failure_document(known))


def _unexpected(error: BaseException, ctx: JobContext) -> QuillkeepError:
    """An error nobody foresaw: its traceback (which shows no locals) goes to the log, a sentence to the admin."""
    print(redact("".join(traceback.format_exception(error))), file=sys.stderr, flush=True)
    ctx.report(
        Log(at=ctx.clock(), level="error", text=f"Unexpected {type(error).__name__}: see the job's log.")
    )
    first_line = str(error).strip().partition("\n")[0][:300]
    return QuillkeepError(
        f"Quillkeep met an error it was not made for ({type(error).__name__}).",
        cause=redact(first_line),
        touched="How far it came is in `quillkeep jobs follow " + ctx.job + "`.",
        next=f"Please report it with the log {ctx.folder / 'log'}.",
    )


def _started(spec: JobSpec) -> Started:
    process, host = this_process(), this_host()
    return Started(
        at=utc_now(),
        job=spec.job,
        verb=spec.verb,
        plan=spec.shown,
        profile=spec.profile.name,
        pid=process.pid,
        process_started=process.started,
        boot_id=process.boot_id,
        host=host.hostname,
        machine_id=host.machine_id,
        pid_namespace=host.pid_namespace,
        user=user_name(),
        version=__version__,
    )


if __name__ == "__main__":
    main()
