"""What is wrong with documents of a collection, in a sentence, with what would bring it back."""

from __future__ import annotations

from collections.abc import Hashable

from services.counted import by_number, counted
from services.findings import MAX_EXAMPLES, Finding, FindingStatus
from services.quilltap import stored_name
from services.references.walker import Seen
from services.validating.good import Need
from services.validating.looking import Fault, Faults, Looked, faults_of
from services.validating.shapes import TYPE_WORDS

LIMIT = 16 << 20
"""Bytes of the largest document a server takes."""
NEAR = 12 << 20
"""From here on a document is near the limit: a chat of this size has room for a third of what it holds."""
Placed = tuple[Finding, Need | None]
_REFUSES = "the application does not take such a document, nor a list with it"


def fault_findings(collection: str, looked: Looked) -> list[Placed]:
    """A finding for each kind of fault of one collection's documents."""
    found: list[Placed] = []
    if looked.unreadable:
        found.append(
            (
                Finding(
                    kind="not-bson",
                    status="fail",
                    what=f"A document of {collection} is not whole: {looked.unreadable}.",
                    collection=collection,
                    next="Look at the server's log and disk; restore the collection from a good backup.",
                ),
                None,
            )
        )
    for fault, faults in sorted(looked.faults.items()):
        status: FindingStatus = "warn" if fault[0] == "bson-date" else "fail"
        user = next(iter(faults.users)) if len(faults.users) == 1 else ""
        finding = Finding(
            kind=fault[0],
            status=status,
            what=_fault_words(collection, fault, faults),
            collection=collection,
            user=user,
            count=faults.count,
            examples=tuple(faults.examples),
        )
        found.append((finding, _fault_need(collection, fault, faults)))
    return found


def _fault_words(collection: str, fault: Fault, faults: Faults) -> str:
    kind, path, found = fault
    documents = f"{counted(faults.count, 'documents')} of {collection}"
    has = by_number(faults.count, "has", "have")
    if kind == "missing-id":
        return f"{documents} {has} no id: nothing can refer to {by_number(faults.count, 'it', 'them')}."
    if kind == "missing-field":
        return f"{documents} {has} no {path}: nobody ever sees {by_number(faults.count, 'it', 'them')}."
    if kind == "not-iso-date":
        return f"{documents} {has} in {path} a text that is no ISO 8601 moment: {_REFUSES}."
    if kind == "bson-date":
        return (
            f"{documents} {has} in {path} a BSON date where the application writes ISO 8601 text: "
            "it sorts and compares the two wrongly."
        )
    what = TYPE_WORDS.get(found, f"BSON type {found}")
    return f"{documents} {has} {what} in {path}: {_REFUSES}."


def _fault_need(collection: str, fault: Fault, faults: Faults) -> Need:
    def key_of(seen: Seen) -> Hashable:
        return seen.kept.get("_id")

    def good(seen: Seen, key: object) -> bool:
        return fault not in set(faults_of(seen))

    return Need(stored_name(collection), list(faults.keys), key_of, good)


def size_findings(collection: str, looked: Looked) -> list[Placed]:
    """Documents near the 16 MiB that no document may exceed, each by name."""
    found: list[Placed] = []
    for one in sorted(looked.large, key=lambda large: -large.size)[:MAX_EXAMPLES]:
        what = "the chat" if stored_name(collection) == "chat_messages" else "the document"
        full = "no message can be added then" if what == "the chat" else "nothing can be added to it then"
        found.append(
            (
                Finding(
                    kind="document-size",
                    status="warn",
                    what=f"{collection}: {what} {one.label} has {one.size / (1 << 20):.1f} of at most 16 MiB "
                    f"({one.size * 100 // LIMIT} %); {full}.",
                    collection=collection,
                    user=one.user,
                    count=1,
                    examples=(one.label,),
                    next="Begin a new chat for it, or delete messages with large attachments in the application."
                    if what == "the chat"
                    else "Look at what fills it, in the application.",
                ),
                None,
            )
        )
    return found


__all__ = ["LIMIT", "NEAR", "Placed", "fault_findings", "size_findings"]
