"""The files of a directory dump, in a folder or a tar: each collection whole, and nothing else among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from services.archive.model import ArchiveError, Prelude
from services.catalog.naming import printable
from services.checks.evidence import Evidence, damage, unreadable
from services.checks.model import Outcome, check
from services.checks.quick import LOOK
from services.counted import counted
from services.errors import QuillkeepError
from services.quilltap import KNOWN_COLLECTIONS, stored_name

SHOWN = 10
NO_PART = " is no part of the dump."
NEEDED_BY: Mapping[str, frozenset[str]] = {
    "characters": frozenset({"memories", "vector_indices"}),
    "chats": frozenset({"chat_messages"}),
}
"""A collection -> those the application empties with it: with documents in them it cannot have been empty."""
LOST = (
    "Its file may have lost its bytes: `quillkeep list` shows older backups; restore that collection from one "
    "where `quillkeep verify` finds it with documents."
)


@check(
    "dump-files",
    subject="backup",
    decides="database",
    depth="quick",
    cost="a look at the folder and its small files; of a tar in the same pass over every byte",
    reads="the names of a directory dump's files, their sizes, and every .metadata.json",
    evidence="the file that is missing, too many, or empty where it cannot be",
    next="Restored from it, the collection has no indexes and options; another backup may have them.",
)
def dump_files(evidence: Evidence) -> Outcome | None:
    """A directory dump has metadata for every collection, no other files, and none empty that others need."""
    path = evidence.backup.database_path
    if path is None or evidence.ours:
        return None
    try:
        prelude = _prelude(evidence, path)
    except (QuillkeepError, OSError) as error:
        if evidence.depth != "quick":
            return None
        if words := unreadable(error):
            return Outcome("unknown", f"the dump {words}", next=LOOK)
        return Outcome("fail", damage(error)[0])
    if prelude is None:
        return None
    sizes = _sizes(evidence, path)
    empty = sorted(name for name, size in sizes.items() if not size)
    needed = _needed(sizes)
    findings = needed + [
        f"{printable(str(entry.namespace))} has no .metadata.json: its indexes and options are not in the dump"
        for entry in prelude.collections
        if entry.kind == "collection" and not entry.raw
    ]
    strangers = [note.removesuffix(NO_PART) for note in prelude.notes if note.endswith(NO_PART)]
    findings += [f"{name} is no file of a dump" for name in strangers]
    if not findings:
        words = counted(len(prelude.collections), "collections")
        told = f"; empty: {', '.join(map(printable, empty[:SHOWN]))}" if empty else ""
        return Outcome("ok", f"{words}, each with its metadata{told}")
    more = f"; and {len(findings) - 1} more" if len(findings) > 1 else ""
    step = "It is left out of a restore." if len(findings) == len(strangers) else LOST if needed else ""
    return Outcome("warn", findings[0] + more, findings=tuple(findings[:SHOWN]), next=step)


def _prelude(evidence: Evidence, path: Path) -> Prelude | None:
    """What the dump says of itself; None for other forms, and for a tar in a quick run."""
    if path.is_dir():
        from services.archive.source import open_dump

        return open_dump(path, limits=evidence.limits).prelude()
    if evidence.depth == "quick":
        return None
    walked = evidence.walked
    if isinstance(walked, Exception):
        return None
    return walked.prelude if not walked.crc_checked else None


def _sizes(evidence: Evidence, path: Path) -> dict[str, int]:
    """Collections with the bytes of their documents, or of their data files where those were only looked at."""
    if evidence.depth != "quick":
        walked = evidence.walked
        if isinstance(walked, Exception):
            return {}
        return {name.collection: sums.bytes for name, sums in walked.collections.items()}
    from services.archive.dumpfolder import dump_name

    found: dict[str, int] = {}
    try:
        for file in path.rglob("*"):
            name = dump_name(file.name)
            if name.role == "data":
                found[name.stem] = file.stat().st_size
    except OSError as error:
        raise ArchiveError("readable files", found=error.strerror or "", file=path.name) from error
    return found


def _needed(sizes: Mapping[str, int]) -> list[str]:
    """Collections without documents that those of others belong to; a zero-length data file reads so, too."""
    found = []
    held = {stored_name(name) for name, size in sizes.items() if size and name in KNOWN_COLLECTIONS}
    for name in sorted(name for name, size in sizes.items() if not size):
        others = sorted(held & NEEDED_BY.get(stored_name(name), frozenset()))
        if others:
            found.append(
                f"{name} has no documents while others do: those of {' and '.join(others)} belong to one"
            )
        elif stored_name(name) == "users" and held:
            found.append(
                f"{name} has no documents while others do: all of the application's data belongs to a user"
            )
    return found
