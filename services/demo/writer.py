"""A busy writer that behaves like the application, and remembers what was acknowledged."""

from __future__ import annotations

import hashlib
import random
import threading
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from services.demo.seeds import iso
from services.errors import QuillkeepError
from services.names import is_ours
from services.profile import BucketTarget, MongoTarget, Profile
from services.quilltap import object_key, object_metadata
from services.redact import redact

if TYPE_CHECKING:
    from pymongo.database import Database
    from types_boto3_s3 import S3Client

Document = dict[str, Any]
KNOWN_CHATS = 50
OBJECT_BYTES = (200, 6_000)
WEIGHTS = {"message": 8, "memory": 4, "chat": 2, "upload": 2, "delete": 1}
"""How often each kind of work comes up."""


class Acknowledged(msgspec.Struct, frozen=True):
    """A write the server confirmed: `document` is the string id, for a message the message's."""

    kind: str
    collection: str
    document: str
    at: float


class BusyWriter:
    """A thread that writes until stopped; a context manager.

    Uploads put the object before its row, deletions remove the object before its row, messages are appended
    to the chat's one document. `acknowledged` lists confirmed inserts, `removed` the ids of files deleted.
    """

    def __init__(
        self, profile: Profile, *, seed: int = 0, pause: float = 0.004, uploads: bool = True
    ) -> None:
        if profile.mongo is None:
            raise QuillkeepError("A writer needs a database.")
        self._mongo: MongoTarget = profile.mongo
        self._bucket: BucketTarget | None = profile.bucket if uploads else None
        self._random = random.Random(seed)
        self._pause = pause
        self._stop = threading.Event()
        self._first = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="busy-writer", daemon=True)
        self._written: list[Acknowledged] = []
        self._removed: list[str] = []
        self._uploads: list[tuple[str, str]] = []
        self._chats: list[str] = []
        self._user = ""
        self._character = ""
        self.failures: Counter[str] = Counter()

    def start(self) -> None:
        """Returns once the first write was acknowledged, at most after ten seconds."""
        self._thread.start()
        self._first.wait(10)

    def stop(self) -> None:
        """Ends after the write at hand."""
        self._stop.set()
        self._thread.join(30)

    def __enter__(self) -> BusyWriter:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def acknowledged(self) -> list[Acknowledged]:
        """Every confirmed write so far that added something."""
        with self._lock:
            return list(self._written)

    @property
    def removed(self) -> list[str]:
        """The ids of files whose deletion was begun."""
        with self._lock:
            return list(self._removed)

    @property
    def count(self) -> int:
        """How many writes were confirmed."""
        with self._lock:
            return len(self._written)

    def lost(
        self, *databases: Database[Any], before: float | None = None, live_only: bool = False
    ) -> list[Acknowledged]:
        """Acknowledged documents and messages that none of the collections of these databases holds.

        Every collection is looked through, rollback and late copies too unless `live_only`; files deleted
        again do not count, nor do writes acknowledged after `before` (epoch seconds).
        """
        present: set[tuple[str, str]] = set()
        for database in databases:
            for name in database.list_collection_names():
                if not (live_only and is_ours(name)):
                    present |= _ids_in(database, name)
        gone = set(self.removed)
        return [
            each
            for each in self.acknowledged
            if (before is None or each.at < before)
            and each.document not in gone
            and (_field_of(each), each.document) not in present
        ]

    def _run(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        s3 = _client(self._bucket) if self._bucket else None
        with MongoClient[Document](self._mongo.uri.reveal(), serverSelectionTimeoutMS=2_000) as client:
            database = client[self._mongo.database]
            while not self._stop.is_set():
                try:
                    if not self._user:
                        self._look_around(database)
                    self._work(database, s3)
                except (PyMongoError, ClientError, BotoCoreError) as error:
                    # Not acknowledged, so nothing that could be lost: an application would show it and go on.
                    self.failures[redact(f"{type(error).__name__}: {error}")[:160]] += 1
                    self._stop.wait(0.05)
                self._stop.wait(self._pause)

    def _look_around(self, database: Database[Any]) -> None:
        found = database["chat_messages"].find({}, {"chatId": 1}).limit(KNOWN_CHATS)
        self._chats = [str(each["chatId"]) for each in found]
        user = database["users"].find_one({}, {"id": 1})
        self._user = str(user["id"]) if user else str(uuid.uuid4())
        character = database["characters"].find_one({}, {"id": 1})
        self._character = str((character or {}).get("id") or uuid.uuid4())

    def _work(self, database: Database[Any], s3: S3Client | None) -> None:
        kind = self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if kind == "message" and self._chats:
            self._append_message(database)
        elif kind == "memory":
            self._insert(database, "memory", "memories", self._memory())
        elif kind == "upload" and s3 is not None:
            self._upload(database, s3)
        elif kind == "delete" and s3 is not None and len(self._uploads) > 3:
            self._delete(database, s3)
        else:
            self._begin_chat(database)

    def _acknowledge(self, kind: str, collection: str, document: str) -> None:
        with self._lock:
            self._written.append(Acknowledged(kind, collection, document, time.time()))
        self._first.set()

    def _insert(self, database: Database[Any], kind: str, collection: str, document: Document) -> None:
        database[collection].insert_one(document)
        self._acknowledge(kind, collection, str(document.get("id") or document["chatId"]))

    def _dates(self) -> Document:
        now = iso(time.time())
        return {"createdAt": now, "updatedAt": now}

    def _memory(self) -> Document:
        return {
            "id": str(uuid.uuid4()),
            "characterId": self._character,
            "content": "written while you watched — 見ている間に",
            "summary": "busy",
            "keywords": ["busy"],
            "tags": [],
            "importance": self._random.random(),
            "source": "AUTO",
            **self._dates(),
        }

    def _message(self, role: str) -> Document:
        return {
            "type": "message",
            "id": str(uuid.uuid4()),
            "role": role,
            "content": "a line of the busy writer ⛵ " + "tide " * self._random.randrange(40),
            "attachments": [],
            "createdAt": iso(time.time()),
            "rawResponse": None,
        }

    def _begin_chat(self, database: Database[Any]) -> None:
        chat = str(uuid.uuid4())
        document = {
            "id": chat,
            "userId": self._user,
            "participants": [],
            "title": "New chat",
            "messageCount": 1,
        }
        self._insert(database, "chat", "chats", document | self._dates())
        first = {"chatId": chat, "messages": [self._message("USER")], **self._dates()}
        self._insert(database, "chat", "chat_messages", first)
        self._chats.append(chat)

    def _append_message(self, database: Database[Any]) -> None:
        message = self._message(self._random.choice(("USER", "ASSISTANT")))
        changed = database["chat_messages"].update_one(
            {"chatId": self._random.choice(self._chats)},
            {"$push": {"messages": message}, "$set": {"updatedAt": iso(time.time())}},
        )
        if changed.modified_count:
            self._acknowledge("message", "chat_messages", message["id"])

    def _upload(self, database: Database[Any], s3: S3Client) -> None:
        assert self._bucket is not None
        body = self._random.randbytes(self._random.randint(*OBJECT_BYTES))
        name, file_id, key_id = "upload.png", str(uuid.uuid4()), str(uuid.uuid4())
        digest = hashlib.sha256(body).hexdigest()
        key = object_key(self._bucket.prefix, self._user, "IMAGE", key_id, name)
        metadata = object_metadata(self._user, key_id, "IMAGE", name, digest)
        s3.put_object(
            Bucket=self._bucket.bucket, Key=key, Body=body, ContentType="image/png", Metadata=metadata
        )
        row = {
            "id": file_id,
            "userId": self._user,
            "sha256": digest,
            "originalFilename": name,
            "mimeType": "image/png",
            "size": len(body),
            "width": None,
            "height": None,
            "linkedTo": [],
            "source": "UPLOADED",
            "category": "IMAGE",
            "tags": [],
            "s3Key": key,
            **self._dates(),
        }
        self._insert(database, "upload", "files", row)
        self._uploads.append((file_id, key))

    def _delete(self, database: Database[Any], s3: S3Client) -> None:
        assert self._bucket is not None
        file_id, key = self._uploads.pop(self._random.randrange(len(self._uploads)))
        with self._lock:
            self._removed.append(file_id)
        s3.delete_object(Bucket=self._bucket.bucket, Key=key)
        database["files"].delete_one({"id": file_id})


def _client(bucket: BucketTarget) -> S3Client:
    from services.objects.clients import build_clients

    return build_clients(bucket).exact


def _field_of(write: Acknowledged) -> str:
    """Where the id of a write stands in its document."""
    if write.collection != "chat_messages":
        return "id"
    return "chatId" if write.kind == "chat" else "messages.id"


def _ids_in(database: Database[Any], name: str) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for document in database[name].find({}, {"id": 1, "chatId": 1, "messages.id": 1}):
        found |= {(field, str(document[field])) for field in ("id", "chatId") if field in document}
        messages = document.get("messages")
        if isinstance(messages, list):
            found |= {("messages.id", str(each.get("id"))) for each in messages if isinstance(each, dict)}
    return found
