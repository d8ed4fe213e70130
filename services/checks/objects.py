"""Checks of the objects part: the object manifest, then every file it names."""

from __future__ import annotations

from services.catalog.manifest import Manifest
from services.catalog.naming import printable
from services.checks.evidence import Evidence, damage, unreadable
from services.checks.model import ANOTHER, Outcome, check
from services.checks.object_files import ObjectsRead
from services.errors import QuillkeepError

SHOWN = 10
REPAIR = "The next backup fetches anew what is wrong; until then use another backup for these objects."


@check("object-manifest", subject="objects", cost="full", evidence="the object manifest's sha256")
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


@check("object-sizes", subject="objects", cost="quick", evidence="every object file's size", next=REPAIR)
def object_sizes(evidence: Evidence) -> Outcome | None:
    """Every file of the snapshot is there with its size."""
    return _read(evidence, evidence.objects_sized, hashed=False)


@check(
    "objects",
    subject="objects",
    cost="full",
    evidence="every object file's sha256, each inode once",
    next=REPAIR,
)
def objects(evidence: Evidence) -> Outcome | None:
    """Every file of the snapshot has the bytes that were fetched."""
    return _read(evidence, evidence.objects_hashed, hashed=True)


def _read(evidence: Evidence, found: ObjectsRead | QuillkeepError | None, *, hashed: bool) -> Outcome | None:
    if found is None:
        return None
    if isinstance(found, QuillkeepError):
        words = unreadable(found)
        return Outcome(
            "unknown" if words else "fail", words or f"{found.what} {found.cause}".strip(), next=ANOTHER
        )
    if found.bad:
        first = found.bad[0]
        more = f"; and {len(found.bad) - 1:,} more" if len(found.bad) > 1 else ""
        findings = tuple(f"object {printable(one.key)}: {one.why}" for one in found.bad[:SHOWN])
        return Outcome("fail", f"object {printable(first.key)}: {first.why}{more}", findings=findings)
    manifest = evidence.manifest
    recorded = manifest.objects if isinstance(manifest, Manifest) else None
    if recorded is not None and (found.count, found.bytes) != (recorded.count, recorded.bytes):
        return Outcome(
            "fail",
            f"the object manifest lists {found.count:,} objects of {found.bytes:,} bytes, "
            f"the manifest {recorded.count:,} of {recorded.bytes:,}",
        )
    if found.unread:
        key, why = found.unread[0]
        return Outcome(
            "unknown",
            f"{len(found.unread):,} object files could not be read, the first {printable(key)}: {why}",
            next="Look at the disk or the mount, then verify again.",
        )
    what = f"{found.inodes:,} files read" if hashed else "sizes as recorded"
    return Outcome("ok", f"{found.count:,} objects, {found.bytes:,} bytes, {what}")


@check(
    "object-files", subject="objects", cost="full", evidence="every byte of a mirrored bucket or a tar of one"
)
def foreign_objects(evidence: Evidence) -> Outcome | None:
    """A foreign objects part can be read to its last byte."""
    found = evidence.foreign_objects
    if found is None:
        return None
    if isinstance(found, Exception):
        words = unreadable(found)
        if words:
            return Outcome("unknown", f"the objects part {words}")
        return Outcome("fail", damage(found)[0])
    if found.odd:
        return Outcome(
            "warn",
            f"{found.count:,} files read; {len(found.odd):,} links or special files are no objects: {found.odd[0]}",
            findings=found.odd[:SHOWN],
            next="They are left out of a restore.",
        )
    return Outcome(
        "ok",
        f"{found.count:,} files, {found.bytes:,} bytes read; this form carries no checksums of its objects",
    )


@check("missing-objects", subject="objects", cost="quick", evidence="what the backup could not read")
def missing_objects(evidence: Evidence) -> Outcome | None:
    """Objects that the bucket did not give when the backup was made, not accepted as lost."""
    keys = evidence.backup.missing_keys
    if not keys:
        return None
    findings = tuple(
        f"object {printable(key)} could not be read when the backup was made" for key in keys[:SHOWN]
    )
    more = f"; and {len(keys) - 1:,} more" if len(keys) > 1 else ""
    return Outcome(
        "warn",
        findings[0] + more,
        findings=findings,
        next=f"Take a new backup, or `quillkeep accept {evidence.backup.id}` if they are lost for ever.",
    )
