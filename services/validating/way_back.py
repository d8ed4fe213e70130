"""From a finding to what brings it back: the documents to look for in backups, and the command in words."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Hashable, Sequence
from typing import Any

import msgspec

from services.counted import counted
from services.findings import Finding
from services.quilltap import REFERENCES, stored_name
from services.references.model import Sought
from services.references.walker import Seen
from services.validating.good import Need


def beside(name: str, chosen: Sequence[str]) -> tuple[str, ...]:
    """Fields to read of a collection that was not chosen, so that references from chosen ones can be told."""
    stored = stored_name(name)
    wanted = {stored_name(one) for one in chosen}
    if stored == "chat_messages":
        return ("chatId", "messages.type", "createdAt", "updatedAt") if "chats" in wanted else ()
    if stored == "chats" and "chat_messages" in wanted:
        return ("id", "messageCount")
    targeted = any(one.target == stored and one.collection in wanted for one in REFERENCES)
    return ("id",) if targeted else ()


def need_of(sought: Sought) -> Need:
    """The need of a finding between collections."""
    counts = dict(zip((value.encode() for value in sought.values), sought.counts, strict=False))

    def key_of(seen: Seen) -> Hashable:
        return seen.text(sought.field)

    def good(seen: Seen, key: Any) -> bool:
        return seen.counts.get("messages", 0) >= counts[key] if counts else True

    return Need(sought.collection, [value.encode() for value in sought.values], key_of, good)


def way_back(backup: str, name: str) -> str:
    """The command that restores exactly one collection, and what it does."""
    quoted = shlex.quote(name)
    return (
        f"`quillkeep restore {backup} --collections {quoted} --yes` brings back {name} as it was then; "
        f"`quillkeep plan {backup} --collections {quoted}` shows what that changes."
    )


def restored_from(finding: Finding, backup: str, name: str) -> Finding:
    """A finding that a backup's whole collection brings back; a smaller step that it has already stands first."""
    step = f"{finding.next}. Or {way_back(backup, name)}" if finding.next else way_back(backup, name)
    return msgspec.structs.replace(finding, good_in=backup, restore=(name,), next=step)


def with_way_back(finding: Finding, need: Need, held: Collection[str]) -> Finding:
    """A finding with the backup that has the good version; `held` are the collections' names in backups."""
    backup, found = need.best
    if backup:
        name = next((one for one in held if stored_name(one) == need.collection), need.collection)
        placed = restored_from(finding, backup, name)
        if found < len(need.keys):
            return msgspec.structs.replace(
                placed, next=f"{placed.next} It has {found:,} of {len(need.keys):,} of them."
            )
        return placed
    if need.found:
        looked = counted(len(need.found), "good backups")
        step = f"None of the newest {looked} has the good version; `quillkeep list` shows the others."
    else:
        step = "No good backup could be asked for the good version; `quillkeep list` shows what there is."
    return msgspec.structs.replace(finding, next=finding.next or step)
