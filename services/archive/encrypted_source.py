"""A dump below encryption: plaintext only in memory, and no end of a pass without the cipher's own end verdict."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from services.archive.archive_source import AHEAD_CHUNKS, ByteSource
from services.archive.model import ArchiveError, Block, DumpSource, End, Namespace, Prelude, of_stream
from services.errors import QuillkeepError
from services.profile import Limits
from services.streams.decrypting import Opener, damaged_ciphertext
from services.streams.gzip import gunzip
from services.streams.readahead import read_ahead


class DecryptedBytes(ByteSource):
    """The plaintext of another source, decrypted in a thread of its own; `consumed` counts the raw bytes."""

    def __init__(self, raw: ByteSource, opener: Opener) -> None:
        super().__init__(None)
        self.name = raw.name
        self.raw = raw
        self.opener = opener
        self.proven = False
        """Whether the pass that began last came to its end verdict, and it held."""

    @property
    def again(self) -> bool:
        """Whether a second pass is possible."""
        return self.raw.again

    def untapped(self) -> DecryptedBytes:
        """The same file for a pass that nobody else is shown."""
        return DecryptedBytes(self.raw.untapped(), self.opener)

    def chunks(self) -> Iterator[bytes]:
        """The plaintext from the start; whoever stops early has proven nothing."""
        self.proven = False
        raw = self.raw.chunks()
        return self._plain(raw)

    def _plain(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in self.opener.plain(raw):
            self.consumed = self.raw.consumed
            yield chunk
        self.consumed = self.raw.consumed
        self.proven = True

    def uncompressed(self, *, compressed: bool, limits: Limits) -> Generator[bytes, None, None]:
        """The bytes below gzip where there is one; decrypting and decompressing each in a thread."""
        plain = read_ahead(self.chunks(), AHEAD_CHUNKS)
        return read_ahead(gunzip(plain, limits=limits), AHEAD_CHUNKS) if compressed else plain

    def size(self) -> int:
        """Bytes of the encrypted file."""
        return self.raw.size()


class EncryptedSource:
    """A `DumpSource` whose bytes are decrypted anew by each pass; `form` and `sums` are those of what is inside."""

    def __init__(self, inner: DumpSource, source: DecryptedBytes) -> None:
        self.form = inner.form
        self.sums = inner.sums
        self.encrypted = source.opener
        self._inner = inner
        self._source = source

    @property
    def notes(self) -> tuple[str, ...]:
        """What was recognised and left alone."""
        return self._inner.notes

    def prelude(self) -> Prelude:
        """As `DumpSource.prelude`; of an archive nothing is proven by it."""
        return self._inner.prelude()

    def read(self, only: Sequence[Namespace] | None = None) -> Iterator[Block | End]:
        """One pass, which decrypts again; ends normally only when the encryption's own end verdict held too."""
        try:
            yield from self._inner.read(only)
        except ArchiveError as error:
            blamed = self._blamed(error)
            if blamed is error:
                raise
            raise blamed from error
        if not self._source.proven:
            raise ArchiveError(
                "the end verdict of its encryption",
                found="none: the pass ended before it",
                file=self._source.name,
                layer=self._source.opener.layer,
            )

    def bytes_read(self) -> int:
        """Encrypted bytes consumed so far."""
        return self._source.consumed

    def total_bytes(self) -> int:
        """Bytes of the encrypted file."""
        return self._source.size()

    def _blamed(self, error: ArchiveError) -> ArchiveError:
        """Damage that shows inside may lie in the ciphertext: its own verdict, at its end, says which of both."""
        if error.layer or not self._source.again:
            return error
        try:
            below = damaged_ciphertext(self._source.opener, self._source.raw.untapped().chunks())
        except (QuillkeepError, OSError):
            # What stays closed now, or a disk that fails, says nothing more than what was found already.
            return error
        if below is not None:
            return of_stream(below, offset=None, file=self._source.name)
        if self._source.opener.mac:
            also = "its encryption is whole, so it was damaged before it was encrypted"
        else:
            also = "its encryption has no MAC: a damaged ciphertext would look the same"
        told = ArchiveError(
            error.expected if error.found else f"{error.expected} ({also})",
            found=f"{error.found} ({also})" if error.found else "",
            namespace=error.namespace,
            offset=error.offset,
            file=error.file,
            next=error.next,
        )
        told.cipher_whole = self._source.opener.mac
        return told
