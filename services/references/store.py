"""Ids and references of any number of documents in a file of SQLite's own, so that memory stays flat.

The file holds hashes under this process's own key. What the documents say (their ids, their users', the ids they
name) lies beside them enciphered under a key that is never written: an encrypted backup leaves nothing readable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby, islice
from typing import Any

import msgspec

from services.errors import QuillkeepError
from services.temporary_database import kept, temporary_database

ROWS = 4_000
"""Rows of one kind that wait in memory."""
DOCUMENTS = 1_000
"""Documents of one enciphered batch."""
BATCH_BYTES = 1 << 20
MAX_PLACES = 1_000
_PLACES = 1 << 16

_SCHEMA = """
PRAGMA cache_size=-4000;
CREATE TABLE ids (k INTEGER, h INTEGER, place INTEGER);
CREATE TABLE refs (k INTEGER, t INTEGER, h INTEGER, place INTEGER);
CREATE TABLE said (h INTEGER, n INTEGER, place INTEGER);
CREATE TABLE held (h INTEGER, n INTEGER, place INTEGER);
CREATE TABLE sealed (n INTEGER PRIMARY KEY, data BLOB);
"""
_SETTLED = """
CREATE TABLE known (k INTEGER, h INTEGER, n INTEGER, PRIMARY KEY (k, h)) WITHOUT ROWID;
INSERT INTO known SELECT k, h, count(*) FROM ids GROUP BY k, h;
CREATE TABLE gone (k INTEGER, h INTEGER, place INTEGER);
INSERT INTO gone SELECT k, h, place FROM (SELECT k, t, h, place FROM refs ORDER BY t, h) AS r
    WHERE NOT EXISTS (SELECT 1 FROM known WHERE known.k = r.t AND known.h = r.h);
CREATE TABLE messages (h INTEGER PRIMARY KEY, n INTEGER);
INSERT INTO messages SELECT h, sum(n) FROM held GROUP BY h;
"""
_TABLES = {"ids": 3, "refs": 4, "said": 3, "held": 3}


class Noted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is kept of a document: how it is called, its `_id` (type and raw value), its user, the ids it names."""

    label: bytes
    kind: int
    raw_id: bytes
    user: bytes
    names: list[tuple[int, bytes]]


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(list[Noted]).decode


class Store:
    """`note` documents and add their rows, then `settle`, then ask. Used by one thread."""

    def __init__(self) -> None:
        self._database = temporary_database(_SCHEMA)
        self._key = os.urandom(32)
        self._rows: dict[str, list[Sequence[int]]] = {name: [] for name in _TABLES}
        self._noted: list[Noted] = []
        self._noted_bytes = 0
        self._batch = 0
        self._read = lru_cache(maxsize=2)(self._read_batch)

    def close(self) -> None:
        """Forgets everything."""
        self._read.cache_clear()
        self._database.close()

    def note(self, noted: Noted) -> int:
        """Keeps a document and gives its place."""
        if len(self._noted) >= DOCUMENTS or self._noted_bytes >= BATCH_BYTES:
            self._seal()
        self._noted.append(noted)
        # About what they take in memory; an id may be as long as a document.
        self._noted_bytes += 150 + len(noted.label) + sum([60 + len(text) for _, text in noted.names])
        return self._batch * _PLACES + len(self._noted) - 1

    def add(self, table: str, row: Sequence[int]) -> None:
        """One row of `ids` (k, h, place), `refs` (k, t, h, place), `said` or `held` (h, n, place)."""
        rows = self._rows[table]
        rows.append(row)
        if len(rows) >= ROWS:
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows = self._rows[table]
        with kept():
            self._database.executemany(
                f"INSERT INTO {table} VALUES ({', '.join('?' * _TABLES[table])})", rows
            )
        rows.clear()

    def _seal(self) -> None:
        if self._noted:
            data = self._cipher(self._batch, _encode(self._noted))
            with kept():
                self._database.execute("INSERT INTO sealed VALUES (?, ?)", (self._batch, data))
            self._noted = []
            self._noted_bytes = 0
        self._batch += 1

    def _cipher(self, number: int, data: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        nonce = number.to_bytes(8, "big") + bytes(8)
        return Cipher(algorithms.AES(self._key), modes.CTR(nonce)).encryptor().update(data)

    def noted(self, place: int) -> Noted:
        """The document of a place; ask in the order of places."""
        found: list[Noted] = self._read(place // _PLACES)
        return found[place % _PLACES]

    def _read_batch(self, number: int) -> list[Noted]:
        row = self._database.execute("SELECT data FROM sealed WHERE n = ?", (number,)).fetchone()
        return _decode(self._cipher(number, row[0]))

    def settle(self, check: Callable[[], None]) -> None:
        """Sorts what was added; from here on it is only asked."""
        self._seal()
        for table in _TABLES:
            self._flush(table)
        # A statement over millions of rows is left when somebody cancels.
        stopped: list[QuillkeepError] = []

        def look() -> int:
            try:
                check()
            except QuillkeepError as error:
                stopped.append(error)
                return 1
            return 0

        self._database.set_progress_handler(look, 2_000_000)
        try:
            with kept():
                self._database.executescript(_SETTLED)
        except QuillkeepError:
            if stopped:
                raise stopped[0] from None
            raise
        finally:
            self._database.set_progress_handler(None, 0)

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self._database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def referring(self) -> dict[int, int]:
        """How many references there are of each number."""
        return dict(self._database.execute("SELECT k, count(*) FROM refs GROUP BY k"))

    def known(self) -> dict[int, int]:
        """How many different ids there are of each kind."""
        return dict(self._database.execute("SELECT k, count(*) FROM known GROUP BY k"))

    def gone(self, number: int) -> tuple[int, int]:
        """(documents, different targets) of the references of a number to what is not there."""
        row = self._database.execute(
            "SELECT count(DISTINCT place), count(DISTINCT h) FROM gone WHERE k = ?", (number,)
        ).fetchone()
        return int(row[0]), int(row[1])

    def gone_rows(self, number: int) -> Iterator[tuple[int, bytes, int]]:
        """(hash, target, place) of each such reference, in the order of places."""
        rows = self._fresh("SELECT h, place FROM gone WHERE k = ? ORDER BY place, h", (number,))
        for h, place in rows:
            target = next(
                (text for k, text in self.noted(place).names if k == number and hash(text) == h), b""
            )
            yield h, target, place

    def doubles(self, kind: int) -> Iterator[tuple[int, list[int]]]:
        """(hash, places) of ids of a kind that several documents have, at most `MAX_PLACES` of each."""
        rows = self._fresh(
            "SELECT h, place FROM ids WHERE k = :kind AND h IN (SELECT h FROM known WHERE k = :kind AND n > 1) "
            "ORDER BY h, place",
            {"kind": kind},
        )
        for h, same in groupby(rows, key=lambda row: row[0]):
            yield h, [int(place) for _, place in islice(same, MAX_PLACES)]

    def short(self) -> Iterator[tuple[int, int | None, int]]:
        """(place of the chat, messages there or None without a document, messages it says), fewer than it says."""
        yield from self._fresh(
            "SELECT said.place, messages.n, said.n FROM said LEFT JOIN messages ON messages.h = said.h "
            "WHERE said.n > coalesce(messages.n, 0) ORDER BY said.place",
            (),
        )

    def forget(self, rows: Iterable[tuple[int, int, int]]) -> None:
        """Takes (number, hash, place) out of what is gone."""
        self._database.executemany("DELETE FROM gone WHERE k = ? AND h = ? AND place = ?", rows)

    def _fresh(self, statement: str, parameters: Sequence[Any] | Mapping[str, Any]) -> Iterator[Any]:
        # A cursor of its own: others are asked while this one is read.
        with kept():
            yield from self._database.cursor().execute(statement, parameters)
