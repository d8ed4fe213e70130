"""Restore by swap on a real server: from every form, whole and by collection, into empty and full databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.catalog.scan import scan
from services.errors import Refused
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.profile import Profile
from tests.services.restore_support import (
    ARCHIVE,
    FORMS,
    job_id,
    ours,
    picture,
    run_restore,
    run_rollback,
)
from tests.support import make_context


@pytest.mark.parametrize("form", FORMS)
def test_every_form_restores_whole(form: str, profile: Profile, db: Database[Any], tmp_path: Path) -> None:
    result, _ = run_restore(profile, tmp_path, FORMS[form], only="database")
    assert result.status == "warnings"
    assert result.collections["characters"].documents == db["characters"].count_documents({}) > 0
    reference, _ = run_restore(profile, tmp_path, ARCHIVE, only="database")
    assert {name: entry.documents for name, entry in result.collections.items()} == {
        name: entry.documents for name, entry in reference.collections.items()
    }


@pytest.mark.parametrize("form", FORMS)
def test_one_collection_leaves_all_others_alone(
    form: str, profile: Profile, db: Database[Any], tmp_path: Path
) -> None:
    run_restore(profile, tmp_path, ARCHIVE, only="database")
    db["tags"].insert_one({"_id": "marker"})
    db["characters"].delete_many({})
    before = picture(db)
    hashes = db.command("dbHash")["collections"]
    run_restore(profile, tmp_path, FORMS[form], collections=("characters",))
    after = picture(db)
    assert after["characters"] != before["characters"]
    assert {name: entry for name, entry in after.items() if name != "characters"} == {
        name: entry for name, entry in before.items() if name != "characters"
    }
    now = db.command("dbHash")["collections"]
    assert {name: now[name] for name in before if name != "characters"} == {
        name: hashes[name] for name in before if name != "characters"
    }


def test_rollback_and_its_rollback(profile: Profile, db: Database[Any], tmp_path: Path) -> None:
    db["characters"].insert_many([{"_id": number, "name": "old"} for number in range(50)])
    db["characters"].create_index("when", expireAfterSeconds=3600)
    db.create_collection("mine", viewOn="characters", pipeline=[])
    before = picture(db)
    result, _ = run_restore(profile, tmp_path, only="database")
    restored = picture(db)
    assert restored["characters"] != before["characters"]
    back = run_rollback(profile, tmp_path, result.job)
    assert picture(db) == before
    again = run_rollback(profile, tmp_path, back.job)
    assert picture(db) == restored
    run_rollback(profile, tmp_path, again.job)
    assert picture(db) == before


def test_exact_sets_aside_what_is_only_live(profile: Profile, db: Database[Any], tmp_path: Path) -> None:
    db["extra"].insert_one({"_id": 1})
    result, _ = run_restore(profile, tmp_path, only="database", exact=True)
    assert "extra" not in picture(db)
    run_rollback(profile, tmp_path, result.job)
    assert set(picture(db)) == {"extra"}


def test_another_databases_dump_needs_a_mapping(profile: Profile, db: Database[Any], tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        run_restore(profile, tmp_path, only="database", from_database=None)
    assert "--from-database quilltap" in refused.value.next
    assert not picture(db) and not ours(db)


def test_a_foreign_client_is_a_risk(profile: Profile, db: Database[Any], tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        run_restore(profile, tmp_path, only="database", allow=())
    assert "--allow writers" in refused.value.next
    assert not picture(db) and not ours(db)


def test_a_nightly_backup_releases_copies_that_waited_long_enough(
    profile: Profile, db: Database[Any], tmp_path: Path
) -> None:
    db["characters"].insert_many([{"_id": number} for number in range(10)])
    result, _ = run_restore(profile, tmp_path, only="database")
    early = make_context(profile, tmp_path, job=job_id())
    backup(BackupPlan(only="database"), early)
    assert ours(db), "72 hours have not passed"
    late = make_context(
        profile, tmp_path, job=job_id(), clock=lambda: datetime.now(UTC) + timedelta(hours=73)
    )
    made = backup(BackupPlan(only="database"), late)
    assert made.status == "ok", made.warnings
    assert not ours(db)
    rows = scan(profile.locations, profile, late.paths)
    kept = [row for row in rows if row.reason == f"before release of {result.job}"]
    assert len(kept) == 1 and not kept[0].counted
    restored, _ = run_restore(profile, tmp_path, kept[0].id, collections=("characters",))
    assert restored.collections["characters"].documents == 10
