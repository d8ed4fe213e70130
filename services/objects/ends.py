"""The two ends a transfer may take: obstore for what it can address and write, boto3 for the rest."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from services.objects.clients import PART_BYTES
from services.objects.failures import StoreError, from_boto, from_obstore
from services.objects.keys import Headers

if TYPE_CHECKING:
    from obstore.store import S3Store
    from types_boto3_s3 import S3Client

SINGLE_PUT_BYTES = 16 << 20
"""Up to here an upload is one part, so that its ETag is its MD5, as the application's own uploads have it."""
MAX_PARTS = 9_000
CHUNK_BYTES = 1 << 20
WHOLE_BYTES = 2 << 20
"""Up to here a body is taken in one piece, which is quicker and with 16 threads still little memory."""

_FIELDS = {
    "content_type": "Content-Type",
    "content_encoding": "Content-Encoding",
    "content_language": "Content-Language",
    "content_disposition": "Content-Disposition",
    "cache_control": "Cache-Control",
}
_BOTO_FIELDS = {field: name.replace("-", "") for field, name in _FIELDS.items()}
_NAMED = frozenset(_FIELDS.values()) | {"Storage-Class"}


class Part(msgspec.Struct, frozen=True):
    """An answer to a read: the object's `size` and `etag` as of now, and the bytes asked for, once."""

    headers: Headers
    size: int
    etag: str
    last_modified: str
    chunks: Iterator[Any]


class End(Protocol):
    """One client's way to read and write one object; every error is a `StoreError`."""

    def read(self, key: str, offset: int, stop: int | None, etag: str | None) -> Part:
        """Bytes `offset` to `stop` (None: all) of the object while its ETag is `etag`."""
        ...

    def stat(self, key: str) -> Part:
        """Size, ETag and headers without bytes."""
        ...

    def write(self, key: str, body: bytes | Path, size: int, headers: Headers) -> str:
        """Puts the object and gives the server's ETag."""
        ...


class FastEnd:
    """obstore; only worker threads call it, since a signal waits for a blocking call to end."""

    def __init__(self, down: S3Store, up: S3Store) -> None:
        self._down = down
        self._up = up

    def read(self, key: str, offset: int, stop: int | None, etag: str | None) -> Part:
        import obstore

        options: dict[str, Any] = {"if_match": etag} if etag else {}
        if stop is not None:
            options["range"] = (offset, stop)
        try:
            answer = obstore.get(self._down, key, options=options)  # type: ignore[arg-type]
            meta = answer.meta
            headers = _from_attributes(answer.attributes)
        except BaseException as error:  # noqa: BLE001  a Rust panic is a BaseException
            raise _obstore_error(error, key) from None

        def chunks() -> Iterator[Any]:
            try:
                span = (stop if stop is not None else meta["size"]) - offset
                if span <= WHOLE_BYTES:
                    yield memoryview(answer.bytes())
                else:
                    yield from answer.stream(min_chunk_size=CHUNK_BYTES)
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001
                raise _obstore_error(error, key) from None

        return Part(headers, meta["size"], meta["e_tag"] or "", meta["last_modified"].isoformat(), chunks())

    def stat(self, key: str) -> Part:
        import obstore

        try:
            answer = obstore.get(self._down, key, options={"head": True})
            meta = answer.meta
            headers = _from_attributes(answer.attributes)
        except BaseException as error:  # noqa: BLE001
            raise _obstore_error(error, key) from None
        return Part(headers, meta["size"], meta["e_tag"] or "", meta["last_modified"].isoformat(), iter(()))

    def write(self, key: str, body: bytes | Path, size: int, headers: Headers) -> str:
        import obstore

        single = isinstance(body, bytes)
        try:
            answer = obstore.put(
                self._up,
                key,
                body,
                attributes=_to_attributes(headers),
                use_multipart=not single,
                chunk_size=max(PART_BYTES, -(-size // MAX_PARTS)),
                max_concurrency=2,
            )
        except BaseException as error:  # noqa: BLE001
            raise _obstore_error(error, key) from None
        return answer["e_tag"] or ""


def _obstore_error(error: BaseException, key: str) -> BaseException:
    if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
        return error
    return from_obstore(error, key)


def _from_attributes(attributes: Any) -> Headers:
    fields = {field: attributes.get(name) for field, name in _FIELDS.items()}
    metadata = {name: value for name, value in attributes.items() if name not in _NAMED}
    return Headers(**fields, metadata=metadata)


def _to_attributes(headers: Headers) -> dict[str, str]:
    attributes = dict(headers.metadata)
    for field, name in _FIELDS.items():
        value = getattr(headers, field)
        if value:
            attributes[name] = value
    return attributes


class ExactEnd:
    """boto3: exact for every key and for metadata that obstore cannot read or would mix up, and slower."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, key: str, offset: int, stop: int | None, etag: str | None) -> Part:
        wanted: dict[str, Any] = {"Bucket": self._bucket, "Key": key}
        if etag:
            wanted["IfMatch"] = etag
        if stop is not None:
            wanted["Range"] = f"bytes={offset}-{stop - 1}"
        try:
            answer: dict[str, Any] = dict(self._client.get_object(**wanted))
        except Exception as error:  # noqa: BLE001  whatever boto3 raises is classified
            raise from_boto(error, key) from None
        if stop is not None and answer["ResponseMetadata"]["HTTPStatusCode"] != 206 and offset:
            raise StoreError("rejected", "the server ignored a byte range", key=key)

        def chunks() -> Iterator[Any]:
            try:
                yield from answer["Body"].iter_chunks(CHUNK_BYTES)
            except GeneratorExit:
                raise
            except Exception as error:  # noqa: BLE001
                raise from_boto(error, key) from None

        total = int(answer["ContentLength"])
        if "ContentRange" in answer and str(answer["ContentRange"]).rpartition("/")[2].isdigit():
            total = int(str(answer["ContentRange"]).rpartition("/")[2])
        return _boto_part(answer, total, chunks())

    def stat(self, key: str) -> Part:
        try:
            answer: dict[str, Any] = dict(self._client.head_object(Bucket=self._bucket, Key=key))
        except Exception as error:  # noqa: BLE001
            raise from_boto(error, key) from None
        return _boto_part(answer, int(answer["ContentLength"]), iter(()))

    def write(self, key: str, body: bytes | Path, size: int, headers: Headers) -> str:
        extra: dict[str, Any] = {"Metadata": dict(headers.metadata)}
        for field, name in _BOTO_FIELDS.items():
            value = getattr(headers, field)
            if value:
                extra[name] = value
        try:
            if isinstance(body, bytes):
                digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
                answer = self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=body, ContentMD5=digest, **extra
                )
                return answer["ETag"]
            from boto3.s3.transfer import TransferConfig

            config = TransferConfig(
                multipart_chunksize=max(PART_BYTES, -(-size // MAX_PARTS)), max_concurrency=2
            )
            with body.open("rb") as stream:
                upload: Any = _transfer_manager(self._client, config)
                with upload as manager:
                    manager.upload(stream, self._bucket, key, extra_args=extra).result()
            return str(self._client.head_object(Bucket=self._bucket, Key=key)["ETag"])
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001
            raise from_boto(error, key) from None


def _transfer_manager(client: S3Client, config: Any) -> Any:
    from boto3.s3.transfer import create_transfer_manager

    return create_transfer_manager(client, config)


def _boto_part(answer: dict[str, Any], size: int, chunks: Iterator[Any]) -> Part:
    fields = {field: answer.get(name) for field, name in _BOTO_FIELDS.items()}
    metadata = {name.lower(): _utf8(value) for name, value in answer.get("Metadata", {}).items()}
    modified = str(answer.get("LastModified", ""))
    if "," in modified:
        modified = parsedate_to_datetime(modified).isoformat()
    return Part(Headers(**fields, metadata=metadata), size, str(answer.get("ETag", "")), modified, chunks)


def _utf8(value: str) -> str:
    """HTTP hands header bytes over as Latin-1; S3 servers send UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return value
