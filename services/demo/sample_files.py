"""Sample objects: their bytes, keys, headers and metadata, and the `files` rows that point at them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from services.demo.layout import SMALL_BYTES, Layout
from services.demo.seeds import Seeds, iso
from services.demo.words import Text
from services.quilltap import migrated_key, object_key, object_metadata

CHUNK = 8 << 20
KINDS: tuple[tuple[str, str, str, bytes], ...] = (
    ("IMAGE", "image/png", "png", b"\x89PNG\r\n\x1a\n"),
    ("IMAGE", "image/jpeg", "jpg", b"\xff\xd8\xff\xe0"),
    ("AVATAR", "image/webp", "webp", b"RIFF\x00\x00\x00\x00WEBP"),
    ("ATTACHMENT", "application/pdf", "pdf", b"%PDF-1.7\n"),
    ("DOCUMENT", "text/plain; charset=utf-8", "txt", "灯台の守り人\n".encode()),
    ("EXPORT", "application/json", "json", b'{"quilltap":1}\n'),
)
"""Category, Content-Type, name's ending and first bytes."""
EMPTY, LONG, ODD_NAME = 1, 2, 3
"""Numbers of the file without bytes, of the one with the longest name, and of the one with awkward signs."""
MIGRATED_EVERY = 8
LONGEST_NAME = 180


class SampleFile(msgspec.Struct, frozen=True):
    """One object; `metadata` is empty for a migrated file, as in the application."""

    number: int
    id: str
    user: int
    user_id: str
    key: str
    name: str
    category: str
    content_type: str
    size: int
    sha256: str
    metadata: dict[str, str]
    migrated: bool


class SampleFiles:
    """The files of one seed and layout. Objects are numbered from 0; the last few are the large ones."""

    def __init__(self, seeds: Seeds, layout: Layout, text: Text, prefix: str = "") -> None:
        self._seeds = seeds
        self._layout = layout
        self._text = text
        self._prefix = prefix

    def size(self, number: int) -> int:
        """Bytes of an object."""
        if number >= self._layout.small_objects:
            return self._layout.large_bytes
        if number == EMPTY:
            return 0
        return self._seeds.random("size", number).randint(*SMALL_BYTES)

    def content(self, number: int) -> Iterator[bytes]:
        """An object's bytes, at most 8 MiB at a time: a few that fit its type, then an AES-CTR key stream."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        size = self.size(number)
        head = KINDS[number % len(KINDS)][3][:size]
        if head:
            yield head
        stream = Cipher(algorithms.AES(self._seeds.key("bytes", number)), modes.CTR(bytes(16))).encryptor()
        left = size - len(head)
        while left > 0:
            part = min(left, CHUNK)
            yield stream.update(bytes(part))
            left -= part

    def body(self, number: int) -> bytes:
        """An object's bytes at once."""
        return b"".join(self.content(number))

    def file(self, number: int, sha256: str | None = None) -> SampleFile:
        """What there is to know of an object; its bytes are hashed unless `sha256` is given."""
        category, content_type, ending, _ = KINDS[number % len(KINDS)]
        if sha256 is None:
            digest = hashlib.sha256()
            for part in self.content(number):
                digest.update(part)
            sha256 = digest.hexdigest()
        user = self._layout.owner(number)
        user_id = self._seeds.id("users", user)
        file_id = self._seeds.id("files", number)
        migrated = number % MIGRATED_EVERY == MIGRATED_EVERY - 1
        name = self._name(number, ending, migrated)
        if migrated:
            key = migrated_key(self._prefix, user_id, category, file_id, name)
            metadata: dict[str, str] = {}
        else:
            key_id = self._seeds.id("keys", number)
            key = object_key(self._prefix, user_id, category, key_id, name)
            metadata = object_metadata(user_id, key_id, category, name, sha256)
        return SampleFile(
            number=number,
            id=file_id,
            user=user,
            user_id=user_id,
            key=key,
            name=name,
            category=category,
            content_type=content_type,
            size=self.size(number),
            sha256=sha256,
            metadata=metadata,
            migrated=migrated,
        )

    def row(self, number: int) -> dict[str, Any]:
        """The `files` document of an object; the one after the last has no `s3Key`."""
        outside = number >= self._layout.objects
        maker = self._seeds.random("files", number)
        at = self._seeds.when("files", number)
        file = self.file(number, sha256="0" * 64 if outside else None)
        generated = outside or number % 11 == 5
        prompt = self._text.phrase(maker) if generated else None
        row: dict[str, Any] = {
            "_id": self._seeds.object_id("files", number, at),
            "id": file.id,
            "userId": file.user_id,
            "sha256": hashlib.sha256(b"on the application's disk").hexdigest() if outside else file.sha256,
            "originalFilename": file.name,
            "mimeType": file.content_type,
            "size": 25 if outside else file.size,
            "width": None,
            "height": None,
            "linkedTo": [],
            "source": "GENERATED" if generated else "UPLOADED",
            "category": file.category,
            "generationPrompt": prompt,
            "generationModel": "dall-e-3" if generated else None,
            "generationRevisedPrompt": f"revised: {prompt}" if generated else None,
            "description": None,
            "tags": [],
        }
        if not outside:
            row["s3Key"] = file.key
        if file.migrated and not outside:
            row["s3Bucket"] = "quilltap-files"
        row["createdAt"] = row["updatedAt"] = iso(at)
        return row

    def _name(self, number: int, ending: str, migrated: bool) -> str:
        maker = self._seeds.random("name", number)
        if number == LONG:
            return "a_very_long_name_" * (LONGEST_NAME // 17) + f".{ending}"
        if number == ODD_NAME:
            return f"../../two words (final) #2 & more+100%.{ending}"
        if migrated:
            # Names beyond Latin-1 exist only on migrated files: the application refuses to upload them.
            return f"{self._text.name(maker)}.{ending}"
        latin = ("storm", "lamp room", "chart", "keeper", "Skerry Point", "ledger", "fog", "tide table")
        return f"{maker.choice(latin)} {maker.randrange(10_000)}.{ending}"
