"""The trash: what it is not taken for, what emptying it really frees, and the way back."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.catalog.manifest import decode_manifest
from services.catalog.notes import CheckNote, append_note
from services.catalog.trash import RECORD, TRASH
from services.errors import Cancelled, Refused, UsageProblem
from services.jobs.location_lock import reading
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.trash import (
    TrashEmptyPlan,
    TrashRestorePlan,
    trash_document,
    trash_empty,
    trash_restore,
)
from services.operations.verify import VerifyPlan, verify
from services.paths import Paths
from services.profile import BucketTarget, Profile
from tests.services.delete_support import (
    NEW,
    NIGHT,
    OLD,
    Contexts,
    refusal,
    rows,
    run,
    two_nights,
    used,
)


@pytest.fixture
def nights(profile: Profile, db: Database[Any], bucket: BucketTarget, make_context: Contexts) -> Profile:
    return two_nights(profile, db, bucket, make_context)


def test_the_trash_is_no_backup_for_anything(
    nights: Profile, bucket: BucketTarget, location: Path, make_context: Contexts
) -> None:
    run(nights, make_context)
    assert set(rows(nights, make_context)) == {NEW}
    third = backup(BackupPlan(), make_context(nights, clock=lambda: NIGHT + timedelta(days=2)))
    assert third.status == "ok" and third.objects is not None and third.objects.linked == 5
    manifest = decode_manifest((location / f"{third.id}.json").read_bytes())
    assert manifest.previous == NEW
    assert verify(VerifyPlan(backup=third.id), make_context(nights)).verdict == "ok"


def test_what_emptying_frees_is_counted_by_last_links_and_is_true(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    looked = run(nights, make_context, dry_run=True)
    assert not looked.deleted and OLD in rows(nights, make_context)
    result = run(nights, make_context)
    assert looked.frees == result.frees and result.frees is not None
    # Four objects of 9,000 bytes are linked by the newer night, too, and free nothing.
    assert result.frees.shared == 4 * 12_288
    document = trash_document(nights)
    assert document["frees"] == result.frees.bytes == document["trash"][0]["frees"]
    entry = location / TRASH / result.entry
    record = sum(path.stat().st_blocks * 512 for path in (entry, entry / RECORD, entry / "files"))
    before = used(location)
    emptied = trash_empty(TrashEmptyPlan(), make_context(nights))
    assert emptied.freed == result.frees.bytes == before - used(location) - record
    assert emptied.emptied == (OLD,) and os.listdir(location / TRASH) == []
    assert verify(VerifyPlan(backup=NEW), make_context(nights)).verdict == "ok"


def test_links_between_two_trashed_backups_free_once(nights: Profile, make_context: Contexts) -> None:
    third = backup(BackupPlan(), make_context(nights, clock=lambda: NIGHT + timedelta(days=2)))
    alone = run(nights, make_context, OLD)
    both = run(nights, make_context, NEW)
    assert alone.frees and both.frees and both.trash_frees
    assert both.trash_frees.bytes == alone.frees.bytes + both.frees.bytes
    assert both.trash_frees.shared == 4 * 12_288 + 20_480
    assert third.id in rows(nights, make_context)


def test_a_trash_that_is_something_else(
    nights: Profile, location: Path, tmp_path: Path, make_context: Contexts
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (location / TRASH).symlink_to(elsewhere)
    assert "is no folder" in refusal(nights, make_context).what
    assert os.listdir(elsewhere) == [] and rows(nights, make_context)[OLD].good
    (location / TRASH).unlink()
    trash = location / TRASH
    trash.mkdir(mode=0o755)
    (trash / "holiday.jpg").write_bytes(b"mine")
    planted = trash / "20261123T000000Z_planted"
    (planted / "files").mkdir(parents=True)
    (planted / "files" / "passwd").write_bytes(b"x")
    record = b'{"id":"x","kind":"archive","folder":"../..","names":["passwd"],"state":"trashed",'
    record += b'"deleted":"2026-11-23T00:00:00Z","by":"","job":"","created":"2026-11-23T00:00:00Z"}'
    (planted / RECORD).write_bytes(record)
    assert run(nights, make_context).deleted and stat.S_IMODE(trash.stat().st_mode) == 0o700
    document = trash_document(nights)
    assert [row["id"] for row in document["trash"]] == [OLD] and len(document["warnings"]) == 2
    trash_empty(TrashEmptyPlan(), make_context(nights))
    assert (trash / "holiday.jpg").exists() and planted.exists()


def test_back_from_the_trash_never_over_anything(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    run(nights, make_context)
    (location / f"{OLD}.json").write_bytes(b"{}")
    with pytest.raises(Refused, match="cannot go back"):
        trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
    (location / f"{OLD}.json").unlink()
    # Notes of a verify that had begun before the deletion stay beside the older ones.
    ctx = make_context(nights)
    append_note(location, OLD, CheckNote(at=NIGHT, depth="quick", status="ok"), ctx.paths)
    trash_restore(TrashRestorePlan(entry=OLD), ctx)
    assert rows(nights, make_context)[OLD].good
    run(nights, make_context)
    shutil.copytree(location / TRASH, location / "copy")
    with pytest.raises(UsageProblem, match="in the trash"):
        trash_restore(TrashRestorePlan(entry="nothing"), make_context(nights))


def test_emptying_can_be_stopped_and_goes_on(nights: Profile, location: Path, make_context: Contexts) -> None:
    run(nights, make_context)
    ctx = make_context(nights)
    unlink, gone = os.unlink, []

    def counting(*arguments: Any, **more: Any) -> None:
        unlink(*arguments, **more)
        if "dir_fd" in more:
            gone.append(arguments[0])
            if len(gone) == 3:
                ctx.request_cancel()

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Cancelled) as caught:
        patch.setattr(os, "unlink", counting)
        trash_empty(TrashEmptyPlan(), ctx)
    assert "no whole backup" in caught.value.touched
    assert trash_document(nights)["trash"][0]["state"] == "emptying"
    with pytest.raises(Refused, match="half gone"):
        trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
    assert trash_empty(TrashEmptyPlan(), make_context(nights)).emptied == (OLD,)
    assert trash_empty(TrashEmptyPlan(), make_context(nights)).emptied == ()


def test_only_what_was_confirmed_is_emptied(nights: Profile, make_context: Contexts) -> None:
    backup(BackupPlan(), make_context(nights, clock=lambda: NIGHT + timedelta(days=2)))
    run(nights, make_context, OLD)
    shown = tuple(row["key"] for row in trash_document(nights)["trash"])
    run(nights, make_context, NEW)
    assert trash_empty(TrashEmptyPlan(entries=shown), make_context(nights)).emptied == (OLD,)
    assert [row["id"] for row in trash_document(nights)["trash"]] == [NEW]
    again = trash_empty(TrashEmptyPlan(entries=shown), make_context(nights))
    assert again.emptied == () and "no longer in the trash" in again.warnings[0]


def test_one_in_the_trash_can_be_verified_and_read_there(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    files = location / TRASH / run(nights, make_context).entry / "files"
    manifest = str(files / f"{OLD}.json")
    assert verify(VerifyPlan(backup=manifest), make_context(nights)).verdict == "ok"
    with reading(files, OLD, "restoring-from-there", verb="restore"):
        with pytest.raises(Refused, match="being read in the trash"):
            trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
        stays = trash_empty(TrashEmptyPlan(), make_context(nights))
        assert stays.emptied == () and "stays in the trash" in stays.warnings[0]
    assert "in no location" in refusal(nights, make_context, manifest).what
    trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
    assert rows(nights, make_context)[OLD].verified is not None and os.listdir(location / TRASH) == []


def test_a_look_into_the_trash(nights: Profile, tmp_path: Path, make_context: Contexts) -> None:
    from services.looking.child import look
    from services.looking.trash import TrashRequest

    result = run(nights, make_context)
    quick = look("trash", nights, Paths(tmp_path)).document
    assert [(row["id"], row["frees"]) for row in quick["trash"]] == [(OLD, None)] and quick["frees"] is None
    measured = look("trash", nights, Paths(tmp_path), TrashRequest(measure=True)).document
    assert result.frees is not None and measured["frees"] == result.frees.bytes
