"""`journal.jsonl`: one event a line, the only interface of a job to its readers."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from services.errors import QuillkeepError
from services.jobs.context import PROGRESS_SECONDS
from services.jobs.events import (
    LOST,
    WATCHED,
    AnyEvent,
    Checkpoint,
    Finished,
    Log,
    Progress,
    Started,
)
from services.jobs.host import HostIdentity, this_host
from services.jobs.process import ProcessIdentity, is_alive
from services.redact import redact, redact_values

JOURNAL = "journal.jsonl"
LOG = "log"
POLL_SECONDS = 0.15
START_SECONDS = 15.0
"""How long a reader waits for a job's first line when it was not told the process."""
SILENT_SECONDS = 600.0
"""A job of another host or container, whose process cannot be seen, is lost when its journal stood still so long."""
WATCHER_SECONDS = 3.0
"""How long a reader waits for the watcher's last word after the job's process went."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyEvent)


class Journal:
    """Appends events to a job's journal; thread-safe, 0600 from creation.

    Started, finished, checkpoints, warnings and errors are on disk when `write` returns. Progress is not
    synced and written at most four times a second; the newest one held back is written before whatever
    comes next. Texts go through the redactor, the facts in plans and checkpoints lose remembered secrets only.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL
        flags = os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._handle = os.open(self.path, flags, 0o600)
        self._lock = threading.Lock()
        self._held: Progress | None = None
        self._last_progress = 0.0
        self._torn = _ends_torn(self._handle)

    def write(self, event: AnyEvent) -> None:
        """Appends one event.

        Errors: `QuillkeepError` when a started, finished or checkpoint line could not be made durable; a lost
        log or progress line is told on stderr only, so that it never stops a swap.
        """
        with self._lock:
            if isinstance(event, Progress):
                self._held = event
                if time.monotonic() - self._last_progress < PROGRESS_SECONDS:
                    return
            else:
                self._flush_progress()
            if isinstance(event, Progress):
                self._flush_progress()
                return
            vital = isinstance(event, Started | Finished | Checkpoint)
            durable = vital or (isinstance(event, Log) and event.level != "info")
            self._append(event, durable=durable, vital=vital)

    def close(self) -> None:
        """Writes what was held back and closes the file."""
        with self._lock:
            self._flush_progress()
            os.close(self._handle)

    def _flush_progress(self) -> None:
        if self._held is not None:
            event, self._held = self._held, None
            self._last_progress = time.monotonic()
            self._append(event, durable=False, vital=False)

    def _append(self, event: AnyEvent, *, durable: bool, vital: bool) -> None:
        line = _encoder.encode(_clean(event)) + b"\n"
        try:
            view = memoryview(b"\n" + line if self._torn else line)
            self._torn = True
            while view:
                view = view[os.write(self._handle, view) :]
            self._torn = False
            if durable:
                os.fsync(self._handle)
        except OSError as error:
            if vital:
                raise QuillkeepError(
                    "The job's journal cannot be written.",
                    cause=f"{self.path}: {os.strerror(error.errno or 0)}.",
                    touched="The step that was to be noted was not begun.",
                    next=f"Make room on or mend the disk of {self.path.parent}, then start the job again.",
                ) from error
            print(f"journal: a line was lost: {os.strerror(error.errno or 0)}", file=sys.stderr, flush=True)


def read_events(folder: Path) -> list[AnyEvent]:
    """Every whole line of a job's journal in order; a line torn by a crash or unknown to us is left out.

    A job that has no journal yet gives none. Errors: `PermissionError` where this user may not read.
    """
    try:
        with open(folder / JOURNAL, "rb") as stream:
            return list(decode_lines(stream))
    except FileNotFoundError:
        return []


def decode_lines(lines: Iterator[bytes] | BinaryIO | list[bytes]) -> Iterator[AnyEvent]:
    """Journal lines as events, without those that are torn or of a kind this version does not know."""
    for line in lines:
        event = decode_line(line)
        if event is not None:
            yield event


def decode_line(line: bytes) -> AnyEvent | None:
    """One journal line as an event; None when it is torn or of an unknown kind."""
    try:
        event: AnyEvent = _decoder.decode(line)
    except msgspec.MsgspecError:
        return None
    return event


def follow_events(
    folder: Path,
    *,
    process: ProcessIdentity | None = None,
    poll: float = POLL_SECONDS,
    idle: Callable[[], None] = lambda: None,
    from_start: bool = True,
) -> Iterator[AnyEvent]:
    """Yields a job's events as they come; ends after `Finished`, or when its process is gone.

    `idle` is called at every poll and may raise to leave. A job that ended without `Finished` is lost: what
    its watcher adds is waited for 3 s at most.
    """
    follower = _Follower(folder, process)
    if not from_start:
        follower.skip()
    while True:
        alive = follower.may_write()
        for event in follower.fresh():
            yield event
            if isinstance(event, Finished):
                return
        if not alive:
            return
        idle()
        follower.pause(poll)


class _Follower:
    """Where a reader is in a journal, and whether anybody may still write to it."""

    def __init__(self, folder: Path, process: ProcessIdentity | None) -> None:
        self._path = folder / JOURNAL
        self._foreign = False
        self._offset = 0
        self._process = process
        self._watched = False
        self._lost = False
        self._begun = time.monotonic()
        self._gone_at: float | None = None

    def skip(self) -> None:
        """Goes to the end; what lies before is only looked at for the process."""
        list(self.fresh())

    def fresh(self) -> Iterator[AnyEvent]:
        """The whole lines since the last call."""
        try:
            with open(self._path, "rb") as stream:
                stream.seek(self._offset)
                data = stream.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for event in decode_lines(whole.splitlines()):
            self._note(event)
            yield event

    def may_write(self) -> bool:
        if self._foreign:
            return time.time() - self._path.stat().st_mtime < SILENT_SECONDS
        if self._process is None:
            return time.monotonic() - self._begun < START_SECONDS
        if is_alive(self._process):
            return True
        self._gone_at = self._gone_at or time.monotonic()
        waiting = time.monotonic() - self._gone_at < WATCHER_SECONDS
        return self._watched and not self._lost and waiting

    def pause(self, seconds: float) -> None:
        """Sleeps, but wakes at once when the process ends."""
        try:
            handle = os.pidfd_open(self._process.pid) if self._process and not self._foreign else None
        except OSError:
            handle = None
        if handle is None:
            time.sleep(seconds)
            return
        try:
            waiter = select.poll()
            waiter.register(handle, select.POLLIN)
            waiter.poll(seconds * 1_000)
        finally:
            os.close(handle)

    def _note(self, event: AnyEvent) -> None:
        if isinstance(event, Started):
            self._process = process_of(event)
            self._foreign = not can_see(event, this_host())
        elif isinstance(event, Checkpoint):
            self._watched = self._watched or event.name == WATCHED
            self._lost = self._lost or event.name == LOST


def process_of(started: Started) -> ProcessIdentity:
    """The process that wrote a journal."""
    return ProcessIdentity(pid=started.pid, started=started.process_started, boot_id=started.boot_id)


def can_see(started: Started, here: HostIdentity) -> bool:
    """Whether the process that wrote a journal would be seen from here: this machine, and not another container.

    One of an earlier boot of this machine would be seen, and is not.
    """
    if started.machine_id != here.machine_id:
        return False
    return started.boot_id != here.boot_id or started.pid_namespace == here.pid_namespace


def _ends_torn(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"


def _clean(event: AnyEvent) -> Any:
    document = msgspec.to_builtins(event)
    if isinstance(event, Started | Checkpoint):
        return _each_text(document, redact_values)
    if isinstance(event, Finished):
        return _each_text(document, _sentence)
    return _each_text(document, redact)


def _sentence(text: str) -> str:
    """Sentences may quote a server; a single word is a name, a key or a hash and must stay itself."""
    return redact(text) if any(letter.isspace() for letter in text) else redact_values(text)


def _each_text(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {redact_values(str(name)): _each_text(item, clean) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(item, clean) for item in value]
    return value
