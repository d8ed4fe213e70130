"""A temporary database that cannot grow says so in an admin's words."""

from __future__ import annotations

import pytest

from services.errors import QuillkeepError
from services.temporary_database import temporary_database


def test_a_full_disk_is_told() -> None:
    database = temporary_database("CREATE TABLE t (x BLOB);")
    # What SQLite answers on a full disk, without filling one.
    database.execute("PRAGMA max_page_count = 8")
    with pytest.raises(QuillkeepError, match="could not be kept") as raised:
        database.executemany("INSERT INTO t VALUES (?)", [(b"x" * 4_000,)] * 100)
    assert "full" in raised.value.cause
    assert "Free space" in raised.value.next
    database.close()
