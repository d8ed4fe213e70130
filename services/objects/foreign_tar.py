"""Objects of a foreign tar or tar.gz, one pass, hostile or damaged ones refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import msgspec

from services.errors import QuillkeepError
from services.passphrase import BackupKey
from services.profile import Limits
from services.streams.decrypting import ENCRYPTED_FORMS, damaged_ciphertext, opener_for
from services.streams.errors import StreamError
from services.streams.files import file_chunks
from services.streams.gzip import GZIP_MAGIC, gunzip
from services.streams.locked import Tool
from services.streams.readahead import read_ahead
from services.streams.sniff import HEAD_BYTES, Form, sniff_head
from services.streams.tar import TarReader

AHEAD_CHUNKS = 4


class TarObject(msgspec.Struct, frozen=True):
    """A regular file of the tar; `chunks` gives its bytes until the next one is asked for."""

    name: str
    size: int
    chunks: Iterator[bytes]


def encryption_of(path: Path) -> Tool | None:
    """What a tar is encrypted with, None for a plain one. Raises `QuillkeepError` when it cannot be read."""
    return ENCRYPTED_FORMS.get(_form(path))


def _form(path: Path) -> Form:
    try:
        with open(path, "rb") as stream:
            return sniff_head(stream.read(HEAD_BYTES))
    except OSError as error:
        raise QuillkeepError(f"{path} cannot be read.", cause=error.strerror or "") from error


def tar_objects(
    path: Path,
    limits: Limits,
    *,
    key: BackupKey | None = None,
    advance: Callable[[int], None] = lambda amount: None,
) -> Iterator[TarObject]:
    """Streams the regular files; of an encrypted tar nothing is proven before the iteration ended normally.

    `advance` gets the bytes of the file. Raises `QuillkeepError` for outside names, links, duplicates, bombs and
    damage, `EncryptedDump` for what stays closed.
    """
    form = _form(path)
    raw = file_chunks(path, advance=advance)
    if form not in ENCRYPTED_FORMS:
        yield from _members(raw, limits, lambda error: DamagedTar(path, error))
        return
    opener = opener_for(form, key, limits=limits, file=path.name)

    def blamed(error: StreamError) -> DamagedTar:
        below = None
        if not error.layer:
            below = damaged_ciphertext(opener, file_chunks(path, advance=lambda amount: None))
        return DamagedTar(path, below or error, cipher_whole=opener.mac and below is None and not error.layer)

    yield from _members(read_ahead(opener.plain(raw), AHEAD_CHUNKS), limits, blamed)


def _members(
    raw: Iterator[bytes], limits: Limits, damaged: Callable[[StreamError], DamagedTar]
) -> Iterator[TarObject]:
    total = 0
    try:
        first = next(raw, b"")
        while 0 < len(first) < len(GZIP_MAGIC) and (more := next(raw, b"")):
            first += more
        whole = chain([first], raw)
        zipped = first.startswith(GZIP_MAGIC)
        reader = TarReader(gunzip(whole, limits=limits) if zipped else whole, limits=limits)
        for member in reader:
            if member.folder:
                continue
            total += member.size
            if total > limits.max_bytes:
                raise StreamError(f"at most {limits.max_bytes:,} bytes unpacked", found="more")
            yield TarObject(member.name, member.size, _translated(reader.body(), damaged))
    except StreamError as error:
        raise damaged(error) from error


def _translated(chunks: Iterator[bytes], damaged: Callable[[StreamError], DamagedTar]) -> Iterator[bytes]:
    try:
        yield from chunks
    except StreamError as error:
        raise damaged(error) from error


class DamagedTar(QuillkeepError):
    """A tar that cannot be used; `layer` names its encryption where the damage lies in that."""

    def __init__(self, path: Path, error: StreamError, *, cipher_whole: bool = False) -> None:
        at = f", at byte {error.offset:,}" if error.offset is not None else ""
        layer = f" It is damaged in its encryption ({error.layer}{at})." if error.layer else ""
        super().__init__(
            f"The tar of objects {path.name} cannot be used: {error}.{layer}",
            next="Use another backup; `quillkeep list` shows which are good.",
        )
        self.layer = error.layer
        self.cipher_whole = cipher_whole
