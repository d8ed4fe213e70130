"""`diff` by document of what is live while it is written to: what moved is said to have moved."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from services.comparing.documents import LIVE_MOVED
from services.comparing.examples import GONE, MOVED
from services.comparing.joining import join
from services.profile import Profile
from tests.services.diff_support import Contexts, compare, fill, found


@pytest.fixture
def filled(profile: Profile, db: Database[Any], make_context: Contexts) -> Profile:
    return fill(profile, db, make_context)


@pytest.fixture
def writing(client: MongoClient[Any], db: Database[Any]) -> Iterator[None]:
    """An application that writes all the time."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            db.chats.update_one({"id": f"chat-{number % 300}"}, {"$set": {"title": f"written {number}"}})
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_what_is_live_and_written_to(
    filled: Profile, make_context: Contexts, writing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told as such; nothing raises, and what was not touched stays the same."""
    while True:
        result = compare(filled, make_context)
        (row,) = [row for row in result.collections if row.name == "chats"]
        if row.state == "differs":
            break
    assert row.documents is not None and row.documents.added == row.documents.removed == 0
    moved = [text for text in row.detail if LIVE_MOVED in text]
    noted = [one for one in row.documents.examples if one.note]
    assert moved or noted or row.documents.changed
    assert {row.state for row in result.collections if row.name != "chats"} == {"same"}


def test_what_changed_again_before_it_was_looked_at(
    filled: Profile, db: Database[Any], make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.chats.update_one({"id": "chat-7"}, {"$set": {"title": "first"}})
    db.chats.update_one({"id": "chat-8"}, {"$set": {"title": "first"}})
    db.chats.insert_one({"_id": "gone soon"})

    # The moment between the two reads cannot be hit from outside; the writes and the server are real.
    def meanwhile(*arguments: Any, **more: Any) -> Any:
        db.chats.update_one({"id": "chat-7"}, {"$set": {"title": "second"}})
        db.chats.delete_many({"$or": [{"id": "chat-8"}, {"_id": "gone soon"}]})
        return join(*arguments, **more)

    monkeypatch.setattr("services.comparing.documents.join", meanwhile)
    chats = found(compare(filled, make_context), "chats")
    notes = [(one.state, one.own_id, one.note) for one in chats.examples]
    assert notes == [
        ("changed", "chat-7", MOVED),
        ("changed", "chat-8", GONE),
        ("added", "", GONE),
    ]
