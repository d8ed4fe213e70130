"""Every encrypted value of a database and whose it may be, in bounded memory and unreadable on disk.

The values, ids of users and keys lie in SQLite's own temporary file, each sealed with a key that only this
process has, so that nothing of an encrypted backup reaches a disk in clear.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import msgspec

from services.archive.documents import split_documents
from services.archive.model import Buffer
from services.pepper.values import KEYS, PLACES, PROFILES, USERS, WANTS, Stored, of_key, of_profile, of_user
from services.temporary_database import temporary_database

PENDING, OPENED, FAILED, UNTOLD, DAMAGED, LEFT = range(6)
"""What became of a value; `LEFT` were left out of a probe."""
OWNERS_TRIED = 3
"""Users whose profiles name a key that are tried before all others."""

_SCHEMA = """
CREATE TABLE users (n INTEGER PRIMARY KEY, mark BLOB UNIQUE, name BLOB, there INTEGER);
CREATE TABLE votes (key BLOB, user INTEGER, votes INTEGER, PRIMARY KEY (key, user)) WITHOUT ROWID;
CREATE TABLE vals (n INTEGER PRIMARY KEY, place INTEGER, key BLOB, owner INTEGER, held BLOB, why TEXT,
                   state INTEGER, opener INTEGER, seen BLOB);
CREATE TABLE whole (n INTEGER PRIMARY KEY, at INTEGER, restores TEXT);
CREATE INDEX by_owner ON vals (owner);
CREATE INDEX by_key ON vals (key);
CREATE INDEX by_state ON vals (state);
CREATE INDEX by_user ON votes (user);
CREATE INDEX by_sight ON vals (seen);
"""


class Held(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A value as it lies sealed."""

    id: str
    iv: bytes
    sealed: bytes
    own: str


class Vault:
    """A collector of encrypted values: `wants` collections, `add` raw documents. Used by one thread; close it."""

    wants = WANTS

    def __init__(self, *, marking: bytes | None = None) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(os.urandom(32))
        self._marking = marking or os.urandom(32)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Held).decode
        self.database = temporary_database(_SCHEMA, any_thread=True)

    def close(self) -> None:
        """Forgets everything."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, collection: str, data: Buffer) -> None:
        """Takes whole raw documents of one of the wanted collections; others are ignored."""
        if collection not in self.wants:
            return
        for document in split_documents(data):
            raw = bytes(document)
            if collection == USERS:
                user, values = of_user(raw)
                if user:
                    self._user(user, there=True)
                for value in values:
                    self._keep(value)
            elif collection == KEYS:
                self._keep(of_key(raw))
            elif collection in PROFILES and (vote := of_profile(raw)) is not None:
                self._vote(*vote)

    def _keep(self, value: Stored) -> None:
        owner = self._user(value.owner) if value.owner else None
        plain = self._encode(Held(value.id, value.iv, value.sealed, value.own))
        held = self._seal(plain)
        self.database.execute(
            "INSERT INTO vals VALUES (NULL, ?, ?, ?, ?, ?, ?, NULL, ?)",
            (
                PLACES.index(value.place),
                self._mark(value.id) if value.place == PLACES[0] else b"",
                owner,
                held,
                value.damage,
                DAMAGED if value.damage else PENDING,
                hashlib.blake2b(plain + value.damage.encode(), digest_size=16, key=self._marking).digest(),
            ),
        )

    def _vote(self, key: str, user: str) -> None:
        self.database.execute(
            "INSERT INTO votes VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET votes = votes + 1",
            (self._mark(key), self._user(user)),
        )

    def _user(self, name: str, *, there: bool = False) -> int:
        mark = self._mark(name)
        row = self.database.execute("SELECT n, there FROM users WHERE mark = ?", (mark,)).fetchone()
        if row is None:
            cursor = self.database.execute(
                "INSERT INTO users VALUES (NULL, ?, ?, ?)", (mark, self._seal(name.encode()), there)
            )
            return int(cursor.lastrowid or 0)
        if there and not row[1]:
            self.database.execute("UPDATE users SET there = 1 WHERE n = ?", (row[0],))
        return int(row[0])

    def mark_of(self, user: int | None) -> bytes:
        """By what a user is known in a vault made by `anew`; empty for None."""
        row = self.database.execute("SELECT mark FROM users WHERE n = ?", (user,)).fetchone()
        return row[0] if row else b""

    def _mark(self, text: str) -> bytes:
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"), digest_size=16, key=self._marking
        ).digest()

    def _seal(self, data: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, data, None)

    def open_held(self, sealed: bytes) -> Held:
        """A value as it was stored."""
        return self._decode(self._cipher.decrypt(sealed[:12], sealed[12:], None))

    def open_name(self, sealed: bytes) -> str:
        """A user's id."""
        return self._cipher.decrypt(sealed[:12], sealed[12:], None).decode()

    def one(self, query: str, *given: Any) -> int:
        """The one number a query answers."""
        row = self.database.execute(query, given).fetchone()
        return int(row[0] or 0)

    def rows(self, query: str, *given: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, one after another."""
        yield from self.database.execute(query, given)

    def restart(self) -> None:
        """Every value is to be tried again."""
        self.database.execute("UPDATE vals SET state = ?, opener = NULL WHERE state != ?", (PENDING, DAMAGED))

    def anew(self) -> Vault:
        """An empty vault for a second look at the same data, whose values can be told from this one's."""
        return Vault(marking=self._marking)

    def without_moved(self, later: Vault) -> int:
        """Forgets what did not open here and is not the same, or not there, in a second look; how many."""
        rows = self.rows("SELECT n, seen FROM vals WHERE state IN (?, ?, ?)", FAILED, UNTOLD, DAMAGED)
        moved = [(n,) for n, seen in rows if not later.one("SELECT count(*) FROM vals WHERE seen = ?", seen)]
        self.database.executemany("DELETE FROM vals WHERE n = ?", moved)
        return len(moved)

    def sample(self, limit: int) -> None:
        """Leaves all but `limit` values out, those with a known owner first, the places by turns."""
        known = "(owner IS NOT NULL OR key IN (SELECT key FROM votes))"
        queues = [
            [
                int(row[0])
                for row in self.rows(
                    f"SELECT n FROM vals WHERE place = ? AND state = ? ORDER BY {known} DESC, n LIMIT ?",
                    place,
                    PENDING,
                    limit,
                )
            ]
            for place in range(len(PLACES))
        ]
        chosen = [queue[turn] for turn in range(limit) for queue in queues if turn < len(queue)][:limit]
        self.database.execute("UPDATE vals SET state = ? WHERE state = ?", (LEFT, PENDING))
        self.database.executemany("UPDATE vals SET state = ? WHERE n = ?", [(PENDING, n) for n in chosen])
