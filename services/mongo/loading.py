"""What is known of one collection while it is loaded aside."""

from __future__ import annotations

import threading
from typing import Any

from services.archive.documents import MASK64, Sums
from services.mongo.aside import Incoming


class Loading:
    """One collection while it is loaded; counters are changed under `lock` only."""

    def __init__(self, incoming: Incoming, uuid: str, server: str) -> None:
        self.incoming = incoming
        self.uuid = uuid
        self.server = server
        self.lock = threading.Lock()
        self.stream = Sums()
        self.expected = Sums()
        self.pending = 1
        self.waiting: list[Any] = []
        self.waiting_bytes = 0
        self.broken = ""

    def expect(self, documents: int, size: int, content: int) -> str:
        """Adds documents of the stream to what the server must hold; why the load is broken already, or ""."""
        with self.lock:
            self.expected.documents += documents
            self.expected.bytes += size
            self.expected.content = (self.expected.content + content) & MASK64
            return self.broken

    def take_off(self, sums: Sums) -> None:
        """Documents that are not loaded are not expected either."""
        with self.lock:
            self.expected.documents -= sums.documents
            self.expected.bytes -= sums.bytes
            self.expected.content = (self.expected.content - sums.content) & MASK64
