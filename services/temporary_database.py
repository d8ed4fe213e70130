"""A database of SQLite's own for one run: what a job has to keep by key stays out of memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from services.errors import QuillkeepError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def kept() -> Iterator[None]:
    """What SQLite could not keep, in an admin's words."""
    try:
        yield
    except sqlite3.Error as error:
        raise QuillkeepError(
            "What was read could not be kept in a temporary file.",
            cause=f"{error}.",
            next="Free space where temporary files lie (TMPDIR, /var/tmp), about 100 MiB for each million documents, "
            "then run the same command again.",
        ) from error


class _Told(sqlite3.Connection):
    """Its errors while writing are `QuillkeepError`: a temporary disk that is full is an admin's to free."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        with kept():
            return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        with kept():
            return super().executemany(sql, parameters)


def temporary_database(
    schema: str, *, in_memory: bool = False, any_thread: bool = False
) -> sqlite3.Connection:
    """An open transaction over the tables of `schema`, in a file without a name that is gone at close.

    About 2 MB of it are in memory, the rest on disk where SQLite puts temporary files (`SQLITE_TMPDIR`, `TMPDIR`,
    /var/tmp). `in_memory` writes nothing to any disk; `any_thread` lets other threads use it, one at a time.
    There is no rollback. Errors: `QuillkeepError` when the disk is full or gone.
    """
    database = sqlite3.connect(
        ":memory:" if in_memory else "",
        isolation_level=None,
        check_same_thread=not any_thread,
        factory=_Told,
    )
    with kept():
        database.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; "
            f"PRAGMA temp_store={'MEMORY' if in_memory else 'FILE'};"
        )
        database.executescript(schema)
    database.execute("BEGIN")
    return database
