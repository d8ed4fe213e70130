"""Objects of an encrypted tar: decrypted by every pass, held in memory alone, given only after a pass has proven them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from services.errors import QuillkeepError, Refused
from services.objects.foreign_tar import TarObject, tar_objects
from services.objects.source import Body, SourceEntry, guessed_headers, tar_key
from services.passphrase import BackupKey
from services.profile import Limits

MEMORY_SHARE = 0.25
"""Of the memory that is free, what one object may take."""


class EncryptedTarSource:
    """A tar that gpg or openssl encrypted; its `entries` read all of it and keep each member's sha256.

    A body is given only when it has the sha256 of that pass, whose end verdict held: what was altered since is
    an error before anything is put.
    """

    odd: tuple[str, ...] = ()

    def __init__(self, path: Path, *, limits: Limits, key: BackupKey | None) -> None:
        self.path = path
        self._limits = limits
        self._key = key
        self._proven: dict[str, str] | None = None

    def entries(self) -> Iterator[SourceEntry]:
        """Every regular member; all of the tar is read and proven before the first is given."""
        found: list[SourceEntry] = []
        proven: dict[str, str] = {}
        for member in tar_objects(self.path, self._limits, key=self._key):
            digest = hashlib.sha256()
            for chunk in member.chunks:
                digest.update(chunk)
            key = tar_key(member.name)
            proven[key] = digest.hexdigest()
            found.append(SourceEntry(key=key, size=member.size, headers=guessed_headers(key)))
        self._proven = proven
        yield from found

    def bodies(self, wanted: Callable[[str], bool]) -> Iterator[Body]:
        """The wanted members, each in memory of its own; `QuillkeepError` when the tar is no longer the proven one."""
        if self._proven is None:
            for _ in self.entries():
                pass
        proven = self._proven or {}
        for member in tar_objects(self.path, self._limits, key=self._key):
            key = tar_key(member.name)
            if not wanted(key):
                continue
            yield self._held(key, member, proven.get(key, ""))

    def _held(self, key: str, member: TarObject, proven: str) -> Body:
        available = _available_memory()
        if member.size > available * MEMORY_SHARE:
            raise Refused(
                f"The object {key!r:.120} of {member.size:,} bytes is too large to be decrypted in memory.",
                cause=f"{available:,} bytes are free, and its plaintext may not be written to a disk.",
                next="Free memory, or decrypt the tar by hand to a place you trust and name the plain one.",
            )
        descriptor = os.memfd_create("quillkeep-object", os.MFD_CLOEXEC)
        try:
            digest = hashlib.sha256()
            for chunk in member.chunks:
                digest.update(chunk)
                view = memoryview(chunk)
                while view:
                    view = view[os.write(descriptor, view) :]
            if digest.hexdigest() != proven:
                raise QuillkeepError(
                    f"{self.path.name} changed while it was read: {key!r:.120} is not what was proven before.",
                    next="Look who writes to the backup's folder, then begin again.",
                )
            entry = SourceEntry(key=key, size=member.size, sha256=proven, headers=guessed_headers(key))
            return Body(entry, Path(f"/proc/self/fd/{descriptor}"), temporary=True, descriptor=descriptor)
        except BaseException:
            os.close(descriptor)
            raise


def _available_memory() -> int:
    """Bytes the kernel says can be taken; a GiB where it does not say."""
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 1 << 30
