"""Worker threads for blocking transfers; the calling thread only waits, so signals and cancels are heard at once."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

POLL_SECONDS = 0.1
LEAVE_SECONDS = 5.0
"""How long a failed or cancelled pool waits for its workers to finish what they hold."""


def _nothing() -> None:
    """No cancel."""


class ByteBudget:
    """Bounds the bytes that threads hold at once; one larger than the whole budget passes alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Waits until `size` bytes fit."""
        size = min(size, self._most)
        with self._changed:
            self._changed.wait_for(lambda: self._held + size <= self._most)
            self._held += size
        try:
            yield
        finally:
            with self._changed:
                self._held -= size
                self._changed.notify_all()


def run_pool(
    tasks: Iterable[T],
    work: Callable[[T], R],
    done: Callable[[R], None],
    *,
    threads: int,
    check: Callable[[], None] = _nothing,
) -> None:
    """Runs `work` over `tasks` in threads and `done` over the results in this one, in order of completion.

    At most 4 tasks a thread are in flight. The first error of a worker, of `done` or of `check` stops
    everything and is raised.
    """
    todo: queue.SimpleQueue[Any] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
    stop = threading.Event()
    end = object()

    def worker() -> None:
        while (task := todo.get()) is not end:
            if stop.is_set():
                continue
            try:
                outcome = work(task)
            except BaseException as error:  # noqa: BLE001  raised again in the calling thread
                results.put((None, error))
            else:
                results.put((outcome, None))

    workers: list[threading.Thread] = []
    outstanding = 0

    def collect(wait: bool) -> bool:
        nonlocal outstanding
        try:
            outcome, error = results.get(timeout=POLL_SECONDS) if wait else results.get_nowait()
        except queue.Empty:
            return False
        outstanding -= 1
        if error is not None:
            raise error
        done(outcome)
        return True

    try:
        for task in tasks:
            check()
            if len(workers) < threads:
                workers.append(threading.Thread(target=worker, daemon=True, name="objects"))
                workers[-1].start()
            todo.put(task)
            outstanding += 1
            while collect(wait=False):
                pass
            while outstanding >= threads * 4:
                check()
                collect(wait=True)
        while outstanding:
            check()
            collect(wait=True)
    except BaseException:
        stop.set()
        raise
    finally:
        for _ in workers:
            todo.put(end)
        for thread in workers:
            thread.join(LEAVE_SECONDS / max(1, len(workers)) if stop.is_set() else None)


def in_background(
    items: Iterable[T], *, check: Callable[[], None] = _nothing, ahead: int = 2000
) -> Generator[T, None, None]:
    """Iterates `items` in a thread, up to `ahead` in advance, and yields them here; `check` is asked while waiting."""
    ready: queue.Queue[Any] = queue.Queue(ahead)
    stop = threading.Event()

    def offer(item: Any) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=POLL_SECONDS)
                return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not offer((item, None, False)):
                    return
        except BaseException as error:  # noqa: BLE001  raised again in the calling thread
            offer((None, error, True))
        else:
            offer((None, None, True))

    threading.Thread(target=produce, daemon=True, name="objects-list").start()
    try:
        while True:
            try:
                item, error, last = ready.get(timeout=POLL_SECONDS)
            except queue.Empty:
                check()
                continue
            if error is not None:
                raise error
            if last:
                return
            yield item
    finally:
        stop.set()
