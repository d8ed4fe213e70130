"""Checks of the objects part: the object manifest, then every file it names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.archive.model import EncryptedDump
from services.catalog.manifest import Manifest
from services.catalog.naming import printable
from services.checks.evidence import Evidence, damage, unreadable
from services.checks.model import ANOTHER, Outcome, check
from services.counted import counted
from services.errors import QuillkeepError
from services.objects.foreign_tar import DamagedTar

if TYPE_CHECKING:
    from services.objects.verify import ObjectsVerdict

SHOWN = 10
LOOK = "Look at the disk or the mount, then verify again."
REPAIR = "The next backup fetches anew what is wrong; until then use another backup for these objects."


@check(
    "object-manifest",
    subject="backup",
    decides="objects",
    depth="full",
    cost="one small file",
    reads="the object manifest's bytes",
    evidence="the sha256 found and the manifest's",
)
def object_manifest(evidence: Evidence) -> Outcome | None:
    """The object manifest is byte for byte the one that was written."""
    path = evidence.backup.objects_list
    entry = evidence.file_entry(path)
    if not evidence.ours or path is None or entry is None:
        return None
    found = evidence.sha256_of(path)
    if isinstance(found, OSError):
        words = unreadable(found)
        return Outcome("unknown" if words else "fail", f"{path.name} {words or 'is gone'}")
    if found != entry.sha256:
        return Outcome("fail", f"{path.name} has the sha256 {found}, the manifest says {entry.sha256}")
    return Outcome("ok", f"{path.name}: {found}")


@check(
    "object-sizes",
    subject="backup",
    decides="objects",
    depth="quick",
    cost="one look at each object file, none opened",
    reads="every object file's name and size",
    evidence="the key, and the size found and recorded",
    next=REPAIR,
    covered_by="objects",
)
def object_sizes(evidence: Evidence) -> Outcome | None:
    """Every file of the snapshot is there with its size."""
    if evidence.objects_lines is None:
        return None
    return _outcome(evidence, evidence.object_sizes, "sizes as recorded")


@check(
    "objects",
    subject="backup",
    decides="objects",
    depth="full",
    cost="one pass over every object's bytes, each inode once",
    reads="every object file; of ours and with an object manifest its sha256",
    evidence="the key, and what its bytes are instead",
    next=REPAIR,
)
def objects(evidence: Evidence) -> Outcome | None:
    """Every object file has the bytes that were fetched; where no sums exist, it can be read."""
    known = evidence.objects_lines is not None
    how = "every sha256 as recorded" if known else "all read; this form carries no checksums of its objects"
    return _outcome(evidence, evidence.objects, how)


def _outcome(
    evidence: Evidence, found: ObjectsVerdict | QuillkeepError | OSError | None, how: str
) -> Outcome | None:
    if found is None or isinstance(found, EncryptedDump):
        return None
    if isinstance(found, DamagedTar) and found.layer:
        # What its encryption does not give whole is for the check of that to say.
        return None
    if isinstance(found, Exception):
        words = unreadable(found)
        if words:
            return Outcome("unknown", f"the objects part {words}", next=LOOK)
        return Outcome("fail", damage(found)[0], next=ANOTHER)
    sentences = [f"object {printable(one.key)}: {one.why}" for one in found.bad if not one.unread]
    unread = [f"object {printable(one.key)}: {one.why}" for one in found.bad if one.unread]
    odd = [f"{printable(name)} is no object of this backup" for name in (*found.extra, *found.odd)]
    named = (*sentences[:SHOWN], *unread[:SHOWN], *odd[:SHOWN])
    if sentences:
        return Outcome("fail", _first([*sentences, *unread, *odd]), findings=named)
    if miscounted := _miscounted(evidence, found):
        return Outcome("fail", miscounted, findings=(miscounted, *named), next=ANOTHER)
    if unread:
        return Outcome("unknown", _first([*unread, *odd]), findings=named, next=LOOK)
    if odd:
        return Outcome("warn", _first(odd), findings=named, next="It is left out of a restore.")
    return Outcome("ok", f"{counted(found.objects, 'objects')}, {found.bytes:,} bytes; {how}")


def _miscounted(evidence: Evidence, found: ObjectsVerdict) -> str:
    manifest = evidence.manifest
    recorded = manifest.objects if isinstance(manifest, Manifest) else None
    if recorded is None or (found.objects, found.bytes) == (recorded.count, recorded.bytes):
        return ""
    return (
        f"the object manifest lists {counted(found.objects, 'objects')} of {found.bytes:,} bytes, "
        f"the manifest {recorded.count:,} of {recorded.bytes:,}"
    )


def _first(sentences: Sequence[str]) -> str:
    more = len(sentences) - 1
    return sentences[0] + (f"; and {more:,} more" if more else "")


@check(
    "missing-objects",
    subject="backup",
    decides="objects",
    depth="quick",
    cost="nothing is read again",
    reads="what the manifest lists as not given by the bucket, less what was accepted as lost",
    evidence="the keys",
    next="Take a new backup, or accept them as lost.",
)
def missing_objects(evidence: Evidence) -> Outcome | None:
    """The bucket gave every object when the backup was made, but those accepted as lost."""
    keys = evidence.backup.missing_keys
    if not keys:
        if not evidence.ours or "objects" not in evidence.backup.parts:
            return None
        lost = evidence.backup.lost_keys
        told = f"; {counted(len(lost), 'objects')} accepted as lost before" if lost else ""
        return Outcome("ok", f"the bucket gave every object{told}")
    findings = tuple(
        f"object {printable(key)} could not be read when the backup was made" for key in keys[:SHOWN]
    )
    return Outcome(
        "warn",
        _first([findings[0], *keys[1:]]),
        findings=findings,
        next=f"Take a new backup, or `quillkeep accept {evidence.backup.id}` if they are lost for ever.",
    )
