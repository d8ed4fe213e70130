"""Checksum files as `sha256sum` and its cousins write them, whatever algorithm they are of."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from services.errors import QuillkeepError
from services.streams.errors import StreamError
from services.streams.files import open_regular

MAX_SIDECAR_BYTES = 1 << 20
ALGORITHMS = {128: "sha512", 96: "sha384", 64: "sha256", 56: "sha224", 40: "sha1", 32: "md5"}
"""Names for hashlib by the number of hex digits."""
_HEX = r"([0-9a-fA-F]{128}|[0-9a-fA-F]{96}|[0-9a-fA-F]{64}|[0-9a-fA-F]{56}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})"
_GNU = re.compile(rf"\\?{_HEX}(?: [ *]|\t| )(.+)")
_BSD = re.compile(rf"(?:SHA2?-?(?:512|384|256|224|1)|MD5) ?\((.+)\) ?= ?{_HEX}")
_BARE = re.compile(_HEX)
_ENDINGS = tuple(
    f".{algorithm}{more}"
    for algorithm in ("sha256", "sha512", "sha384", "sha224", "sha1", "md5")
    for more in ("", "sum", ".txt")
)
CHUNK = 1 << 20


class SidecarLine(msgspec.Struct, frozen=True):
    """One sum (lower-case hex), the path it stands for (empty when the line names none), and its algorithm."""

    digest: str
    path: str
    algorithm: str = "sha256"


class Sidecars(msgspec.Struct, frozen=True, kw_only=True):
    """What lies beside a file: the checksum files found, the sums that are about it, what is wrong with them.

    `unread` are files that could not be read and why, `useless` those that hold no sum of this file.
    """

    files: tuple[str, ...] = ()
    lines: tuple[tuple[str, SidecarLine], ...] = ()
    """(name of the checksum file, line)."""
    unread: tuple[str, ...] = ()
    useless: tuple[str, ...] = ()

    def of(self, algorithm: str) -> list[tuple[str, str]]:
        """(digest, checksum file) of one algorithm, each digest once."""
        found = {line.digest: name for name, line in self.lines if line.algorithm == algorithm}
        return list(found.items())

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Every algorithm there is a sum of, sha256 first."""
        return tuple(
            sorted({line.algorithm for _, line in self.lines}, key=lambda name: (name != "sha256", name))
        )


def parse_sidecar(data: bytes) -> list[SidecarLine]:
    """The sums of a checksum file: GNU (text, binary, escaped names), BSD or openssl lines, CRLF, upper case,
    a byte-order mark, blank and comment lines. Lines of other kinds are left out."""
    lines = []
    for raw in data.decode("utf-8-sig", "surrogateescape").replace("\r", "\n").split("\n"):
        text = raw.strip()
        if match := _GNU.fullmatch(text):
            path = match.group(2).strip()
            if text.startswith("\\"):
                path = path.replace("\\n", "\n").replace("\\\\", "\\")
            lines.append(_line(match.group(1), path))
        elif match := _BSD.fullmatch(text):
            lines.append(_line(match.group(2), match.group(1)))
        elif match := _BARE.fullmatch(text):
            lines.append(_line(match.group(1), ""))
    return lines


def _line(digest: str, path: str) -> SidecarLine:
    return SidecarLine(digest.lower(), path, ALGORITHMS[len(digest)])


def about(lines: Sequence[SidecarLine], name: str) -> list[SidecarLine]:
    """The lines that are about a file of this name: by their last path part; else the only line there is,
    since a renamed or moved file keeps its sum."""
    same = [line for line in lines if re.split(r"[/\\]", line.path)[-1] == name]
    return same or (list(lines) if len(lines) == 1 else [])


def look_beside(path: Path) -> Sidecars:
    """Every checksum file beside a file, of any algorithm."""
    files: list[str] = []
    lines: list[tuple[str, SidecarLine]] = []
    unread: list[str] = []
    useless: list[str] = []
    for ending in _ENDINGS:
        beside = path.with_name(path.name + ending)
        if not os.path.lexists(beside):
            continue
        files.append(beside.name)
        try:
            found = parse_sidecar(read_sidecar(beside))
        except StreamError as error:
            unread.append(f"{beside.name} cannot be read: it is {error.found or 'no regular file'}")
            continue
        except QuillkeepError as error:
            unread.append(f"{beside.name} cannot be read: {error.what} {error.cause}".strip())
            continue
        chosen = about(found, path.name)
        lines += [(beside.name, line) for line in chosen]
        if not chosen:
            useless.append(
                f"{beside.name} names other files only" if found else f"{beside.name} holds no checksum"
            )
    return Sidecars(files=tuple(files), lines=tuple(lines), unread=tuple(unread), useless=tuple(useless))


def read_sidecar(path: Path) -> bytes:
    """The content of a checksum file, its first MiB; errors as `open_regular`."""
    descriptor = open_regular(path)
    try:
        return os.read(descriptor, MAX_SIDECAR_BYTES)
    except OSError as error:
        raise QuillkeepError(f"{path.name} gave no bytes.", cause=error.strerror or "") from error
    finally:
        os.close(descriptor)


def digests_of(path: Path, algorithms: Sequence[str], check: Callable[[], None]) -> dict[str, str] | OSError:
    """The file's own digests, one pass; the error when it cannot be read."""
    import hashlib

    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    try:
        with open(path, "rb", buffering=0) as stream:
            while chunk := stream.read(CHUNK):
                check()
                for digest in hashes.values():
                    digest.update(chunk)
    except OSError as error:
        return error
    return {name: digest.hexdigest() for name, digest in hashes.items()}
