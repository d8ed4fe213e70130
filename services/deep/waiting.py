"""Waiting for a server without ceasing to look whether the wait still makes sense."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.1


def watched(action: Callable[[], T], check: Callable[[], None]) -> T:
    """Runs a long command in a thread of its own while `check`, which may raise, goes on being called."""
    found: list[T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            found.append(action())
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        check()
    if failed:
        raise failed[0]
    return found[0]
