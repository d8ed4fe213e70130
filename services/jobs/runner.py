"""The job's process: `python -P -m services.jobs.runner`, its spec on standard input."""

from __future__ import annotations

import faulthandler
import os
import queue
import resource
import signal
import sys
import threading
import traceback
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

Wake = signal.Signals | None
"""A signal that came, or None: the operation ended."""


def main() -> NoReturn:
    """Runs one job to its end; the process leaves without Python's exit, once the result is on disk."""
    wake: queue.SimpleQueue[Wake] = queue.SimpleQueue()
    _take_signals(wake)
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
    finished = _run(spec, ctx, wake)
    _write_result(journal, finished)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(finished.exit_code)


def _take_signals(wake: queue.SimpleQueue[Wake]) -> None:
    """SIGINT and SIGTERM go to the main thread's queue; SIGHUP is taken and does nothing.

    Not SIG_IGN: that would be inherited by what the job starts, the application among it.
    """

    def note(number: int, _: FrameType | None) -> None:
        # SimpleQueue.put is reentrant, which an Event's lock is not.
        wake.put(signal.Signals(number))

    def nothing(_: int, __: FrameType | None) -> None:
        return

    signal.signal(signal.SIGHUP, nothing)
    signal.siginterrupt(signal.SIGHUP, False)
    for number in _CANCEL_EXIT:
        signal.signal(number, note)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP, *_CANCEL_EXIT})


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


def _run(spec: JobSpec, ctx: JobContext, wake: queue.SimpleQueue[Wake]) -> Finished:
    """The operation works in a thread of its own, so that signals are answered while it is in a driver."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="operation")
    future = pool.submit(_operate, spec, ctx)
    future.add_done_callback(lambda _: wake.put(None))
    asked: signal.Signals | None = None
    while (woken := wake.get()) is not None:
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
