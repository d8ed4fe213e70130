"""A tar as a stream of regular files: nothing is written, and hostile members end it.

Formats: POSIX.1-1988 ustar, POSIX.1-2001 pax headers, GNU long names and base-256 sizes. The library's
own stream reader takes a damaged header in the middle for the end of the archive, which here is an error.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from services.archive.feed import Ended, Feed
from services.profile import Limits
from services.streams.errors import StreamError

BLOCK = 512
MAX_EXTENSION = 1 << 20
"""Bytes of a pax header or a long name."""
_REGULAR = frozenset({0, ord("0"), ord("7")})
_FOLDER, _GNU_NAME, _GNU_LINK, _PAX, _PAX_GLOBAL = b"5LKxg"
_KINDS = {
    ord("1"): "a hard link",
    ord("2"): "a symbolic link",
    ord("3"): "a character device",
    ord("4"): "a block device",
    ord("6"): "a named pipe",
    ord("S"): "a sparse file",
}


class TarMember(msgspec.Struct, frozen=True):
    """A regular file or a folder; `name` has no leading `./` and no trailing `/`."""

    name: str
    size: int
    folder: bool = False


class TarReader:
    """Iterates over the members of one tar; the body of each is read by `body()`, or skipped.

    `StreamError` for anything damaged, cut or hostile: absolute names, `..`, control characters, links,
    devices, sparse files, two members of one name, more than `limits.max_members`.
    """

    def __init__(self, chunks: Iterator[bytes], *, limits: Limits) -> None:
        self._feed = Feed(chunks)
        self._limits = limits
        self._left = 0
        self._padding = 0
        self._names: dict[str, bool] = {}

    def __iter__(self) -> Iterator[TarMember]:
        extended: dict[str, str] = {}
        while True:
            self._skip()
            start = self._feed.offset
            block = bytes(self._take(BLOCK, "a header"))
            if not any(block):
                self._end()
                return
            kind, size = block[156], _number(block, 124, 12, start)
            _check_sum(block, start)
            if kind in (_GNU_NAME, _GNU_LINK, _PAX, _PAX_GLOBAL):
                extended.update(self._extension(kind, size, start))
                continue
            if kind not in _REGULAR and kind != _FOLDER:
                name = extended.get("path") or _header_name(block, start)
                raise StreamError(
                    "regular files and folders only",
                    found=f"{_KINDS.get(kind, f'a member of type {kind}')}, {name!r:.120}",
                    offset=start,
                )
            if "size" in extended:
                size = _decimal(extended["size"], start)
            member = self._member(extended.get("path") or _header_name(block, start), size, kind, start)
            extended = {}
            self._left = 0 if member.folder else size
            self._padding = -self._left % BLOCK
            if member.name or not member.folder:
                yield member

    def body(self) -> Iterator[bytes]:
        """The bytes of the member just given."""
        while self._left:
            try:
                piece = self._feed.some(self._left)
            except Ended as ended:
                raise self._cut("the rest of a member") from ended
            self._left -= len(piece)
            yield bytes(piece)

    def _skip(self) -> None:
        for _ in self.body():
            pass
        if self._padding:
            self._take(self._padding, "a member's padding")
            self._padding = 0

    def _take(self, size: int, what: str) -> memoryview:
        try:
            return self._feed.take(size)
        except Ended as ended:
            raise self._cut(what) from ended

    def _cut(self, what: str) -> StreamError:
        return StreamError(
            f"{what} of the tar", found="the end of the file: it is truncated", offset=self._feed.offset
        )

    def _end(self) -> None:
        """Two blocks of zeros end a tar; what pads it to its record size is zeros as well."""
        if any(self._take(BLOCK, "the second block of the end")):
            raise StreamError(
                "the end of the tar", found="bytes behind its first half", offset=self._feed.offset
            )
        while not self._feed.at_end():
            if any(self._feed.some(1 << 16)):
                raise StreamError("the end of the tar", found="trailing bytes", offset=self._feed.offset)

    def _extension(self, kind: int, size: int, start: int) -> dict[str, str]:
        if size > MAX_EXTENSION:
            raise StreamError("a tar header of a sane size", found=f"one of {size:,} bytes", offset=start)
        data = bytes(self._take(size, "an extended header"))
        self._take(-size % BLOCK, "an extended header")
        if kind == _GNU_NAME:
            return {"path": _text(data.rstrip(b"\0"), start)}
        if kind == _GNU_LINK:
            return {}
        records = _pax_records(data, start)
        if kind == _PAX_GLOBAL:
            if not records.keys().isdisjoint({"path", "size", "linkpath"}):
                raise StreamError(
                    "a tar without global names", found="a global pax header with one", offset=start
                )
            return {}
        if any(key.startswith("GNU.sparse") for key in records):
            raise StreamError("regular files and folders only", found="a sparse file", offset=start)
        return {key: records[key] for key in ("path", "size") if key in records}

    def _member(self, raw: str, size: int, kind: int, start: int) -> TarMember:
        if any(ord(character) < 0x20 or ord(character) == 0x7F for character in raw):
            raise StreamError("a name without control characters", found=f"{raw!r:.120}", offset=start)
        if raw.startswith("/"):
            raise StreamError("a relative name", found=f"the absolute {raw!r:.120}", offset=start)
        parts = [part for part in raw.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise StreamError("a name without `..`", found=f"{raw!r:.120}", offset=start)
        folder = kind == _FOLDER or raw.endswith("/")
        name = "/".join(parts)
        if not name and not folder:
            raise StreamError("a file with a name", found=f"{raw!r:.120}", offset=start)
        if folder and size:
            raise StreamError(
                "a folder without contents", found=f"{raw!r:.120} of {size:,} bytes", offset=start
            )
        if name in self._names and not (folder and self._names[name]):
            raise StreamError("each member once", found=f"a second {raw!r:.120}", offset=start)
        self._names[name] = folder
        if len(self._names) > self._limits.max_members:
            raise StreamError(f"at most {self._limits.max_members:,} members", found="more", offset=start)
        return TarMember(name, size, folder)


def _check_sum(block: bytes, start: int) -> None:
    claimed = _number(block, 148, 8, start)
    plain = block[:148] + b" " * 8 + block[156:]
    signed = sum(byte - 256 if byte > 127 else byte for byte in plain)
    if claimed not in (sum(plain), signed):
        raise StreamError(
            f"a tar header with the checksum {claimed:,}",
            found=f"bytes that add up to {sum(plain):,}",
            offset=start,
        )


def _number(block: bytes, at: int, size: int, start: int) -> int:
    field = block[at : at + size]
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.split(b"\0", 1)[0].strip(b" ")
    if not all(digit in b"01234567" for digit in digits):
        raise StreamError("a tar header", found="bytes that are none", offset=start)
    return int(digits or b"0", 8)


def _decimal(text: str, start: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise StreamError("a size in a pax header", found=f"{text!r:.40}", offset=start)
    return int(text)


def _header_name(block: bytes, start: int) -> str:
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0]
    if block[257:263] == b"ustar\0" and prefix:
        name = prefix + b"/" + name
    return _text(name, start)


def _text(raw: bytes, start: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise StreamError("a name in UTF-8", found=f"{raw!r:.120}", offset=start) from error


def _pax_records(data: bytes, start: int) -> dict[str, str]:
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        digits, space, _ = data[at : at + 20].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = data[at : at + length]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if len(record) != length or not equals or record[-1:] != b"\n":
            raise StreamError("a pax header", found="bytes that are none", offset=start)
        records[_text(key, start)] = _text(value, start) if key in (b"path", b"size") else ""
        at += length
    return records
