"""Restores of objects into a real bucket: additive, with copies of what is replaced, and back again."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from services.errors import QuillkeepError, Refused
from services.objects.bucket import Bucket
from services.objects.elsewhere import Elsewhere
from services.objects.keys import Headers
from services.objects.linking import PreviousSnapshot
from services.objects.restore import (
    LiveObject,
    Placement,
    copies_of,
    decode_placements,
    encode_placements,
    plan_objects,
    prove_objects,
    release_objects,
    rollback_objects,
    undo_objects,
)
from services.objects.source import open_objects
from services.profile import BucketTarget
from tests.services.objects_support import contents, fill, opened, paths, put, snapshot

KEYS = {f"users/u{n % 3}/IMAGE/{n:02d}.png": bytes([n]) * (1000 + n) for n in range(12)}
CHANGED, DELETED, NEW = "users/u1/IMAGE/01.png", "users/u2/IMAGE/02.png", "users/u9/IMAGE/later.png"


@pytest.fixture
def damaged(bucket: BucketTarget, location: Path) -> Bucket:
    """A bucket that was backed up, and then one object altered, one deleted, one added."""
    store = opened(bucket)
    fill(store, KEYS)
    snapshot(store, location)
    fill(store, {CHANGED: b"altered", NEW: b"later"})
    store.delete(DELETED)
    return store


def test_a_restore_is_additive_and_brings_headers_and_bytes_back(damaged: Bucket, location: Path) -> None:
    source = open_objects(paths(location, "1")[0])
    plan = plan_objects(damaged, source)
    assert plan.counts() == {"put": 2, "keep": 10, "only_live": 1}
    assert list(plan.new) == [DELETED] and list(plan.replace) == [CHANGED] and list(plan.only_live) == [NEW]
    assert plan.put_bytes == 1002 + 1001
    journal: list[Placement] = []
    result = put(damaged, plan, source, job="job7", journal=journal.extend)
    assert (result.put, result.kept, result.failed, result.left, result.lacking) == (2, 10, (), (), ())
    assert contents(damaged) == {**KEYS, NEW: b"later"}
    stat = damaged.stat(CHANGED)
    assert stat.headers.content_type == "image/png" and stat.headers.cache_control == "max-age=60"
    assert stat.headers.metadata["sha256"] == hashlib.sha256(KEYS[CHANGED]).hexdigest()
    assert prove_objects(damaged, plan, result) == ()
    assert {(placement.key, placement.action) for placement in journal} == {
        (CHANGED, "replaced"),
        (DELETED, "added"),
    }
    assert copies_of(damaged, "job7") == (1, len(b"altered"))
    again = plan_objects(damaged, source)
    assert again.counts() == {"put": 0, "keep": 12, "only_live": 1}


def test_the_journal_is_written_before_anything_is_replaced(damaged: Bucket, location: Path) -> None:
    source = open_objects(paths(location, "1")[0])
    seen: dict[str, bytes] = {}

    def journal(placements: list[Placement]) -> None:
        seen.update(contents(damaged))
        for placement in placements:
            if placement.copy:
                assert damaged.stat(placement.copy).size == placement.size

    put(damaged, plan_objects(damaged, source), source, journal=journal)
    assert seen[CHANGED] == b"altered" and DELETED not in seen


def test_undo_puts_replaced_objects_back_and_names_added_ones(damaged: Bucket, location: Path) -> None:
    before = contents(damaged)
    source = open_objects(paths(location, "1")[0])
    result = put(damaged, plan_objects(damaged, source), source, job="j2")
    placements = decode_placements(encode_placements(result.placements))
    undone = undo_objects(damaged, placements)
    assert (undone.put_back, undone.added, undone.failed) == (1, (DELETED,), ())
    assert contents(damaged) == {**before, DELETED: KEYS[DELETED]}
    assert undo_objects(damaged, placements).put_back == 1
    assert release_objects(damaged, "j2").deleted == 1
    assert copies_of(damaged, "j2") == (0, 0)
    fill(damaged, {CHANGED: b"something else"})
    assert [failed.key for failed in undo_objects(damaged, placements).failed] == [CHANGED]


def test_a_rollback_keeps_what_was_live_so_that_it_can_be_rolled_back(
    damaged: Bucket, location: Path
) -> None:
    source = open_objects(paths(location, "1")[0])
    result = put(damaged, plan_objects(damaged, source), source, job="j3")
    journal: list[Placement] = []
    back = rollback_objects(damaged, result.placements, job="j4", journal=journal.extend)
    assert (back.put_back, back.failed) == (1, ())
    assert contents(damaged)[CHANGED] == b"altered"
    assert tuple(journal) == back.placements
    forth = rollback_objects(damaged, back.placements, job="j5", journal=lambda placements: None)
    assert forth.put_back == 1
    assert contents(damaged)[CHANGED] == KEYS[CHANGED]


def test_exact_sets_only_live_objects_aside_and_undo_brings_them_back(
    damaged: Bucket, location: Path
) -> None:
    source = open_objects(paths(location, "1")[0])
    result = put(damaged, plan_objects(damaged, source), source, job="j6", exact=True)
    assert result.removed == 1
    assert contents(damaged) == KEYS
    assert undo_objects(damaged, result.placements).put_back == 2
    assert contents(damaged)[NEW] == b"later"


def test_a_damaged_file_is_never_put_and_another_backup_may_help(damaged: Bucket, location: Path) -> None:
    snapshot(damaged, location, "unused")
    good = location / "good"
    shutil.copy(paths(location, "1")[0] / CHANGED, good)
    victim = paths(location, "1")[0] / CHANGED
    victim.chmod(0o600)
    victim.write_bytes(b"x" * 1001)
    source = open_objects(paths(location, "1")[0])
    plan = plan_objects(damaged, source)
    result = put(damaged, plan, source)
    assert [(named.key, named.why) for named in result.lacking] == [
        (CHANGED, "its file's bytes are not those of its sha256")
    ]
    assert contents(damaged)[CHANGED] == b"altered"
    asked: list[tuple[str, str]] = []

    def find(key: str, sha256: str) -> Path:
        asked.append((key, sha256))
        return good

    result = put(damaged, plan_objects(damaged, source), source, find_elsewhere=find)
    assert asked == [(CHANGED, hashlib.sha256(KEYS[CHANGED]).hexdigest())]
    assert result.lacking == () and contents(damaged)[CHANGED] == KEYS[CHANGED]


def test_a_lost_lock_stops_before_the_next_batch(damaged: Bucket, location: Path) -> None:
    def lost() -> None:
        raise Refused("The lock was taken.")

    before = contents(damaged)
    source = open_objects(paths(location, "1")[0])
    with pytest.raises(Refused):
        put(damaged, plan_objects(damaged, source), source, check_lock=lost)
    assert contents(damaged) == before


def test_an_absent_target_bucket_is_refused_with_the_command_that_makes_it(
    bucket: BucketTarget, location: Path
) -> None:
    store = opened(bucket)
    fill(store, {"a": b"a"})
    snapshot(store, location)
    absent = opened(
        BucketTarget(
            bucket="not-there",
            endpoint=bucket.endpoint,
            access_key=bucket.access_key,
            secret_key=bucket.secret_key,
        )
    )
    with pytest.raises(Refused, match=r"Make it, then run this again: aws .* s3 mb s3://not-there"):
        plan_objects(absent, open_objects(paths(location, "1")[0]))


def test_a_foreign_folder_and_its_tar_restore_the_same(
    bucket: BucketTarget, fixtures_dir: Path, tmp_path: Path
) -> None:
    store = opened(bucket)
    folder = fixtures_dir / "s3_20261101_020000"
    expected = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    tar = open_objects(fixtures_dir / "quilltap_s3_20261101_020000.tar.gz", scratch=tmp_path)
    plan = plan_objects(store, tar)
    assert plan.counts() == {"put": 30, "keep": 0, "only_live": 0}
    put(store, plan, tar)
    assert contents(store) == expected
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    del tar
    assert list(tmp_path.iterdir()) == []
    victim = next(iter(expected))
    store.put(victim, b"#" * len(expected[victim]), size=len(expected[victim]), headers=Headers())
    plan = plan_objects(store, open_objects(folder))
    assert plan.counts() == {"put": 1, "keep": 29, "only_live": 0} and list(plan.replace) == [victim]


def test_a_multipart_object_is_compared_by_its_bytes(
    bucket: BucketTarget, tmp_path: Path, location: Path
) -> None:
    store = opened(bucket)
    big = tmp_path / "big"
    big.write_bytes(b"0123456789abcdef" * (17 << 16))
    sha256 = hashlib.sha256(big.read_bytes()).hexdigest()
    store.put("big", big, size=big.stat().st_size, headers=Headers(metadata={"sha256": sha256}))
    assert "-" in store.stat("big").etag
    snapshot(store, location)
    source = open_objects(paths(location, "1")[0])
    store.delete("big")
    result = put(store, plan_objects(store, source), source)
    assert result.put == 1
    assert store.stat("big").headers.metadata == {"sha256": sha256}
    changed = bytearray(big.read_bytes())
    changed[5] ^= 1
    big.write_bytes(changed)
    store.put("big", big, size=big.stat().st_size, headers=Headers())
    plan = plan_objects(store, source)
    assert list(plan.replace) == ["big"]
    result = put(store, plan, source, job="j8")
    assert undo_objects(store, result.placements).failed == ()
    copied = hashlib.sha256()
    stat = store.stat("big")
    store.read("big", size=stat.size, etag=stat.etag, sink=copied.update)
    assert copied.hexdigest() == hashlib.sha256(changed).hexdigest()


def test_metadata_beyond_ascii_and_named_like_headers_survives(bucket: BucketTarget, location: Path) -> None:
    store = opened(bucket)
    odd = {
        "latin": Headers(content_type="text/plain", metadata={"filename": "Café – 日本.png"}),
        "named": Headers(content_type="text/plain", metadata={"content-type": "user/own"}),
    }
    for key, headers in odd.items():
        store.put(key, b"data", size=4, headers=headers)
    assert snapshot(store, location).missing == ()
    for key in odd:
        store.delete(key)
    source = open_objects(paths(location, "1")[0])
    result = put(store, plan_objects(store, source), source)
    assert result.failed == ()
    for key, headers in odd.items():
        assert store.stat(key).headers == headers
    with pytest.raises(QuillkeepError, match="fits into no HTTP header"):
        store.put("broken", b"", size=0, headers=Headers(metadata={"a": "b\r\nc"}))


def test_prove_names_what_is_gone_or_changed(damaged: Bucket, location: Path) -> None:
    source = open_objects(paths(location, "1")[0])
    plan = plan_objects(damaged, source)
    result = put(damaged, plan, source)
    damaged.delete("users/u0/IMAGE/00.png")
    fill(damaged, {CHANGED: b"again"})
    assert {named.key for named in prove_objects(damaged, plan, result)} == {"users/u0/IMAGE/00.png", CHANGED}
    assert result.placed[DELETED] == LiveObject(1002, damaged.stat(DELETED).etag)


def test_any_other_snapshot_with_the_same_sha256_helps_out(damaged: Bucket, location: Path) -> None:
    fill(damaged, {CHANGED: KEYS[CHANGED], DELETED: KEYS[DELETED]})
    for name in ("2", "3"):
        snapshot(damaged, location, name)
    shutil.rmtree(paths(location, "1")[0])
    rotten = paths(location, "3")[0] / DELETED
    rotten.chmod(0o600)
    rotten.write_bytes(b"#" * 1002)
    damaged.delete(DELETED)
    damaged.delete(CHANGED)
    others = Elsewhere([PreviousSnapshot(*paths(location, name)) for name in ("3", "2")])
    paths(location, "1")[0].mkdir()
    source = open_objects(*paths(location, "1"))
    assert [named.key for named in plan_objects(damaged, source).lacking] == [CHANGED, DELETED]
    plan = plan_objects(damaged, source, find_elsewhere=others)
    assert plan.lacking == ()
    result = put(damaged, plan, source, find_elsewhere=others)
    assert (result.put, result.lacking) == (2, ())
    assert contents(damaged) == {**KEYS, NEW: b"later"}
    assert others(DELETED, "0" * 64) is None
    assert others(NEW, "") == paths(location, "3")[0] / NEW
