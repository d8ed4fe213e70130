"""Live collections against the newest good backup."""

from __future__ import annotations

from services.checks.live_evidence import LiveEvidence
from services.checks.model import Outcome, check, worst
from services.checks.telling import first_of, outcome_of
from services.counted import counted


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
    return outcome_of(
        worst([one.status for one in found] or ["ok"]),
        first_of(found) if found else f"{counted(len(compared), 'collections')} against {newest.id}",
        found,
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
    return outcome_of(
        worst([one.status for one in found] or ["ok"]),
        first_of(found) if found else f"{counted(indexes, 'indexes')} against {newest.id}",
        found,
    )
