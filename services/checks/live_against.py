"""Live collections against the newest good backup."""

from __future__ import annotations

from collections.abc import Sequence

from services.checks.live_evidence import LiveEvidence
from services.checks.model import Outcome, check, worst
from services.counted import counted
from services.findings import Finding


@check(
    "growth",
    subject="live",
    decides="data",
    depth="full",
    cost="none of its own: counts of the pass over the documents, and one manifest",
    reads="documents and bytes of each collection, and the newest good backup's manifest",
    evidence="collection, documents and bytes then and now",
    next="If nobody deleted them, restore the collection from the backup named.",
)
def growth(evidence: LiveEvidence) -> Outcome | None:
    """No collection is gone, empty or much smaller than in the newest good backup."""
    newest = evidence.live.kept.newest
    if newest is None:
        return None
    found = tuple(evidence.live.shrunk)
    compared = [name for name in evidence.live.kept.entries() if name in evidence.live.chosen]
    return Outcome(
        worst([one.status for one in found] or ["ok"]),
        _words(found, f"{counted(len(compared), 'collections')} against {newest.id}"),
        findings=tuple(one.what for one in found),
        found=found,
    )


@check(
    "index-list",
    subject="live",
    decides="data",
    depth="quick",
    cost="one short question a collection",
    reads="the list of indexes of each collection, and the newest good backup's manifest",
    evidence="collection and index that is missing or of another form",
    next="Make the index again, or restore the collection from the backup named.",
)
def index_list(evidence: LiveEvidence) -> Outcome | None:
    """Every index that the newest good backup has is there, in the same form."""
    newest = evidence.live.kept.newest
    if newest is None:
        return None
    found = tuple(finding for _, finding in evidence.live.indexes.values() if finding is not None)
    indexes = sum(len(seen) for seen, _ in evidence.live.indexes.values())
    return Outcome(
        worst([one.status for one in found] or ["ok"]),
        _words(found, f"{counted(indexes, 'indexes')} against {newest.id}"),
        findings=tuple(one.what for one in found),
        found=found,
    )


def _words(found: Sequence[Finding], well: str) -> str:
    if not found:
        return well
    more = f"; and {counted(len(found) - 1, 'more findings')}" if len(found) > 1 else ""
    return f"{found[0].what.rstrip('.')}{more}"
