"""Waiting out a server that restarts: one request is tried again until a deadline without progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import msgspec

from services.objects.failures import StoreError

T = TypeVar("T")


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds without progress after which an object is given up.

    `outage` while nothing at all answers, `single` when other objects succeed meanwhile, `alone` when there
    are no others and the server answers a listing.
    """

    outage: float = 600.0
    single: float = 30.0
    alone: float = 120.0
    pause: float = 0.3
    longest_pause: float = 5.0


MOST_GIVEN_UP = 32
"""Objects given up one after the other while only listings succeed; then it is the server, not the objects."""


class Pulse:
    """When a bucket's server last did anything for us; shared by the threads that use it.

    `probe` makes one cheap request and says whether it was answered.
    """

    def __init__(self, say: Callable[[str], None], probe: Callable[[], bool]) -> None:
        self._say = say
        self.probe = probe
        self.given_up = 0
        self._lock = threading.Lock()
        self.last = 0.0
        self.down_since: float | None = None
        self.said = False

    def beat(self) -> None:
        """The server answered."""
        self.last = time.monotonic()
        self.given_up = 0
        if self.down_since is None:
            return
        with self._lock:
            said, since, self.down_since, self.said = self.said, self.down_since, None, False
        if said and since is not None:
            self._say(f"The S3 server answers again after {self.last - since:.0f} s.")

    def miss(self, error: StoreError) -> None:
        """The server did not answer; said once it lasts."""
        now = time.monotonic()
        with self._lock:
            if self.down_since is None:
                self.down_since = now
            tell = not self.said and now - self.down_since > 2
            self.said = self.said or tell
        if tell:
            self._say(f"The S3 server has not been answering for {now - self.down_since:.0f} s: {error.text}")


class Attempt:
    """One object's tries: call `failed` after each failure; it waits, or raises when patience is over."""

    def __init__(self, patience: Patience, pulse: Pulse, check: Callable[[], None]) -> None:
        self._patience = patience
        self._pulse = pulse
        self._check = check
        self._first: float | None = None
        self._pause = patience.pause

    def progressed(self) -> None:
        """Bytes came: the deadline starts anew."""
        self._pulse.beat()
        self._first = None
        self._pause = self._patience.pause

    def failed(self, error: StoreError) -> None:
        """Waits before the next try of an outage; raises anything else, and an outage that lasts too long."""
        if error.kind != "outage":
            if error.kind != "short":
                self._pulse.beat()
            raise error
        now = time.monotonic()
        self._first = now if self._first is None else self._first
        self._pulse.miss(error)
        waited = now - self._first
        others_served = self._pulse.last > self._first
        if others_served and waited > self._patience.single:
            raise error
        if waited > self._patience.outage:
            error.server_down = True
            raise error
        if waited > self._patience.alone and self._pulse.probe():
            self._pulse.given_up += 1
            error.server_down = self._pulse.given_up > MOST_GIVEN_UP
            raise error
        until = now + self._pause
        self._pause = min(self._pause * 2, self._patience.longest_pause)
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, 0.2))
        self._check()

    def run(self, action: Callable[[], T]) -> T:
        """Repeats `action` until it succeeds or patience is over."""
        while True:
            try:
                result = action()
            except StoreError as error:
                self.failed(error)
            else:
                self._pulse.beat()
                return result
