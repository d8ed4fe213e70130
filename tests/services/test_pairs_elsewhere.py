"""Rows that lost the way to their bytes: where these lie is named, and the restore that is named repairs them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.objects.bucket import Bucket, open_bucket
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.restore import RestorePlan, restore
from services.profile import BucketTarget, Profile
from services.recovery.request import RestoreRequest
from tests.services.pairs_support import USER, key_of, kinds, looked, put, row_of, upload
from tests.services.restore_support import job_id
from tests.support import RecordingContext, make_context

NOWHERE = f"users/{USER}/IMAGE/elsewhere.png"
Contexts = Callable[[], RecordingContext]


@pytest.fixture
def store(bucket: BucketTarget) -> Bucket:
    return open_bucket(bucket)


@pytest.fixture
def whole(db: Database[Any], store: Bucket) -> list[str]:
    """Four uploads; the ids of their rows."""
    db.users.insert_one({"id": USER, "name": "Inês"})
    return [upload(db, store, f"{number}.png", bytes([number]) * (number + 10)) for number in range(4)]


@pytest.fixture
def contexts(profile: Profile, tmp_path: Path) -> Contexts:
    """Contexts of jobs of their own."""
    return lambda: make_context(profile, tmp_path / "state", job=job_id())


def put_back(context: RecordingContext, id: str, **request: Any) -> Any:
    """One restore, with writers allowed."""
    return restore(RestorePlan(request=RestoreRequest(backup=id, **request), allow=("writers",)), context)


def point(db: Database[Any], id: str, key: str | None) -> None:
    """Changes or removes a row's key."""
    db.files.update_one({"id": id}, {"$set": {"s3Key": key}} if key else {"$unset": {"s3Key": 1}})


def test_a_changed_and_a_removed_key_come_back_with_the_rows(
    db: Database[Any], whole: list[str], contexts: Contexts
) -> None:
    id = backup(BackupPlan(), contexts()).id
    changed, removed = key_of(db, whole[0]), key_of(db, whole[1])
    point(db, whole[0], NOWHERE)
    point(db, whole[1], None)
    result = looked(contexts())
    assert kinds(result) == {"changed-key": 1, "removed-key": 1}
    assert (result.missing, result.outside) == ((NOWHERE,), (whole[1],))
    assert (result.counts["orphans"], result.counts["removed-key"]) == (2, 1)
    assert not any("public/uploads" in note for note in result.notes)
    assert "outside both stores" not in result.summary
    by_kind = {one.kind: one for one in result.findings}
    assert changed in by_kind["changed-key"].what
    assert removed in by_kind["removed-key"].what
    assert (by_kind["changed-key"].status, by_kind["removed-key"].status) == ("fail", "warn")
    for one in result.findings:
        assert (one.good_in, one.restore) == (id, ("files",))
        assert f"`quillkeep restore {id} --collections files --yes`" in one.next
        assert "No backup" not in one.next
    put_back(contexts(), id, collections=("files",))
    assert looked(contexts(), depth="deep").status == "ok"


def test_a_later_backup_with_the_wrong_key_is_passed_over(
    db: Database[Any], whole: list[str], contexts: Contexts
) -> None:
    first = backup(BackupPlan(), contexts()).id
    point(db, whole[0], NOWHERE)
    time.sleep(1)
    second = backup(BackupPlan(), contexts()).id
    for rows, after in (("live", ""), (second, f"Run it after a restore of {second}.")):
        (finding,) = looked(contexts(), rows=rows).findings
        assert (finding.kind, finding.good_in) == ("changed-key", first)
        assert after in finding.next


def test_without_a_backup_the_object_is_named(
    db: Database[Any], whole: list[str], contexts: Contexts
) -> None:
    changed = key_of(db, whole[0])
    point(db, whole[0], NOWHERE)
    (finding,) = looked(contexts()).findings
    assert (finding.kind, finding.good_in, finding.restore) == ("changed-key", "", ())
    assert changed in finding.what
    assert "set `s3Key`" in finding.next


def test_an_object_without_metadata_is_known_by_the_row_in_the_backup(
    db: Database[Any], store: Bucket, whole: list[str], contexts: Contexts
) -> None:
    key = key_of(db, whole[2])
    put(store, key, bytes([2]) * 12)
    id = backup(BackupPlan(), contexts()).id
    # Now it names another row's object, of another size.
    point(db, whole[2], key_of(db, whole[3]))
    result = looked(contexts())
    assert kinds(result) == {"changed-key": 1, "shared-key": 1}
    assert result.findings[0].good_in == id
    assert key in result.findings[0].what


def test_a_changed_key_whose_object_is_gone_too_names_both_ways(
    db: Database[Any], store: Bucket, whole: list[str], contexts: Contexts
) -> None:
    id = backup(BackupPlan(), contexts()).id
    key = key_of(db, whole[0])
    store.delete(key)
    point(db, whole[0], NOWHERE)
    (finding,) = looked(contexts()).findings
    assert (finding.kind, finding.good_in) == ("changed-key", id)
    assert f"{id} has its bytes at {key}" in finding.what
    assert f"Then `quillkeep restore {id} --only objects --yes`" in finding.next
    put_back(contexts(), id, collections=("files",))
    put_back(contexts(), id, only="objects")
    assert looked(contexts(), depth="deep").status == "ok"


def test_bytes_that_are_gone_are_still_called_gone(
    db: Database[Any], store: Bucket, whole: list[str], contexts: Contexts
) -> None:
    store.delete(key_of(db, whole[0]))
    # Of the same size as what is gone, and not it.
    put(store, f"users/{USER}/files/other", b"!" * 10, sha256="1" * 64)
    lost = db.files.find_one({"id": whole[0]})
    assert lost is not None
    put(store, f"users/{USER}/files/cut", b"!" * 9, sha256=lost["sha256"])
    db.files.insert_one(row_of(NOWHERE, b"nobody has them", s3Key=...))
    result = looked(contexts())
    assert kinds(result) == {"missing-object": 1, "orphan-guide": 2}
    assert "No backup" in result.findings[0].next
    assert any("public/uploads" in note for note in result.notes)


def test_what_was_uploaded_again_is_no_changed_key_beside_an_old_backup(
    db: Database[Any], store: Bucket, whole: list[str], contexts: Contexts
) -> None:
    id = backup(BackupPlan(), contexts()).id
    store.delete(key_of(db, whole[0]))
    db.files.delete_one({"id": whole[0]})
    upload(db, store, "again.png", bytes([0]) * 10, createdAt="2999-01-01T00:00:00.000Z")
    assert kinds(looked(contexts(), rows="live", objects=id)) == {"newer-row": 1, "orphan-upload": 1}


def test_an_orphan_whose_row_a_backup_has_names_the_rows(
    db: Database[Any], whole: list[str], contexts: Contexts
) -> None:
    id = backup(BackupPlan(), contexts()).id
    db.files.delete_one({"id": whole[0]})
    (finding,) = looked(contexts()).findings
    assert (finding.kind, finding.good_in, finding.restore) == ("orphan-upload", id, ("files",))
    assert f"{id} still has the row" in finding.next
    assert f"`quillkeep restore {id} --collections files --yes`" in finding.next
    put_back(contexts(), id, collections=("files",))
    assert looked(contexts()).status == "ok"


def test_the_proof_of_a_restore_says_the_same(
    db: Database[Any], store: Bucket, whole: list[str], contexts: Contexts
) -> None:
    id = backup(BackupPlan(), contexts()).id
    changed, gone = key_of(db, whole[0]), row_of(f"users/{USER}/IMAGE/gone.png", b"gone")
    point(db, whole[0], NOWHERE)
    for rows in itertools.chain([None], [gone]):
        if rows is not None:
            db.files.insert_one(rows)
        store.delete(key_of(db, whole[1]))
        result = put_back(contexts(), id, only="objects")
        (warning,) = [text for text in result.warnings if NOWHERE in text]
        assert f"under another key ({changed})" in warning
        assert f"`quillkeep restore {id} --collections files --yes`" in warning
        assert ("No backup has these bytes" in warning) == (rows is not None)
