"""Damage at random, seeded: to the files of a backup, to the data in it, to an encrypted one."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import bson
import msgspec

from services.catalog import layout
from services.catalog.manifest import Manifest, encode_manifest
from services.demo.sample import Sample
from services.quilltap import COLLECTIONS

Documents = dict[str, list[dict[str, Any]]]
Objects = dict[str, bytes]


@dataclass(frozen=True)
class Injected:
    """One fault: at least one of `checks` must find it and say `word`; `also` may end with it."""

    what: str
    checks: frozenset[str]
    word: str
    also: frozenset[str] = frozenset()


@dataclass
class Data:
    """What a backup is made of, before it is made."""

    documents: Documents
    objects: Objects
    types: dict[str, str]
    taken: set[str] = field(default_factory=set)


@lru_cache(maxsize=1)
def _sample() -> tuple[dict[str, list[bytes]], Objects, dict[str, str]]:
    sample = Sample(scale=0.001, seed=77)
    documents = {name: list(sample.documents(name)) for name in COLLECTIONS}
    objects = {file.key: sample.files.body(file.number) for file in sample.objects()}
    return documents, objects, {file.key: file.content_type for file in sample.objects()}


def healthy() -> Data:
    """The sample's data, afresh."""
    documents, objects, types = _sample()
    decoded = {name: [bson.decode(one) for one in rows] for name, rows in documents.items()}
    return Data(decoded, dict(objects), types)


# Damage to files. Each takes a folder with one backup of ours.

Place = tuple[Path, Manifest]


def _flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    _write(path, bytes(data))


def _write(path: Path, data: bytes) -> None:
    os.chmod(path, 0o600)
    path.write_bytes(data)


def harm_archive(place: Place, rng: random.Random) -> Injected:
    """A bit, the end, or something behind the end."""
    folder, made = place
    path = folder / layout.archive_name(made.id)
    how = rng.choice(["flip", "cut", "append"])
    whole = path.read_bytes()
    if how == "flip":
        _flip(path, rng)
    elif how == "cut":
        _write(path, whole[: rng.randrange(len(whole))])
    else:
        _write(path, whole + rng.randbytes(rng.randint(1, 40)))
    found = frozenset({"sha256"} if how == "flip" else {"database-files", "sha256"})
    also = frozenset({"archive", "sha256", "database-files", "counts", "content"})
    return Injected(f"archive: {how}", found, path.name, also)


def harm_figures(place: Place, rng: random.Random) -> Injected:
    """The manifest says something else of a collection."""
    folder, made = place
    name = rng.choice(sorted(made.collections))
    entry = made.collections[name]
    what = rng.choice(["documents", "bytes", "content", "crc64", "metadata"])
    changes: dict[str, Any] = (
        {what: entry.metadata.replace('"indexes":[', '"indexes":[{"v":2,"key":{"x":1},"name":"x_1"}')}
        if what == "metadata"
        else {what: f"{int(getattr(entry, what), 16) ^ 1:016x}"}
        if what in ("content", "crc64")
        else {what: getattr(entry, what) + 1}
    )
    changed = msgspec.structs.replace(entry, **changes)
    manifest = msgspec.structs.replace(made, collections={**made.collections, name: changed})
    _write(folder / layout.manifest_name(made.id), encode_manifest(manifest))
    check = {"content": "content", "crc64": "content", "metadata": "metadata"}.get(what, "counts")
    return Injected(f"manifest: {what} of {name}", frozenset({check}), name)


def harm_sidecar(place: Place, rng: random.Random) -> Injected:
    """Another sum, none, or one about another file."""
    folder, made = place
    path = folder / layout.sidecar_name(made.id)
    how = rng.choice(["digit", "gone", "other"])
    text = path.read_text()
    if how == "digit":
        at = rng.randrange(64)
        _write(path, (text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]).encode())
    elif how == "gone":
        path.unlink()
    else:
        _write(path, f"{'1' * 64}  a.gz\n{'2' * 64}  b.gz\n".encode())
    return Injected(f"sidecar: {how}", frozenset({"checksum-file"}), path.name)


def harm_list(place: Place, rng: random.Random) -> Injected:
    """A bit of the object manifest."""
    folder, made = place
    path = folder / layout.objects_list_name(made.id)
    _flip(path, rng)
    also = frozenset({"objects", "objects-files", "pairs"})
    return Injected("object manifest: flip", frozenset({"object-manifest"}), path.name, also)


def harm_object(place: Place, rng: random.Random, key: str) -> Injected:
    """One object file: other bytes, fewer, more, gone, or a link in its place."""
    folder, made = place
    path = folder / layout.objects_name(made.id) / key
    whole = path.read_bytes()
    how = rng.choice(["flip", "cut", "grow", "gone", "link"] if whole else ["grow", "gone", "link"])
    if how == "flip":
        _flip(path, rng)
    elif how == "cut":
        _write(path, whole[: rng.randrange(len(whole))])
    elif how == "grow":
        _write(path, whole + b"x")
    else:
        path.unlink()
        if how == "link":
            path.symlink_to("/etc/hostname")
    return Injected(f"object {key[-30:]}: {how}", frozenset({"objects"}), key)


def harm_files(place: Place, rng: random.Random) -> list[Injected]:
    """Faults at one to three places of a backup."""
    folder, made = place
    done: list[Injected] = []
    wanted = rng.sample(["database", "sidecar", "objects"], rng.randint(1, 3))
    if "database" in wanted:
        done.append(rng.choice([harm_archive, harm_figures])(place, rng))
    if "sidecar" in wanted:
        done.append(harm_sidecar(place, rng))
    if "objects" in wanted:
        keys = sorted(_sample()[1])
        if rng.random() < 0.25:
            done.append(harm_list(place, rng))
        else:
            done += [harm_object(place, rng, key) for key in rng.sample(keys, rng.randint(1, 3))]
            if rng.random() < 0.3:
                stray = f"users/stray-{rng.randrange(1000)}"
                (folder / layout.objects_name(made.id) / stray).write_bytes(b"")
                done.append(Injected("a stray file", frozenset({"objects"}), stray))
    return done


# Damage to data. Each changes what the backup is made of.

PAIRS = frozenset({"pairs"})


def _row(data: Data, rng: random.Random) -> dict[str, Any]:
    free = [row for row in data.documents["files"] if row.get("s3Key") and row["s3Key"] not in data.taken]
    row = rng.choice(free)
    data.taken.add(row["s3Key"])
    return row


def lose_row(data: Data, rng: random.Random) -> Injected:
    """An object without a row."""
    row = _row(data, rng)
    data.documents["files"].remove(row)
    # Who used it as an avatar or attached it refers to nothing now.
    return Injected("a row is gone", PAIRS, row["s3Key"], frozenset({"references"}))


def lose_object(data: Data, rng: random.Random) -> Injected:
    """A row without an object."""
    row = _row(data, rng)
    del data.objects[row["s3Key"]]
    return Injected("an object is gone", PAIRS, row["s3Key"])


def alter_object(data: Data, rng: random.Random) -> Injected:
    """An object whose bytes are not those of its row, stored and backed up as they are."""
    row = _row(data, rng)
    body = bytearray(data.objects[row["s3Key"]] or b"x")
    body[rng.randrange(len(body))] ^= 0x55
    data.objects[row["s3Key"]] = bytes(body)
    return Injected("an object is another", PAIRS, row["s3Key"])


def alter_row(data: Data, rng: random.Random) -> Injected:
    """A row that says another size or sum."""
    row = _row(data, rng)
    if rng.random() < 0.5:
        row["size"] = int(row["size"]) + 1
    else:
        row["sha256"] = hashlib.sha256(rng.randbytes(8)).hexdigest()
    return Injected("a row says something else", PAIRS, row["s3Key"])


def alter_ciphertext(data: Data, rng: random.Random) -> Injected:
    """A digit of an encrypted value."""
    holders: list[tuple[str, dict[str, Any]]] = [(one["id"], one) for one in data.documents["api_keys"]]
    holders += [(one["id"], one["totp"]) for one in data.documents["users"] if one.get("totp")]
    holders = [(id, one) for id, one in holders if id not in data.taken]
    id, value = rng.choice(holders)
    data.taken.add(id)
    name = rng.choice(["ciphertext", "iv", "authTag"])
    at = rng.randrange(len(value[name]))
    digit = "0" if value[name][at] != "0" else "1"
    value[name] = value[name][:at] + digit + value[name][at + 1 :]
    return Injected(f"{name} of {id}", frozenset({"pepper"}), id)


def lose_messages(data: Data, rng: random.Random) -> Injected:
    """A chat whose messages are gone."""
    counts = {one["id"]: one["messageCount"] for one in data.documents["chats"]}
    there = [
        one
        for one in data.documents["chat_messages"]
        if counts.get(one["chatId"]) and one["chatId"] not in data.taken
    ]
    lost = rng.choice(there)
    data.taken.add(lost["chatId"])
    data.documents["chat_messages"].remove(lost)
    return Injected("the messages of a chat are gone", frozenset({"references"}), lost["chatId"])


DATA: Sequence[Callable[[Data, random.Random], Injected]] = (
    lose_row,
    lose_object,
    alter_object,
    alter_row,
    alter_ciphertext,
    lose_messages,
)


def harm_data(data: Data, rng: random.Random) -> list[Injected]:
    """One to three faults."""
    return [rng.choice(DATA)(data, rng) for _ in range(rng.randint(1, 3))]


def harm_stream(path: Path, rng: random.Random) -> str:
    """A bit, the end, or something behind the end, of a file; says what."""
    whole = path.read_bytes()
    how = rng.choice(["flip", "cut", "append"])
    if how == "flip":
        at = rng.randrange(len(whole))
        _write(path, whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :])
        return f"a bit of byte {at}"
    if how == "cut":
        at = rng.randrange(len(whole))
        _write(path, whole[:at])
        return f"cut at {at}"
    _write(path, whole + rng.randbytes(rng.randint(1, 64)))
    return "more at the end"


def harm_dump(folder: Path, rng: random.Random) -> Injected:
    """One fault of a directory dump that its form can tell: it carries no checksums."""
    data = [path for path in sorted(folder.rglob("*.bson")) if path.stat().st_size > 100]
    path = rng.choice(data)
    how = rng.choice(["cut", "metadata", "no data", "stray", "name", "link"])
    if how == "cut":
        whole = path.read_bytes()
        # Between two documents nobody can tell; so a document loses its end.
        first = int.from_bytes(whole[:4], "little")
        _write(path, whole[: rng.randrange(5, first)])
        return Injected(how, frozenset({"archive"}), path.stem)
    if how == "metadata":
        path.with_name(f"{path.stem}.metadata.json").unlink()
        return Injected(how, frozenset({"dump-files"}), path.stem)
    if how == "no data":
        path.unlink()
        return Injected(how, frozenset({"archive"}), path.stem, frozenset({"files"}))
    if how == "stray":
        name = f"thumbs-{rng.randrange(1000)}.db"
        (path.parent / name).write_bytes(b"x")
        return Injected(how, frozenset({"dump-files"}), name)
    if how == "name":
        name = rng.choice(["bad%zz.bson", ".lead.bson", "a%00b.bson", "bad%24name.bson"])
        (path.parent / name).write_bytes(b"")
        return Injected(how, frozenset({"archive"}), "", frozenset({"files"}))
    path.with_name("linked.bson").symlink_to("/etc/hostname")
    return Injected(how, frozenset({"archive"}), "linked.bson", frozenset({"files"}))
