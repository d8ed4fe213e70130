"""A bucket as backups and restores use it: exact listings, verified transfers, server-side copies."""

from __future__ import annotations

import copy as copying
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from services.errors import QuillkeepError
from services.objects.clients import Clients, build_clients
from services.objects.ends import SINGLE_PUT_BYTES, End, ExactEnd, FastEnd, Part
from services.objects.failures import StoreError, about_bucket, from_boto
from services.objects.keys import (
    Headers,
    ObjectInfo,
    is_ascii,
    is_our_key,
    needs_exact_client,
    obstore_safe,
    unwritable_metadata,
)
from services.objects.patience import Attempt, Patience, Pulse
from services.profile import BucketTarget

T = TypeVar("T")
RANGE_BYTES = 64 << 20
"""Larger objects are read as ordered ranges of this size, each under If-Match."""
COPY_LIMIT_BYTES = 5 << 30
"""The most one CopyObject may copy on AWS."""


def _nothing() -> None:
    """No cancel."""


def _unheard(text: str) -> None:
    """Nobody listens."""


class Stat(msgspec.Struct, frozen=True):
    """An object without its bytes; times RFC 3339, `etag` as the server says it."""

    size: int
    etag: str
    last_modified: str
    headers: Headers


class Bucket:
    """One bucket and prefix. Methods raise `StoreError` for one object, `QuillkeepError` for the whole bucket.

    Thread-safe. Transfers block and belong to worker threads (`pool.run_pool`); `list` may run anywhere.
    """

    def __init__(
        self,
        target: BucketTarget,
        clients: Clients,
        *,
        patience: Patience,
        check: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self.target = target
        self.name = target.bucket
        self.prefix = target.prefix
        self.where = clients.endpoint
        self._client = clients.exact
        self._fast = FastEnd(clients.down, clients.up)
        self._exact = ExactEnd(clients.exact, target.bucket)
        self._patience = patience
        self._pulse = Pulse(say, self._answers)
        self._check = check

    def without_cancel(self) -> Bucket:
        """The same bucket for work that has to be finished after a cancel."""
        twin = copying.copy(self)
        twin._check = _nothing
        return twin

    @property
    def make_command(self) -> str:
        """The stock tool's command that creates this bucket."""
        endpoint = f"--endpoint-url {shlex.quote(self.where)} " if self.target.endpoint else ""
        return f"aws {endpoint}s3 mb s3://{self.name}"

    def explain(self, error: StoreError) -> QuillkeepError:
        """A failure that concerns the whole bucket, in an admin's words."""
        return about_bucket(error, bucket=self.name, where=self.where, make=self.make_command)

    def exists(self) -> bool:
        """Whether the bucket is there; raises what `require` raises when that cannot be told."""
        from services.objects.failures import BucketMissing

        try:
            self.require()
        except BucketMissing:
            return False
        return True

    def require(self) -> None:
        """One small listing: raises BucketMissing, WrongCredentials, BucketForbidden or BucketUnreachable."""
        try:
            self._page(self.prefix, None, 1)
        except StoreError as error:
            raise self.explain(error) from None

    def list(self) -> Iterator[ObjectInfo]:
        """Every object below the prefix that is not ours, byte-exact, in the server's order."""
        for info in self.list_under(self.prefix):
            if not is_our_key(info.key, self.prefix):
                yield info

    def list_under(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object whose key starts with `prefix`, page by page (1,000 a request)."""
        token: str | None = None
        while True:
            self._check()
            try:
                page = self._attempt().run(lambda token=token: self._page(prefix, token, 1000))  # type: ignore[misc]
            except StoreError as error:
                raise self.explain(error) from None
            for row in page.get("Contents", ()):
                yield ObjectInfo(row["Key"], int(row["Size"]), row.get("ETag", ""), row["LastModified"])
            following = page.get("NextContinuationToken")
            if not page.get("IsTruncated") or not following:
                return
            if following == token:
                raise QuillkeepError(
                    f"{self.where} repeats the same page of the bucket {self.name} without end.",
                    next="Check the S3 server's health and try again.",
                )
            token = following

    def _page(self, prefix: str, token: str | None, limit: int) -> dict[str, Any]:
        more: dict[str, Any] = {"ContinuationToken": token} if token else {}
        try:
            return dict(self._client.list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=limit, **more))
        except Exception as error:  # noqa: BLE001  classified
            raise from_boto(error) from None

    def _answers(self) -> bool:
        try:
            self._page(self.prefix, None, 1)
        except StoreError as error:
            return error.kind != "outage"
        return True

    def _attempt(self) -> Attempt:
        return Attempt(self._patience, self._pulse, self._check)

    def _reader(self, key: str) -> End:
        return self._fast if obstore_safe(key) else self._exact

    def _reading(self, key: str, action: Callable[[End], T]) -> T:
        """Runs a read on the client that can address the key; non-ASCII metadata moves it to boto3."""
        end = self._reader(key)
        try:
            return action(end)
        except StoreError as error:
            if error.kind != "metadata" or end is self._exact:
                raise
        return action(self._exact)

    def stat(self, key: str) -> Stat:
        """Size, ETag and headers of one object; `StoreError` of kind `gone` when there is none."""
        part = self._attempt().run(lambda: self._reading(key, lambda end: end.stat(key)))
        return Stat(part.size, part.etag, part.last_modified, part.headers)

    def read(
        self,
        key: str,
        *,
        size: int,
        etag: str | None,
        begin: Callable[[Headers], None] | None = None,
        sink: Callable[[Any], object],
    ) -> Headers:
        """Streams exactly `size` bytes of the object while its ETag is `etag` into `sink`, resuming after cuts.

        `begin` gets the headers before the first byte. Raises `StoreError`: `gone`, `changed`, `denied`,
        `short` (the server gave another number of bytes without an error), `outage`, `rejected`.
        """
        headers: Headers | None = None
        offset = 0
        attempt = self._attempt()
        while True:
            ranged = offset > 0 or size > RANGE_BYTES
            stop = min(size, offset + RANGE_BYTES) if ranged else None
            try:
                part: Part = self._reading(
                    key,
                    lambda end, offset=offset, stop=stop: end.read(key, offset, stop, etag),  # type: ignore[misc]
                )
                if headers is None:
                    headers = part.headers
                    if begin is not None:
                        begin(headers)
                if part.size != size:
                    raise StoreError("short", f"{part.size:,} bytes announced, {size:,} listed", key=key)
                for chunk in part.chunks:
                    self._check()
                    sink(chunk)
                    offset += len(chunk)
                    attempt.progressed()
                if offset < (size if stop is None else stop) or offset > size:
                    raise StoreError("short", f"{offset:,} of {size:,} bytes came", key=key)
            except StoreError as error:
                attempt.failed(error)
                continue
            attempt.progressed()
            if offset >= size:
                return headers

    def put(self, key: str, body: bytes | Path, *, size: int, headers: Headers) -> str:
        """Puts one object with its headers and gives the server's ETag (the MD5 up to 16 MiB).

        Raises `StoreError`; kind `metadata` when no client can carry this key with this metadata.
        """
        if unwritable := unwritable_metadata(headers.metadata):
            raise StoreError("metadata", f"the metadata {unwritable!r} fits into no HTTP header", key=key)
        exact = needs_exact_client(headers.metadata) or not obstore_safe(key)
        if exact and not is_ascii(headers.metadata):
            raise StoreError("metadata", "no client writes this key with metadata that is not ASCII", key=key)
        end: End = self._exact if exact else self._fast
        if isinstance(body, Path) and size <= SINGLE_PUT_BYTES:
            body = body.read_bytes()
        return self._attempt().run(lambda: end.write(key, body, size, headers))

    def copy(self, source: str, destination: str, *, size: int, etag: str) -> str:
        """Copies within the bucket on the server while the source's ETag is `etag`; gives the copy's ETag."""

        def once() -> str:
            try:
                if size <= COPY_LIMIT_BYTES:
                    answer = self._client.copy_object(
                        Bucket=self.name,
                        Key=destination,
                        CopySource={"Bucket": self.name, "Key": source},
                        CopySourceIfMatch=etag,
                    )
                    return str(answer["CopyObjectResult"]["ETag"])
                self._client.copy(
                    {"Bucket": self.name, "Key": source},
                    self.name,
                    destination,
                    ExtraArgs={"CopySourceIfMatch": etag},
                )
                return str(self._client.head_object(Bucket=self.name, Key=destination)["ETag"])
            except Exception as error:  # noqa: BLE001  classified
                raise from_boto(error, source) from None

        return self._attempt().run(once)

    def delete(self, key: str) -> None:
        """Deletes one object; one that is gone is no error."""

        def once() -> None:
            try:
                self._client.delete_object(Bucket=self.name, Key=key)
            except Exception as error:  # noqa: BLE001  classified
                raise from_boto(error, key) from None

        self._attempt().run(once)

    def delete_many(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Deletes keys without control characters, 1,000 a request; gives those the server would not delete."""
        failed: list[str] = []
        for start in range(0, len(keys), 1000):
            batch = keys[start : start + 1000]

            def once(batch: Sequence[str] = batch) -> list[str]:
                try:
                    answer = self._client.delete_objects(
                        Bucket=self.name, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                    )
                except Exception as error:  # noqa: BLE001  classified
                    raise from_boto(error) from None
                return [str(row.get("Key", "")) for row in answer.get("Errors", ())]

            failed += self._attempt().run(once)
        return tuple(failed)

    def etag_is_md5(self, key: str) -> bool:
        """False when the object is encrypted by a key service: its single-part ETag is then no MD5."""

        def once() -> bool:
            try:
                answer = self._client.head_object(Bucket=self.name, Key=key)
            except Exception as error:  # noqa: BLE001  classified
                raise from_boto(error, key) from None
            return "kms" not in str(answer.get("ServerSideEncryption", "")) and not answer.get(
                "SSECustomerAlgorithm"
            )

        return self._attempt().run(once)


def open_bucket(
    target: BucketTarget,
    *,
    patience: Patience | None = None,
    check: Callable[[], None] = _nothing,
    say: Callable[[str], None] = _unheard,
) -> Bucket:
    """Opens a bucket without a request; no `AWS_*` variable or file of the caller reaches it.

    `check` raises to cancel, `say` hears of outages. Raises `Refused` when keys are missing.
    """
    return Bucket(target, build_clients(target), patience=patience or Patience(), check=check, say=say)
