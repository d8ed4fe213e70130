"""What the application expects of its live documents: shape, dates, unique values, sizes."""

from __future__ import annotations

from collections.abc import Sequence

from services.catalog.model import CheckStatus
from services.checks.live_evidence import LiveEvidence
from services.checks.model import Outcome, check, worst
from services.checks.telling import outcome_of
from services.counted import by_number, counted
from services.findings import Finding

_ONE_PASS = (
    "one pass over every document, shared by the checks of documents; 9 s of processor time for 432 MB"
)
_DATES = frozenset({"not-iso-date", "bson-date"})


@check(
    "shape",
    subject="live",
    decides="data",
    depth="full",
    cost=_ONE_PASS,
    reads="every document of the application's collections",
    evidence="collection, field, type found, ids",
    next="Restore the collection from a good backup, or correct the documents named.",
)
def shape(evidence: LiveEvidence) -> Outcome | None:
    """Every document has its id, and every known field the type by which the application reads it."""
    placed = [one for one in evidence.live.faults if one[0].kind not in _DATES]
    return _outcome(evidence, evidence.live.told(placed), "in the application's shape")


@check(
    "iso-dates",
    subject="live",
    decides="data",
    depth="full",
    cost=_ONE_PASS,
    reads="every moment in the application's documents",
    evidence="collection, field, ids",
    next="Restore the collection from a good backup, or write the moment as ISO 8601 text.",
)
def iso_dates(evidence: LiveEvidence) -> Outcome | None:
    """Every moment is ISO 8601 text, as the application writes, sorts and compares it."""
    placed = [one for one in evidence.live.faults if one[0].kind in _DATES]
    return _outcome(evidence, evidence.live.told(placed), "with their moments as ISO 8601 text")


@check(
    "unique",
    subject="live",
    decides="data",
    depth="full",
    cost=_ONE_PASS,
    reads="ids, users' addresses, sessions' tokens, the chats of messages",
    evidence="collection, field, ids of the documents that share a value (never the value)",
    next="Restore the collection from a good backup, or delete the documents that should not be.",
)
def unique(evidence: LiveEvidence) -> Outcome | None:
    """No two documents share what the application takes for unique."""
    return _outcome(evidence, evidence.live.told(evidence.live.seen.doubles), "each with values of its own")


@check(
    "document-size",
    subject="live",
    decides="data",
    depth="full",
    cost=_ONE_PASS,
    reads="the size of every document",
    evidence="collection, chat or document, its size",
    next="Begin a new chat for it before it is full.",
)
def document_size(evidence: LiveEvidence) -> Outcome | None:
    """No document is near the 16 MiB that none may exceed; a chat's messages are one document."""
    looked = evidence.live.seen.looked
    largest = max((one.largest for one in looked.values()), default=0)
    return _outcome(
        evidence,
        evidence.live.told(evidence.live.sizes),
        f"and the largest has {largest / (1 << 20):.1f} of at most 16 MiB",
        ill="near the 16 MiB that none may exceed",
    )


def _outcome(
    evidence: LiveEvidence, found: Sequence[Finding], well: str, *, ill: str = "wrong"
) -> Outcome | None:
    seen = evidence.live.seen
    if not seen.looked:
        return None
    documents = sum(one.documents for one in seen.looked.values())
    statuses: list[CheckStatus] = [one.status for one in found]
    # What could not be read was not looked at.
    statuses += ["unknown"] * len([name for name in seen.unread if name in seen.looked])
    status = worst(statuses or ["ok"])
    words = f"{counted(documents, 'documents')} {well}"
    if found:
        bad = sum(one.count for one in found)
        words = f"{bad:,} of {counted(documents, 'documents')} {by_number(bad, 'is', 'are')} {ill}"
    if seen.unread:
        words += f"; not read: {', '.join(sorted(seen.unread)[:5])}"
    return outcome_of(status, words, found)
