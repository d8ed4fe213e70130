"""sha256 in a thread of its own, beside whoever reads the bytes."""

from __future__ import annotations

import hashlib
import queue
import threading

from services.archive.model import Buffer

QUEUE_CHUNKS = 32


class HashingThread:
    """Hashes the chunks it is fed, in order; `finish` gives the hexadecimal digest."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._chunks: queue.Queue[Buffer | None] = queue.Queue(QUEUE_CHUNKS)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def feed(self, chunk: Buffer) -> None:
        """Queues one chunk, waiting while too many are."""
        self._chunks.put(chunk)

    def finish(self) -> str:
        """Waits for the last chunk; the digest in lower-case hexadecimal."""
        self._chunks.put(None)
        self._thread.join()
        return self._hash.hexdigest()

    def _run(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            self._hash.update(chunk)
