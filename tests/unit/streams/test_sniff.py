"""What a path is, by its bytes and never by its name."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from services.streams.sniff import sniff, sniff_head

FIXTURES = {
    "quilltap-20261101.gz": "archive.gz",
    "quilltap-20261101.archive": "archive",
    "full-oplog.archive.gz": "archive.gz",
    "backup-20261101": "directory",
    "backup-20261101/quilltap": "directory",
    "backup-gz-20261101": "directory",
    "zoo-dump": "directory",
    "s3_20261101_020000": "objects",
    "quilltap_mongo_20261101_020000.tar.gz": "tar.gz",
    "quilltap_s3_20261101_020000.tar.gz": "tar.gz",
    "quilltap-20261101.gz.gpg": "gpg",
    "quilltap-20261101.gz.enc": "openssl",
    "quilltap-20261101.gz.sha256": "unknown",
    "corrupt/empty.gz": "empty",
    "corrupt/not-gzip.gz": "unknown",
    "corrupt/truncated.gz": "archive.gz",
    "corrupt/trailing-garbage.gz": "archive.gz",
}


@pytest.mark.parametrize(("name", "form"), FIXTURES.items())
def test_fixtures(fixtures_dir: Path, name: str, form: str) -> None:
    assert sniff(fixtures_dir / name) == form


def tar() -> bytes:
    """A small tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        opened.addfile(tarfile.TarInfo("folder/one"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b"", "empty"),
        (tar(), "tar"),
        (gzip.compress(tar()), "tar.gz"),
        (gzip.compress(b"hello"), "unknown"),
        (b"\x1f\x8b", "unknown"),
        (b"U2FsdGVkX1+abc=\n", "openssl-base64"),
        (b"-----BEGIN PGP MESSAGE-----\n", "gpg"),
        (b"\n\n-----BEGIN PGP MESSAGE-----\n", "gpg"),
        (b"\x8c\x0d\x04\x09\x03\x02" + os.urandom(20), "gpg"),
        (b"\xc3\x0d\x04\x09\x03\x02" + os.urandom(20), "gpg"),
        (b"\xc3\x2e\x05\x09\x02\x03" + os.urandom(20), "gpg"),
        (b"\x85\x02\x0c\x03" + os.urandom(20), "gpg"),
        (b"\xc1\xc0\x4c\x03" + os.urandom(20), "gpg"),
        (b"\xff\xd8\xff\xe0" + bytes(600), "unknown"),
        (b"\x89PNG\r\n\x1a\n" + bytes(600), "unknown"),
        (b"PK\x03\x04" + bytes(600), "unknown"),
        (bytes(1024), "unknown"),
        (b"#!/bin/bash\n", "unknown"),
    ],
)
def test_heads(head: bytes, form: str) -> None:
    assert sniff_head(head) == form


def test_folders(tmp_path: Path) -> None:
    assert sniff(tmp_path) == "empty"
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / "a.png").write_text("x")
    assert sniff(tmp_path) == "objects"
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "one.metadata.json.gz").write_text("x")
    assert sniff(tmp_path) == "directory"


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sniff(tmp_path / "nothing")
