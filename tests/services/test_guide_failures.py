"""What the usual guide's commands get wrong, each beside what ours does: the admin's meaning, not the letter."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.errors import QuillkeepError
from services.objects.bucket import Bucket, open_bucket
from services.objects.keys import Headers
from services.operations.result import exit_code
from services.operations.verify import VerifyPlan, verify
from services.profile import Profile
from tests.services.interop_support import (
    mapped,
    mongorestore,
    our_backup,
    run,
    scratch,
    shell,
    uri_of,
    whole,
)
from tests.services.objects_support import contents, fill
from tests.services.restore_support import ARCHIVE, FORMS, job_id, ours, run_restore
from tests.support import FIXTURES, make_context, make_profile


@pytest.fixture
def bare(profile: Profile) -> Profile:
    """The deployment without its bucket."""
    assert profile.mongo is not None
    where = Path(profile.locations[0].path)
    return make_profile(profile.mongo.uri.reveal(), profile.mongo.database, location=where)


def with_path(profile: Profile, database: str) -> str:
    """The same with a database in its path, as the guide writes it."""
    base, mark, options = uri_of(profile).partition("?")
    return f"{base.rstrip('/')}/{database}{mark}{options}"


def test_g1_restoring_one_collection_touches_only_it(
    bare: Profile, db: Database[Any], peers: Path, tmp_path: Path
) -> None:
    """The guide's URI names a database, which widens --nsInclude to all of it."""
    dump = FIXTURES / "backup-20261101"
    with scratch(db, "g1") as victim:
        copy = tmp_path / "dump"
        shutil.copytree(dump / "quilltap", copy / victim.name)
        run(peers / "mongorestore", f"--uri={uri_of(bare)}", str(copy))
        victim.users.insert_one({"_id": "registered since"})
        run(
            peers / "mongorestore",
            f"--uri={with_path(bare, victim.name)}",
            f"--nsInclude={victim.name}.characters",
            "--drop",
            str(copy / victim.name),
        )
        assert victim.users.find_one({"_id": "registered since"}) is None, "the guide's command spared it"
    run_restore(bare, tmp_path, FORMS["directory"])
    db.users.insert_one({"_id": "registered since"})
    db.characters.delete_many({})
    before = whole(db)
    result, _ = run_restore(bare, tmp_path, FORMS["directory"], collections=("characters",))
    after = whole(db)
    assert set(result.collections) == {"characters"} and db.characters.count_documents({}) == 40
    for picture in (before, after):
        del picture["hashes"]["characters"]
    assert after == before
    assert db.users.find_one({"_id": "registered since"})


def test_g2_a_test_restore_into_another_database_restores_every_document(
    bare: Profile, db: Database[Any], peers: Path, tmp_path: Path
) -> None:
    """The guide's command filters by the target's name, finds nothing, and ends with 0."""
    db.users.insert_one({"_id": "live"})
    before = whole(db)
    with scratch(db, "test") as trial, scratch(db, "ref") as reference:
        ran = mongorestore(peers, with_path(bare, trial.name), ARCHIVE)
        assert "0 document(s) restored successfully" in ran.stderr
        assert trial.list_collection_names() == []
        result, _ = run_restore(bare, tmp_path, ARCHIVE, to_database=trial.name, allow=())
        mongorestore(peers, uri_of(bare), ARCHIVE, *mapped("quilltap", reference.name))
        assert whole(trial) == whole(reference)
        assert sum(entry.documents for entry in result.collections.values()) == 582
    assert whole(db) == before and not ours(db)


def test_g4_a_truncated_tarball_is_noticed(bare: Profile, db: Database[Any], tmp_path: Path) -> None:
    """`tar -tzf X | head` shows names and ends with 0, since the pipe hides how tar ended."""
    good = (FIXTURES / "quilltap_mongo_20261101_020000.tar.gz").read_bytes()
    cut = Path(bare.locations[0].path) / "quilltap_mongo_20261101_020000.tar.gz"
    cut.write_bytes(good[: len(good) * 4 // 5])
    guide = shell(f"tar -tzf {cut} | head", Path("/nowhere"))
    assert guide.returncode == 0 and "mongo_20261101_020000" in guide.stdout
    db.users.insert_one({"_id": "live"})
    before = whole(db)
    verdict = verify(VerifyPlan(backup=cut.name), make_context(bare, tmp_path, job=job_id()))
    assert verdict.status == "fail"
    assert any(check.status == "fail" and check.detail for check in verdict.checks)
    with pytest.raises(QuillkeepError) as refused:
        run_restore(bare, tmp_path, cut.name, from_database="quilltap")
    assert cut.name in refused.value.what or "damaged" in refused.value.what
    assert whole(db) == before and not ours(db)


def test_g4_a_tarball_cut_inside_its_last_file_is_noticed_although_gzip_is_whole(
    bare: Profile, db: Database[Any], tmp_path: Path
) -> None:
    plain = gzip.decompress((FIXTURES / "quilltap_mongo_20261101_020000.tar.gz").read_bytes())
    cut = Path(bare.locations[0].path) / "quilltap_mongo_20261101_020000.tar.gz"
    cut.write_bytes(gzip.compress(plain[: len(plain) // 2]))
    assert run("gunzip", "-t", cut).returncode == 0
    verdict = verify(VerifyPlan(backup=cut.name), make_context(bare, tmp_path, job=job_id()))
    assert verdict.status == "fail"


@pytest.fixture
def kept(profile: Profile, tmp_path: Path) -> tuple[Bucket, dict[str, bytes], str]:
    """A bucket with objects, their bytes, and the id of a backup of them."""
    assert profile.bucket is not None
    bucket = open_bucket(profile.bucket)
    objects = {f"users/u1/files/{n}.png": bytes([n]) * 500 for n in range(6)}
    fill(bucket, objects)
    return bucket, objects, our_backup(profile, tmp_path, only="objects").id


def test_g10_a_damaged_object_of_the_same_size_is_replaced_by_the_older_good_copy(
    profile: Profile, kept: tuple[Bucket, dict[str, bytes], str], tmp_path: Path
) -> None:
    """`aws s3 sync` copies only what differs in size or is newer at its source: the older good file is skipped."""
    bucket, objects, backup = kept
    victim = "users/u1/files/3.png"
    bucket.put(victim, b"\xff" * 500, size=500, headers=Headers())
    bucket.put("users/u1/files/new.png", b"new", size=3, headers=Headers())
    result, _ = run_restore(profile, tmp_path, backup, only="objects")
    assert result.objects is not None and (result.objects.put, result.objects.replaced) == (1, 1)
    assert result.objects.kept == 5
    assert contents(bucket) == {**objects, "users/u1/files/new.png": b"new"}


def test_g10_a_file_that_rotted_in_the_backup_is_an_error_and_not_put(
    profile: Profile, kept: tuple[Bucket, dict[str, bytes], str], tmp_path: Path
) -> None:
    """Size and modification time are those of the good file; the object manifest's sha256 is not."""
    bucket, objects, backup = kept
    victim = "users/u1/files/3.png"
    file = next(Path(profile.locations[0].path).glob("quilltap_s3_*/")) / victim
    times = file.stat()
    file.chmod(0o600)
    file.write_bytes(b"\xff" * 500)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    verdict = verify(VerifyPlan(backup=backup), make_context(profile, tmp_path, job=job_id()))
    assert verdict.status == "fail"
    assert any(victim in check.detail for check in verdict.checks)
    bucket.delete(victim)
    result, _ = run_restore(profile, tmp_path, backup, only="objects")
    assert result.status == "warnings" and exit_code(result.status) == 3
    assert any(victim in words and "sha256" in words for words in result.warnings), result.warnings
    del objects[victim]
    assert contents(bucket) == objects, "damaged bytes never reach the bucket"
