"""Any documents, names and interleaving survive; any damage is an error or provably harmless."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from typing import Any

import bson
from bson.int64 import Int64
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.archive.elements import NotBson, check_document
from services.archive.metadata import encode_metadata, parse_metadata
from services.archive.model import ArchiveError, CollectionMetadata, Namespace, Prelude
from services.archive.quirks import server_would_change
from services.archive.reader import ArchiveReader
from services.archive.writer import ArchiveWriter
from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.gzip import gunzip
from services.streams.tar import TarReader
from tests.unit.archive.builders import items_of

PROFILE = settings(
    max_examples=80, deadline=2000, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=30),
    st.binary(max_size=30),
    st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 1, 1)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
    ),
    st.builds(bson.Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.binary(min_size=12, max_size=12).map(bson.ObjectId),
    st.just(bson.MinKey()),
    st.builds(
        bson.Regex, st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=9)
    ),
)
KEYS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=6).map(bson.encode)
NAMES = st.text(
    st.characters(blacklist_characters="\0$", blacklist_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda name: not name.startswith((".", "system.", "__quillkeep_")))


@st.composite
def scripts(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, list[bytes]]]]:
    """Names of collections, and blocks of them in any order."""
    names = draw(st.lists(NAMES, unique=True, max_size=4))
    blocks = (
        draw(st.lists(st.tuples(st.sampled_from(names), st.lists(DOCUMENTS, max_size=4)), max_size=8))
        if names
        else []
    )
    return names, blocks


def written(names: list[str], blocks: list[tuple[str, list[bytes]]], compressed: bool) -> bytes:
    """The archive of a script; each collection ends right behind its last block."""
    parts: list[bytes] = []
    described = Prelude(
        collections=tuple(CollectionMetadata(namespace=Namespace("q", name)) for name in names)
    )
    writer = ArchiveWriter(parts.append, described, compressed=compressed)
    last = {name: place for place, (name, _) in enumerate(blocks)}
    for place, (name, found) in enumerate(blocks):
        writer.block(Namespace("q", name), b"".join(found))
        if last[name] == place:
            writer.end(Namespace("q", name))
    for name in names:
        if name not in last:
            writer.end(Namespace("q", name))
    return b"".join(parts)


def told(names: list[str], blocks: list[tuple[str, list[bytes]]]) -> dict[str, list[bytes]]:
    """What a reader must give for a script."""
    found: dict[str, list[bytes]] = {f"q.{name}": [] for name in names}
    for name, documents in blocks:
        found[f"q.{name}"] += documents
    return found


def read(data: bytes, piece: int, compressed: bool) -> dict[str, list[bytes]]:
    """All documents, the bytes given in pieces of some size."""
    chunks: Iterator[bytes] = (data[at : at + piece] for at in range(0, len(data), piece))
    if compressed:
        chunks = gunzip(chunks, limits=Limits(), output=piece)
    found, ends = items_of(ArchiveReader(chunks, limits=Limits()).read())
    assert set(found) <= set(ends)
    return {name: found.get(name, []) for name in ends}


@PROFILE
@given(scripts(), st.integers(1, 400), st.booleans())
def test_any_script_reads_back(
    script: tuple[list[str], list[tuple[str, list[bytes]]]], piece: int, compressed: bool
) -> None:
    assert read(written(*script, compressed), piece, compressed) == told(*script)


@PROFILE
@given(scripts(), st.data(), st.booleans())
def test_any_cut_is_an_error(
    script: tuple[list[str], list[tuple[str, list[bytes]]]], data: st.DataObject, compressed: bool
) -> None:
    whole = written(*script, compressed)
    cut = data.draw(st.integers(0, len(whole) - 1))
    try:
        read(whole[:cut], 64, compressed)
    except (ArchiveError, StreamError):
        return
    raise AssertionError(f"cut at {cut} of {len(whole)} went unnoticed")


@PROFILE
@given(scripts(), st.data(), st.booleans())
def test_any_changed_byte_is_an_error_or_harmless(
    script: tuple[list[str], list[tuple[str, list[bytes]]]], data: st.DataObject, compressed: bool
) -> None:
    whole = bytearray(written(*script, compressed))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=3)):
        whole[at] = data.draw(st.integers(0, 255))
    try:
        found = read(bytes(whole), 200, compressed)
    except (ArchiveError, StreamError):
        return
    assert found == told(*script)


@PROFILE
@given(scripts(), st.data())
def test_any_doubled_or_missing_stretch_is_an_error_or_harmless(
    script: tuple[list[str], list[tuple[str, list[bytes]]]], data: st.DataObject
) -> None:
    whole = written(*script, False)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    for damaged in (whole[:start] + whole[end:], whole[:end] + whole[start:]):
        try:
            found = read(damaged, 200, False)
        except (ArchiveError, StreamError):
            continue
        assert found == told(*script)


@PROFILE
@given(st.binary(max_size=600), st.sampled_from([b"", b"\x6d\xe2\x99\x81", b"\x1f\x8b\x08"]))
def test_no_bytes_crash_a_reader(tail: bytes, start: bytes) -> None:
    data = start + tail
    for compressed in (False, True):
        try:
            read(data, 100, compressed)
        except (ArchiveError, StreamError):
            continue
    try:
        for _ in TarReader(iter([data]), limits=Limits()):
            pass
    except StreamError:
        pass


@PROFILE
@given(st.dictionaries(KEYS, VALUES, max_size=6), st.integers(0, 2000), st.integers(0, 255))
def test_a_damaged_document_never_crashes_the_walkers(fields: dict[str, Any], at: int, value: int) -> None:
    whole = bytearray(bson.encode({"_id": 1, **fields}))
    check_document(whole)
    assert server_would_change(bytes(whole), thorough=True) in (None, "timestamp-zero", "two-ids")
    if 4 <= at < len(whole) - 1:
        whole[at] = value
        try:
            check_document(whole)
            server_would_change(bytes(whole), thorough=True)
        except NotBson:
            pass


@PROFILE
@given(st.dictionaries(KEYS, VALUES, max_size=5), NAMES)
def test_any_options_survive_their_text(options: dict[str, Any], name: str) -> None:
    try:
        raw = encode_metadata(
            options, [{"v": 2, "key": {"_id": 1}, "name": "_id_"}], None, name, "collection"
        )
    except ValueError:
        # A document that looks like a type wrapper is refused when it is written.
        assert "$" in str(options)
        return
    assert bson.encode(parse_metadata(raw).get("options", {})) == bson.encode(options)


@PROFILE
@given(st.text(max_size=200))
def test_no_text_crashes_the_metadata_parser(raw: str) -> None:
    with contextlib.suppress(ArchiveError):
        parse_metadata(raw)
