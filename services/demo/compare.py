"""What a deployment holds, as content: order-free sums of collections, sha256 of objects, and what differs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from services.archive.documents import hex64
from services.catalog.layout import objects_name
from services.mongo.connect import connect, list_live
from services.mongo.live_sums import live_sums
from services.names import is_ours
from services.objects.manifest import read_lines
from services.profile import Profile

READERS = 8
CHUNK = 1 << 20
NAMED = 3
"""Differences told by name."""


class Content(msgspec.Struct, frozen=True):
    """Per collection `documents:content sum`, per object key its sha256."""

    collections: dict[str, str]
    objects: dict[str, str]

    @property
    def documents(self) -> int:
        """All documents."""
        return sum(int(each.partition(":")[0]) for each in self.collections.values())


class Comparison(msgspec.Struct, frozen=True):
    """One comparison by content; `differences` is empty when everything is equal."""

    what: str
    collections: int
    objects: int
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def live_content(profile: Profile) -> Content:
    """Reads every document and every object of a deployment, ours left out."""
    assert profile.mongo is not None
    with connect(profile.mongo) as client:
        database = client[profile.mongo.database]
        collections = {}
        for name in sorted(list_live(database)):
            if not is_ours(name) and not name.startswith("system."):
                sums = live_sums(database, name, majority=True)
                collections[name] = told(sums.documents, hex64(sums.content))
    return Content(collections, _live_objects(profile))


def backup_content(folder: Path, backup: str, collections: Mapping[str, Mapping[str, object]]) -> Content:
    """What a backup says it holds: `collections` of its result, and its object manifest in `folder`."""
    sums = {
        name: told(int(str(each["documents"])), str(each["content"])) for name, each in collections.items()
    }
    manifest = folder / f"{objects_name(backup)}.objects.jsonl.gz"
    return Content(sums, {line.key: line.sha256 for line in read_lines(manifest) if not line.missing})


def told(documents: int, content: str) -> str:
    """A collection in one word."""
    return f"{documents}:{content}"


def compare(what: str, expected: Content, found: Content, *, extra_objects: bool = False) -> Comparison:
    """Every difference, in words; `extra_objects` allows keys that were not expected."""
    differences = []
    for name in sorted(expected.collections.keys() | found.collections.keys()):
        before, now = expected.collections.get(name), found.collections.get(name)
        if before != now:
            differences.append(f"collection {name}: {before or 'absent'} expected, {now or 'absent'} found")
    for key in sorted(expected.objects.keys() | found.objects.keys()):
        wanted, there = expected.objects.get(key), found.objects.get(key)
        if wanted is None and extra_objects:
            continue
        if wanted != there:
            differences.append(f"object {key}: {_short(wanted)} expected, {_short(there)} found")
    return Comparison(what, len(expected.collections), len(expected.objects), tuple(differences))


def _short(sha256: str | None) -> str:
    return "absent" if sha256 is None else f"sha256 {sha256[:12]}…"


def _live_objects(profile: Profile) -> dict[str, str]:
    from services.objects.clients import build_clients

    bucket = profile.bucket
    assert bucket is not None
    client = build_clients(bucket).exact
    keys: list[str] = []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket.bucket, Prefix=bucket.prefix):
        keys += [each["Key"] for each in page.get("Contents", ())]

    def hashed(key: str) -> str:
        digest = hashlib.sha256()
        body = client.get_object(Bucket=bucket.bucket, Key=key)["Body"]
        for chunk in body.iter_chunks(CHUNK):
            digest.update(chunk)
        return digest.hexdigest()

    chosen = [key for key in keys if not is_ours(key[len(bucket.prefix) :])]
    with ThreadPoolExecutor(READERS, thread_name_prefix="compare") as pool:
        return dict(zip(chosen, pool.map(hashed, chosen), strict=True))
