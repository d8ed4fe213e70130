"""Lists a bucket in a thread, so that a server that never answers is told of in time."""

from __future__ import annotations

import threading
import time
from collections import Counter

from services.errors import QuillkeepError
from services.looking.bucket import ANSWER_SECONDS, LIST_SECONDS, BucketAnswer
from services.objects.bucket import Bucket, open_bucket
from services.objects.failures import BucketUnreachable
from services.objects.patience import Patience
from services.profile import Profile
from services.quilltap.objects import parse_key

OTHER = "other"
"""The category of keys that the application would not write."""


def list_bucket(most: int, profile: Profile) -> BucketAnswer:
    """The answer of `services.looking.bucket.look`."""
    if profile.bucket is None:
        raise QuillkeepError(
            "No bucket is configured.",
            next="Set S3_BUCKET and S3_ENDPOINT in Quilltap's .env, or `bucket` under [profiles.NAME.bucket] "
            "in config.toml.",
        )
    bucket = open_bucket(profile.bucket, patience=Patience(outage=3.0, single=3.0, alone=3.0))
    listing = _Listing(bucket, most)
    threading.Thread(target=listing.run, name="list-bucket", daemon=True).start()
    if not listing.answered.wait(ANSWER_SECONDS):
        raise BucketUnreachable(
            f"{bucket.where} takes connections but has not answered for {ANSWER_SECONDS:.0f} s.",
            touched="Nothing was changed: it only looked.",
            next="Check that the S3 server is not stopped or overloaded, then look again: `quillkeep doctor`.",
        )
    listing.ended.wait(LIST_SECONDS - ANSWER_SECONDS)
    return listing.answer()


class _Listing:
    def __init__(self, bucket: Bucket, most: int) -> None:
        self.answered = threading.Event()
        self.ended = threading.Event()
        self._bucket = bucket
        self._most = most
        self._until = time.monotonic() + LIST_SECONDS
        self._lock = threading.Lock()
        self._objects = 0
        self._bytes = 0
        self._categories: Counter[str] = Counter()
        self._whole = False
        self._error: BaseException | None = None

    def run(self) -> None:
        """Counts until the end, the limit or the time."""
        try:
            self._bucket.require()
            self.answered.set()
            for info in self._bucket.list():
                if self._objects >= self._most or time.monotonic() > self._until:
                    return
                parts = parse_key(info.key, self._bucket.prefix)
                with self._lock:
                    self._objects += 1
                    self._bytes += info.size
                    self._categories[parts.category if parts else OTHER] += 1
            self._whole = True
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._error = error
        finally:
            self.answered.set()
            self.ended.set()

    def answer(self) -> BucketAnswer:
        """What there is by now. Errors: what the listing raised before anything was counted."""
        problems: list[str] = []
        with self._lock:
            error, whole = self._error, self._whole
            if error is not None and not self._objects:
                raise error
            if error is not None:
                said = f"{error.what} {error.next}" if isinstance(error, QuillkeepError) else str(error)
                problems.append(f"The listing broke off after {self._objects:,} objects. {said}")
            elif not whole:
                problems.append(
                    f"Only the first {self._objects:,} objects were counted: there are more than "
                    f"{LIST_SECONDS:.0f} s of listing show."
                    if self._objects < self._most
                    else f"Only the first {self._objects:,} objects were counted."
                )
            return BucketAnswer(
                bucket=self._bucket.name,
                endpoint=self._bucket.where,
                objects=self._objects,
                bytes=self._bytes,
                whole=whole,
                categories=dict(sorted(self._categories.items())),
                problems=tuple(problems),
            )
