"""Collectors in a pass over a dump: they see whole documents of the right database, and never end the pass."""

from __future__ import annotations

from pathlib import Path

import bson
import pytest

from services.archive.collect import Collecting
from services.archive.model import Buffer, Namespace
from services.archive.walk import walk_dump
from services.errors import Cancelled

USERS = Namespace("quilltap", "users")


class Taking:
    """Keeps what it is given."""

    def __init__(self, *wants: str, fails: Exception | None = None) -> None:
        self.wants = frozenset(wants)
        self.taken: list[tuple[str, bytes]] = []
        self._fails = fails

    def add(self, collection: str, data: Buffer) -> None:
        if self._fails is not None:
            raise self._fails
        self.taken.append((collection, bytes(data)))

    @property
    def documents(self) -> dict[str, int]:
        """How many of each collection."""
        found: dict[str, int] = {}
        for name, data in self.taken:
            found[name] = found.get(name, 0) + len(bson.decode_all(data))
        return found


@pytest.mark.parametrize(
    "name",
    [
        "quilltap-20261101.gz",
        "quilltap-20261101.archive",
        "backup-20261101",
        "backup-gz-20261101",
        "quilltap_mongo_20261101_020000.tar.gz",
    ],
)
def test_every_form_shows_every_document_that_is_wanted(fixtures_dir: Path, name: str) -> None:
    users, files = Taking("users", "no_such"), Taking("files", "users")
    collecting = Collecting([users, files])
    walk_dump(fixtures_dir / name, collecting=collecting)
    assert users.documents == {"users": 3} and files.documents == {"files": 30, "users": 3}
    assert collecting.database == "quilltap" and not collecting.ambiguous


def test_of_several_databases_the_preferred_one(fixtures_dir: Path) -> None:
    users = Taking("users")
    walk_dump(
        fixtures_dir / "full-oplog.archive.gz",
        collecting=(found := Collecting([users], preferred="quilltap")),
    )
    assert found.database == "quilltap" and not found.ambiguous and users.documents == {"users": 3}


def test_of_several_none_of_which_is_known_nothing_is_shown() -> None:
    users = Taking("users")
    collecting = Collecting([users], preferred="mine")
    collecting.choose(["admin", "a", "b"])
    collecting.take(Namespace("a", "users"), bson.encode({}))
    assert users.taken == [] and collecting.ambiguous == {"a", "b"}


def test_the_first_that_comes_where_nothing_is_known_before() -> None:
    users = Taking("users")
    collecting = Collecting([users])
    for namespace in (Namespace("admin", "users"), USERS, Namespace("other", "users"), USERS):
        collecting.take(namespace, bson.encode({}))
    assert users.documents == {"users": 2} and collecting.ambiguous == {"other"}


def test_a_collector_that_fails_is_shown_no_more_and_the_others_go_on() -> None:
    broken, whole = Taking("users", "files", fails=ValueError("odd")), Taking("users")
    collecting = Collecting([broken, whole])
    for _ in range(3):
        collecting.take(USERS, bson.encode({}))
    assert whole.documents == {"users": 3}
    assert isinstance(collecting.failure_of(broken), ValueError) and collecting.failure_of(whole) is None


def test_a_cancel_ends_the_pass(fixtures_dir: Path) -> None:
    collecting = Collecting([Taking("users", fails=Cancelled("Cancelled."))])
    with pytest.raises(Cancelled):
        walk_dump(fixtures_dir / "quilltap-20261101.gz", collecting=collecting)
