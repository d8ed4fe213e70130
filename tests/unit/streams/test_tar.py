"""Tars: the usual writers' formats are read, hostile and damaged ones refused."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest

from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.tar import TarReader

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def packed(*members: tarfile.TarInfo | str, form: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar of such members; text stands for a file that holds its own name."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for member in members:
            if isinstance(member, str):
                data = member.encode()
                info = tarfile.TarInfo(member)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            else:
                tar.addfile(member)
    return out.getvalue()


def unpacked(data: bytes, piece: int = 1000, limits: Limits = Limits()) -> dict[str, bytes | None]:
    """What a tar holds; None for a folder."""

    def chunks() -> Iterator[bytes]:
        yield from (data[at : at + piece] for at in range(0, len(data), piece))

    reader = TarReader(chunks(), limits=limits)
    return {member.name: None if member.folder else b"".join(reader.body()) for member in reader}


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    """A member of a kind that is not a file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def words(data: bytes, limits: Limits = Limits()) -> str:
    """What a tar ends in."""
    with pytest.raises(StreamError) as caught:
        unpacked(data, limits=limits)
    return str(caught.value)


@pytest.mark.parametrize("form", FORMATS)
def test_formats_and_long_names(form: int) -> None:
    names = ["a", "folder/b.bson", "d/" * 40 + "deep", "x" * 90]
    if form != tarfile.USTAR_FORMAT:
        names += ["n/" + "long" * 60, "ü" * 60]
    folder = special("folder", tarfile.DIRTYPE)
    found = unpacked(packed(folder, *names, form=form))
    assert found == {"folder": None, **{name: name.encode() for name in names}}


def test_leading_dots_and_empty_files() -> None:
    empty = tarfile.TarInfo("./folder/./empty")
    assert unpacked(packed(special("./", tarfile.DIRTYPE), "./one", empty)) == {
        "one": b"./one",
        "folder/empty": b"",
    }


def test_bodies_may_be_left_unread() -> None:
    names = ["one", "b" * 90, "three"]
    assert [member.name for member in TarReader(iter([packed(*names)]), limits=Limits())] == names


def test_a_size_in_base_256() -> None:
    info = tarfile.TarInfo("one")
    info.size = 5
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\x80" + bytes(10) + b"\x05"
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    assert unpacked(bytes(block) + b"hello" + bytes(507) + bytes(1024)) == {"one": b"hello"}


@pytest.mark.parametrize(
    ("member", "found"),
    [
        ("/etc/passwd", "absolute"),
        ("../up", "without `..`"),
        ("a/../../up", "without `..`"),
        ("new\nline", "control characters"),
        ("bell\x07", "control characters"),
        (special("l", tarfile.SYMTYPE, "/etc"), "a symbolic link"),
        (special("h", tarfile.LNKTYPE, "one"), "a hard link"),
        (special("c", tarfile.CHRTYPE), "a character device"),
        (special("b", tarfile.BLKTYPE), "a block device"),
        (special("f", tarfile.FIFOTYPE), "a named pipe"),
        (special("s", tarfile.GNUTYPE_SPARSE), "a sparse file"),
        (special("u", b"Z"), "type 90"),
    ],
)
def test_hostile_members(member: tarfile.TarInfo | str, found: str) -> None:
    for form in FORMATS[1:]:
        assert found in words(packed("one", member, form=form))


def test_a_nul_in_a_pax_name() -> None:
    info = tarfile.TarInfo("x")
    info.pax_headers = {"path": "a\0b"}
    assert "control characters" in words(packed(info, form=tarfile.PAX_FORMAT))


def test_sparse_files_of_pax() -> None:
    info = tarfile.TarInfo("x")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "y"}
    assert "a sparse file" in words(packed(info, form=tarfile.PAX_FORMAT))


def test_the_same_name_twice() -> None:
    assert "each member once" in words(packed("one", "one"))
    assert "each member once" in words(packed("one", "./one"))
    assert "each member once" in words(packed("one", special("one", tarfile.DIRTYPE)))


def test_too_many_members() -> None:
    data = packed(*[f"f{number}" for number in range(60)])
    assert len(unpacked(data)) == 60
    assert "at most 50 members" in words(data, Limits(max_members=50))


def test_a_cut_at_any_block() -> None:
    data = packed("one", "x" * 2000, "three", form=tarfile.PAX_FORMAT)
    end = len(data.rstrip(b"\0"))
    end += -end % 512 + 1024
    for size in (*range(0, end, 512), *range(1, end, 97)):
        assert "truncated" in words(data[:size])
    assert unpacked(data[:end]) == {name: name.encode() for name in ("one", "x" * 2000, "three")}


def test_damage() -> None:
    data = bytearray(packed("one", "two"))
    data[1024] ^= 1
    assert "checksum" in words(bytes(data))
    data[1024] ^= 1
    assert "trailing bytes" in words(bytes(data) + b"x")
    half = packed("one")[:1024] + bytes(512) + b"x" * 512
    assert "bytes behind its first half" in words(half)
    assert words(b"x" * 512)


def test_a_header_that_asks_for_too_much() -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    assert "of a sane size" in words(info.tobuf(tarfile.GNU_FORMAT))
