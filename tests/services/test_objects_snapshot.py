"""Snapshots of a real bucket: links, changes, the second pass, and files that rotted."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.errors import Cancelled, QuillkeepError
from services.objects.bucket import open_bucket
from services.objects.failures import BucketForbidden, BucketMissing, BucketUnreachable, WrongCredentials
from services.objects.keys import Headers
from services.objects.manifest import read_lines
from services.objects.snapshot import PreviousSnapshot, Snapshot
from services.profile import BucketTarget
from services.secret import Secret
from tests.services.objects_support import QUICK, contents, fill, opened, paths, snapshot

KEYS = {f"users/u{n % 3}/IMAGE/{n:02d}_a b.png": bytes([n]) * (1000 + n) for n in range(20)}


def test_first_snapshot_is_the_bucket_as_plain_read_only_files(bucket: BucketTarget, location: Path) -> None:
    store = opened(bucket)
    fill(store, {**KEYS, "users/empty": b""})
    result = snapshot(store, location)
    folder, lines = paths(location, "1")
    assert (result.count, result.fetched, result.missing, result.warnings) == (21, 21, (), ())
    assert result.bytes == sum(map(len, KEYS.values()))
    for key, data in KEYS.items():
        assert (folder / key).read_bytes() == data
        assert stat.S_IMODE((folder / key).stat().st_mode) == 0o400
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in folder.iterdir()} == {"users"}
    line = {line.key: line for line in read_lines(lines)}["users/u1/IMAGE/01_a b.png"]
    assert line.sha256 == hashlib.sha256(KEYS[line.key]).hexdigest()
    assert line.headers == Headers(
        content_type="image/png",
        cache_control="max-age=60",
        metadata={"sha256": line.sha256, "filename": "01_a b.png"},
    )
    assert result.file.sha256 == hashlib.sha256(lines.read_bytes()).hexdigest()
    assert result.file.bytes == lines.stat().st_size


def test_second_snapshot_links_the_unchanged_and_fetches_the_changed(
    bucket: BucketTarget, location: Path
) -> None:
    store = opened(bucket)
    fill(store, KEYS)
    snapshot(store, location)
    fill(store, {"users/u1/IMAGE/01_a b.png": b"changed", "users/new": b"new"})
    store.delete("users/u2/IMAGE/02_a b.png")
    result = snapshot(store, location, "2", previous="1")
    assert (result.count, result.linked, result.fetched) == (20, 18, 2)
    first, second = paths(location, "1")[0], paths(location, "2")[0]
    assert (first / "users/u0/IMAGE/00_a b.png").samefile(second / "users/u0/IMAGE/00_a b.png")
    assert (first / "users/u1/IMAGE/01_a b.png").read_bytes() == KEYS["users/u1/IMAGE/01_a b.png"]
    assert (second / "users/u1/IMAGE/01_a b.png").read_bytes() == b"changed"
    assert not (second / "users/u2/IMAGE/02_a b.png").exists()


def test_metadata_changed_in_place_is_noticed_though_the_etag_is_the_same(
    bucket: BucketTarget, location: Path
) -> None:
    store = opened(bucket)
    fill(store, {"a": b"same", "b": b"same"})
    folder, lines = paths(location, "1")
    snapshot(store, location)
    # What a copy onto itself leaves: other metadata and time, the same ETag.
    os.utime(folder / "a")
    later = Headers(content_type="text/plain", metadata={"sha256": hashlib.sha256(b"same").hexdigest()})
    import time

    time.sleep(1.1)
    store.put("b", b"same", size=4, headers=later)
    result = snapshot(store, location, "2", previous="1")
    assert (result.linked, result.fetched) == (0, 2)
    assert {line.key: line.content_type for line in read_lines(paths(location, "2")[1])} == {
        "a": "image/png",
        "b": "text/plain",
    }
    assert lines.exists()


def test_second_pass_adds_what_came_and_keeps_what_went(bucket: BucketTarget, location: Path) -> None:
    store = opened(bucket)
    fill(store, KEYS)
    folder, lines = paths(location, "1")
    taking = Snapshot(store, folder, lines)
    taking.first_pass()
    fill(store, {"users/late": b"late", "users/u0/IMAGE/00_a b.png": b"rewritten"})
    store.delete("users/u1/IMAGE/01_a b.png")
    taking.second_pass()
    result = taking.finish()
    assert result.count == 21
    assert (folder / "users/late").read_bytes() == b"late"
    assert (folder / "users/u0/IMAGE/00_a b.png").read_bytes() == b"rewritten"
    assert (folder / "users/u1/IMAGE/01_a b.png").read_bytes() == KEYS["users/u1/IMAGE/01_a b.png"]
    assert [line.key for line in read_lines(lines)].count("users/late") == 1


def test_keys_of_quillkeep_are_not_data_and_the_prefix_is_concatenated(
    bucket: BucketTarget, location: Path
) -> None:
    store = opened(BucketTarget(**{**_fields(bucket), "prefix": "prod-"}))
    fill(store, {"prod-users/a": b"a", "prod-__quillkeep_old_j/1": b"old", "other/users/a": b"x"})
    assert [info.key for info in store.list()] == ["prod-users/a"]
    assert snapshot(store, location).count == 1


def _fields(target: BucketTarget) -> dict[str, object]:
    return {name: getattr(target, name) for name in target.__struct_fields__}


def test_every_linked_file_is_read_again_within_seven_snapshots(bucket: BucketTarget, location: Path) -> None:
    store = opened(bucket)
    fill(store, KEYS)
    now = [datetime(2026, 11, 1, tzinfo=UTC)]
    snapshot(store, location, "0", clock=lambda: now[0])
    for night in range(1, 8):
        now[0] += timedelta(days=1)
        result = snapshot(store, location, str(night), previous=str(night - 1), clock=lambda: now[0])
        assert (result.linked, result.proven_again) == (20, 3)
    oldest = min(line.proven_at for line in read_lines(paths(location, "7")[1]) if line.proven_at)
    assert oldest >= datetime(2026, 11, 2, tzinfo=UTC)


def test_a_rotten_file_is_fetched_anew_and_named(bucket: BucketTarget, location: Path) -> None:
    store = opened(bucket)
    fill(store, KEYS)
    snapshot(store, location)
    victim = paths(location, "1")[0] / "users/u0/IMAGE/00_a b.png"
    state = victim.stat()
    _rot(victim)
    result = snapshot(
        store, location, "2", previous="1", suspect_keys=frozenset(("users/u0/IMAGE/00_a b.png",))
    )
    assert [(file.key, file.inode) for file in result.rotten] == [("users/u0/IMAGE/00_a b.png", state.st_ino)]
    renewed = paths(location, "2")[0] / "users/u0/IMAGE/00_a b.png"
    assert renewed.read_bytes() == KEYS["users/u0/IMAGE/00_a b.png"]
    assert renewed.stat().st_ino != state.st_ino
    assert result.missing == ()


def _rot(path: Path) -> None:
    """Flips a bit and keeps size and mtime, as a disk does."""
    before = path.stat()
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    path.chmod(0o400)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_rotten_file_that_the_bucket_no_longer_gives_is_missing(
    bucket: BucketTarget, location: Path
) -> None:
    store = opened(bucket)
    fill(store, {"a": b"aaaa"})
    snapshot(store, location)
    _rot(paths(location, "1")[0] / "a")
    folder, lines = paths(location, "2")
    taking = Snapshot(store, folder, lines, previous=PreviousSnapshot(*paths(location, "1")))
    prove = taking._prove_oldest
    taking._prove_oldest = lambda: (store.delete("a"), prove())[1]  # type: ignore[method-assign]
    taking.first_pass()
    taking.second_pass()
    result = taking.finish()
    assert [missing.key for missing in result.missing] == ["a"]
    assert "damaged" in result.missing[0].why
    assert not (folder / "a").exists()


def test_where_links_fail_files_are_copied_and_the_cost_is_said(
    bucket: BucketTarget, location: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(bucket)
    fill(store, KEYS)
    snapshot(store, location)

    def refuse(*args: object, **more: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    result = snapshot(store, location, "2", previous="1")
    assert (result.linked, result.copied, result.fetched) == (0, 20, 0)
    assert len(result.warnings) == 1 and f"{result.bytes:,} bytes" in result.warnings[0]
    copy = paths(location, "2")[0] / "users/u0/IMAGE/00_a b.png"
    assert copy.stat().st_nlink == 1 and copy.read_bytes() == KEYS["users/u0/IMAGE/00_a b.png"]


def test_a_full_disk_ends_the_snapshot_naming_the_location(
    bucket: BucketTarget, location: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(bucket)
    fill(store, KEYS)
    snapshot(store, location)

    def full(*args: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(
        QuillkeepError, match=r"cannot be written in .*No space left.*no earlier backup was changed"
    ):
        snapshot(store, location, "2", previous="1")


def test_a_moved_location_or_damaged_manifest_fetches_everything(
    bucket: BucketTarget, location: Path
) -> None:
    store = opened(bucket)
    fill(store, KEYS)
    snapshot(store, location)
    shutil.copytree(paths(location, "1")[0], paths(location, "c")[0])
    shutil.copy(paths(location, "1")[1], paths(location, "c")[1])
    assert snapshot(store, location, "2", previous="c").fetched == 20
    raw = paths(location, "1")[1].read_bytes()
    paths(location, "1")[1].write_bytes(raw[: len(raw) // 2])
    result = snapshot(store, location, "3", previous="1")
    assert result.fetched == 20
    assert "damaged after line" in result.warnings[0]


def test_cancel_is_heard_and_discard_leaves_nothing(bucket: BucketTarget, location: Path) -> None:
    store = opened(bucket)
    fill(store, KEYS)
    folder, lines = paths(location, "1")
    seen = [0]

    def check() -> None:
        seen[0] += 1
        if seen[0] > 5:
            raise Cancelled("Cancelled.")

    taking = Snapshot(store, folder, lines, check=check)
    with pytest.raises(Cancelled):
        taking.first_pass()
    taking.discard()
    assert list(location.iterdir()) == []


def test_each_way_a_bucket_fails_has_its_own_words(bucket: BucketTarget) -> None:
    def target(**changes: object) -> BucketTarget:
        return BucketTarget(**{**_fields(bucket), **changes})  # type: ignore[arg-type]

    with pytest.raises(BucketMissing, match=r"aws --endpoint-url http://127.* s3 mb s3://no-such-bucket"):
        opened(target(bucket="no-such-bucket")).require()
    assert not opened(target(bucket="no-such-bucket")).exists()
    assert opened(bucket).exists()
    with pytest.raises(WrongCredentials, match="SignatureDoesNotMatch"):
        opened(target(secret_key=Secret("wrong"))).require()
    with pytest.raises((WrongCredentials, BucketForbidden)):
        opened(target(access_key=Secret("nobody"))).require()
    with pytest.raises(BucketUnreachable, match="does not answer"):
        opened(target(endpoint="http://127.0.0.1:9")).require()
    with pytest.raises(QuillkeepError, match="Only one half"):
        opened(target(secret_key=None))


def test_the_shell_cannot_redirect_a_bucket(
    bucket: BucketTarget, location: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = location.parent / "config"
    config.write_text(
        "[default]\nendpoint_url = http://127.0.0.1:9\nregion = xx-yy-1\ns3 =\n  addressing_style = virtual\n"
    )
    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_SESSION_TOKEN": "token",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(config),
        "AWS_CA_BUNDLE": "/nonexistent",
        "AWS_DEFAULT_REGION": "xx-yy-1",
        "AWS_BUCKET": "elsewhere",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    }.items():
        monkeypatch.setenv(name, value)
    store = open_bucket(bucket, patience=QUICK)
    fill(store, {"a": b"1", "b": b"2"})
    assert snapshot(store, location).count == 2
    assert contents(store) == {"a": b"1", "b": b"2"}
