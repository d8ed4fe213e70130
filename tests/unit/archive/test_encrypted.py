"""Encrypted dumps: the same documents as their plain twin, by any form, and no end of a pass without a verdict."""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.archive.encrypted_source import EncryptedSource
from services.archive.model import ArchiveError, EncryptedDump, Namespace
from services.archive.source import open_dump, open_stream
from services.archive.walk import Walked, walk_dump
from services.catalog.foreign import recognise_file
from services.passphrase import BackupKey
from services.secret import Secret
from tests.unit.archive.builders import archive, documents, dump_folder, expected, read_all
from tests.unit.streams.pgp_builder import literal, message, ocb_message
from tests.unit.streams.test_openssl_enc import sealed

ENCRYPTED = [
    "quilltap-20261101.gz.gpg",
    "quilltap-20261101.gz.enc",
    "quilltap-20261101.pbkdf2.gz.enc",
    "quilltap-20261101.pbkdf2-100000.gz.enc",
    "quilltap-20261101.md5.gz.enc",
]
TWIN = "quilltap-20261101.gz"
KEY = BackupKey(passphrase=Secret("correct horse battery staple"), iterations=100_000)
COLLECTIONS = {"one": documents(40, size=200), "two": documents(7)}
RANDOM = random.Random(23)


def gpg(data: bytes) -> bytes:
    """A message as gpg writes them through a pipe, cheap to open."""
    return message(literal(data, "partial"), lengths="partial")


def figures(walked: Walked) -> object:
    """What must be equal between twins."""
    sums = {
        str(name): (one.documents, one.bytes, one.crc64, one.content)
        for name, one in walked.collections.items()
    }
    return sums, walked.prelude, walked.changes


@pytest.fixture(scope="module")
def twin(fixtures_dir: Path) -> Walked:
    """The plain fixture's pass."""
    return walk_dump(fixtures_dir / TWIN)


@pytest.mark.parametrize("name", ENCRYPTED)
def test_each_fixture_equals_its_plain_twin(name: str, fixtures_dir: Path, twin: Walked) -> None:
    import hashlib

    path = fixtures_dir / name
    walked = walk_dump(path, key=KEY)
    assert figures(walked) == figures(twin)
    assert walked.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert walked.bytes == path.stat().st_size
    assert walked.mac == name.endswith(".gpg")
    assert ("MDC holds" if walked.mac else "no MAC") in walked.encryption
    one = Namespace("quilltap", "characters")
    assert read_all(open_dump(path, key=KEY), [one]) == read_all(open_dump(fixtures_dir / TWIN), [one])


@pytest.mark.parametrize("name", ENCRYPTED)
def test_a_wrong_passphrase_opens_nothing(name: str, fixtures_dir: Path) -> None:
    for key in (BackupKey(passphrase=Secret("wrong")), BackupKey(passphrase=Secret("")), BackupKey(), None):
        with pytest.raises(EncryptedDump):
            open_dump(fixtures_dir / name, key=key)


@pytest.mark.parametrize("name", ENCRYPTED)
def test_a_bit_flipped_anywhere_in_a_fixture_is_noticed(
    name: str, fixtures_dir: Path, tmp_path: Path
) -> None:
    """Each region of the file: header and salt, the first blocks, the middle, the last ones."""
    data = (fixtures_dir / name).read_bytes()
    slow = name.endswith(".gpg") or "100000" in name
    many = 3 if slow else 6
    places = {
        *RANDOM.sample(range(64), many),
        *RANDOM.sample(range(64, len(data) - 64), many),
        *RANDOM.sample(range(len(data) - 64, len(data)), many),
        len(data) - 1,
    }
    path = tmp_path / name
    for place in places:
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << RANDOM.randrange(8)]) + data[place + 1 :])
        with pytest.raises((ArchiveError, EncryptedDump)):
            walk_dump(path, key=KEY)


def test_any_form_may_lie_below(tmp_path: Path) -> None:
    plain = archive(COLLECTIONS)
    folder = dump_folder(tmp_path / "dump" / "q", COLLECTIONS)
    tar = packed(folder)
    for inner in (plain, gzip.compress(plain, mtime=0), tar, gzip.compress(tar, mtime=0)):
        for name, data in (("x.gpg", gpg(inner)), ("x.enc", sealed(inner)), ("o.gpg", ocb_message(inner))):
            path = tmp_path / name
            path.write_bytes(data)
            source = open_dump(path, key=KEY)
            assert isinstance(source, EncryptedSource) and source.sums == (
                inner in (plain, gzip.compress(plain, mtime=0))
            )
            assert read_all(source) == expected(COLLECTIONS) == read_all(source)
            assert read_all(source, [Namespace("q", "two")]) == {"q.two": COLLECTIONS["two"]}
            assert source.bytes_read() == source.total_bytes() == len(data)
            if name != "o.gpg":
                assert read_all(open_stream(io.BytesIO(data), key=KEY, name=name)) == expected(COLLECTIONS)


def packed(folder: Path, *others: tuple[str, bytes]) -> bytes:
    """A tar of a folder that was dumped, and of other files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        if folder.exists():
            tar.add(folder, arcname=f"dump/{folder.name}")
        for name, data in others:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def test_an_encrypted_archive_within_a_tar(tmp_path: Path) -> None:
    plain = gzip.compress(archive(COLLECTIONS), mtime=0)
    nothing = tmp_path / "nothing"
    for inner in (gpg(plain), sealed(plain), plain):
        for tar in (
            packed(nothing, ("b/x.gz.gpg", inner), ("b/x.gz.gpg.sha256", b"0" * 64)),
            packed(nothing, ("README", b"how to restore"), ("x", inner)),
        ):
            for data in (tar, gzip.compress(tar, mtime=0)):
                path = tmp_path / "backup.tar.gz"
                path.write_bytes(data)
                assert read_all(open_dump(path, key=KEY)) == expected(COLLECTIONS)
                assert walk_dump(path, key=KEY).encryption or inner == plain
                if inner != plain:
                    with pytest.raises(EncryptedDump):
                        open_dump(path)
                    found = recognise_file(str(path), path.name)
                    assert found is not None and found.encrypted and found.part == "database"
                path.write_bytes(data[: min(len(data) // 2, 1_400)])
                with pytest.raises(ArchiveError):
                    walk_dump(path, key=KEY)


def test_an_archive_within_an_encrypted_tar(tmp_path: Path) -> None:
    plain = gzip.compress(archive(COLLECTIONS), mtime=0)
    path = tmp_path / "x.tar.gz.gpg"
    tar = packed(tmp_path / "nothing", ("x.gz", plain), ("x.gz.sha256", b"0" * 64))
    for data in (gpg(tar), sealed(gzip.compress(tar, mtime=0))):
        path.write_bytes(data)
        source = open_dump(path, key=KEY)
        assert read_all(source) == expected(COLLECTIONS) == read_all(source)
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(ArchiveError):
            walk_dump(path, key=KEY)
    path.write_bytes(gpg(packed(tmp_path / "nothing", ("x.gpg", gpg(plain)))))
    with pytest.raises(ArchiveError, match="encrypted twice"):
        open_dump(path, key=KEY)


def test_two_archives_in_a_tar_are_refused(tmp_path: Path) -> None:
    inner = gpg(gzip.compress(archive(COLLECTIONS), mtime=0))
    path = tmp_path / "two.tar"
    path.write_bytes(packed(tmp_path / "nothing", ("a.gpg", inner), ("b.gpg", inner)))
    with pytest.raises(ArchiveError, match="one archive in the tar"):
        walk_dump(path, key=KEY)


def damaged_layers(folder: Path) -> Iterator[tuple[str, bytes, str, str]]:
    """(which layer, an encrypted tar.gz of a directory dump, the words for it, where it is said to lie)."""
    tar = packed(folder)
    whole = gpg(gzip.compress(tar, mtime=0))
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    yield "ciphertext", flipped, "altered, damaged or cut", "OpenPGP"
    yield "ciphertext, its end", whole[:-1] + bytes([whole[-1] ^ 1]), "altered, damaged or cut", "OpenPGP"
    yield "ciphertext, cut", whole[:-300], "truncated", "OpenPGP"
    zipped = gzip.compress(tar, mtime=0)
    wrong_crc = zipped[:-8] + bytes([zipped[-8] ^ 1]) + zipped[-7:]
    yield "gzip", gpg(wrong_crc), "CRC-32", "before it was encrypted"
    yield "gzip, cut", gpg(zipped[:-20]), "truncated", "before it was encrypted"
    bad_header = tar[:1024] + bytes([tar[1024] ^ 1]) + tar[1025:]
    yield "tar", gpg(gzip.compress(bad_header)), "tar header", "before it was encrypted"
    yield "tar, cut", gpg(gzip.compress(tar[: len(tar) // 2])), "truncated", "before it was encrypted"
    bson = folder / "one.bson"
    good = bson.read_bytes()
    bson.write_bytes(good[:-30])
    yield "bson", gpg(gzip.compress(packed(folder))), "the file is cut", "collection q.one"
    bson.write_bytes(good)
    (folder / "one.metadata.json").write_text("{")
    yield "metadata", gpg(gzip.compress(packed(folder))), "metadata", "q.one"


def test_damage_in_each_layer_is_told_with_its_place(tmp_path: Path) -> None:
    folder = dump_folder(tmp_path / "dump" / "q", COLLECTIONS)
    path = tmp_path / "backup.tar.gz.gpg"
    for layer, data, words, place in damaged_layers(folder):
        path.write_bytes(data)
        with pytest.raises(ArchiveError) as caught:
            walk_dump(path, key=KEY)
        assert words in caught.value.what and place in caught.value.what, (layer, caught.value.what)
        assert path.name in caught.value.what or "dump/q/one.bson" in caught.value.what, layer


def test_without_a_mac_it_is_said_that_none_could_tell(tmp_path: Path) -> None:
    data = sealed(gzip.compress(archive(COLLECTIONS), mtime=0))
    middle = len(data) // 2
    path = tmp_path / "x.gz.enc"
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 8]) + data[middle + 1 :])
    with pytest.raises(ArchiveError, match="no MAC"):
        walk_dump(path, key=KEY)
    path.write_bytes(data[:-16])
    with pytest.raises(ArchiveError, match="in its encryption \\(openssl enc\\)"):
        walk_dump(path, key=KEY)


def test_who_stops_early_has_proven_nothing(tmp_path: Path) -> None:
    data = bytearray(gpg(archive(COLLECTIONS)))
    data[-1] ^= 1
    path = tmp_path / "x.archive.gpg"
    path.write_bytes(data)
    source = open_dump(path, key=KEY)
    assert [str(one.namespace) for one in source.prelude().collections] == ["q.one", "q.two"]
    items = source.read()
    given = [next(items) for _ in range(3)]
    assert given
    with pytest.raises(ArchiveError, match="MDC"):
        list(items)


def test_what_is_no_dump_below_the_encryption_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.gpg"
    for inner, words in (
        (b"", "an empty file"),
        (b"plain text, nothing else", "not gzip either"),
        (gpg(b"again"), "encrypted twice"),
        (b"PK\3\4" + bytes(40), "a zip file"),
    ):
        path.write_bytes(gpg(inner))
        with pytest.raises(ArchiveError, match=words):
            open_dump(path, key=KEY)
    bare = tmp_path / "old.gz.enc"
    bare.write_bytes(RANDOM.randbytes(4096).replace(b"\x1f", b"\0"))
    with pytest.raises(ArchiveError, match="-nosalt") as caught:
        open_dump(bare, key=KEY)
    assert "by hand" in caught.value.next


def test_nothing_is_written_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's open files, its scratch folder and the backup's folder, at every block of the pass."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    (tmp_path / "location").mkdir()
    path = tmp_path / "location" / "b.gz.gpg"
    path.write_bytes(gpg(gzip.compress(archive({"one": documents(4_000, size=2_000)}))))
    before = open_files()
    seen: set[str] = set()

    def look() -> None:
        seen.update(open_files() - before)

    walk_dump(path, key=KEY, check=look)
    assert seen <= {str(path)}
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert list((tmp_path / "scratch").iterdir()) == []


def open_files() -> set[str]:
    """Regular files that this process has open, deleted ones too."""
    found = set()
    for entry in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{entry}")
        except OSError:
            continue
        if target.startswith("/") and not target.startswith(("/dev/", "/proc/")):
            found.add(target)
    return found
