"""What a row of `files` says, read from raw BSON whatever types its fields have."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from services.archive.model import Buffer
from services.catalog.naming import printable
from services.pairs.facts import RowFacts
from services.quilltap.objects import parse_key

if TYPE_CHECKING:
    from bson.codec_options import CodecOptions

FILES = "files"
FIELDS = (
    "id",
    "userId",
    "s3Key",
    "s3Bucket",
    "size",
    "sha256",
    "mimeType",
    "originalFilename",
    "createdAt",
)
"""What is asked of a live server."""
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_LARGEST = 1 << 62
_SHOWN = 200


def facts_of(data: Buffer, prefix: str, *, live: bool = False) -> Iterator[RowFacts]:
    """The rows of whole raw documents; one that cannot be decoded is a row with only `odd`."""
    decode_one = decoder()
    from services.archive.documents import split_documents

    for raw in split_documents(data):
        try:
            document = decode_one(raw)
        except Exception as error:  # noqa: BLE001  bson raises many kinds for bytes that are no document
            yield RowFacts(odd=f"it cannot be decoded: {printable(str(error))[:_SHOWN]}")
            continue
        yield row_of(document, prefix, live=live)


def row_of(document: Mapping[str, Any], prefix: str, *, live: bool = False) -> RowFacts:
    """One decoded row."""
    odd: list[str] = []
    key = document.get("s3Key")
    if key is not None and not isinstance(key, str):
        odd.append(f"s3Key is {_kind(key)}")
        key = None
    key = key or None
    user = _text(document, "userId", odd)
    size = _size(document.get("size"), odd)
    sha256 = _text(document, "sha256", odd).lower()
    if sha256 and not _SHA256.match(sha256):
        odd.append("sha256 is no sha256")
        sha256 = ""
    if key is not None:
        if size is None and not sha256:
            odd.append("neither size nor sha256 says what its object is")
        if not user:
            odd.append("no userId says whose it is")
    parts = parse_key(key, prefix) if key else None
    ref = b""
    if live:
        from bson import encode

        ref = encode({"_id": document.get("_id")})
    return RowFacts(
        key=key,
        id=_id(document, odd),
        user=user,
        size=size,
        sha256=sha256,
        mime=normal_type(_text(document, "mimeType", odd)),
        bucket=_text(document, "s3Bucket", odd),
        name=_text(document, "originalFilename", odd)[:_SHOWN],
        created=_text(document, "createdAt", [])[:40],
        ref=ref,
        odd="; ".join(odd),
        stranger=bool(parts and user and parts.user_id != user),
    )


@functools.lru_cache(maxsize=1_000)
def normal_type(value: str) -> str:
    """A content type so that two spellings of one are equal: lower case, no blanks or quotes around parameters."""
    parts = [part.strip().replace('"', "").lower() for part in printable(value).split(";")]
    text = ";".join(part for part in parts if part)[:_SHOWN]
    return "application/octet-stream" if text == "binary/octet-stream" else text


def decoder() -> Callable[[Buffer], Mapping[str, Any]]:
    """Decodes one document whatever text and dates it has; raises bson's errors for what is no document."""
    from bson import decode
    from bson.codec_options import CodecOptions, DatetimeConversion

    options: CodecOptions[dict[str, Any]] = CodecOptions(
        unicode_decode_error_handler="replace", datetime_conversion=DatetimeConversion.DATETIME_AUTO
    )
    return lambda raw: decode(raw, options)


def _id(document: Mapping[str, Any], odd: list[str]) -> str:
    id = document.get("id")
    if isinstance(id, str) and id:
        return id[:_SHOWN]
    odd.append("no id" if id is None else f"id is {_kind(id)}")
    return printable(str(document.get("_id", "")))[:_SHOWN]


def _text(document: Mapping[str, Any], name: str, odd: list[str]) -> str:
    value = document.get(name)
    if value is None or isinstance(value, str):
        return value or ""
    odd.append(f"{name} is {_kind(value)}")
    return ""


def _size(value: Any, odd: list[str]) -> int | None:
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and math.isfinite(value) and value == int(value) and 0 <= value < _LARGEST:
        return int(value)
    odd.append(f"size is {_kind(value)}" if not number else f"size is {value!r}")
    return None


def _kind(value: Any) -> str:
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        dict: "a document",
        list: "an array",
        bytes: "binary",
        str: "text",
    }
    for kind, word in names.items():
        if isinstance(value, kind):
            return word
    return f"of the type {type(value).__name__}"
