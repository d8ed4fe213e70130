"""Rows and objects side by side, in a database of SQLite's own on disk, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from services.catalog.naming import printable
from services.objects.key_bytes import key_bytes, key_text
from services.pairs.facts import VERDICTS, Broken, ObjectFacts, RowFacts, Verdict
from services.temporary_database import temporary_database

# `row` and `object` have the fields of `RowFacts` and `ObjectFacts`, in their order.
_SCHEMA = """
CREATE TABLE row (n INTEGER PRIMARY KEY, key BLOB, id TEXT, user TEXT, size INTEGER, sha256 TEXT, mime TEXT,
                  bucket TEXT, name TEXT, created TEXT, ref BLOB, odd TEXT, stranger INTEGER);
CREATE TABLE object (key BLOB PRIMARY KEY, size INTEGER, etag TEXT, sha256 TEXT, claimed TEXT, type TEXT,
                     missing TEXT, moved TEXT, modified TEXT) WITHOUT ROWID;
CREATE TABLE verdict (n INTEGER PRIMARY KEY, kind TEXT);
CREATE TABLE moved (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE unread (key BLOB PRIMARY KEY, why TEXT) WITHOUT ROWID;
CREATE TABLE again (key BLOB PRIMARY KEY, size INTEGER, etag TEXT, modified TEXT) WITHOUT ROWID;
"""
_PAIRED = "FROM row r JOIN object o ON o.key = r.key WHERE o.missing IS NULL"
_ROW = "r.n, r.key, r.id, r.user, r.size, r.sha256, r.mime, r.bucket, r.name, r.created, r.ref, r.odd, r.stranger"
_OBJECT = "o.key, o.size, o.etag, o.sha256, o.claimed, o.type, o.missing, o.moved, o.modified"
_POINTED = "o.missing IS NULL AND EXISTS (SELECT 1 FROM row r WHERE r.key = o.key)"
_MOVED = (
    "FROM moved m WHERE NOT EXISTS (SELECT 1 FROM row r JOIN verdict v ON v.n = r.n WHERE r.key = m.key) "
    "AND (EXISTS (SELECT 1 FROM row r WHERE r.key = m.key) "
    "OR NOT EXISTS (SELECT 1 FROM object o WHERE o.key = m.key AND o.missing IS NULL AND o.moved = ''))"
)
_LONE = "FROM object o WHERE o.missing IS NULL AND o.moved = ? AND NOT EXISTS (SELECT 1 FROM row r WHERE r.key = o.key)"


class PairsTable:
    """Filled with rows and objects, then asked. Used by one thread at a time; `close` forgets everything.

    `sealed` keeps all of it in memory (about 0.5 KB a row): what was decrypted is written to no disk.
    """

    def __init__(self, *, sealed: bool = False) -> None:
        self._database = temporary_database(_SCHEMA, in_memory=sealed, any_thread=True)

    def close(self) -> None:
        """Forgets everything."""
        self._database.close()

    def add_rows(self, rows: Iterable[RowFacts]) -> None:
        """Takes rows of `files`, in any order."""
        self._database.executemany(
            "INSERT INTO row VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row_values, rows)
        )

    def add_objects(self, objects: Iterable[ObjectFacts]) -> None:
        """Takes objects; a key that is there already is replaced."""
        self._database.executemany(
            "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_object_values, objects)
        )

    def replace_row(self, n: int, row: RowFacts) -> None:
        """What a row says now."""
        self.drop_row(n)
        self._database.execute(
            "INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (n, *_row_values(row))
        )

    def drop_row(self, n: int) -> None:
        """Forgets a row that is gone."""
        self._database.execute("DELETE FROM row WHERE n = ?", (n,))

    def drop_object(self, key: str) -> None:
        """Forgets an object that is gone."""
        self._database.execute("DELETE FROM object WHERE key = ?", (key_bytes(key),))

    def mark_moved(self, key: str) -> None:
        """Remembers that a key's row or object came or went while it was looked at."""
        self._database.execute("INSERT OR IGNORE INTO moved VALUES (?)", (key_bytes(key),))

    def mark_unread(self, key: str, why: str) -> None:
        """Remembers that an object could not be looked at."""
        self._database.execute(
            "INSERT OR REPLACE INTO unread VALUES (?, ?)", (key_bytes(key), printable(why))
        )

    def headed(self, key: str, *, type: str | None, claimed: str) -> None:
        """What an object's headers say."""
        self._database.execute(
            "UPDATE object SET type = ?, claimed = ? WHERE key = ?", (type, claimed, key_bytes(key))
        )

    def hashed(self, key: str, sha256: str) -> None:
        """The sha256 of an object's bytes."""
        self._database.execute("UPDATE object SET sha256 = ? WHERE key = ?", (sha256, key_bytes(key)))

    def index(self) -> None:
        """Finds rows by key from now on; after they were added."""
        self._database.execute("CREATE INDEX IF NOT EXISTS row_by_key ON row (key)")

    def same_row(self, n: int, row: RowFacts) -> bool:
        """Whether a row still says the same of its object."""
        found = self._database.execute("SELECT key, size, sha256, mime FROM row WHERE n = ?", (n,)).fetchone()
        key = None if row.key is None else key_bytes(row.key)
        return bool(found == (key, row.size, row.sha256, row.mime))

    def same_object(self, one: ObjectFacts) -> bool:
        """Whether an object is known with this size."""
        found = self._database.execute(
            "SELECT 1 FROM object WHERE key = ? AND size = ? AND missing IS NULL",
            (key_bytes(one.key), one.size),
        ).fetchone()
        return found is not None

    def broken_refs(self) -> Iterator[tuple[int, bytes, str]]:
        """Number, `_id` and key of every row whose object is missing or altered; those may change meanwhile."""
        cursor = self._database.execute(
            "SELECT v.n, r.ref, r.key FROM verdict v JOIN row r ON r.n = v.n ORDER BY v.n"
        )
        for n, ref, key in cursor:
            yield n, ref, key_text(key)

    def excuse(self, started: str) -> None:
        """Of a backup: a row without an object that was written since `started` is one that was deleted meanwhile.

        An upload after the first listing of the objects, deleted before the second, leaves exactly that.
        """
        late = (
            "FROM verdict v JOIN row r ON r.n = v.n WHERE v.kind = 'missing' AND r.created >= ? "
            "AND NOT EXISTS (SELECT 1 FROM object o WHERE o.key = r.key)"
        )
        self._database.execute(f"INSERT OR IGNORE INTO moved SELECT r.key {late}", (started,))
        self._database.execute(f"DELETE FROM verdict WHERE n IN (SELECT v.n {late})", (started,))

    def relist(self, objects: Iterable[ObjectFacts], *, prefix: str) -> None:
        """A second listing below `prefix`: what came since is added, what is gone dropped; both have moved."""
        ask = self._database.execute
        self._database.executemany(
            "INSERT OR REPLACE INTO again VALUES (?, ?, ?, ?)",
            ((key_bytes(one.key), one.size, one.etag, one.modified) for one in objects),
        )
        came = (
            "FROM again a WHERE NOT EXISTS (SELECT 1 FROM object o WHERE o.key = a.key AND o.size = a.size)"
        )
        gone = (
            "SELECT o.key FROM object o WHERE NOT EXISTS (SELECT 1 FROM again a WHERE a.key = o.key) "
            "AND substr(o.key, 1, ?) = ?"
        )
        below = (len(key_bytes(prefix)), key_bytes(prefix))
        ask(f"INSERT OR IGNORE INTO moved SELECT a.key {came}")
        ask(f"INSERT OR IGNORE INTO moved {gone}", below)
        ask(
            "INSERT OR REPLACE INTO object SELECT a.key, a.size, a.etag, '', '', NULL, NULL, '', a.modified "
            + came
        )
        ask(f"DELETE FROM object WHERE key IN ({gone})", below)
        ask("DELETE FROM again")

    def judge(self, *, heads: bool) -> None:
        """Compares every row with its object, anew; `heads` compares what the headers say too."""
        self.index()
        self._database.execute("DELETE FROM verdict")
        self._database.execute(
            """
            INSERT INTO verdict SELECT n, kind FROM (
              SELECT r.n AS n, CASE
                WHEN o.key IS NULL OR o.missing IS NOT NULL THEN 'missing'
                WHEN r.size IS NOT NULL AND o.size != r.size THEN 'size'
                WHEN r.sha256 != '' AND o.sha256 != '' AND r.sha256 != o.sha256 THEN 'sha256'
                WHEN ? AND r.sha256 != '' AND o.sha256 = '' AND o.claimed != '' AND r.sha256 != o.claimed
                  THEN 'claimed'
                WHEN ? AND r.mime != '' AND o.type IS NOT NULL AND o.type != r.mime THEN 'type'
                WHEN ? AND r.sha256 != '' AND o.claimed != '' AND r.sha256 != o.claimed THEN 'metadata'
              END AS kind
              FROM row r LEFT JOIN object o ON o.key = r.key
              WHERE r.key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM unread u WHERE u.key = r.key))
            WHERE kind IS NOT NULL
            """,
            (heads, heads, heads),
        )

    def count(self, what: Literal["row", "object", "unread"]) -> int:
        """How many there are; objects without bytes are not counted."""
        return self._one(
            f"SELECT count(*) FROM {what}" + (" WHERE missing IS NULL" if what == "object" else "")
        )

    def broken(self, *kinds: Verdict, limit: int = -1) -> Iterator[Broken]:
        """Rows whose object is missing or altered, by key; without `kinds` all."""
        kinds = kinds or VERDICTS
        marks = ", ".join("?" * len(kinds))
        cursor = self._database.execute(
            f"SELECT v.kind, {_ROW}, {_OBJECT} FROM verdict v JOIN row r ON r.n = v.n "
            f"LEFT JOIN object o ON o.key = r.key WHERE v.kind IN ({marks}) ORDER BY r.key LIMIT ?",
            (*kinds, limit),
        )
        for values in cursor:
            found = None if values[14] is None else _object(values[14:])
            yield Broken(values[1], values[0], _row(values[1:14]), found)

    def broken_count(self, *kinds: Verdict) -> int:
        """How many rows have one of these verdicts; without `kinds` any."""
        kinds = kinds or VERDICTS
        marks = ", ".join("?" * len(kinds))
        return self._one(f"SELECT count(*) FROM verdict WHERE kind IN ({marks})", *kinds)

    def orphans(self, *, moved: str = "", limit: int = -1) -> Iterator[ObjectFacts]:
        """Objects without a row, by key: those that `moved` so while a backup ran, else all the others."""
        for values in self._database.execute(
            f"SELECT {_OBJECT} {_LONE} ORDER BY o.key LIMIT ?", (moved, limit)
        ):
            yield _object(values)

    def orphan_count(self, *, moved: str = "") -> int:
        """How many of them."""
        return self._one(f"SELECT count(*) {_LONE}", moved)

    def pairs(self) -> Iterator[ObjectFacts]:
        """Every object that a row points at, once, by key."""
        for values in self._database.execute(
            f"SELECT {_OBJECT} FROM object o WHERE {_POINTED} ORDER BY o.key"
        ):
            yield _object(values)

    def pair_totals(self) -> tuple[int, int]:
        """Objects that a row points at, and their bytes."""
        found = self._database.execute(
            f"SELECT count(*), coalesce(sum(size), 0) FROM object o WHERE {_POINTED}"
        ).fetchone()
        return int(found[0]), int(found[1])

    def rows_where(
        self, which: Literal["outside", "odd", "stranger"], *, limit: int = -1
    ) -> Iterator[RowFacts]:
        """Rows without a key, of odd types, or whose key names another user."""
        for values in self._database.execute(
            f"SELECT {_ROW} FROM row r WHERE {_WHICH[which]} LIMIT ?", (limit,)
        ):
            yield _row(values)

    def rows_count(self, which: Literal["outside", "odd", "stranger"]) -> int:
        """How many of them."""
        return self._one(f"SELECT count(*) FROM row r WHERE {_WHICH[which]}")

    def shared(self, *, limit: int = -1) -> Iterator[tuple[str, int, tuple[str, ...]]]:
        """Keys that more than one row points at: key, rows, and the ids of the first three."""
        keys = self._database.execute(
            "SELECT key, count(*) FROM row WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1 LIMIT ?",
            (limit,),
        )
        for key, count in keys:
            ids = self._database.execute("SELECT id FROM row WHERE key = ? ORDER BY n LIMIT 3", (key,))
            yield key_text(key), count, tuple(row[0] for row in ids)

    def shared_count(self) -> int:
        """How many keys."""
        return self._one(
            "SELECT count(*) FROM (SELECT 1 FROM row WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1)"
        )

    def buckets(self) -> dict[str, int]:
        """Rows that name a bucket, by its name; the twenty with the most rows."""
        found = self._database.execute(
            "SELECT bucket, count(*) FROM row WHERE bucket != '' AND key IS NOT NULL "
            "GROUP BY bucket ORDER BY 2 DESC LIMIT 20"
        )
        return dict(found.fetchall())

    def rows_beyond(self, prefix: str) -> Iterator[str]:
        """Keys of rows that do not begin with the bucket's prefix and are not among the objects."""
        start = key_bytes(prefix)
        cursor = self._database.execute(
            "SELECT DISTINCT r.key FROM row r WHERE r.key IS NOT NULL AND substr(r.key, 1, ?) != ? "
            "AND NOT EXISTS (SELECT 1 FROM object o WHERE o.key = r.key)",
            (len(start), start),
        )
        for (key,) in cursor:
            yield key_text(key)

    def row_of_sha256(self, sha256: str) -> str:
        """The id of a row with these bytes, empty when there is none."""
        self._database.execute("CREATE INDEX IF NOT EXISTS row_by_sha256 ON row (sha256)")
        found = self._database.execute("SELECT id FROM row WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone()
        return found[0] if found else ""

    def key_of_id(self, id: str) -> str | None:
        """The key of the row with this files.id, None when there is no such row."""
        self._database.execute("CREATE INDEX IF NOT EXISTS row_by_id ON row (id)")
        found = self._database.execute("SELECT key FROM row WHERE id = ? LIMIT 1", (id,)).fetchone()
        return None if found is None else key_text(found[0] or b"")

    def moved(self, *, limit: int = -1) -> Iterator[str]:
        """Keys whose row or object came or went, and that are whole or gone altogether now."""
        for (key,) in self._database.execute(f"SELECT m.key {_MOVED} ORDER BY m.key LIMIT ?", (limit,)):
            yield key_text(key)

    def moved_count(self) -> int:
        """How many of them."""
        return self._one(f"SELECT count(*) {_MOVED}")

    def marked(self) -> int:
        """How many keys were marked as moved, whatever became of them."""
        return self._one("SELECT count(*) FROM moved")

    def orphan_since(self, moment: str) -> bool:
        """Whether an object without a row was put after this moment (RFC 3339 UTC, as listings have it)."""
        found = self._database.execute(
            f"SELECT 1 {_LONE} AND o.modified > ? LIMIT 1", ("", moment)
        ).fetchone()
        return found is not None

    def unread(self, *, limit: int = -1) -> Iterator[tuple[str, str]]:
        """Keys of objects that could not be looked at, and why."""
        for key, why in self._database.execute("SELECT key, why FROM unread ORDER BY key LIMIT ?", (limit,)):
            yield key_text(key), why

    def unproven_count(self) -> int:
        """Pairs whose row knows no sha256, so that nothing says what its bytes should be."""
        return self._one(f"SELECT count(*) {_PAIRED} AND r.sha256 = ''")

    def has_row(self, key: str) -> bool:
        """Whether a row points at this key."""
        found = self._database.execute(
            "SELECT 1 FROM row WHERE key = ? LIMIT 1", (key_bytes(key),)
        ).fetchone()
        return found is not None

    def has_object(self, key: str) -> bool:
        """Whether there is an object of this key."""
        found = self._database.execute("SELECT 1 FROM object WHERE key = ?", (key_bytes(key),)).fetchone()
        return found is not None

    def object_at(self, key: str) -> ObjectFacts | None:
        """The object of this key whose bytes are there."""
        found = self._database.execute(
            f"SELECT {_OBJECT} FROM object o WHERE key = ? AND missing IS NULL", (key_bytes(key),)
        ).fetchone()
        return None if found is None else _object(found)

    def _one(self, query: str, *values: object) -> int:
        return int(self._database.execute(query, values).fetchone()[0])


_WHICH = {
    "outside": "r.key IS NULL AND r.odd NOT LIKE 's3Key%' AND r.odd NOT LIKE 'it cannot be decoded%'",
    "odd": "r.odd != ''",
    "stranger": "r.stranger",
}


def _row_values(row: RowFacts) -> tuple[object, ...]:
    key, *rest = msgspec.structs.astuple(row)
    return (None if key is None else key_bytes(key), *rest)


def _object_values(found: ObjectFacts) -> tuple[object, ...]:
    key, *rest = msgspec.structs.astuple(found)
    return (key_bytes(key), *rest)


def _row(values: Sequence[Any]) -> RowFacts:
    fields = dict(zip(RowFacts.__struct_fields__, values[1:], strict=True))
    key = fields.pop("key")
    return RowFacts(
        key=None if key is None else key_text(key), stranger=bool(fields.pop("stranger")), **fields
    )


def _object(values: Sequence[Any]) -> ObjectFacts:
    fields = dict(zip(ObjectFacts.__struct_fields__, values, strict=True))
    return ObjectFacts(key=key_text(fields.pop("key")), **fields)
