"""From a finding to what brings it back: the documents to look for in backups, and the command in words."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

import msgspec

from services.counted import by_number, counted
from services.findings import Finding
from services.quilltap import REFERENCES, stored_name
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


def way_back(backup: str, *names: str) -> str:
    """The command that restores exactly these collections, what it does, and the way for single documents."""
    quoted = shlex.quote(",".join(names))
    return (
        f"`quillkeep restore {backup} --collections {quoted} --yes` brings back {' and '.join(names)} as "
        f"{by_number(len(names), 'it was', 'they were')} then, without what was written since (that is kept as a "
        f"copy); `quillkeep plan {backup} --collections {quoted}` shows what that changes. For single documents "
        "add `--from-database DATABASE --to-database NAME`: it comes beside the live data, to copy them from."
    )


def restored_from(finding: Finding, backup: str, *names: str) -> Finding:
    """A finding that whole collections of a backup bring back; a smaller step that it has already stands first."""
    step = f"{finding.next}. Or {way_back(backup, *names)}" if finding.next else way_back(backup, *names)
    return msgspec.structs.replace(finding, good_in=backup, restore=names, next=step)


def with_way_back(finding: Finding, need: Need, held: Collection[str]) -> Finding:
    """A finding with the backup that has the good version; `held` are the collections' names in backups."""
    backup, found = need.best
    if backup:
        names = [
            next((one for one in held if stored_name(one) == wanted), wanted)
            for wanted in need.restores(backup)
        ]
        placed = restored_from(finding, backup, *names)
        if found < len(need.keys):
            return msgspec.structs.replace(
                placed, next=f"{placed.next} {backup} has {found:,} of {len(need.keys):,} of them."
            )
        return placed
    if need.found:
        looked = counted(len(need.found), "good backups")
        step = (
            f"None of the newest {looked} has the good version; `quillkeep list` shows the others. Was it there "
            "before a restore? `quillkeep rollback` brings back what was live then."
        )
    else:
        step = "No good backup could be asked for the good version; `quillkeep list` shows what there is."
    return msgspec.structs.replace(finding, next=finding.next or step)
