"""Dumps that come through a pipe: read once, in bounded steps, never waiting for a second pass."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from services.archive.model import ArchiveError, EncryptedDump, Namespace
from services.archive.source import open_dump, open_stream
from services.errors import Refused
from tests.unit.archive.builders import archive, documents, expected, read_all

COLLECTIONS = {"one": documents(400, 300), "two": documents(3)}


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        """At most 777 bytes."""
        return self._stream.read(min(size, 777))


@pytest.mark.parametrize("compressed", [False, True])
def test_an_archive(compressed: bool) -> None:
    data = archive(COLLECTIONS, compressed=compressed)
    source = open_stream(Trickle(data))
    assert [entry.namespace.collection for entry in source.prelude().collections] == ["one", "two"]
    assert read_all(source) == expected(COLLECTIONS)
    assert (source.bytes_read(), source.total_bytes()) == (len(data), 0)
    with pytest.raises(Refused, match="through a pipe"):
        read_all(source)


def test_without_asking_for_the_prelude() -> None:
    source = open_stream(Trickle(archive(COLLECTIONS)))
    assert read_all(source, [Namespace("q", "two")]) == {"q.two": COLLECTIONS["two"]}
    assert len(source.prelude().collections) == 2


def test_a_tar_is_known_at_its_end(fixtures_dir: Path) -> None:
    data = (fixtures_dir / "quilltap_mongo_20261101_020000.tar.gz").read_bytes()
    source = open_stream(Trickle(data))
    with pytest.raises(Refused, match="known at its end only"):
        source.prelude()
    found = read_all(source)
    assert len(found["quilltap.memories"]) == 300
    assert len(source.prelude().collections) == len(found) == 15


def test_a_named_pipe(tmp_path: Path) -> None:
    path, data = tmp_path / "pipe", archive(COLLECTIONS, compressed=True)
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,), daemon=True)
    writer.start()
    assert read_all(open_dump(path)) == expected(COLLECTIONS)
    writer.join(5)
    assert not writer.is_alive()


def test_a_pipe_that_ends_early() -> None:
    data = archive(COLLECTIONS, compressed=True)
    for size in (0, 3, 50, 5000, len(data) - 1):
        with pytest.raises(ArchiveError):
            read_all(open_stream(Trickle(data[:size])))


def test_encrypted(fixtures_dir: Path) -> None:
    with pytest.raises(EncryptedDump):
        open_stream(Trickle((fixtures_dir / "quilltap-20261101.gz.gpg").read_bytes()))


def test_a_pipe_that_breaks() -> None:
    class Broken(Trickle):
        def read(self, size: int = -1, /) -> bytes:
            data = super().read(size)
            if not data:
                raise OSError(5, "Input/output error")
            return data

    data = archive({"one": documents(2000, 300)})
    with pytest.raises(ArchiveError, match="Input/output error"):
        read_all(open_stream(Broken(data[:-5])))
