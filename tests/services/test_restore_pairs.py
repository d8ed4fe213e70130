"""The last proof of a restore: rows against the bucket, compared with what the backup itself had."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.errors import QuillkeepError
from services.jobs.events import AnyEvent, PhaseStarted
from services.objects.bucket import Bucket, open_bucket
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.finish import finish
from services.operations.restore import RestorePlan, restore
from services.operations.restore_model import FinishPlan, RestoreResult
from services.profile import BucketTarget, Profile
from services.recovery.request import RestoreRequest
from tests.services.pairs_support import USER, key_of, upload
from tests.services.restore_support import job_id
from tests.support import RecordingContext, make_context

NEWER = "2999-01-01T00:00:00.000Z"
_seconds = itertools.count(1)


@pytest.fixture
def store(bucket: BucketTarget) -> Bucket:
    return open_bucket(bucket)


@pytest.fixture
def whole(db: Database[Any], store: Bucket) -> list[str]:
    """Four uploads; the ids of their rows."""
    db.users.insert_one({"id": USER, "name": "Inês"})
    return [upload(db, store, f"{number}.png", bytes([number]) * 10) for number in range(4)]


@pytest.fixture
def contexts(profile: Profile, tmp_path: Path) -> Iterator[Any]:
    """Contexts of jobs of their own."""

    def make(given: Profile = profile) -> RecordingContext:
        return make_context(given, tmp_path / "state", job=job_id())

    yield make


def run(context: RecordingContext, id: str, **request: Any) -> RestoreResult:
    """One restore of a backup, with writers allowed."""
    plan = RestorePlan(request=RestoreRequest(backup=id, **request), allow=("writers",))
    return restore(plan, context)


def test_a_whole_restore_says_that_every_row_has_its_object(
    contexts: Any, db: Database[Any], store: Bucket, whole: list[str]
) -> None:
    id = backup(BackupPlan(), contexts()).id
    store.delete(key_of(db, whole[0]))
    db.files.drop()
    result = run(contexts(), id)
    assert result.pairs is not None
    assert (result.pairs.status, result.pairs.rows, result.pairs.objects) == ("ok", 4, 4)
    assert "every row that names an object has it" in result.pairs.detail
    assert not any("object" in warning for warning in result.warnings)
    assert msgspec.to_builtins(result)["pairs"]["status"] == "ok"


def test_the_database_alone_names_rows_without_objects_and_the_command(
    contexts: Any, db: Database[Any], store: Bucket, whole: list[str]
) -> None:
    id = backup(BackupPlan(), contexts()).id
    key = key_of(db, whole[0])
    store.delete(key)
    db.files.delete_one({"id": whole[0]})
    result = run(contexts(), id, only="database")
    assert (result.status, result.pairs and result.pairs.status) == ("warnings", "warn")
    (warning,) = [text for text in result.warnings if key in text]
    assert f"1 file has no object in the bucket, and {id} has it" in warning
    assert f"`quillkeep restore {id} --only objects --yes`" in warning
    again = run(contexts(), id, only="objects")
    assert again.pairs is not None
    assert again.pairs.status == "ok"


def test_rows_newer_than_the_objects_are_named_with_what_to_do(
    contexts: Any, db: Database[Any], store: Bucket, whole: list[str]
) -> None:
    id = backup(BackupPlan(), contexts()).id
    new = key_of(db, upload(db, store, "new.png", b"new", createdAt=NEWER))
    for key in (new, key_of(db, whole[0])):
        store.delete(key)
    result = run(contexts(), id, only="objects")
    assert (result.status, result.pairs and result.pairs.status) == ("warnings", "warn")
    assert (result.pairs and result.pairs.newer, result.pairs and result.pairs.keys) == (1, (new,))
    (warning,) = [text for text in result.warnings if new in text]
    assert warning.startswith(f"1 row of files is newer than {id} and has no object: {new}.")
    assert "No backup has these bytes" in warning


def test_a_later_backup_that_has_them_is_named(
    contexts: Any, db: Database[Any], store: Bucket, whole: list[str]
) -> None:
    first = backup(BackupPlan(), contexts()).id
    new = key_of(db, upload(db, store, "new.png", b"new", createdAt=NEWER))
    time.sleep(1)
    second = backup(BackupPlan(), contexts()).id
    store.delete(new)
    result = run(contexts(), first, only="objects")
    (warning,) = [text for text in result.warnings if new in text]
    assert f"{second} has 1 of it: `quillkeep restore {second} --only objects --yes`" in warning


def test_what_the_backup_lacked_is_a_warning(
    contexts: Any, db: Database[Any], store: Bucket, whole: list[str]
) -> None:
    key = key_of(db, whole[1])
    store.delete(key)
    id = backup(BackupPlan(), contexts()).id
    result = run(contexts(), id)
    assert (result.status, result.pairs and result.pairs.status) == ("warnings", "warn")
    assert result.pairs is not None
    assert (result.pairs.lacking, result.pairs.newer, result.pairs.in_backup) == (1, 0, 0)
    assert any(f"{id} had none of it either: {key}" in text for text in result.warnings)


def test_an_object_that_is_gone_again_fails_the_restore(
    profile: Profile, contexts: Any, db: Database[Any], store: Bucket, whole: list[str]
) -> None:
    """Somebody deletes what was just put: the last proof is the one to see it."""
    id = backup(BackupPlan(), contexts()).id
    key = key_of(db, whole[2])
    context = contexts()
    report = context.report

    def act(event: AnyEvent) -> None:
        report(event)
        if isinstance(event, PhaseStarted) and event.phase == "comparing rows with objects":
            store.delete(key)

    context.report = act
    with pytest.raises(QuillkeepError) as failure:
        run(context, id)
    error = failure.value
    assert (error.status, error.exit_code) == ("failed", 1)
    assert key in error.cause
    assert f"`quillkeep restore {id} --only objects --yes`" in error.next
    assert f"quillkeep rollback {context.job}" in error.next
    assert db.files.count_documents({}) == 4
    repaired = run(contexts(), id, only="objects")
    assert repaired.pairs is not None
    assert repaired.pairs.status == "ok"


def test_a_bucket_that_does_not_answer_is_unknown_and_fails_nothing(
    profile: Profile, contexts: Any, bucket: BucketTarget, db: Database[Any], whole: list[str]
) -> None:
    id = backup(BackupPlan(), contexts()).id
    dead = msgspec.structs.replace(
        profile, bucket=msgspec.structs.replace(bucket, endpoint="http://127.0.0.1:9")
    )
    result = run(contexts(dead), id, only="database")
    assert (result.status, result.pairs and result.pairs.status) == ("warnings", "unknown")
    assert any("could not be told" in text and "`quillkeep pairs`" in text for text in result.warnings)


def test_a_bucket_that_never_answers_is_not_waited_for(
    profile: Profile,
    contexts: Any,
    bucket: BucketTarget,
    db: Database[Any],
    whole: list[str],
    monkeypatch: Any,
) -> None:
    import socket

    from services.recovery import pairs_proof

    monkeypatch.setattr(pairs_proof, "ANSWER_SECONDS", 1.0)
    id = backup(BackupPlan(), contexts()).id
    with socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=lambda: [silent.accept() for _ in range(1)], daemon=True).start()
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        mute = msgspec.structs.replace(profile, bucket=msgspec.structs.replace(bucket, endpoint=endpoint))
        result = run(contexts(mute), id, only="database")
    assert result.pairs is not None
    assert result.pairs.status == "unknown"
    assert "did not answer" in result.pairs.detail


def test_what_does_not_concern_files_is_not_looked_at(
    contexts: Any, db: Database[Any], store: Bucket, whole: list[str]
) -> None:
    id = backup(BackupPlan(), contexts()).id
    store.delete(key_of(db, whole[0]))
    result = run(contexts(), id, collections=("users",))
    assert result.pairs is None


def test_without_a_bucket_it_is_skipped(
    profile: Profile, contexts: Any, db: Database[Any], whole: list[str]
) -> None:
    id = backup(BackupPlan(only="database"), contexts()).id
    result = run(contexts(msgspec.structs.replace(profile, bucket=None)), id)
    assert (result.pairs and result.pairs.status) == "skipped"
    assert not any("bucket" in text for text in result.warnings)


def test_a_finish_proves_it_too(
    contexts: Any, db: Database[Any], store: Bucket, whole: list[str], monkeypatch: Any
) -> None:
    from services.recovery import ending

    key = key_of(db, whole[0])
    store.delete(key)
    id = backup(BackupPlan(), contexts()).id
    context = contexts()

    def dies(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ending, "prove_live", dies)
        with pytest.raises(KeyboardInterrupt):
            run(context, id)
    result = finish(FinishPlan(job=context.job), contexts())
    assert result.pairs is not None
    assert (result.pairs.status, result.pairs.lacking) == ("warn", 1)
    assert any(key in text for text in result.warnings)
