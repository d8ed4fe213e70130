"""Bare BSON documents, one behind the other, as a directory dump keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from services.archive.documents import MAX_DOCUMENT, MAX_INTERNAL_DOCUMENT
from services.archive.feed import BadLength, Ended, Feed
from services.archive.model import ArchiveError, Namespace, of_stream
from services.archive.names import printable
from services.archive.reader import length_words
from services.streams.errors import StreamError


def plain_documents(
    chunks: Iterator[bytes], namespace: Namespace, *, internal: bool, file: str
) -> Iterator[memoryview]:
    """Runs of whole documents to the end of the file; every failure is an `ArchiveError` naming the collection.

    A file cut between two documents cannot be told from a whole one: it carries no count.
    """
    feed = Feed(chunks)
    limit = MAX_INTERNAL_DOCUMENT if internal else MAX_DOCUMENT
    shown = printable(str(namespace))
    try:
        yield from feed.documents(limit, terminated=False)
    except StreamError as error:
        raise of_stream(error, offset=feed.offset, namespace=shown, file=file) from error
    except Ended as ended:
        raise ArchiveError(
            "a whole document",
            found=f"the end after {ended.found:,} bytes of it: the file is cut",
            namespace=shown,
            offset=ended.offset,
            file=file,
        ) from ended
    except BadLength as bad:
        raise ArchiveError(
            "a BSON document", found=length_words(bad, limit), namespace=shown, offset=bad.offset, file=file
        ) from bad
