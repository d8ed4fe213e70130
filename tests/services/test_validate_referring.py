"""References to nothing on a real server: what they refer to comes back, or the documents that refer do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.demo.servers import Mongod
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from tests.services.validate_support import Validated, first, only, validated


@pytest.fixture(scope="module")
def made(mongod: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validated]:
    with validated(mongod, tmp_path_factory.mktemp("referring")) as deployment:
        yield deployment


@pytest.fixture
def deployment(made: Validated) -> Iterator[Validated]:
    """Sound data and its backup; what a test damages is made new before the next."""
    yield made
    made.again()


def test_what_never_was_comes_back_with_the_document_that_names_it(deployment: Validated) -> None:
    deployment.db.memories.update_one({}, {"$set": {"characterId": "nobody"}})
    finding = only(deployment.validate(), "memories")
    assert (finding.kind, finding.good_in) == ("dangling-reference", deployment.backup_id)
    assert finding.restore == ("memories",)
    command = f"`quillkeep restore {deployment.backup_id} --collections memories --yes`"
    assert command in finding.next and "None of" not in finding.next and "of them." not in finding.next


def test_what_was_deleted_is_preferred(deployment: Validated) -> None:
    db = deployment.db
    lost = first(db, "memories")["characterId"]
    db.characters.delete_one({"id": lost})
    finding = next(one for one in deployment.validate("memories").references if one.collection == "memories")
    assert (finding.good_in, finding.restore) == (deployment.backup_id, ("characters",))


def test_both_where_neither_alone_is_enough(deployment: Validated) -> None:
    """One document names what never was, and what it named before is deleted, which others still name."""
    db = deployment.db
    lost = first(db, "memories")["characterId"]
    assert db.memories.count_documents({"characterId": lost}) > 1
    db.memories.update_one({"characterId": lost}, {"$set": {"characterId": "nobody"}})
    db.characters.delete_one({"id": lost})
    finding = next(one for one in deployment.validate("memories").references if one.collection == "memories")
    assert (finding.good_in, finding.restore) == (deployment.backup_id, ("memories", "characters"))
    assert "--collections memories,characters --yes` brings back memories and characters as they were" in (
        finding.next
    )


def test_a_document_that_no_backup_has(deployment: Validated) -> None:
    memory = first(deployment.db, "memories")
    del memory["_id"]
    deployment.db.memories.insert_one({**memory, "id": "made since", "characterId": "nobody"})
    finding = only(deployment.validate("memories"), "memories")
    assert finding.good_in == "" and finding.restore == ()
    assert finding.next.startswith("None of the newest 1 good backup has the good version")


def test_a_part_is_said_to_be_one(deployment: Validated) -> None:
    memory = first(deployment.db, "memories")
    del memory["_id"]
    deployment.db.memories.insert_one({**memory, "id": "made since", "characterId": "nobody"})
    deployment.db.memories.update_one({"id": memory["id"]}, {"$set": {"characterId": "nobody"}})
    finding = only(deployment.validate("memories"), "memories")
    assert (finding.good_in, finding.restore) == (deployment.backup_id, ("memories",))
    assert finding.next.endswith(f"{deployment.backup_id} has 1 of 2 of them.")


def test_a_backup_whose_document_names_nothing_either_is_no_help(deployment: Validated) -> None:
    """The newest backup has another value, which does not exist; the one before has the right one."""
    db = deployment.db
    db.memories.update_one({}, {"$set": {"characterId": "somebody"}})
    later = backup(BackupPlan(only="database"), deployment.context())
    assert later.status == "ok"
    try:
        db.memories.update_one({"characterId": "somebody"}, {"$set": {"characterId": "nobody"}})
        result = deployment.validate("memories")
        assert result.backup == later.id
        finding = only(result, "memories")
        assert (finding.good_in, finding.restore) == (deployment.backup_id, ("memories",))
    finally:
        for path in (deployment.folder / "backups").glob(f"*{later.id.removeprefix('quilltap_')}*"):
            path.unlink()
