"""Swaps while two clients keep writing: no acknowledged document is ever lost, and late ones are named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo.servers import Mongod, start_mongod
from tests.services.restore_support import ours
from tests.services.swap_support import Busy, Deployment, deployed, everywhere

SWAPS = {"with-collmod": 20, "without-collmod": 6}
SOAK_SWAPS = 400
LATE = re.compile(
    r"^([\d,]+) documents? (?:was|were) written to chats during the swap; (?:they are|it is) kept in (.+)\.$"
)
RIGHTS = {"with-collmod": ("readWrite", "dbAdmin"), "without-collmod": ("readWrite",)}


@pytest.fixture(scope="module")
def guarded_rs(server_folder: Path) -> Iterator[Mongod]:
    """A replica set of one node with --auth."""
    server = start_mongod(
        server_folder / "auth-one-node", replica_set=True, auth=True, sweep=(server_folder,)
    )
    yield server
    server.kill()


@pytest.fixture(params=["standalone", "replica-set"])
def guarded(request: pytest.FixtureRequest) -> Mongod:
    """Both kinds of server, with users."""
    name = {"standalone": "mongod_auth", "replica-set": "guarded_rs"}[request.param]
    server: Mongod = request.getfixturevalue(name)
    return server


def swap_under_writers(deployment: Deployment, backup: str) -> bool:
    """One swap under two writers; True when it kept late documents. Leaves the database as it found it."""
    db = deployment.db
    with Busy(deployment.server.uri, deployment.name, "chats") as busy:
        result = deployment.restore(backup, allow=("writers", "possible-loss"), collections=("chats",))
    lost = busy.every - everywhere(db)
    assert not lost, f"{len(lost)} of {len(busy.every)} acknowledged documents are gone: {result.warnings}"
    assert all("Document failed validation" in words for words in busy.errors), busy.errors[:3]
    assert "writer" in db["chats"].index_information()
    assert db["chats"].count_documents({"_id": {"$regex": "^then-"}}) == 200
    late = {name for name in ours(db) if name.startswith(f"__quillkeep_late_{result.job}_")}
    told = [match for words in result.warnings if (match := LATE.match(words))]
    assert len(told) == (1 if late else 0), (late, result.warnings)
    if late:
        assert set(told[0][2].split(", ")) == late
        kept = sum(db[name].count_documents({}) for name in late)
        assert int(told[0][1].replace(",", "")) == kept > 0
    for name in ours(db):
        db.drop_collection(name)
    db["__quillkeep_jobs"].delete_many({})
    db["chats"].delete_many({"writer": {"$exists": True}})
    return bool(late)


def swaps(guarded: Mongod, rights: str, folder: Path, count: int) -> int:
    """How many of `count` swaps had late documents to keep."""
    with deployed(guarded, folder) as first:
        uri = guarded.create_user(f"u_{first.name}", RIGHTS[rights], database=first.name)
        first.db["chats"].insert_many([{"_id": f"then-{n}", "text": "x" * 50} for n in range(200)])
        first.db["chats"].create_index("writer", name="writer")
        deployment = first.as_user(uri)
        made = deployment.backup()
        return sum(swap_under_writers(deployment, made) for _ in range(count))


@pytest.mark.parametrize("rights", RIGHTS)
def test_no_acknowledged_document_is_lost(guarded: Mongod, rights: str, tmp_path: Path) -> None:
    late = swaps(guarded, rights, tmp_path, SWAPS[rights])
    assert late > 0, "no writer ever came into the gap: this test proves nothing"


@pytest.mark.soak
@pytest.mark.parametrize("rights", RIGHTS)
def test_no_acknowledged_document_is_lost_in_400_swaps(guarded: Mongod, rights: str, tmp_path: Path) -> None:
    assert swaps(guarded, rights, tmp_path, SOAK_SWAPS) > 0
