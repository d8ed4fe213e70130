"""What a path is, told by its first bytes, never by its name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.gzip import GZIP_MAGIC, gunzip

Form = Literal[
    "archive",
    "archive.gz",
    "directory",
    "objects",
    "tar",
    "tar.gz",
    "gpg",
    "openssl",
    "openssl-base64",
    "empty",
    "unknown",
]

HEAD_BYTES = 4096
"""Enough of a file to see what is in it, also below gzip."""
ARCHIVE_MAGIC = b"\x6d\xe2\x99\x81"
_TAR_MAGIC_AT, _TAR_MAGIC = 257, b"ustar"
_OPENPGP_ARMOUR = b"-----BEGIN PGP MESSAGE"
_OPENPGP_TAGS = {1: (2, 3, 6), 3: (4, 5, 6), 18: (1, 2), 20: (1,)}
"""First packets of an encrypted message and their versions: RFC 4880, RFC 9580; 20 is GnuPG's OCB packet."""
_DUMP_SUFFIXES = (".bson", ".bson.gz", ".metadata.json", ".metadata.json.gz", ".bin", ".bin.gz")


def sniff(path: Path) -> Form:
    """The form of a file or folder; the `OSError` when it cannot be read."""
    if path.is_dir():
        return _sniff_folder(path)
    with path.open("rb") as stream:
        return sniff_head(stream.read(HEAD_BYTES))


def sniff_head(head: bytes) -> Form:
    """The form of a stream by its first bytes, `HEAD_BYTES` of them where there are as many."""
    if not head:
        return "empty"
    if head.startswith(ARCHIVE_MAGIC):
        return "archive"
    if head.startswith(GZIP_MAGIC):
        inner = _below_gzip(head)
        if inner.startswith(ARCHIVE_MAGIC):
            return "archive.gz"
        return "tar.gz" if _is_tar(inner) else "unknown"
    if head.startswith(b"Salted__"):
        return "openssl"
    if head.startswith(b"U2FsdGVkX1"):
        return "openssl-base64"
    if head.lstrip().startswith(_OPENPGP_ARMOUR) or _is_openpgp(head):
        return "gpg"
    return "tar" if _is_tar(head) else "unknown"


def _below_gzip(head: bytes) -> bytes:
    inner = b""
    try:
        for chunk in gunzip([head], limits=Limits(), output=4096):
            inner += chunk
            if len(inner) >= 1024:
                break
    except StreamError:
        return inner
    return inner


def _is_tar(head: bytes) -> bool:
    """A POSIX or GNU header, or an old one whose checksum is right."""
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == _TAR_MAGIC:
        return True
    block = head[:512]
    if len(block) < 512 or not block[0]:
        return False
    digits = block[148:156].strip(b" \0")
    if not digits or any(digit not in b"01234567" for digit in digits):
        return False
    return int(digits, 8) == sum(block[:148]) + 8 * 0x20 + sum(block[156:])


def _is_openpgp(head: bytes) -> bool:
    """Whether the first packet is one that begins an encrypted message."""
    first = head[0]
    if not first & 0x80 or len(head) < 8:
        return False
    if first & 0x40:
        tag, second = first & 0x3F, head[1]
        body = 2 if second < 192 or second >= 224 else 3 if second < 224 else 6
        if second == 255:
            body = 6
    else:
        tag = (first >> 2) & 0x0F
        body = 1 + (1, 2, 4, 0)[first & 3]
    return head[body] in _OPENPGP_TAGS.get(tag, ())


def is_dump_file(name: str) -> bool:
    """Whether mongodump gives files such names in a directory dump."""
    return name.endswith(_DUMP_SUFFIXES)


def _sniff_folder(path: Path) -> Form:
    found = False
    with os.scandir(path) as entries:
        folders = []
        for entry in entries:
            found = True
            if is_dump_file(entry.name):
                return "directory"
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
    for folder in folders:
        with os.scandir(folder) as entries:
            if any(is_dump_file(entry.name) for entry in entries):
                return "directory"
    return "objects" if found else "empty"
