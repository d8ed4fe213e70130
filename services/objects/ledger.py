"""What a running snapshot knows of its objects, kept out of memory in a temporary database that needs no name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from services.objects.key_bytes import key_bytes
from services.objects.keys import ObjectInfo
from services.objects.manifest import ObjectLine, decode_line, encode_line
from services.temporary_database import temporary_database

_SCHEMA = """
CREATE TABLE previous (key BLOB PRIMARY KEY, line BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE line (key BLOB PRIMARY KEY, size INTEGER, etag TEXT, modified TEXT, proven REAL, line BLOB NOT NULL)
WITHOUT ROWID;
CREATE TABLE early (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE late (key BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class Ledger:
    """The previous snapshot's lines and this one's, by key; used by one thread."""

    def __init__(self) -> None:
        self._database = temporary_database(_SCHEMA)
        self._twice = False

    def close(self) -> None:
        """Forgets everything."""
        self._database.close()

    def add_previous(self, lines: Iterator[bytes]) -> None:
        """Takes the previous object manifest's raw lines."""
        self._database.executemany(
            "INSERT OR REPLACE INTO previous VALUES (?, ?)",
            ((key_bytes(decode_line(line).key), line) for line in lines),
        )

    def forget_previous(self) -> None:
        """Drops what a damaged previous manifest gave."""
        self._database.execute("DELETE FROM previous")

    def previous(self, key: str) -> ObjectLine | None:
        """The object as the previous snapshot has it."""
        row = self._database.execute("SELECT line FROM previous WHERE key = ?", (key_bytes(key),)).fetchone()
        return decode_line(row[0]) if row else None

    def put(self, line: ObjectLine, *, linked: bool = False) -> None:
        """Takes or replaces a line of this snapshot; `linked` ones are read again in turn."""
        proven = line.proven_at.timestamp() if linked and line.proven_at else None
        self._database.execute(
            "INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?, ?)",
            (key_bytes(line.key), line.size, line.etag, line.last_modified, proven, encode_line(line)),
        )

    def get(self, key: str) -> ObjectLine | None:
        """A line of this snapshot."""
        row = self._database.execute("SELECT line FROM line WHERE key = ?", (key_bytes(key),)).fetchone()
        return decode_line(row[0]) if row else None

    def knows(self, info: ObjectInfo) -> bool:
        """Whether this snapshot has the object exactly as it is listed."""
        row = self._database.execute(
            "SELECT size, etag, modified FROM line WHERE key = ?", (key_bytes(info.key),)
        ).fetchone()
        return row is not None and row == (info.size, info.etag, info.last_modified)

    def begin_second(self) -> None:
        """From here on listed keys are those of the second listing."""
        self._database.execute("INSERT INTO early SELECT key FROM line")
        self._twice = True

    def listed_again(self, key: str) -> None:
        """The second listing has this key."""
        self._database.execute("INSERT OR IGNORE INTO late VALUES (?)", (key_bytes(key),))

    def oldest_proven(self, part: int) -> list[ObjectLine]:
        """The linked lines whose `proven_at` are the oldest 1/`part` (rounded up)."""
        count = self._database.execute("SELECT count(*) FROM line WHERE proven IS NOT NULL").fetchone()[0]
        rows = self._database.execute(
            "SELECT line FROM line WHERE proven IS NOT NULL ORDER BY proven, key LIMIT ?",
            (-(-count // part),),
        ).fetchall()
        return [decode_line(row[0]) for row in rows]

    def remove(self, key: str) -> None:
        """Forgets an object that was gone before it could be read."""
        self._database.execute("DELETE FROM line WHERE key = ?", (key_bytes(key),))

    def lines(self) -> Iterator[ObjectLine]:
        """Every line of this snapshot in the byte order of their keys, with what came or went between the listings."""
        cursor = self._database.execute(
            "SELECT line, key IN (SELECT key FROM early), key IN (SELECT key FROM late) FROM line ORDER BY key"
        )
        for data, early, late in cursor:
            line = decode_line(data)
            moved: Literal["", "added", "removed"] = ""
            if self._twice and early != late:
                moved = "removed" if early else "added"
            # A linked line brings what the previous snapshot knew of its own time.
            yield line if line.moved == moved else msgspec.structs.replace(line, moved=moved)
