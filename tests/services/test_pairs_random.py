"""Damage injected at random into rows and objects, seeded: everything injected is found, nothing else is."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from services.objects.bucket import Bucket, open_bucket
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.pairs.model import PairsResult
from services.profile import BucketTarget, Profile
from services.quilltap import migrated_key, object_key
from tests.services.pairs_support import OTHER, USER, key_of, looked, put, row_of, upload
from tests.support import RecordingContext

Contexts = Callable[..., RecordingContext]
UPLOADS = 40
Found = dict[str, set[str]]


def injected(db: Database[Any], store: Bucket, seed: int) -> tuple[Found, Callable[[], None]]:
    """Breaks some of the uploads, each in one way; gives what has to be found, and what repairs it."""
    dice = random.Random(seed)
    rows = {row["id"]: row for row in db.files.find({}, {"_id": 0})}
    victims = dice.sample(sorted(rows), 12)
    found: Found = {"missing": set(), "mismatched": set(), "orphans": set(), "outside": set()}
    added: list[str] = []
    for id in victims:
        row = rows[id]
        key, body = row["s3Key"], bytes([row["size"] - 10]) * row["size"]
        match dice.randrange(9):
            case 0:
                store.delete(key)
                found["missing"].add(key)
            case 1:
                put(store, key, body + b"!")
                found["mismatched"].add(key)
            case 2:
                flipped = bytearray(body)
                flipped[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
                put(store, key, bytes(flipped))
                found["mismatched"].add(key)
            case 3:
                db.files.delete_one({"id": id})
                found["orphans"].add(key)
            case 4:
                db.files.update_one({"id": id}, {"$unset": {"s3Key": 1}})
                found["orphans"].add(key)
                found["outside"].add(id)
            case 5:
                other = f"users/{OTHER}/IMAGE/{uuid.UUID(int=dice.getrandbits(128))}_x.png"
                db.files.update_one({"id": id}, {"$set": {"s3Key": other, "userId": OTHER}})
                found["missing"].add(other)
                found["orphans"].add(key)
            case 6:
                put(store, key, body, "text/html")
                found["mismatched"].add(key)
            case 7:
                made = dice.choice((object_key, migrated_key))
                stray = made("", USER, "IMAGE", str(uuid.UUID(int=dice.getrandbits(128))), "stray.png")
                put(store, stray, b"stray")
                added.append(stray)
                found["orphans"].add(stray)
            case _:
                gone = f"users/{USER}/files/{dice.getrandbits(64):x}"
                db.files.insert_one(row_of(gone, b"gone"))
                found["missing"].add(gone)

    def repair() -> None:
        for key in added:
            store.delete(key)
        for id in victims:
            row = rows[id]
            put(store, row["s3Key"], bytes([row["size"] - 10]) * row["size"])
        db.files.delete_many({"id": {"$nin": sorted(set(rows) - set(victims))}})
        db.files.insert_many([dict(rows[id]) for id in victims])

    return found, repair


def told(result: PairsResult) -> Found:
    """What the check named."""
    return {
        "missing": set(result.missing),
        "mismatched": {one.key for one in result.mismatched},
        "orphans": set(result.orphans),
        "outside": set(result.outside),
    }


def play(profile: Profile, db: Database[Any], store: Bucket, make_context: Contexts, seeds: range) -> None:
    """Each seed: break, look at what is live and in a backup, repair, look again."""
    for number in range(UPLOADS):
        upload(db, store, f"{number}.png", bytes([number]) * (number + 10))
    assert key_of(db, db.files.find_one({})["id"])  # type: ignore[index]
    for seed in seeds:
        expected, repair = injected(db, store, seed)
        result = looked(make_context(profile), depth="deep")
        assert told(result) == expected, f"seed {seed}"
        assert result.moved == ()
        if seed % 5 == 0:
            id = backup(BackupPlan(), make_context(profile)).id
            inside = looked(make_context(profile), rows=id, depth="deep")
            assert told(inside) == expected, f"seed {seed} in a backup"
        repair()
        whole = looked(make_context(profile), depth="heads")
        assert (whole.status, whole.findings) == ("ok", ()), f"seed {seed} repaired"


@pytest.fixture
def store(bucket: BucketTarget) -> Bucket:
    return open_bucket(bucket)


def test_everything_injected_is_found_and_nothing_else(
    profile: Profile, db: Database[Any], store: Bucket, make_context: Contexts
) -> None:
    play(profile, db, store, make_context, range(4))


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_everything_injected_is_found_over_hundreds_of_rounds(
    profile: Profile, db: Database[Any], store: Bucket, make_context: Contexts
) -> None:
    play(profile, db, store, make_context, range(1_000, 1_500))
