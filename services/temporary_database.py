"""A database of SQLite's own for one run: what a job has to keep by key stays out of memory."""

from __future__ import annotations

import sqlite3


def temporary_database(
    schema: str, *, in_memory: bool = False, any_thread: bool = False
) -> sqlite3.Connection:
    """An open transaction over the tables of `schema`, in a file without a name that is gone at close.

    About 2 MB of it are in memory, the rest on disk where SQLite puts temporary files (`SQLITE_TMPDIR`, `TMPDIR`,
    /var/tmp). `in_memory` writes nothing to any disk; `any_thread` lets other threads use it, one at a time.
    There is no rollback. Errors: `sqlite3.Error`.
    """
    database = sqlite3.connect(
        ":memory:" if in_memory else "", isolation_level=None, check_same_thread=not any_thread
    )
    database.executescript(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; "
        f"PRAGMA temp_store={'MEMORY' if in_memory else 'FILE'};"
    )
    database.executescript(schema)
    database.execute("BEGIN")
    return database
