"""Bad input: each ends in the check that found it, its words and the next step; none in a traceback or a pass."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.catalog import layout
from services.catalog.manifest import Manifest, encode_manifest
from services.catalog.model import Depth
from services.operations.verify import VerifyPlan, VerifyResult, verify
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.secret import Secret
from tests.fabric import BUCKET, HOST, as_nobody, make_backup, open_folder
from tests.support import FIXTURES, RecordingContext, make_context

GIB = 1 << 30
DUMP, OBJECTS = "backup-20261101", "s3_20261101_020000"


@pytest.fixture
def location(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def context(location: Path, tmp_path: Path) -> RecordingContext:
    return context_of(location, tmp_path / "state")


def context_of(folder: Path, state: Path) -> RecordingContext:
    profile = Profile(
        mongo=MongoTarget(uri=Secret(f"mongodb://{HOST}/"), database="quilltap"),
        bucket=BucketTarget(bucket=BUCKET),
        locations=(Location(name="disk", path=str(folder)),),
    )
    return make_context(profile, state)


def copied(location: Path, name: str) -> Path:
    source, target = FIXTURES / name, location / Path(name).name
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return target


def told(result: VerifyResult, status: str, check: str, words: str) -> None:
    """The check ended so and says so, with a next step; nothing else did, and the backup does not pass."""
    odd = {one.name: one for one in result.checks if one.status in ("fail", "warn", "unknown")}
    assert check in odd, [(one.name, one.status, one.detail) for one in result.checks]
    found = odd.pop(check)
    assert found.status == status, found
    assert words in "\n".join([found.detail, *found.findings]), found
    assert found.next, found
    assert result.status != "ok"
    assert not [one for one in odd.values() if one.name not in ("files", "archive")], odd


DumpDamage = Callable[[Path], Any]


def emptied(name: str, words: str) -> tuple[DumpDamage, str, str, str]:
    words = f"{name} has no documents while others do{words}"
    return lambda folder: os.truncate(folder / f"{name}.bson", 0), "warn", "dump-files", words


DUMPS: dict[str, tuple[DumpDamage, str, str, str]] = {
    "no metadata": (
        lambda folder: (folder / "chats.metadata.json").unlink(),
        "warn",
        "dump-files",
        "quilltap.chats has no .metadata.json: its indexes and options are not in the dump",
    ),
    "an extra file": (
        lambda folder: (folder / "README.txt").write_text("x"),
        "warn",
        "dump-files",
        "README.txt is no file of a dump",
    ),
    "a truncated .bson": (
        lambda folder: os.truncate(folder / "chats.bson", 1000),
        "fail",
        "archive",
        "quilltap.chats",
    ),
    "users of zero length": emptied("users", ""),
    "characters of zero length": emptied("characters", ": those of memories belong to one"),
    "chats of zero length": emptied("chats", ": those of chat_messages belong to one"),
    "a name that is no namespace": (
        lambda folder: (folder / "bad%24name.bson").write_bytes(b""),
        "fail",
        "archive",
        "",
    ),
    "metadata that is no JSON": (
        lambda folder: (folder / "chats.metadata.json").write_text("{"),
        "fail",
        "archive",
        "quilltap.chats",
    ),
    "data without its file": (
        lambda folder: (folder / "chats.bson").unlink(),
        "fail",
        "archive",
        "quilltap.chats",
    ),
    "a link to somewhere": (
        lambda folder: (folder / "tags2.bson").symlink_to("/etc/passwd"),
        "fail",
        "archive",
        "the symbolic link tags2.bson",
    ),
    "a pipe": (
        lambda folder: os.mkfifo(folder / "pipe.bson"),
        "fail",
        "archive",
        "the special file pipe.bson",
    ),
}


@pytest.mark.parametrize("how", DUMPS)
def test_a_directory_dump(context: RecordingContext, location: Path, how: str) -> None:
    damage, status, check, words = DUMPS[how]
    target = copied(location, DUMP)
    damage(target / "quilltap")
    told(verify(VerifyPlan(backup=target.name), context), status, check, words)


@pytest.mark.parametrize(
    "how", ["no metadata", "an extra file", "users of zero length", "chats of zero length"]
)
def test_a_directory_dump_looked_at_quickly(context: RecordingContext, location: Path, how: str) -> None:
    damage, status, check, words = DUMPS[how]
    target = copied(location, DUMP)
    damage(target / "quilltap")
    told(verify(VerifyPlan(backup=target.name, depth="quick"), context), status, check, words)


@pytest.mark.parametrize(
    "how",
    [
        "no metadata",
        "an extra file",
        "characters of zero length",
        "a truncated .bson",
        "a name that is no namespace",
    ],
)
def test_a_tar_of_a_directory_dump(context: RecordingContext, location: Path, how: str) -> None:
    damage, status, check, words = DUMPS[how]
    target = copied(location, DUMP)
    damage(target / "quilltap")
    packed = location / "quilltap_mongo.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(target, "mongo")
    shutil.rmtree(target)
    told(verify(VerifyPlan(backup=packed.name), context), status, check, words)


def test_a_compressed_data_file_of_zero_length_is_no_empty_collection(
    context: RecordingContext, location: Path
) -> None:
    target = copied(location, "backup-gz-20261101")
    os.truncate(target / "quilltap" / "chats.bson.gz", 0)
    told(verify(VerifyPlan(backup=target.name), context), "fail", "archive", "quilltap.chats")


def test_an_empty_collection_is_named_and_no_fault(context: RecordingContext, location: Path) -> None:
    target = copied(location, DUMP)
    (check,) = [
        one for one in verify(VerifyPlan(backup=target.name), context).checks if one.name == "dump-files"
    ]
    assert check.status == "ok" and "empty: sessions" in check.detail


def test_objects_with_links_sockets_and_pipes(context: RecordingContext, location: Path) -> None:
    target = copied(location, OBJECTS)
    (target / "link.png").symlink_to("/etc/passwd")
    (target / "loop").symlink_to(target)
    os.mkfifo(target / "pipe")
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(target)
        try:
            bound.bind("sock")
        finally:
            os.chdir(here)
        result = verify(VerifyPlan(backup=target.name), context)
    for name in ("link.png", "loop", "pipe", "sock"):
        told(result, "warn", "objects", f"{name} is no object of this backup")
    (check,) = [one for one in result.checks if one.name == "objects"]
    assert "left out of a restore" in check.next


@pytest.mark.parametrize("what", ["file", "folder"])
def test_objects_this_user_may_not_read_are_unknown(what: str) -> None:
    with open_folder() as base:
        (base / "backups").mkdir()
        (base / "state").mkdir()
        target = copied(base / "backups", OBJECTS)
        closed = sorted(target.rglob("*.png"))[0] if what == "file" else target / "users"
        context = context_of(base / "backups", base / "state")
        for path in (base, *base.rglob("*")):
            os.chmod(path, 0o777 if path.is_dir() else 0o644)
        os.chmod(closed, 0)
        with as_nobody():
            result = verify(VerifyPlan(backup=target.name), context)
        told(result, "unknown", "objects", "ermission denied" if what == "file" else "could not be read")
        assert result.verdict == "unknown"


def rewritten(location: Path, made: Manifest, **changes: Any) -> None:
    path = location / layout.manifest_name(made.id)
    path.write_bytes(encode_manifest(msgspec.structs.replace(made, **changes)))


ManifestDamage = Callable[[Path, Manifest], Any]
MANIFESTS: dict[str, tuple[ManifestDamage, str, str, str]] = {
    "of the future": (
        lambda path, made: rewritten(path.parent, made, schema=7),
        "unknown",
        "manifest",
        "written by a newer Quillkeep (schema 7",
    ),
    "of another bucket": (
        lambda path, made: rewritten(path.parent, made, bucket="other"),
        "warn",
        "deployment",
        "its bucket is 'other', this deployment's is 'quilltap-files'",
    ),
    "of another host": (
        lambda path, made: rewritten(path.parent, made, host="elsewhere:27017"),
        "warn",
        "deployment",
        "elsewhere:27017",
    ),
    "of another backup": (
        lambda path, made: rewritten_as(path, made),
        "fail",
        "manifest",
        "is that of 'quilltap_20250101_000000'",
    ),
    "cut": (
        lambda path, made: os.truncate(path, path.stat().st_size // 2),
        "fail",
        "manifest",
        "the manifest is cut off",
    ),
    "not JSON": (lambda path, made: path.write_bytes(b"<html>"), "fail", "manifest", "is not JSON"),
    "other JSON": (lambda path, made: path.write_bytes(b'{"a": 1}'), "fail", "manifest", "not a manifest"),
    "empty": (lambda path, made: path.write_bytes(b""), "fail", "manifest", "the manifest is empty"),
    "1 GB": (
        lambda path, made: os.truncate(path, GIB),
        "fail",
        "manifest",
        "larger than",
    ),
    "a folder": (
        lambda path, made: as_folder(path),
        "unknown",
        "manifest",
        "cannot be read",
    ),
    "names a file outside": (
        lambda path, made: path.write_bytes(
            path.read_bytes().replace(layout.archive_name(made.id).encode(), b"../../etc/passwd", 1)
        ),
        "fail",
        "manifest",
        "outside its folder",
    ),
}


def rewritten_as(path: Path, made: Manifest) -> None:
    path.write_bytes(encode_manifest(msgspec.structs.replace(made, id="quilltap_20250101_000000")))


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("how", MANIFESTS)
@pytest.mark.parametrize("depth", ["quick", "full"])
def test_a_manifest(context: RecordingContext, location: Path, how: str, depth: Depth) -> None:
    damage, status, check, words = MANIFESTS[how]
    made = make_backup(location)
    damage(location / layout.manifest_name(made.id), made)
    result = verify(VerifyPlan(backup=made.id, depth=depth), context)
    told(result, status, check, words)
    assert result.verdict == ("ok" if check == "deployment" else status)
    if check == "deployment" or how == "of the future":
        return
    archive = layout.archive_name(made.id)
    assert f"`quillkeep verify {archive}`" in result.checks[0].next
    assert verify(VerifyPlan(backup=archive, depth=depth), context).verdict == "ok", "the step named works"


ARCHIVE = "quilltap-20261101.gz"
WHOLE = hashlib.sha256((FIXTURES / ARCHIVE).read_bytes()).hexdigest()
WRONG = "f" * 64


def sums(algorithm: str) -> str:
    return hashlib.new(algorithm, (FIXTURES / ARCHIVE).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("ending", "text", "words"),
    [
        (".sha256", f"{WHOLE}  /mnt/nas/old/{ARCHIVE}\n", WHOLE),
        (".sha256", f"{WHOLE.upper()} *{ARCHIVE}\r\n", WHOLE),
        (".sha256", f"{'0' * 64}  other.gz\n{WHOLE}  {ARCHIVE}\n{'1' * 64}  third.gz\n", WHOLE),
        (".sha256", f"SHA256 ({ARCHIVE}) = {WHOLE}\n", WHOLE),
        (".sha256sum", f"{WHOLE}\n", WHOLE),
        (".md5", f"{sums('md5')}  {ARCHIVE}\n", f"md5 {sums('md5')}"),
        (".sha512", f"{sums('sha512').upper()}  C:\\backups\\{ARCHIVE}\r\n", f"sha512 {sums('sha512')}"),
        # Named .sha256, and of another algorithm all the same.
        (".sha256", f"{sums('sha1')}  {ARCHIVE}\n", f"sha1 {sums('sha1')}"),
    ],
)
def test_a_checksum_file_of_any_hand_is_compared(
    context: RecordingContext, location: Path, ending: str, text: str, words: str
) -> None:
    target = copied(location, ARCHIVE)
    target.with_name(target.name + ending).write_text(text)
    result = verify(VerifyPlan(backup=target.name), context)
    assert result.status == "ok", result.checks
    details = {one.name: one.detail for one in result.checks}
    assert words in details["checksum-file"]
    assert words.split()[-1] in details["sha256" if words == WHOLE else "other-sums"]


@pytest.mark.parametrize(
    ("ending", "text", "status", "check", "words"),
    [
        (".sha256", f"{WRONG}  {ARCHIVE}\n", "fail", "sha256", WRONG),
        (".md5", f"{WRONG[:32]}  {ARCHIVE}\n", "fail", "other-sums", f"{ARCHIVE}.md5 says {WRONG[:32]}"),
        (".sha512", WRONG * 2, "fail", "other-sums", "sha512"),
        (".sha256", f"{WRONG}  {ARCHIVE}\n{WHOLE}  {ARCHIVE}\n", "warn", "checksum-file", "contradict"),
        (".sha256", f"{WRONG}  a.gz\n{WHOLE}  b.gz\n", "warn", "checksum-file", "names other files only"),
        (".sha256", "", "warn", "checksum-file", "holds no checksum"),
        (".sha256", "\x00\x01\x02" * 99, "warn", "checksum-file", "holds no checksum"),
        (".sha256", f"{WHOLE[:-1]}  {ARCHIVE}\n", "warn", "checksum-file", "holds no checksum"),
    ],
)
def test_a_checksum_file_that_is_wrong(
    context: RecordingContext, location: Path, ending: str, text: str, status: str, check: str, words: str
) -> None:
    target = copied(location, ARCHIVE)
    target.with_name(target.name + ending).write_text(text)
    told(verify(VerifyPlan(backup=target.name), context), status, check, words)


@pytest.mark.parametrize("what", ["folder", "pipe", "loop", "1 GB"])
def test_a_checksum_file_that_is_none(context: RecordingContext, location: Path, what: str) -> None:
    target = copied(location, ARCHIVE)
    beside = target.with_name(target.name + ".sha256")
    if what == "folder":
        beside.mkdir()
    elif what == "pipe":
        os.mkfifo(beside)
    elif what == "loop":
        beside.symlink_to(beside)
    else:
        beside.touch()
        os.truncate(beside, GIB)
    status, words = ("warn", "holds no checksum") if what == "1 GB" else ("unknown", "cannot be read")
    told(verify(VerifyPlan(backup=target.name), context), status, "checksum-file", words)


def test_a_checksum_file_of_ours_that_contradicts_the_manifest(
    context: RecordingContext, location: Path
) -> None:
    made = make_backup(location)
    (location / layout.sidecar_name(made.id)).write_text(f"{WRONG}  {layout.archive_name(made.id)}\r\n")
    for depth in ("quick", "full"):
        result = verify(msgspec.convert({"backup": made.id, "depth": depth}, VerifyPlan), context)
        told(result, "fail", "checksum-file", WRONG)


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", gzip.compress(b""), os.urandom(5000), b"\0" * 5000])
def test_an_archive_that_is_none(context: RecordingContext, location: Path, data: bytes) -> None:
    (location / "quilltap-x.gz").write_bytes(data)
    result = verify(VerifyPlan(backup="quilltap-x.gz"), context)
    assert result.verdict == "fail"
    assert all(one.next and one.detail for one in result.checks if one.status == "fail")
