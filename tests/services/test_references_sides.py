"""The same look at references wherever the documents lie; and data that moves while it is looked at."""

from __future__ import annotations

from collections.abc import Iterator

import bson
import pytest

from services.catalog.listing import lookup
from services.demo.servers import Mongod
from services.profile import Limits
from services.reading.backup import BackupSide
from services.reading.live import LiveSide
from services.reading.side import DataSide
from services.recovery.contents import read_contents
from services.references import second
from services.references.again import LiveAgain
from services.references.engine import References, wanted_of
from services.references.look import look_at_references
from services.references.model import ReferencesResult
from tests.references_support import fresh, ignore, nothing
from tests.services.validate_support import Validated, first, validated
from tests.support import FIXTURES


@pytest.fixture(scope="module")
def made(mongod: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validated]:
    with validated(mongod, tmp_path_factory.mktemp("sides")) as deployment:
        yield deployment


@pytest.fixture
def deployment(made: Validated) -> Iterator[Validated]:
    yield made
    made.again()


def backup_side(deployment: Validated, reference: str) -> DataSide:
    found, _ = lookup(reference, deployment.profile, deployment.context().paths)
    contents = read_contents(
        found.backup,
        limits=Limits(),
        from_database=None,
        target_database=deployment.name,
        sole=True,
        check=nothing,
        advance=ignore,
    )
    return BackupSide(found.backup.id, contents)


def looked(side: DataSide) -> ReferencesResult:
    return look_at_references(side, check=nothing, advance=ignore)


def words(result: ReferencesResult) -> list[tuple[str, str, str, int]]:
    return [(one.status, one.collection, one.what, one.count) for one in result.findings]


def test_live_aside_and_in_a_backup_it_says_the_same(deployment: Validated) -> None:
    db = deployment.db
    db.characters.delete_one({"_id": first(db, "characters")["_id"]})
    chat = first(db, "chats", 3)
    db.chat_messages.delete_one({"chatId": chat["id"]})
    db.tags.delete_one({"_id": first(db, "tags")["_id"]})
    live = looked(LiveSide(db))
    assert live.status == "fail" and len(live.findings) >= 3 and live.leftovers
    made = deployment.backup()
    in_backup = looked(backup_side(deployment, made))
    for name in list(deployment.sound):
        db[name].rename(f"aside_{name}")
    aside = looked(LiveSide(db, aside={name: f"aside_{name}" for name in deployment.sound}))
    for other in (in_backup, aside):
        assert sorted(words(other)) == sorted(words(live))
        assert {(one.path, one.documents, one.targets) for one in other.leftovers} == {
            (one.path, one.documents, one.targets) for one in live.leftovers
        }
        assert other.references == live.references
    for path in (deployment.folder / "backups").glob(f"*{made.removeprefix('quilltap_')}*"):
        path.unlink()


@pytest.mark.parametrize(
    "name",
    ["quilltap-20261101.gz", "quilltap-20261101.archive", "backup-20261101", "full-oplog.archive.gz"],
)
def test_the_fixtures_are_sound(deployment: Validated, name: str) -> None:
    found, _ = lookup(str(FIXTURES / name), deployment.profile, deployment.context().paths)
    contents = read_contents(
        found.backup,
        limits=Limits(),
        from_database="quilltap",
        target_database="quilltap",
        check=nothing,
        advance=ignore,
    )
    result = looked(BackupSide(name, contents))
    assert (result.status, result.findings, result.leftovers) == ("ok", (), ())
    assert result.references > 500


def test_a_dump_of_one_collection_cannot_tell(deployment: Validated) -> None:
    """What lacks everything it refers to is a warning of a backup: it would not bring everything back."""
    side = backup_side(deployment, deployment.backup_id)

    class Part:
        name, database, live = side.name, side.database, False

        def collections(self) -> dict[str, str]:
            return {"chats": "collection", "chat_messages": "collection"}

        read = side.read

    result = looked(Part())
    assert result.status == "warn"
    assert {one.kind for one in result.findings} == {"missing-collection"}


def gathered(deployment: Validated) -> References:
    references = References()
    side = LiveSide(deployment.db)
    side.read(wanted_of(side.collections()), references.add, check=nothing, advance=ignore)
    return references


def told(deployment: Validated, references: References) -> ReferencesResult:
    side = LiveSide(deployment.db)
    again = LiveAgain(deployment.db, nothing)
    try:
        return references.result(side.collections(), live=True, again=again, check=nothing)
    finally:
        references.close()


def test_what_moved_while_it_was_read_is_not_broken(
    deployment: Validated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made, deleted or changed in the meantime: only what is wrong in both looks is called wrong."""
    monkeypatch.setattr(second, "ASKED_AT_ONCE", 3)
    db = deployment.db
    made, dropped, stays = (first(db, "characters", number) for number in range(3))
    orphan = first(db, "memories")
    for one in (made, dropped, stays):
        db.characters.delete_one({"_id": one["_id"]})
    db.api_keys.delete_many({})
    references = gathered(deployment)
    # Meanwhile one comes back, and the user deletes another with all that is its own.
    db.characters.insert_one(made)
    for name in ("memories", "vector_indices"):
        db[name].delete_many({"characterId": dropped["id"]})
    db.chats.delete_many({"participants.characterId": dropped["id"]})
    db.api_keys.insert_many(deployment.sound["api_keys"])
    result = told(deployment, references)
    assert result.moved > 5
    assert all(stays["id"] in one.what for one in result.findings)
    left = db.memories.count_documents({"characterId": stays["id"]})
    assert {one.collection: one.count for one in result.findings}["memories"] == left
    assert orphan["_id"] is not None


def test_a_reference_changed_meanwhile(deployment: Validated) -> None:
    db = deployment.db
    chat = first(db, "chats")
    db.chats.update_one({"_id": chat["_id"]}, {"$set": {"participants.0.characterId": fresh()}})
    references = gathered(deployment)
    db.chats.update_one({"_id": chat["_id"]}, {"$set": {"participants": chat["participants"]}})
    result = told(deployment, references)
    assert (result.status, result.moved, result.findings) == ("ok", 1, ())


def test_ids_of_any_bson_type_are_found_again(deployment: Validated) -> None:
    """A hand-made `_id` may be a number, text, a date, a document."""
    db = deployment.db
    chat = first(db, "chats")
    odd = [
        7,
        7.5,
        "text",
        bson.Int64(1 << 40),
        {"a": 1, "b": [2]},
        bson.Binary(b"x", 5),
        bson.Decimal128("1.1"),
    ]
    for number, value in enumerate(odd):
        copy = {**chat, "_id": value, "id": f"odd {number}", "messageCount": 0}
        copy["participants"] = [{**chat["participants"][0], "characterId": "gone"}]
        db.chats.insert_one(copy)
    result = told(deployment, gathered(deployment))
    (finding,) = result.findings
    assert finding.count == len(odd) and result.moved == 0
    assert set(finding.examples) == {f"odd {number}" for number in range(len(odd))}
