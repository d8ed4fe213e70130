"""The server's own validation of each live collection."""

from __future__ import annotations

from services.checks.live_evidence import LiveEvidence
from services.checks.model import Outcome, check, worst_of_data
from services.checks.telling import first_of, outcome_of
from services.counted import by_number, counted


@check(
    "server-validate",
    subject="live",
    decides="data",
    depth="quick",
    cost="0.2 s for each 100 MiB in memory; locks each collection meanwhile; `--full` also reads every page",
    reads="documents and index entries, by the server itself",
    evidence="what the server says is not valid, by collection",
    next="Look at the server's log and disk; restore the collection from a good backup.",
)
def server_validate(evidence: LiveEvidence) -> Outcome | None:
    """MongoDB's own `validate` finds every document, index and entry of each collection whole."""
    said = evidence.live.server
    if not said:
        return None
    found = evidence.live.server_found
    denied = [name for name, one in said.items() if one.denied]
    gone = [name for name, one in said.items() if one.gone]
    status = worst_of_data([one.status for one in said.values()])
    if denied:
        role, grant = evidence.live.grant
        named = f" ({', '.join(denied[:5])})" if len(denied) < len(said) else ""
        return outcome_of(
            status,
            f"this user may not validate {counted(len(denied), 'collections')}{named}: the role {role} has the right",
            found,
            next=f"Grant it, then validate again: {grant}",
        )
    asked = len(said) - len(gone)
    words = f"{counted(asked, 'collections')} {by_number(asked, 'was', 'were')} validated"
    if gone:
        words += f"; {counted(len(gone), 'collections')} went away meanwhile"
    if found:
        words = f"{first_of(found)}; {words}"
    return outcome_of(status, words, found)
