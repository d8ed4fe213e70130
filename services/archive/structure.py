"""Whether documents that no checksum covers are BSON at every depth."""

from __future__ import annotations

from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from services.archive.documents import split_documents
from services.archive.elements import NotBson, check_document
from services.archive.model import ArchiveError, Buffer, Namespace
from services.archive.names import printable

_LENIENT: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict,
    datetime_conversion=DatetimeConversion.DATETIME_MS,
    unicode_decode_error_handler="ignore",
)
"""Values that servers store and a decoder may refuse, such as invalid UTF-8, are no damage."""


def check_structure(data: Buffer, namespace: Namespace, offset: int) -> None:
    """`ArchiveError` for the first of whole documents whose lengths, types or NULs do not fit.

    The decoder in C is the fast way; what it refuses is looked at element by element, which decides.
    """
    at = offset
    for document in split_documents(data):
        try:
            bson.decode(document, codec_options=_LENIENT)
        except (bson.errors.BSONError, ValueError, TypeError, OverflowError, RecursionError):
            try:
                check_document(document)
            except NotBson as error:
                raise ArchiveError(
                    "a BSON document", found=str(error), namespace=printable(str(namespace)), offset=at
                ) from error
        at += len(document)
