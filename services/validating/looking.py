"""One pass over each collection for everything that is asked of its documents: shape, sizes, unique ids, references."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from services.archive.elements import NotBson
from services.archive.model import Buffer
from services.findings import MAX_EXAMPLES
from services.quilltap import KNOWN_COLLECTIONS, stored_name
from services.references.again import Again
from services.references.engine import References, fields_tree
from services.references.second import python_value, whole_documents
from services.references.telling import MAX_SHOWN, label_of, text_of
from services.references.walker import DATE, Field, Seen, look
from services.validating.shapes import SHAPES, UNIQUE, add_shape

MAX_REMEMBERED = 1_000
"""Documents of one kind of fault that are looked at again, and for in backups."""

Fault = tuple[str, str, int]
"""(kind, field path, BSON type found or 0)."""
Key = tuple[int, bytes]
"""An `_id`: its type and raw value."""


class Faults:
    """Documents of one collection with one kind of fault."""

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[str] = []
        self.users: set[str] = set()
        self.keys: dict[Key, None] = {}

    def add(self, label: str, user: str, key: Key) -> None:
        """One document."""
        self.count += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(label)
        if len(self.users) < 2:
            self.users.add(user)
        if len(self.keys) < MAX_REMEMBERED:
            self.keys[key] = None


class Large(msgspec.Struct, frozen=True):
    """A document near the limit: bytes, how it is called, its user, its `_id`."""

    size: int
    label: str
    user: str
    key: Key


class Looked:
    """What the pass saw of one collection; bytes are BSON."""

    def __init__(self) -> None:
        self.documents = 0
        self.bytes = 0
        self.largest = 0
        self.large: list[Large] = []
        self.faults: dict[Fault, Faults] = {}
        self.unreadable = ""


def tree_of(stored: str) -> Field:
    """What is asked of the documents of a known collection (as stored), references and shape together."""
    root = fields_tree(stored)
    for collection, field in UNIQUE:
        if collection == stored:
            root.at(field).keep = True
    add_shape(root, stored)
    return root


def faults_of(seen: Seen) -> Iterator[Fault]:
    """Every different fault of one document."""
    found: set[Fault] = set()
    for field, kind in seen.wrong:
        found.add(("wrong-type", field.path, kind))
    for field in seen.undated:
        found.add(("not-iso-date", field.path, 2))
    for field, kind in seen.dates:
        found.add(("bson-date", field.path, kind))
    for path in seen.missing:
        found.add(("missing-id" if path == "id" else "missing-field", path, 0))
    yield from sorted(found)


class Looking:
    """Takes whole documents by the names of their collections; `references` gets them in the same pass.

    Documents of at least `large` bytes are remembered. Used by one thread; `close` it.
    """

    def __init__(self, *, large: int) -> None:
        self.references = References(unique=UNIQUE)
        self.seen: dict[str, Looked] = {}
        self._large = large
        self._trees: dict[str, Field] = {}

    def close(self) -> None:
        """Forgets everything."""
        self.references.close()

    def tree(self, stored: str) -> Field:
        """As `tree_of`, made once."""
        if stored not in self._trees:
            self._trees[stored] = tree_of(stored)
        return self._trees[stored]

    def add(self, collection: str, data: Buffer) -> None:
        """Whole documents one behind another; what is no BSON is remembered, and the rest of its batch left."""
        looked = self.seen.setdefault(collection, Looked())
        stored = stored_name(collection)
        root = self.tree(stored)
        refers = collection in References.wants
        raw = bytes(data)
        at = 0
        while at < len(raw):
            start = at
            try:
                seen, at = look(root, raw, start)
            except NotBson as error:
                looked.unreadable = str(error)
                return
            self._count(looked, seen, at - start, stored)
            if refers:
                self.references.take(collection, seen)

    def _count(self, looked: Looked, seen: Seen, size: int, stored: str) -> None:
        looked.documents += 1
        looked.bytes += size
        if size > looked.largest:
            looked.largest = size
        if seen.wrong or seen.undated or seen.missing or seen.dates:
            label, user, key = names_of(seen, stored)
            for fault in faults_of(seen):
                looked.faults.setdefault(fault, Faults()).add(label, user, key)
        if size >= self._large and len(looked.large) < MAX_REMEMBERED:
            label, user, key = names_of(seen, stored)
            looked.large.append(Large(size, label, user, key))


def names_of(seen: Seen, stored: str) -> tuple[str, str, Key]:
    """How a document of a collection (as stored) is called, whose it is, and its `_id`."""
    key = seen.kept.get("_id", (0, b""))
    own = seen.text("id") or seen.text("chatId") or b""
    user = seen.text("id" if stored == "users" else "userId") or b""
    return label_of(own, *key), text_of(user)[:MAX_SHOWN], key


def look_again(looking: Looking, collection: str, again: Again, check: Callable[[], None]) -> int:
    """Looks once more at the faulty documents of a collection and forgets those that are right or gone now."""
    looked = looking.seen[collection]
    root = looking.tree(stored_name(collection))
    moved = 0
    for fault, faults in list(looked.faults.items()):
        check()
        values: list[Any] = [python_value(*key) for key in faults.keys]
        still: dict[Key, tuple[str, str, Key]] = {}
        for batch in again.find(collection, "_id", values, ()):
            for seen in whole_documents(root, bytes(batch)):
                if fault in faults_of(seen):
                    names = names_of(seen, stored_name(collection))
                    still[names[2]] = names
        right = len(faults.keys) - len(still)
        moved += right
        if not right:
            continue
        fresh = Faults()
        for names in still.values():
            fresh.add(*names)
        # Those beyond the remembered ones were not looked at again and stay counted.
        fresh.count = faults.count - right
        if still and fresh.count > 0:
            looked.faults[fault] = fresh
        else:
            del looked.faults[fault]
    return moved


def looked_into(names: dict[str, str]) -> list[str]:
    """Which collections of a side ({name: kind}) are read: those whose shape is known."""
    return [
        name
        for name, kind in names.items()
        if kind == "collection" and name in KNOWN_COLLECTIONS and stored_name(name) in SHAPES
    ]


__all__ = ["DATE", "Fault", "Faults", "Large", "Looked", "Looking", "faults_of", "look_again", "looked_into"]
