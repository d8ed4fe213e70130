"""What the application writes on a day of the demo's week: new memories, chats, answers and uploads, a deletion."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from services.demo.layout import layout_of
from services.demo.sample import Sample
from services.demo.sample_files import SampleFiles
from services.demo.seeds import Seeds, iso
from services.demo.words import Text

if TYPE_CHECKING:
    from pymongo.database import Database
    from types_boto3_s3 import S3Client

    from services.profile import BucketTarget

DAYS = 8
"""Seven days that end with a night's backup, and the one since the last of them."""
MEMORIES, CHATS, ANSWERS, UPLOADS = 24, 3, 6, 3
"""On the first day; a day later a few more of each."""
MOST_UPLOADS = UPLOADS + DAYS
HOUR = 3_600.0
OPENING = 16 * HOUR
"""Before the night: the application's day goes from 10:00 to 22:00 UTC when the night is at 02:00."""


class Days:
    """Writes one day after the other into a sample of this scale and seed; each day adds numbers of its own."""

    def __init__(
        self, database: Database[Any], s3: S3Client, bucket: BucketTarget, *, scale: float, seed: int
    ) -> None:
        self._database = database
        self._s3 = s3
        self._bucket = bucket
        self._layout = layout_of(scale)
        self._sample = Sample(scale=scale, seed=seed, prefix=bucket.prefix)
        # The sample's last numbers are its large objects: uploads count on behind them, and are small.
        roomy = replace(self._layout, small_objects=self._layout.objects + 1 + DAYS * MOST_UPLOADS)
        seeds = Seeds(seed)
        self._files = SampleFiles(seeds, roomy, Text(seeds), bucket.prefix)
        self._next = dict(self._layout.counts)
        self._uploaded: list[tuple[str, str]] = []

    def live(self, day: int, night: datetime) -> int:
        """The writes of day `day` (0 the first) before `night`; gives how many there were."""
        begun = night.timestamp() - OPENING
        done = self._insert("memories", MEMORIES + 4 * day, begun)
        done += self._insert("chats", CHATS + day % 3, begun)
        done += self._insert("chat_messages", CHATS + day % 3, begun)
        done += self._answer(ANSWERS + day, begun)
        for number in range(UPLOADS + day % 4):
            self._upload(begun + number * HOUR)
        if day >= 2:
            self._delete()
        return done + UPLOADS + day % 4

    def _insert(self, collection: str, count: int, begun: float) -> int:
        first = self._next[collection]
        self._next[collection] += count
        documents = []
        for number in range(first, first + count):
            at = iso(begun + (number - first) * 12 * HOUR / count)
            dates = {"createdAt": at, "updatedAt": at}
            documents.append(self._sample.document(collection, number) | dates)
        self._database[collection].insert_many(documents, ordered=False)
        return count

    def _answer(self, count: int, begun: float) -> int:
        """Messages in chats that were there."""
        chats = self._layout.counts["chats"]
        for number in range(count):
            at = iso(begun + number * HOUR)
            pick = int(begun // HOUR) * 7 + number
            source = self._sample.document("chat_messages", pick % chats)
            message = source["messages"][-1] | {"id": f"{source['chatId'][:24]}{pick:012x}", "createdAt": at}
            self._database["chat_messages"].update_one(
                {"chatId": source["chatId"]}, {"$push": {"messages": message}, "$set": {"updatedAt": at}}
            )
        return count

    def _upload(self, at: float) -> None:
        number = self._next["files"] + 1
        self._next["files"] += 1
        file = self._files.file(number)
        self._s3.put_object(
            Bucket=self._bucket.bucket,
            Key=file.key,
            Body=self._files.body(number),
            ContentType=file.content_type,
            Metadata=file.metadata,
        )
        dates = {"createdAt": iso(at), "updatedAt": iso(at)}
        self._database["files"].insert_one(self._files.row(number) | dates)
        self._uploaded.append((file.id, file.key))

    def _delete(self) -> None:
        """The oldest upload of these days goes: the object first, as the application does it."""
        file_id, key = self._uploaded.pop(0)
        self._s3.delete_object(Bucket=self._bucket.bucket, Key=key)
        self._database["files"].delete_one({"id": file_id})
