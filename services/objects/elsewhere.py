"""What one snapshot lacks, found in another: `--objects-from any`."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from services.errors import QuillkeepError
from services.objects.fetching import hash_file
from services.objects.filenames import inside
from services.objects.key_bytes import key_bytes
from services.objects.linking import PreviousSnapshot
from services.objects.manifest import read_lines
from services.temporary_database import temporary_database


class Elsewhere:
    """Finds a key's file in other snapshots of ours, given newest first; call it with key and sha256 ("" = any).

    The index is read at the first call and kept on disk. A file is given only when its bytes still are those
    of its own object manifest. `skipped` names snapshots whose object manifest cannot be read. Thread-safe.
    """

    def __init__(self, snapshots: Sequence[PreviousSnapshot]) -> None:
        self._snapshots = tuple(snapshots)
        self._lock = threading.Lock()
        self._index: sqlite3.Connection | None = None
        self._bad: set[Path] = set()
        self.skipped: list[str] = []

    def __call__(self, key: str, sha256: str) -> Path | None:
        with self._lock:
            rows = self._rows(key, sha256)
        for number, file, recorded in rows:
            path = self._snapshots[number].folder / file
            if path not in self._bad and self._holds(self._snapshots[number].folder, file, recorded):
                return path
            self._bad.add(path)
        return None

    def _holds(self, folder: Path, file: str, recorded: str) -> bool:
        try:
            return hash_file(inside(folder, file)) == recorded
        except (OSError, ValueError):
            return False

    def _rows(self, key: str, sha256: str) -> list[tuple[int, str, str]]:
        if self._index is None:
            self._index = self._read()
        return self._index.execute(
            "SELECT snapshot, file, sha256 FROM object WHERE key = ? AND (sha256 = ? OR ? = '') ORDER BY snapshot",
            (key_bytes(key), sha256, sha256),
        ).fetchall()

    def _read(self) -> sqlite3.Connection:
        index = temporary_database(
            "CREATE TABLE object (key BLOB, snapshot INTEGER, file TEXT, sha256 TEXT)", any_thread=True
        )
        for number, snapshot in enumerate(self._snapshots):
            try:
                index.executemany(
                    "INSERT INTO object VALUES (?, ?, ?, ?)",
                    (
                        (key_bytes(line.key), number, line.path, line.sha256)
                        for line in read_lines(snapshot.lines)
                        if line.missing is None
                    ),
                )
            except QuillkeepError as error:
                self.skipped.append(f"{snapshot.folder.name}: {error.what}")
        index.execute("CREATE INDEX by_key ON object (key)")
        return index
