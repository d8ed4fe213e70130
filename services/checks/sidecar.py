"""Checksum files as `sha256sum` and its cousins write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.streams.files import open_regular

MAX_SIDECAR_BYTES = 1 << 20
_GNU = re.compile(r"\\?([0-9a-fA-F]{64})(?: [ *]|\t| )(.+)")
_BSD = re.compile(r"SHA256 \((.+)\) = ([0-9a-fA-F]{64})")
_BARE = re.compile(r"([0-9a-fA-F]{64})")


class SidecarLine(msgspec.Struct, frozen=True):
    """One sum (lower-case hex) and the path it stands for, empty when the line names none."""

    sha256: str
    path: str


def parse_sidecar(data: bytes) -> list[SidecarLine]:
    """The sums of a checksum file: GNU (text, binary, escaped names) or BSD lines, CRLF, upper case, a
    byte-order mark, blank and comment lines. Lines of other kinds are left out."""
    lines = []
    for raw in data.decode("utf-8-sig", "surrogateescape").replace("\r", "\n").split("\n"):
        text = raw.strip()
        if match := _GNU.fullmatch(text):
            path = match.group(2).strip()
            if text.startswith("\\"):
                path = path.replace("\\n", "\n").replace("\\\\", "\\")
            lines.append(SidecarLine(match.group(1).lower(), path))
        elif match := _BSD.fullmatch(text):
            lines.append(SidecarLine(match.group(2).lower(), match.group(1)))
        elif match := _BARE.fullmatch(text):
            lines.append(SidecarLine(match.group(1).lower(), ""))
    return lines


def choose(lines: Sequence[SidecarLine], name: str) -> SidecarLine | None:
    """The line that is about a file of this name: by its last path part; else the only line there is,
    since a renamed or moved file keeps its sum."""
    same = [line for line in lines if re.split(r"[/\\]", line.path)[-1] == name]
    if same:
        return same[-1]
    return lines[0] if len(lines) == 1 else None


def read_sidecar(path: Path) -> bytes:
    """The content of a checksum file, its first MiB; errors as `open_regular`."""
    import os

    descriptor = open_regular(path)
    try:
        return os.read(descriptor, MAX_SIDECAR_BYTES)
    finally:
        os.close(descriptor)
