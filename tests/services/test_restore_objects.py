"""Database and objects together: backup, damage, restore of `latest`, rollback, and rollback of the rollback."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.errors import Cancelled
from services.jobs.events import AnyEvent, PhaseStarted
from services.objects.bucket import Bucket, open_bucket
from services.objects.keys import Headers
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.release import ReleasePlan, release
from services.operations.restore import RestorePlan, restore
from services.profile import Profile
from services.recovery.request import RestoreRequest
from tests.services.restore_support import FIXTURES, job_id, ours, picture, run_restore, run_rollback
from tests.support import make_context


def contents(bucket: Bucket) -> dict[str, tuple[str, str | None]]:
    """sha256 and content type of every object of the application."""
    found = {}
    for info in bucket.list():
        digest = hashlib.sha256()
        headers = bucket.read(info.key, size=info.size, etag=info.etag, sink=digest.update)
        found[info.key] = (digest.hexdigest(), headers.content_type)
    return found


def leftovers(bucket: Bucket) -> list[str]:
    """Keys of ours that are still in the bucket."""
    return [info.key for info in bucket.list_under("__quillkeep_")]


@pytest.fixture
def filled(profile: Profile, db: Database[Any], tmp_path: Path) -> Bucket:
    """The fixture's data and objects, backed up once."""
    run_restore(profile, tmp_path, only="database")
    run_restore(profile, tmp_path, str(FIXTURES / "quilltap_s3_20261101_020000.tar.gz"), only="objects")
    backup(BackupPlan(), make_context(profile, tmp_path, job=job_id()))
    assert profile.bucket is not None
    return open_bucket(profile.bucket)


def damage(db: Database[Any], bucket: Bucket) -> None:
    """A dropped collection, altered documents, deleted and overwritten objects."""
    db["characters"].drop()
    db["tags"].update_many({}, {"$set": {"nameLower": "damaged"}})
    keys = [info.key for info in bucket.list()]
    for key in keys[:5]:
        bucket.delete(key)
    for key in keys[5:9]:
        bucket.put(key, b"damaged", size=7, headers=Headers())


def test_latest_brings_back_both_and_can_be_rolled_back(
    filled: Bucket, profile: Profile, db: Database[Any], tmp_path: Path
) -> None:
    before, objects = picture(db), contents(filled)
    damage(db, filled)
    damaged, damaged_objects = picture(db), contents(filled)
    result, _ = run_restore(profile, tmp_path, "latest")
    assert picture(db) == before and contents(filled) == objects
    assert result.objects is not None
    assert (result.objects.put, result.objects.replaced) == (9, 4)
    back = run_rollback(profile, tmp_path, result.job)
    assert picture(db) == damaged
    now = contents(filled)
    assert {key: now[key] for key in damaged_objects} == damaged_objects
    assert set(now) == set(objects), "added objects stay"
    again = run_rollback(profile, tmp_path, back.job)
    assert picture(db) == before and contents(filled) == objects
    ctx = make_context(profile, tmp_path, job=job_id())
    counted = release(ReleasePlan(job=again.job, dry_run=True), ctx)
    assert not counted.released and ours(db)
    release(ReleasePlan(job=again.job), ctx)
    assert not ours(db) and not leftovers(filled)
    assert picture(db) == before and contents(filled) == objects


def test_a_cancel_before_the_first_rename_puts_objects_back(
    filled: Bucket, profile: Profile, db: Database[Any], tmp_path: Path
) -> None:
    damage(db, filled)
    damaged, damaged_objects = picture(db), contents(filled)
    ctx = make_context(profile, tmp_path, job=job_id())
    report = ctx.report

    def cancel_when_objects_are_put(event: AnyEvent) -> None:
        report(event)
        if isinstance(event, PhaseStarted) and event.phase == "proving objects":
            ctx.cancel.set()

    ctx.report = cancel_when_objects_are_put
    with pytest.raises(Cancelled) as cancelled:
        restore(RestorePlan(request=RestoreRequest(backup="latest"), allow=("writers",)), ctx)
    assert "4 replaced objects were put back and proven" in cancelled.value.touched
    assert picture(db) == damaged and not ours(db) and not leftovers(filled)
    now = contents(filled)
    assert {key: now[key] for key in damaged_objects} == damaged_objects
