"""One file within a tar as a source of bytes: an archive, encrypted or not, that somebody packed with other files."""

from __future__ import annotations

from collections.abc import Iterator

from services.archive.archive_source import ByteSource
from services.archive.dumpfolder import dump_name
from services.archive.model import ArchiveError
from services.archive.names import printable
from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.sniff import HEAD_BYTES, Form, sniff_head
from services.streams.tar import TarReader

LOOKED_AT = 16
"""Members looked at before a tar is taken for that of a folder."""
SKIPPED_BYTES = 64 << 20
ARCHIVES = frozenset({"archive", "archive.gz", "gpg", "openssl", "openssl-base64"})


def archive_within(source: ByteSource, *, compressed: bool, limits: Limits) -> tuple[str, Form] | None:
    """(name, form) of the archive among the first members; None for the tar of a folder, and for damage.

    A tar of a directory dump is told by its first dump file.
    """
    chunks = source.untapped().uncompressed(compressed=compressed, limits=limits)
    seen = passed = 0
    try:
        reader = TarReader(chunks, limits=limits)
        for member in reader:
            if member.folder:
                continue
            seen += 1
            passed += member.size
            if seen > LOOKED_AT or dump_name(member.name.rpartition("/")[2]).role != "other":
                return None
            head = b""
            for chunk in reader.body():
                head += chunk
                if len(head) >= HEAD_BYTES:
                    break
            form = sniff_head(head[:HEAD_BYTES])
            if form in ARCHIVES:
                return member.name, form
            if passed > SKIPPED_BYTES:
                return None
    except StreamError:
        # The pass that reads it all says what is wrong.
        return None
    finally:
        chunks.close()
    return None


class MemberBytes(ByteSource):
    """The bytes of the one archive in a tar; a pass reads the tar to its end and refuses a second archive."""

    def __init__(self, tar: ByteSource, member: str, *, compressed: bool, limits: Limits) -> None:
        super().__init__(None)
        self._tar = tar
        self._member = member
        self._compressed = compressed
        self._limits = limits
        self.name = f"{tar.name}: {printable(member)}"

    @property
    def again(self) -> bool:
        """Whether a second pass is possible."""
        return self._tar.again

    def untapped(self) -> MemberBytes:
        """The same for a pass that nobody else is shown."""
        return MemberBytes(
            self._tar.untapped(), self._member, compressed=self._compressed, limits=self._limits
        )

    def chunks(self) -> Iterator[bytes]:
        """The member's bytes; errors of the tar are `StreamError`."""
        chunks = self._tar.uncompressed(compressed=self._compressed, limits=self._limits)
        try:
            reader = TarReader(chunks, limits=self._limits)
            for member in reader:
                if member.name == self._member:
                    for chunk in reader.body():
                        self.consumed = self._tar.consumed
                        yield chunk
                elif not member.folder:
                    self._refuse_second(member.name, reader)
            self.consumed = self._tar.consumed
        finally:
            chunks.close()

    def size(self) -> int:
        """Bytes of the tar's file."""
        return self._tar.size()

    def _refuse_second(self, name: str, reader: TarReader) -> None:
        head = b""
        for chunk in reader.body():
            if len(head) < HEAD_BYTES:
                head += chunk
        if sniff_head(head[:HEAD_BYTES]) in ARCHIVES:
            raise ArchiveError(
                "one archive in the tar",
                found=f"{printable(self._member)} and {printable(name)}",
                file=self._tar.name,
                next="Unpack it and give one of them.",
            )
