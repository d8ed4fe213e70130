"""References between documents, from raw documents in any order: everything wrong is found, and nothing else."""

from __future__ import annotations

import random
from typing import Any

import bson
import pytest

from services.archive.elements import NotBson
from services.errors import Cancelled, QuillkeepError
from services.quilltap import GUIDE_NAMES, REFERENCES, Reference
from services.references.engine import References, fields_of
from services.references.look import look_at_references
from services.references.model import ReferencesResult
from services.references.store import Store
from tests.references_support import (
    Documents,
    MemorySide,
    copied,
    fresh,
    ignore,
    nothing,
    point_nowhere,
    sample,
)

SOUND = sample()


@pytest.fixture
def documents() -> Documents:
    """Sound documents of every collection, to be damaged."""
    return copied(SOUND)


def looked(documents: Documents, *, live: bool = False, left_out: tuple[str, ...] = ()) -> ReferencesResult:
    return look_at_references(
        MemorySide(documents, live=live), left_out=left_out, check=nothing, advance=ignore
    )


@pytest.mark.parametrize("scale", [0.001, 0.005, 0.02])
def test_sound_data_has_no_findings_and_nothing_left_over(scale: float) -> None:
    result = looked(sample(scale, seed=3))
    assert (result.status, result.findings, result.leftovers, result.untold) == ("ok", (), (), ())
    assert result.references > 100 and result.documents > 30 and result.unknown_collections == ()


@pytest.mark.parametrize("reference", REFERENCES, ids=[f"{one.collection}.{one.path}" for one in REFERENCES])
def test_each_reference_to_nothing_is_told_as_what_it_means(
    documents: Documents, reference: Reference
) -> None:
    document, target = point_nowhere(documents, reference)
    result = looked(documents)
    told = {(one.collection, one.path) for one in result.leftovers}
    if reference.gone == "left":
        assert result.status == "ok" and not result.findings
        assert told == {(reference.collection, reference.path)}
        assert all(one.why and one.targets == 1 for one in result.leftovers)
        return
    assert result.status == reference.gone
    own = [one for one in result.findings if reference.path in one.what]
    (finding,) = own
    assert target in finding.what and reference.why in finding.what
    assert finding.collection == reference.collection and finding.kind == "dangling-reference"
    assert document.get("id", document.get("chatId")) in finding.examples and finding.count == 1
    # A chat's messages that name another chat are missing from their own.
    others = {one.kind for one in result.findings} - {"dangling-reference"}
    assert others == ({"messages-gone"} if reference.collection == "chat_messages" else set())
    assert reference.why, "every reference says why"


def test_whose_it_is(documents: Documents) -> None:
    chat = documents["chats"][0]
    chat["participants"][0]["characterId"] = fresh()
    other = next(one for one in documents["chats"] if one["userId"] != chat["userId"])
    other["participants"][0]["characterId"] = fresh()
    found = looked(documents).findings
    assert {(one.user, one.count, one.examples) for one in found} == {
        (one["userId"], 1, (one["id"],)) for one in (chat, other)
    }


@pytest.mark.parametrize(("name", "path"), [("characters", "defaultImageId"), ("personas", "defaultImageId")])
def test_a_picture_in_use_that_is_gone_was_lost(documents: Documents, name: str, path: str) -> None:
    documents[name][0][path] = "nowhere"
    (finding,) = looked(documents).findings
    assert (finding.status, finding.collection) == ("fail", name)
    assert "a picture in use cannot be deleted, so it was lost" in finding.what


def test_messages_that_are_gone(documents: Documents) -> None:
    gone, cut, empty = (one["id"] for one in documents["chats"][:3])
    documents["chat_messages"] = [one for one in documents["chat_messages"] if one["chatId"] != gone]
    for one in documents["chat_messages"]:
        if one["chatId"] == cut:
            one["messages"] = one["messages"][:-2]
        if one["chatId"] == empty:
            one["messages"] = []
    result = looked(documents)
    assert result.status == "fail"
    assert {one.kind for one in result.findings} == {"messages-gone", "fewer-messages"}
    assert {id for one in result.findings for id in one.examples} == {gone, cut, empty}
    assert sum(one.count for one in result.findings) == 3
    assert all(one.collection == "chat_messages" and one.user for one in result.findings)


def test_a_count_that_lags_behind_and_a_chat_without_messages_are_no_fault(documents: Documents) -> None:
    documents["chats"][0]["messageCount"] -= 3
    documents["chats"][1]["messageCount"] = 0
    documents["chats"][2]["messageCount"] = 0.0
    new = documents["chats"][3] | {"id": fresh(), "_id": bson.ObjectId(), "messageCount": 0}
    documents["chats"].append(new)
    assert looked(documents).status == "ok"


def test_messages_without_their_chat(documents: Documents) -> None:
    """A late reply to a chat that was deleted makes such a document in a sound application: it has no beginning."""
    late = {
        "_id": bson.ObjectId(),
        "chatId": fresh(),
        "messages": [],
        "updatedAt": "2026-01-01T00:00:00.000Z",
    }
    documents["chat_messages"].append(late)
    result = looked(documents)
    assert result.status == "ok" and [one.documents for one in result.leftovers] == [1]
    del late["updatedAt"]
    result = looked(documents)
    assert result.status == "fail" and result.findings[0].examples == (late["chatId"],)


def test_names_as_the_guide_has_them_and_names_nobody_knows(documents: Documents) -> None:
    for guide, stored in GUIDE_NAMES.items():
        documents[guide] = documents.pop(stored)
    documents["folders"] = [{"_id": 1, "userId": fresh(), "chatId": fresh()}]
    result = looked(documents)
    assert result.status == "ok" and not result.leftovers
    assert result.unknown_collections == ("folders",)
    documents["connectionProfiles"][0]["apiKeyId"] = fresh()
    (finding,) = looked(documents).findings
    assert (finding.collection, finding.status) == ("connection_profiles", "warn")


def test_a_collection_that_is_not_there(documents: Documents) -> None:
    del documents["tags"]
    assert looked(documents).status == "warn"
    result = looked(documents, live=True)
    assert result.status == "fail"
    (finding,) = result.findings
    assert (finding.kind, finding.collection) == ("missing-collection", "tags") and finding.count > 10
    result = looked(documents, left_out=("tags",))
    assert result.status == "unknown" and not result.findings
    assert any("tags" in sentence for sentence in result.untold)


def test_a_collection_that_was_emptied() -> None:
    documents = sample(0.05)
    documents["tags"] = []
    result = looked(documents)
    assert result.status == "warn" and {one.kind for one in result.findings} == {"empty-collection"}
    # One user who deleted the only tag there was is no fault.
    few = copied(SOUND)
    few["tags"] = []
    assert looked(few).status == "ok"


def test_the_collections_come_in_any_order_and_by_turns(documents: Documents) -> None:
    documents["chats"][0]["participants"][0]["characterId"] = fresh()
    expected = looked(documents)
    for seed in range(3):
        pieces = [(name, bson.encode(one)) for name, held in documents.items() for one in held]
        random.Random(seed).shuffle(pieces)
        references = References()
        for name, piece in pieces:
            if name in References.wants:
                references.add(name, piece)
        result = references.result(documents, live=False, check=nothing)
        references.close()
        assert (result.status, result.references) == (expected.status, expected.references)
        assert [one.what for one in result.findings] == [one.what for one in expected.findings]


def test_odd_ids_are_no_ids() -> None:
    """What is not text refers to nothing; an id may be any text."""
    odd = "\u706f\u53f0 %27; DROP"
    documents: Documents = {
        "users": [{"_id": 1, "id": odd}],
        "characters": [
            {
                "_id": 2,
                "id": 5,
                "userId": odd,
                "defaultImageId": None,
                "tags": [None, 7, ""],
                "personaLinks": [3],
            },
            {"_id": 3, "id": "b", "userId": odd, "tags": {"0": fresh()}, "avatarOverrides": "none"},
        ],
    }
    assert looked(documents).status == "ok"


def test_an_id_of_a_megabyte_is_cut_where_it_is_shown(documents: Documents) -> None:
    long = "x" * (1 << 20)
    documents["chats"][0] |= {"id": long, "userId": long}
    result = looked(documents)
    assert result.status == "fail"
    assert all(len(one.what) < 600 and len(one.user) <= 100 for one in result.findings)
    assert all(len(example) <= 100 for one in result.findings for example in one.examples)


def test_a_document_that_is_not_whole() -> None:
    references = References()
    whole = bson.encode({"_id": 1, "id": "a", "userId": "u"})
    for damaged in (
        whole[:-1],
        b"\x05\x00\x00\x00\x01",
        whole[:4] + b"\x7e" + whole[5:],
    ):
        with pytest.raises(NotBson):
            references.add("tags", damaged)
    references.close()


def test_a_side_with_a_document_that_is_not_whole(documents: Documents) -> None:
    class Damaged(MemorySide):
        def read(self, wanted: Any, take: Any, **more: Any) -> None:
            def damaged(name: str, data: Any) -> None:
                take(name, bytes(data)[:-9] if name == "tags" else data)

            super().read(wanted, damaged, **more)

    with pytest.raises(QuillkeepError) as error:
        look_at_references(Damaged(documents), check=nothing, advance=ignore)
    assert "document of tags" in error.value.what and error.value.next


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_deleted_at_random_is_found_and_nothing_else(seed: int) -> None:
    """Users, characters, keys, files and messages go; what lacks them is told, by its own id."""
    chance = random.Random(seed)
    documents = copied(SOUND)
    before = looked(documents)
    assert before.status == "ok"
    targets = {"users", "characters", "api_keys", "files", "connection_profiles", "chats"}
    gone: dict[str, set[str]] = {}
    for name in chance.sample(sorted(targets), 3):
        victim = chance.choice(documents[name])
        documents[name].remove(victim)
        gone[name] = {victim["id"]}
    expected = {
        (reference.collection, document.get("id") or document.get("chatId") or str(document["_id"]))
        for reference in REFERENCES
        if reference.gone != "left" and reference.target in gone
        for document in documents[reference.collection]
        if gone[reference.target] & set(_values(document, reference.path.split(".")))
    }
    result = looked(documents)
    seen = {
        (one.collection, example) for one in result.findings for example in one.examples if one.count <= 10
    }
    assert {pair for pair in expected if pair in seen} == seen
    by_collection: dict[str, int] = {}
    for collection, _ in expected:
        by_collection[collection] = by_collection.get(collection, 0) + 1
    assert {one.collection for one in result.findings} == set(by_collection)


def _values(document: object, steps: list[str]) -> list[str]:
    if not steps:
        return [document] if isinstance(document, str) else []
    name, array, _ = steps[0].partition("[]")
    held = document.get(name) if isinstance(document, dict) else None
    below = held if array and isinstance(held, list) else [held]
    return [value for one in below for value in _values(one, steps[1:])]


def test_nothing_readable_is_written_to_disk(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encrypted backup's ids lie in the store only enciphered."""
    written: list[bytes] = []
    sealed = Store._cipher

    def cipher(store: Store, number: int, data: bytes) -> bytes:
        out = sealed(store, number, data)
        written.append(out)
        return out

    monkeypatch.setattr(Store, "_cipher", cipher)
    references = References()
    for name, held in documents.items():
        if name in References.wants:
            references.add(name, b"".join(map(bson.encode, held)))
    references.store.settle(nothing)
    rows = references.store._database.execute("SELECT data FROM sealed").fetchall()
    assert rows
    ids = [one["id"].encode() for one in documents["chats"]]
    for (data,) in rows:
        assert not any(id in data for id in ids)
    types = {
        type(value)
        for table in ("ids", "refs", "said", "held")
        for row in references.store._database.execute(f"SELECT * FROM {table} LIMIT 50")
        for value in row
    }
    assert types == {int}
    references.close()


def test_a_cancel_is_heard(documents: Documents) -> None:
    def stop() -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        look_at_references(MemorySide(documents), check=stop, advance=ignore)
    asked: list[int] = []

    def later() -> None:
        asked.append(1)
        if len(asked) > 40:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        look_at_references(MemorySide(documents), check=later, advance=ignore)


def test_what_is_asked_of_a_server_is_only_what_is_needed() -> None:
    assert "content" not in " ".join(fields_of("memories"))
    assert "messages.attachments" in fields_of("chat_messages") and "messages" not in fields_of(
        "chat_messages"
    )
    assert set(fields_of("vector_indices")) >= {"characterId", "entries.id"}
