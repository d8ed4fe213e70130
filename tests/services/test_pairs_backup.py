"""The pair check inside a backup and across: its own objects, what a row's backup is, and which backup has what is gone."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.demo.sample import fill_bucket, fill_database
from services.objects.bucket import Bucket, open_bucket
from services.operations.accept import AcceptPlan, accept
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.verify import VerifyPlan, verify
from services.profile import BucketTarget, Profile
from tests.services.pairs_support import USER, key_of, kinds, looked, put, row_of, upload
from tests.support import FIXTURES, RecordingContext

Contexts = Callable[..., RecordingContext]


@pytest.fixture
def store(bucket: BucketTarget) -> Bucket:
    return open_bucket(bucket)


@pytest.fixture
def whole(db: Database[Any], store: Bucket) -> list[str]:
    """Four uploads; the ids of their rows."""
    db.users.insert_one({"id": USER, "name": "Inês Faroleira"})
    return [upload(db, store, f"{number}.png", bytes([number]) * (number + 10)) for number in range(4)]


class Nights:
    """Backups, one a day, the first on the 20th."""

    def __init__(self, profile: Profile, make_context: Contexts) -> None:
        self._profile, self._make, self._day = profile, make_context, 19

    def __call__(self, **plan: Any) -> str:
        self._day += 1
        at = datetime(2026, 11, self._day, 2, 0, 0, tzinfo=UTC)
        return backup(BackupPlan(**plan), self._make(self._profile, clock=lambda: at)).id


@pytest.fixture
def nights(profile: Profile, make_context: Contexts) -> Nights:
    return Nights(profile, make_context)


def change_lines(
    location: Path, backup: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]
) -> None:
    """Rewrites an object manifest."""
    path = location / f"{backup.replace('quilltap_', 'quilltap_s3_')}.objects.jsonl.gz"
    lines = [msgspec.json.decode(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    kept = [line for line in map(change, lines) if line is not None]
    path.chmod(0o600)
    path.write_bytes(gzip.compress(b"".join(msgspec.json.encode(line) + b"\n" for line in kept)))


@pytest.mark.parametrize("depth", ["shallow", "heads", "deep"])
def test_a_backup_of_the_sample_is_whole(
    profile: Profile,
    db: Database[Any],
    bucket: BucketTarget,
    nights: Nights,
    make_context: Contexts,
    depth: str,
) -> None:
    fill_database(db, scale=0.002, seed=9, indexes=False)
    filled = fill_bucket(bucket, scale=0.002, seed=9)
    id = nights()
    for ref in (id, "latest"):
        result = looked(make_context(profile), rows=ref, depth=depth)
        assert (result.status, result.findings, result.moved) == ("ok", (), ())
        assert (result.rows_of, result.objects_of) == (id, id)
        assert (result.rows, result.objects, len(result.outside)) == (filled.count + 1, filled.count, 1)
    for plan in ({"rows": id, "objects": "live"}, {"rows": "live", "objects": id}):
        result = looked(make_context(profile), depth=depth, **plan)
        assert (result.status, result.findings) == ("ok", ())


def test_what_is_gone_is_found_in_the_newest_backup_that_has_it(
    profile: Profile,
    db: Database[Any],
    store: Bucket,
    whole: list[str],
    nights: Nights,
    make_context: Contexts,
) -> None:
    keys = [key_of(db, id) for id in whole]
    first = nights()
    store.delete(keys[0])
    put(store, keys[1], b"rotten" * 3, sha256="0" * 64)
    second = nights()
    new = key_of(db, upload(db, store, "new.png", b"new"))
    for key in (keys[2], keys[3], new):
        store.delete(key)
    result = looked(make_context(profile))
    assert set(result.missing) == {keys[0], keys[2], keys[3], new}
    assert [one.key for one in result.mismatched] == [keys[1]]
    assert result.good_in == {keys[0]: first, keys[1]: first, keys[2]: second, keys[3]: second}
    found = {one.kind: one for one in result.findings}
    assert found["missing-object"].good_in == second
    assert f"`quillkeep restore {second} --only objects --yes`" in found["missing-object"].next
    assert "(2 of these 4)" in found["missing-object"].next
    assert first in found["missing-object"].next
    assert f"`quillkeep restore {first} --only objects --yes`" in found["altered-object"].next


def test_a_snapshot_that_lacks_the_file_does_not_have_it(
    profile: Profile,
    db: Database[Any],
    store: Bucket,
    whole: list[str],
    nights: Nights,
    make_context: Contexts,
    location: Path,
) -> None:
    key = key_of(db, whole[0])
    first, second, third = nights(), nights(), nights()
    store.delete(key)
    (location / third.replace("quilltap_", "quilltap_s3_") / key).unlink()
    change_lines(location, second, lambda line: None if line["key"] == key else line)
    result = looked(make_context(profile))
    assert result.good_in == {key: first}
    own = looked(make_context(profile), rows=third)
    assert (own.status, own.missing, own.good_in) == ("fail", (key,), {key: first})
    assert f"Run it after a restore of {third}" in own.findings[0].next
    assert "its file cannot be read" in own.files[0].why


def test_a_foreign_folder_has_it_when_its_bytes_are_right(
    profile: Profile,
    db: Database[Any],
    store: Bucket,
    whole: list[str],
    make_context: Contexts,
    location: Path,
) -> None:
    right, wrong = key_of(db, whole[0]), key_of(db, whole[1])
    folder = location / "s3_20261101_020000"
    for key, body in ((right, bytes([0]) * 10), (wrong, b"x" * 11)):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(body)
        store.delete(key)
    result = looked(make_context(profile))
    assert result.good_in == {right: folder.name}


def test_inside_a_backup_bytes_are_known(
    profile: Profile,
    db: Database[Any],
    store: Bucket,
    whole: list[str],
    nights: Nights,
    make_context: Contexts,
    location: Path,
) -> None:
    """The object manifest's sha256 is compared without reading anything; `deep` reads the files."""
    same_size = key_of(db, whole[0])
    put(store, same_size, b"#" * 10)
    id = nights()
    shallow = looked(make_context(profile), rows=id)
    assert [one.key for one in shallow.mismatched] == [same_size]
    rotten = location / id.replace("quilltap_", "quilltap_s3_") / key_of(db, whole[1])
    os.chmod(rotten, 0o600)
    rotten.write_bytes(b"?" * 11)
    assert looked(make_context(profile), rows=id).mismatched == shallow.mismatched
    deep = looked(make_context(profile), rows=id, depth="deep")
    assert {one.key for one in deep.mismatched} == {same_size, key_of(db, whole[1])}


def test_what_moved_while_a_backup_ran_is_not_called_broken(
    profile: Profile,
    db: Database[Any],
    store: Bucket,
    whole: list[str],
    make_context: Contexts,
) -> None:
    """Between the two listings of the objects one file is deleted, one comes, and one comes and goes."""
    gone = key_of(db, whole[0])
    events: list[str] = []

    context = make_context(profile)
    report = context.report

    def act(event: Any) -> None:
        report(event)
        phase = getattr(event, "phase", "")
        if phase == "dump" and "before" not in events:
            events.append("before")
            store.delete(gone)
            db.files.delete_one({"id": whole[0]})
            passing = row_of(f"users/{USER}/IMAGE/passing", b"p", createdAt="2999-01-01T00:00:00.000Z")
            db.files.insert_one(passing)
        if phase == "objects-again" and "after" not in events:
            events.append("after")
            put(store, f"users/{USER}/IMAGE/late", b"late")

    context.report = act
    id = backup(BackupPlan(), context).id
    assert events == ["before", "after"]
    result = looked(make_context(profile), rows=id)
    assert (result.status, result.findings) == ("ok", ())
    assert set(result.moved) == {gone, f"users/{USER}/IMAGE/passing", f"users/{USER}/IMAGE/late"}
    assert "while the backup ran" in result.notes[-1]


def test_orphans_of_a_backup_are_named(
    profile: Profile,
    db: Database[Any],
    store: Bucket,
    whole: list[str],
    nights: Nights,
    make_context: Contexts,
) -> None:
    put(store, "users/x/files/guide", b"1")
    id = nights()
    result = looked(make_context(profile), rows=id)
    assert (result.status, result.orphans) == ("warn", ("users/x/files/guide",))
    assert kinds(result) == {"orphan-guide": 1}


def test_across_what_is_newer_is_told_apart(
    profile: Profile,
    db: Database[Any],
    store: Bucket,
    whole: list[str],
    nights: Nights,
    make_context: Contexts,
) -> None:
    id = nights()
    new = key_of(db, upload(db, store, "new.png", b"new", createdAt="2999-01-01T00:00:00.000Z"))
    store.delete(key_of(db, whole[0]))
    late = looked(make_context(profile), rows="live", objects=id)
    assert (late.status, late.missing, kinds(late)) == ("warn", (new,), {"newer-row": 1})
    assert (late.rows_of, late.objects_of) == ("live", id)
    early = looked(make_context(profile), rows=id, objects="live")
    assert (early.status, early.missing, early.orphans) == ("fail", (key_of(db, whole[0]),), (new,))
    assert kinds(early) == {"missing-object": 1, "newer-object": 1}
    assert early.good_in == {key_of(db, whole[0]): id}


def test_what_was_accepted_as_lost_is_only_warned_of(
    profile: Profile,
    db: Database[Any],
    store: Bucket,
    whole: list[str],
    nights: Nights,
    make_context: Contexts,
    location: Path,
) -> None:
    key = key_of(db, whole[0])
    id = nights()
    change_lines(location, id, lambda line: line | ({"missing": "denied"} if line["key"] == key else {}))
    manifest = location / f"{id}.json"
    document = msgspec.json.decode(manifest.read_bytes())
    document["objects"]["missing"] = [key]
    manifest.chmod(0o600)
    manifest.write_bytes(msgspec.json.encode(document))
    result = looked(make_context(profile), rows=id)
    assert (result.status, kinds(result)) == ("fail", {"missing-object": 1})
    assert "denied" in result.files[0].why
    accept(AcceptPlan(backup=id), make_context(profile))
    result = looked(make_context(profile), rows=id)
    assert (result.status, kinds(result)) == ("warn", {"lost-object": 1})


@pytest.mark.parametrize("only", ["database", "objects"])
def test_half_a_backup_is_skipped(
    profile: Profile, db: Database[Any], whole: list[str], nights: Nights, make_context: Contexts, only: str
) -> None:
    id = nights(only=only)
    result = looked(make_context(profile), rows=id)
    other = "objects" if only == "database" else "database"
    assert (result.status, result.findings) == ("skipped", ())
    assert result.summary == f"{id} has no {other} part, so its pairs cannot be told."


def test_a_manifest_of_the_future_is_unknown(
    profile: Profile, whole: list[str], nights: Nights, make_context: Contexts, location: Path
) -> None:
    id = nights()
    manifest = location / f"{id}.json"
    manifest.chmod(0o600)
    for content in (
        msgspec.json.encode(msgspec.json.decode(manifest.read_bytes()) | {"schema": 99}),
        b"{",
        b"no",
    ):
        manifest.write_bytes(content)
        result = looked(make_context(profile), rows=id)
        assert (result.status, result.missing) == ("unknown", ())
        assert id in result.summary
        assert "show" in result.findings[0].next


def test_a_backup_from_before_the_first_upload_is_whole(
    profile: Profile, db: Database[Any], nights: Nights, make_context: Contexts
) -> None:
    db.users.insert_one({"id": USER})
    id = nights()
    result = looked(make_context(profile), rows=id)
    assert (result.status, result.rows, result.objects) == ("ok", 0, 0)
    checked = verify(VerifyPlan(backup=id), make_context(profile))
    assert {one.name: one.status for one in checked.checks}["pairs"] == "ok"


def test_a_backup_made_without_files_is_skipped(
    profile: Profile, whole: list[str], nights: Nights, make_context: Contexts
) -> None:
    id = nights(exclude=("files",))
    result = looked(make_context(profile), rows=id)
    assert (result.status, result.findings) == ("skipped", ())
    assert result.summary.startswith(f"{id} was made without the collection files")


def test_what_the_guide_leaves_is_whole(profile: Profile, location: Path, make_context: Contexts) -> None:
    for name in ("quilltap_mongo_20261101_020000.tar.gz", "quilltap_s3_20261101_020000.tar.gz"):
        shutil.copy(FIXTURES / name, location / name)
    for depth in ("shallow", "heads", "deep"):
        result = looked(make_context(profile), rows="quilltap_mongo_20261101_020000.tar.gz", depth=depth)
        assert (result.status, result.findings) == ("ok", ())
        assert result.rows >= result.objects == 30


def test_rows_of_a_dump_against_a_mirror(profile: Profile, location: Path, make_context: Contexts) -> None:
    shutil.copy(FIXTURES / "quilltap-20261101.gz", location)
    mirror = location / "s3_20261101_020000"
    shutil.copytree(FIXTURES / mirror.name, mirror)
    plan = {"rows": str(location / "quilltap-20261101.gz"), "objects": str(mirror)}
    result = looked(make_context(profile), depth="deep", **plan)
    assert (result.status, result.findings, result.objects) == ("ok", (), 30)
    victims = sorted(path for path in mirror.rglob("*") if path.is_file())
    victims[0].unlink()
    victims[1].write_bytes(b"!")
    same = victims[2].stat().st_size
    victims[2].write_bytes(b"!" * same)
    (mirror / "stray.txt").write_bytes(b"stray")
    result = looked(make_context(profile), depth="deep", **plan)
    names = [str(path.relative_to(mirror)) for path in victims[:3]]
    assert result.missing == (names[0],)
    assert [one.key for one in result.mismatched] == names[1:]
    assert result.orphans == ("stray.txt",)


def test_a_damaged_backup_is_unknown(
    profile: Profile,
    db: Database[Any],
    whole: list[str],
    nights: Nights,
    make_context: Contexts,
    location: Path,
) -> None:
    id = nights()
    lines = location / f"{id.replace('quilltap_', 'quilltap_s3_')}.objects.jsonl.gz"
    lines.chmod(0o600)
    lines.write_bytes(lines.read_bytes()[:-40])
    result = looked(make_context(profile), rows=id)
    assert result.status == "unknown"
    assert "damaged" in result.summary
