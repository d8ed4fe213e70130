"""The objects of two sides, key by key: in a database of SQLite's own on disk, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

from services.objects.key_bytes import key_bytes, key_text, shown_key
from services.objects.keys import md5_of
from services.objects.source import ObjectsSource, SourceEntry
from services.operations.diff_model import ObjectsDiff, ObjectsHeld
from services.temporary_database import temporary_database

EXAMPLES = 20
ASKED = 20
"""Objects whose encryption the bucket is asked for, before its ETags are taken for MD5 sums."""

Side = Literal["a", "b"]
SIDES: tuple[Side, Side] = ("a", "b")
Outcome = Literal["same", "changed", "untold"]

_SCHEMA = """
CREATE TABLE a (key BLOB PRIMARY KEY, size INTEGER, sha256 TEXT, etag TEXT, md5 TEXT, missing INTEGER) WITHOUT ROWID;
CREATE TABLE b (key BLOB PRIMARY KEY, size INTEGER, sha256 TEXT, etag TEXT, md5 TEXT, missing INTEGER) WITHOUT ROWID;
"""
_PAIRS = "FROM a JOIN b ON a.key = b.key WHERE NOT a.missing AND NOT b.missing"
_BARE = "{0}.sha256 = '' AND {0}.etag = '' AND {0}.md5 = ''"


class Known(msgspec.Struct, frozen=True):
    """What one side knows of an object: its sums, empty where it does not."""

    sha256: str
    etag: str
    md5: str


class ObjectsComparison:
    """`fill` both sides, `hash_bare` those that know no sums, then `result`. Used by one thread."""

    def __init__(self, *, is_md5: Callable[[str], bool] | None = None) -> None:
        self._database = temporary_database(_SCHEMA)
        self._is_md5 = is_md5
        self._asked = 0
        self._keyed = False

    def close(self) -> None:
        """Forgets everything."""
        self._database.close()

    def fill(self, side: Side, entries: Iterable[SourceEntry]) -> None:
        """Takes all objects of one side, in any order."""
        self._database.executemany(
            f"INSERT OR REPLACE INTO {side} VALUES (?, ?, ?, ?, '', ?)",
            (
                (key_bytes(one.key), one.size, one.sha256, one.etag, one.missing is not None)
                for one in entries
            ),
        )

    def bare_bytes(self, side: Side) -> int:
        """Bytes of the objects that have to be read, since their side knows no sums and only sizes agree."""
        row = self._database.execute(f"SELECT coalesce(sum({side}.size), 0) {self._bare(side)}").fetchone()
        return int(row[0])

    def hash_bare(
        self, side: Side, source: ObjectsSource, *, check: Callable[[], None], advance: Callable[[int], None]
    ) -> None:
        """Reads those objects of a foreign side and keeps their sums. Errors: `QuillkeepError`, `OSError`."""
        for body in source.bodies(lambda key: self._is_bare(side, key)):
            check()
            try:
                sha256, md5 = _hashes(str(body.path), check, advance)
            finally:
                body.release()
            self._database.execute(
                f"UPDATE {side} SET sha256 = ?, md5 = ? WHERE key = ?",
                (sha256, md5, key_bytes(body.entry.key)),
            )

    def _bare(self, side: Side) -> str:
        return f"{_PAIRS} AND a.size = b.size AND {_BARE.format(side)}"

    def _is_bare(self, side: Side, key: str) -> bool:
        found = self._database.execute(
            f"SELECT 1 {self._bare(side)} AND {side}.key = ?", (key_bytes(key),)
        ).fetchone()
        return found is not None

    def result(self, *, check: Callable[[], None] = lambda: None) -> ObjectsDiff:
        """Counts, and the first keys of each kind in their byte order."""
        examples: dict[str, list[str]] = {}
        counts = {"same": 0, "changed": 0, "untold": 0}
        for key, outcome in self._outcomes(check):
            counts[outcome] += 1
            if outcome != "same" and len(kept := examples.setdefault(outcome, [])) < EXAMPLES:
                kept.append(shown_key(key_text(key)))
        removed = self._lone("a", "b", examples, "removed")
        added = self._lone("b", "a", examples, "added")
        unreadable = self._unreadable(examples)
        return ObjectsDiff(
            a=self._held("a"),
            b=self._held("b"),
            same=counts["same"],
            changed=counts["changed"],
            untold=counts["untold"],
            removed=removed,
            added=added,
            unreadable=unreadable,
            examples={name: tuple(keys) for name, keys in examples.items()},
        )

    def _outcomes(self, check: Callable[[], None]) -> Iterator[tuple[bytes, Outcome]]:
        cursor = self._database.execute(
            f"SELECT a.key, a.size, b.size, a.sha256, a.etag, a.md5, b.sha256, b.etag, b.md5 {_PAIRS} ORDER BY a.key"
        )
        for number, row in enumerate(cursor):
            if number % 1_000 == 0:
                check()
            key: bytes = row[0]
            yield (
                key,
                "changed" if row[1] != row[2] else self._decide(key, Known(*row[3:6]), Known(*row[6:9])),
            )

    def _decide(self, key: bytes, a: Known, b: Known) -> Outcome:
        if a.sha256 and b.sha256:
            return "same" if a.sha256 == b.sha256 else "changed"
        if a.etag and a.etag == b.etag:
            return "same"
        left, right = a.md5 or md5_of(a.etag), b.md5 or md5_of(b.etag)
        if left and right:
            if left == right:
                return "same"
            return "changed" if self._trusted(key) else "untold"
        return "untold"

    def _trusted(self, key: bytes) -> bool:
        """Whether a single-part ETag of the live bucket is an MD5: not under a key service's encryption."""
        if self._is_md5 is None or self._keyed:
            return not self._keyed
        if self._asked < ASKED:
            self._asked += 1
            self._keyed = not self._is_md5(key_text(key))
        return not self._keyed

    def _lone(self, side: Side, other: Side, examples: dict[str, list[str]], name: str) -> int:
        lone = f"FROM {side} WHERE NOT missing AND key NOT IN (SELECT key FROM {other})"
        return self._named(lone, examples, name)

    def _unreadable(self, examples: dict[str, list[str]]) -> int:
        either = "(SELECT key FROM a WHERE missing UNION SELECT key FROM b WHERE missing)"
        return self._named(f"FROM {either}", examples, "unreadable")

    def _named(self, found: str, examples: dict[str, list[str]], name: str) -> int:
        count = int(self._database.execute(f"SELECT count(*) {found}").fetchone()[0])
        if count:
            rows = self._database.execute(f"SELECT key {found} ORDER BY key LIMIT {EXAMPLES}")
            examples[name] = [shown_key(key_text(row[0])) for row in rows]
        return count

    def _held(self, side: Side) -> ObjectsHeld:
        count, size = self._database.execute(
            f"SELECT count(*), coalesce(sum(size), 0) FROM {side} WHERE NOT missing"
        ).fetchone()
        return ObjectsHeld(count=int(count), bytes=int(size))


def _hashes(path: str, check: Callable[[], None], advance: Callable[[int], None]) -> tuple[str, str]:
    """(sha256, md5) of a file, read once."""
    import hashlib

    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with open(path, "rb", buffering=0) as stream:
        while chunk := stream.read(1 << 20):
            check()
            sha256.update(chunk)
            md5.update(chunk)
            advance(len(chunk))
    return sha256.hexdigest(), md5.hexdigest()
