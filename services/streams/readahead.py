"""Runs an iterator in a thread of its own, so that its work overlaps the consumer's."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.1
"""How often a producer with a full queue looks whether its consumer is gone."""
JOIN_SECONDS = 2.0
"""How long a consumer that stops early waits for its producer; one blocked in a pipe is left behind."""


class _End:
    """The iterator is exhausted, or ended in `error`."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def read_ahead(source: Iterator[T], depth: int = 3) -> Generator[T, None, None]:
    """The items of `source`, at most `depth` of them ahead; its exception is raised where it belongs in the order.

    The thread is a daemon and starts with the first item asked for. Closing the generator ends it.
    """
    items: queue.Queue[T | _End] = queue.Queue(depth)
    abandoned = threading.Event()
    thread = threading.Thread(target=_produce, args=(source, items, abandoned), daemon=True)
    thread.start()
    try:
        while True:
            item = items.get()
            if not isinstance(item, _End):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                return
    finally:
        abandoned.set()
        with contextlib.suppress(queue.Empty):
            while True:
                items.get_nowait()
        # Collected as garbage, the generator may be closed by any thread, its own producer's too.
        if thread is not threading.current_thread():
            thread.join(JOIN_SECONDS)


def _produce(source: Iterator[T], items: queue.Queue[T | _End], abandoned: threading.Event) -> None:
    end = _End(None)
    try:
        for item in source:
            if not _put(items, item, abandoned):
                break
    except BaseException as error:  # noqa: BLE001 - raised again in the consumer's thread
        end = _End(error)
    finally:
        if isinstance(source, Generator):
            source.close()
    _put(items, end, abandoned)


def _put(items: queue.Queue[T | _End], item: T | _End, abandoned: threading.Event) -> bool:
    while not abandoned.is_set():
        try:
            items.put(item, timeout=POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False
