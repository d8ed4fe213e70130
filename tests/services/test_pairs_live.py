"""The pair check of live servers: what is broken is named, what is whole is not, what moved is said to have moved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bson import Int64
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from services.demo.sample import fill_bucket, fill_database
from services.demo.servers import Mongod
from services.objects.bucket import Bucket, open_bucket
from services.pairs.model import MAX_LISTED
from services.profile import BucketTarget, Profile
from tests.services.pairs_support import OTHER, USER, key_of, kinds, looked, put, row_of, upload
from tests.support import RecordingContext, make_profile

Contexts = Callable[..., RecordingContext]


@pytest.fixture
def store(bucket: BucketTarget) -> Bucket:
    return open_bucket(bucket)


@pytest.fixture
def whole(db: Database[Any], store: Bucket) -> list[str]:
    """Five uploads of a user with avatar and chat; the ids of their rows."""
    db.users.insert_one({"id": USER, "name": "Inês Faroleira", "email": "ines@example.com"})
    return [upload(db, store, f"{number}.png", bytes([number]) * (number + 10)) for number in range(5)]


@pytest.mark.parametrize(("scale", "prefix"), [(0.001, ""), (0.005, "prod-"), (0.02, "quill/tap/")])
def test_the_sample_is_whole(
    db: Database[Any],
    mongod: Mongod,
    database: str,
    bucket: BucketTarget,
    make_context: Contexts,
    scale: float,
    prefix: str,
) -> None:
    target = msgspec.structs.replace(bucket, prefix=prefix)
    fill_database(db, scale=scale, seed=7, prefix=prefix, indexes=False)
    filled = fill_bucket(target, scale=scale, seed=7)
    for depth in ("shallow", "heads", "deep"):
        result = looked(make_context(make_profile(mongod.uri, database, target)), depth=depth)
        assert (result.status, result.findings, result.warnings) == ("ok", (), ())
        assert (result.rows, result.objects) == (filled.count + 1, filled.count)
        assert len(result.outside) == 1
        assert "public/uploads" in result.notes[0]
        assert not (result.missing or result.orphans or result.mismatched or result.moved)


def test_a_missing_object_is_named_with_owner_and_use(
    profile: Profile, db: Database[Any], store: Bucket, whole: list[str], make_context: Contexts
) -> None:
    avatar, attached, unused, *_ = whole
    db.characters.insert_one(
        {
            "id": "c1",
            "name": "Keeper",
            "defaultImageId": avatar,
            "avatarOverrides": [{"chatId": "chat-2", "imageId": avatar}],
        }
    )
    db.personas.insert_one({"id": "p1", "name": "Ich", "defaultImageId": attached})
    db.chats.insert_one({"id": "chat-1", "title": "Storm 海"})
    messages = [{"content": "x", "attachments": []}, {"attachments": [attached, "other"]}]
    db.chat_messages.insert_one({"chatId": "chat-1", "messages": messages})
    keys = {id: key_of(db, id) for id in (avatar, attached, unused)}
    for key in keys.values():
        store.delete(key)
    result = looked(make_context(profile))
    assert result.status == "fail"
    assert set(result.missing) == set(keys.values())
    assert result.counts == {"missing": 3}
    (finding,) = result.findings
    assert (finding.kind, finding.user, finding.count) == ("missing-object", USER, 3)
    assert "Inês Faroleira" in finding.what
    assert "No backup" in finding.next
    used = {one.id: one.used for one in result.files}
    assert used[avatar] == (
        "the avatar of the character 'Keeper' (c1)",
        "the avatar of the character 'Keeper' (c1) in the chat chat-2",
    )
    assert used[attached] == (
        "the avatar of the persona 'Ich' (p1)",
        "an attachment in the chat 'Storm 海' (chat-1)",
    )
    assert used[unused] == ()
    assert {one.user_name for one in result.files} == {"Inês Faroleira"}


def test_other_sizes_types_and_bytes(
    profile: Profile, db: Database[Any], store: Bucket, whole: list[str], make_context: Contexts
) -> None:
    size, kind, claimed, bytes_ = (key_of(db, id) for id in whole[:4])
    put(store, size, b"another length")
    put(store, kind, b"\x01" * 11, "text/html")
    put(store, claimed, b"\x02" * 12, sha256="f" * 64)
    put(store, bytes_, b"!" * 13)
    by_depth = {depth: looked(make_context(profile), depth=depth) for depth in ("shallow", "heads", "deep")}
    assert [one.key for one in by_depth["shallow"].mismatched] == [size]
    assert by_depth["shallow"].mismatched[0].why == "has 14 bytes, its row says 10"
    assert {one.key for one in by_depth["heads"].mismatched} == {size, kind, claimed}
    assert kinds(by_depth["heads"]) == {"altered-object": 1, "content-type": 1, "unread-sha256": 1}
    (unread,) = (one for one in by_depth["heads"].findings if one.kind == "unread-sha256")
    assert (unread.status, unread.good_in) == ("warn", "")
    assert "`quillkeep pairs --deep`" in unread.next
    found = {one.key: one.why for one in by_depth["deep"].mismatched}
    assert set(found) == {size, kind, claimed, bytes_}
    assert "its bytes have the sha256" in found[bytes_]
    assert "text/html, its row says image/png" in found[kind]
    assert kinds(by_depth["deep"]) == {"altered-object": 2, "content-type": 1, "metadata-sha256": 1}
    assert {one.key for one in by_depth["deep"].files} == {size, bytes_}
    (right,) = (one for one in by_depth["deep"].findings if one.kind == "metadata-sha256")
    assert (right.status, right.examples) == ("warn", (claimed,))
    assert "the right bytes" in right.what
    assert "restore" not in right.next
    assert {result.status for result in by_depth.values()} == {"fail"}
    assert not any(result.missing or result.orphans for result in by_depth.values())


def test_orphans_say_what_put_them_there(
    profile: Profile, db: Database[Any], store: Bucket, whole: list[str], make_context: Contexts
) -> None:
    old = "33333333-3333-4333-8333-333333333333"
    put(store, f"users/{USER}/IMAGE/{old}_lost.png", b"1")
    put(
        store,
        f"users/{USER}/IMAGE/{old}_twice.png",
        b"1",
        sha256=db.files.find_one({"id": whole[0]})["sha256"],
    )  # type: ignore[index]
    put(store, f"users/{USER}/image/{old}_migrated.png", b"2")
    put(store, f"users/{USER}/image/{whole[1]}_other.png", b"2")
    put(store, f"users/{USER}/files/guide.png", b"3")
    put(store, f"users/{OTHER}/images/guide.png", b"3")
    put(store, "logs/tail.txt", b"4")
    put(store, "__quillkeep_old_job/1", b"5")
    result = looked(make_context(profile))
    assert (result.status, result.counts) == ("warn", {"orphans": 7})
    assert "__quillkeep_old_job/1" not in result.orphans
    assert kinds(result) == {
        "orphan-upload": 2,
        "orphan-migrated": 2,
        "orphan-guide": 2,
        "orphan-another-program": 1,
    }
    words = " ".join(one.what for one in result.findings)
    assert f"of Inês Faroleira ({USER}) without a row" in words
    assert f"the same bytes belong to the row {whole[0]}" in words
    assert "there is no row with the id in its key" in words or "points at" in words
    assert result.objects == 12
    assert result.missing == ()


def test_rows_that_do_not_fit(
    profile: Profile, db: Database[Any], store: Bucket, whole: list[str], make_context: Contexts
) -> None:
    body = b"\x89PNG"
    key = key_of(db, upload(db, store, "shared.png", body))
    db.files.insert_one(row_of(key, body))
    stranger = upload(db, store, "theirs.png", b"theirs")
    db.files.update_one({"id": stranger}, {"$set": {"userId": OTHER}})
    db.files.update_one({"id": whole[0]}, {"$set": {"s3Bucket": "before"}})
    db.files.insert_one(row_of(key, body, s3Key=...))
    result = looked(make_context(profile))
    assert kinds(result) == {"shared-key": 1, "other-user": 1}
    assert result.status == "warn"
    assert [one.key for one in result.mismatched] == [key_of(db, stranger)]
    assert any("before (1)" in note for note in result.notes)
    assert len(result.outside) == 1
    assert (result.counts["shared"], result.counts["other-user"]) == (1, 1)


def test_another_bucket_is_no_fault(
    profile: Profile, db: Database[Any], whole: list[str], make_context: Contexts
) -> None:
    db.files.update_many({}, {"$set": {"s3Bucket": "quilltap-before"}})
    result = looked(make_context(profile))
    assert (result.status, len(result.notes)) == ("ok", 1)
    assert "quilltap-before (5)" in result.notes[0]


def test_odd_types_end_in_words(
    profile: Profile, db: Database[Any], store: Bucket, whole: list[str], make_context: Contexts
) -> None:
    body = b"odd"
    put(store, "odd/é 海 (1)", body)
    fits = [
        row_of("odd/é 海 (1)", body, size=Int64(3)),
        row_of("odd/é 海 (1)", body, size=3.0, sha256=...),
    ]
    odd = [
        row_of("k", body, s3Key=5),
        row_of("k", body, s3Key={"a": 1}, id=7),
        row_of("k", body, s3Key=["x"]),
        row_of(key_of(db, whole[0]), body, size="ten", sha256=12),
        row_of(key_of(db, whole[1]), body, size=float("inf"), sha256=..., mimeType=True, userId=None),
        row_of(key_of(db, whole[2]), body, size=-1, sha256="abc"),
        row_of(key_of(db, whole[3]), body, size=1e300, sha256=None, createdAt=5, originalFilename=b"x"),
    ]
    outside = [row_of("k", body, s3Key=None), row_of("k", body, s3Key="")]
    db.files.insert_many([*fits, *odd, *outside])
    broken = b"\x12\x00\x00\x00\x02id\x00\x05\x00\x00\x00\xff\xfe\xfd\xfc\x00\x00"
    db.files.insert_one(RawBSONDocument(broken))
    for depth in ("shallow", "deep"):
        result = looked(make_context(profile), depth=depth)
        assert result.missing == ()
        assert len(result.outside) == len(outside) + 1
        assert kinds(result)["odd-row"] == len(odd)
        assert kinds(result)["shared-key"] == 5
        assert result.rows == 5 + len(fits) + len(odd) + len(outside) + 1


def test_empty_on_both_sides_is_ok(profile: Profile, db: Database[Any], make_context: Contexts) -> None:
    db.create_collection("files")
    result = looked(make_context(profile), depth="deep")
    assert (result.status, result.rows, result.objects) == ("ok", 0, 0)
    assert result.summary.startswith("0 rows, 0 objects")


def test_before_the_first_upload_there_is_nothing_to_warn_of(
    profile: Profile, db: Database[Any], make_context: Contexts
) -> None:
    db.users.insert_one({"id": USER})
    result = looked(make_context(profile))
    assert (result.status, result.rows, result.objects, result.findings) == ("ok", 0, 0, ())


@pytest.mark.parametrize("there", ["nothing", "others", "view", "of another application"])
def test_without_files_nothing_is_told(
    profile: Profile, db: Database[Any], store: Bucket, make_context: Contexts, there: str
) -> None:
    if there == "others":
        # Without any object it is a deployment to which nobody has uploaded anything yet.
        db.users.insert_one({"id": USER})
        put(store, f"users/{USER}/IMAGE/1.png", b"x")
    if there == "view":
        db.create_collection("files", viewOn="users", pipeline=[])
    if there == "of another application":
        db.orders.insert_one({"id": 1})
    result = looked(make_context(profile))
    assert result.status == "unknown"
    assert "files" in result.summary
    assert result.findings[0].next


def test_what_is_not_configured_is_skipped(
    profile: Profile, mongod: Mongod, database: str, make_context: Contexts
) -> None:
    result = looked(make_context(make_profile(mongod.uri, database)))
    assert (result.status, result.findings) == ("skipped", ())
    assert "No bucket is configured" in result.summary
    result = looked(make_context(msgspec.structs.replace(profile, mongo=None)))
    assert result.status == "skipped"
    assert "No database is configured" in result.summary


def test_what_cannot_be_read_is_unknown(
    profile: Profile, db: Database[Any], bucket: BucketTarget, whole: list[str], make_context: Contexts
) -> None:
    gone = msgspec.structs.replace(bucket, bucket="never-was")
    result = looked(make_context(msgspec.structs.replace(profile, bucket=gone)))
    assert result.status == "unknown"
    assert "never-was does not exist" in result.summary
    dead = msgspec.structs.replace(bucket, endpoint="http://127.0.0.1:9")
    result = looked(make_context(msgspec.structs.replace(profile, bucket=dead)))
    assert (result.status, result.missing) == ("unknown", ())


def test_rights_that_are_missing_are_unknown(
    mongod_auth: Mongod, bucket: BucketTarget, make_context: Contexts
) -> None:
    with mongod_auth.client() as client:
        db = client["quilltap_pairs"]
        db.files.insert_one(row_of("k", b"x"))
        db.users.insert_one({"id": USER})
        rights = [{"resource": {"db": "quilltap_pairs", "collection": "users"}, "actions": ["find"]}]
        rights.append(
            {"resource": {"db": "quilltap_pairs", "collection": ""}, "actions": ["listCollections"]}
        )
        db.command("createRole", "users_only", privileges=rights, roles=[])
        uri = mongod_auth.create_user(
            "pairs_reader", [{"role": "users_only", "db": "quilltap_pairs"}], database="quilltap_pairs"
        )
        try:
            result = looked(make_context(make_profile(uri, "quilltap_pairs", bucket)))
        finally:
            client.drop_database("quilltap_pairs")
    assert result.status == "unknown"
    assert "files" in result.summary
    assert result.orphans == ()


def test_rows_beyond_the_prefix_are_there(
    profile: Profile, db: Database[Any], bucket: BucketTarget, store: Bucket, make_context: Contexts
) -> None:
    before = upload(db, store, "before.png", b"before")
    target = msgspec.structs.replace(bucket, prefix="prod/")
    upload(db, open_bucket(target), "after.png", b"after")
    gone = row_of("users/x/IMAGE/gone", b"gone")
    db.files.insert_one(gone)
    result = looked(make_context(msgspec.structs.replace(profile, bucket=target)), depth="deep")
    assert result.missing == ("users/x/IMAGE/gone",)
    assert kinds(result) == {"missing-object": 1, "outside-prefix": 1}
    assert result.findings[1].examples == (key_of(db, before),)
    assert (result.orphans, result.moved) == ((), ())


def test_long_lists_are_whole_in_a_file(profile: Profile, db: Database[Any], make_context: Contexts) -> None:
    count = MAX_LISTED + 5
    db.files.insert_many([row_of(f"users/{USER}/IMAGE/{number:05}", b"x") for number in range(count)])
    context = make_context(profile)
    result = looked(context)
    assert result.counts == {"missing": count}
    assert len(result.missing) == len(result.files) == MAX_LISTED
    path = Path(result.full_list)
    assert path.parent == context.folder
    assert path.stat().st_mode & 0o777 == 0o600
    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    assert len({line["key"] for line in lines}) == count
    assert {line["what"] for line in lines} == {"missing"}


def test_a_wrong_bucket_is_told_by_listing_again(
    profile: Profile, db: Database[Any], store: Bucket, make_context: Contexts
) -> None:
    db.files.insert_many([row_of(f"users/{USER}/IMAGE/{number:05}", b"x") for number in range(2_500)])
    put(store, "users/else", b"x")
    result = looked(make_context(profile))
    assert (result.counts["missing"], result.counts["orphans"], result.moved) == (2_500, 1, ())


@pytest.fixture
def writers(db: Database[Any], store: Bucket) -> Iterator[list[threading.Thread]]:
    """Uploads and deletions as the application does them, until the test ends."""
    stop = threading.Event()
    kept: list[str] = []

    def work(number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            id = upload(db, store, f"{number}-{turn}.png", f"{number}-{turn}".encode())
            if turn % 3:
                store.delete(key_of(db, id))
                db.files.delete_one({"id": id})
            else:
                kept.append(id)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(3)]
    for thread in threads:
        thread.start()
    yield threads
    stop.set()
    for thread in threads:
        thread.join(10)
    assert kept


def test_a_system_at_work_is_not_called_broken(
    profile: Profile,
    db: Database[Any],
    whole: list[str],
    writers: list[threading.Thread],
    make_context: Contexts,
    store: Bucket,
) -> None:
    moved = 0
    for depth in ("shallow", "heads", "deep", "shallow", "deep"):
        result = looked(make_context(profile), depth=depth)
        assert (result.status, result.findings) == ("ok", ())
        moved += len(result.moved)
    assert moved
    store.delete(key_of(db, whole[0]))
    result = looked(make_context(profile))
    assert result.missing == (key_of(db, whole[0]),)
    assert kinds(result) == {"missing-object": 1}
