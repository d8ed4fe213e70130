"""Sample documents in memory as one side, for what walks raw documents and needs no server."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import bson

from services.demo.sample import Sample
from services.quilltap import COLLECTIONS, Reference
from services.reading.side import Take

Document = dict[str, Any]
Documents = dict[str, list[Document]]


def nothing() -> None:
    """Never stops anything."""


def ignore(amount: int) -> None:
    """Counts nothing."""


def sample(scale: float = 0.001, seed: int = 7) -> Documents:
    """Fresh documents of every collection."""
    made = Sample(scale=scale, seed=seed)
    return {
        name: [made.document(name, number) for number in range(made.layout.counts[name])]
        for name in COLLECTIONS
    }


class MemorySide:
    """Documents in memory, a few to a batch, in the order of the collections' names."""

    def __init__(self, documents: Documents, *, live: bool = False) -> None:
        self.name = "live" if live else "a backup"
        self.database = "quilltap"
        self.live = live
        self.documents = documents

    def collections(self) -> dict[str, str]:
        """As `DataSide.collections`."""
        return dict.fromkeys(self.documents, "collection")

    def read(
        self,
        wanted: Mapping[str, Sequence[str]],
        take: Take,
        *,
        check: Callable[[], None],
        advance: Callable[[int], None],
    ) -> None:
        """As `DataSide.read`; always whole documents."""
        for name in sorted(set(wanted) & set(self.documents)):
            encoded = [bson.encode(document) for document in self.documents[name]]
            for at in range(0, len(encoded), 7):
                check()
                batch = b"".join(encoded[at : at + 7])
                take(name, memoryview(batch))
                advance(len(batch))


def fresh() -> str:
    """An id nobody has."""
    return str(uuid.uuid4())


def point_nowhere(documents: Documents, reference: Reference) -> tuple[Document, str]:
    """Makes one document's reference refer to nothing; gives the document and the id it names now."""
    target = fresh()
    document = documents[reference.collection][0]
    if reference.path == "participants[].personaId":
        document = documents[reference.collection][1]
    _put(document, reference.path.split("."), target)
    return document, target


def _put(document: Document, steps: Sequence[str], value: str) -> None:
    step, *rest = steps
    if step == "{}":
        document[value] = {"bold": True}
        return
    name, array, _ = step.partition("[]")
    if not array:
        if not rest:
            document[name] = value
        else:
            _put(document.setdefault(name, {}), rest, value)
        return
    held = document.setdefault(name, [])
    if not rest:
        held.append(value)
        return
    if not held:
        held.append({})
    fit = next((one for one in held if one.get(rest[0]) is not None), held[0])
    _put(fit, rest, value)


def copied(documents: Documents) -> Documents:
    """Documents that may be changed without the others."""
    return copy.deepcopy(documents)
