"""From values that no other pepper opens to what brings them back: a backup's collection, or storing them anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from services.counted import by_number, counted
from services.findings import Finding
from services.validating.way_back import way_back

if TYPE_CHECKING:
    from services.pepper.vault import Vault
    from services.pepper.whole import Looked

ANEW = {
    "api_keys": "whoever uses the API key stores it again in the application",
    "users.totp": "the user sets up the second factor again",
    "users.backupCodes": "the user has new backup codes made",
}


def with_way_back(
    finding: Finding, place: str, vault: Vault, looked: Looked | None, where: str, *given: Any
) -> Finding:
    """A finding on single values with the newest backup that has most of them whole; `where` selects them.

    Without `looked` no backup was asked, and the step says where that is told.
    """
    if looked is None:
        step = (
            f"Another pepper is no cure for {by_number(finding.count, 'this value', 'these values')}; "
            "`quillkeep pepper check` says how the live data stands, and which backup has what does not open there."
        )
        return msgspec.structs.replace(finding, next=step)
    rows = list(
        vault.rows(
            "SELECT whole.at, whole.restores, count(*) FROM whole JOIN vals ON vals.n = whole.n"
            f" WHERE {where} GROUP BY whole.at, whole.restores ORDER BY count(*) DESC, whole.at LIMIT 1",
            *given,
        )
    )
    if not rows:
        return msgspec.structs.replace(finding, next=_none(finding, place, looked))
    ((at, restores, found),) = rows
    backup = looked.backups[at]
    step = f"{_no_cure(finding)}{way_back(backup, restores)}"
    if found < finding.count:
        step += f" {backup} has {found:,} of {finding.count:,} of them."
    return msgspec.structs.replace(finding, good_in=backup, restore=(restores,), next=step)


def _none(finding: Finding, place: str, looked: Looked) -> str:
    them = by_number(finding.count, "it", "them")
    who = (
        f"None of the newest {counted(len(looked.backups), 'good backups')} has {them} whole"
        if looked.backups
        else f"No good backup could be asked for {them}"
    )
    without = f"`quillkeep list` shows what there is. Without one, {ANEW[place]}."
    return f"{_no_cure(finding)}{who}; {without}"


def _no_cure(finding: Finding) -> str:
    """Of damaged values the finding itself says so."""
    if finding.kind != "does-not-open":
        return ""
    return "Another pepper is no cure, since this one opens the others. "
