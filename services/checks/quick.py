"""Quick checks: are the files there, with the sizes and the checksum files that were recorded."""

from __future__ import annotations

import os
from pathlib import Path

from services.catalog import layout
from services.catalog.manifest import Manifest
from services.catalog.model import CheckStatus
from services.catalog.naming import printable
from services.checks.evidence import Evidence, unreadable
from services.checks.model import ANOTHER, Outcome, check
from services.counted import counted

LOOK = "Look at the disk or the mount, and the file's owner and mode, then verify again."


@check(
    "manifest",
    subject="backup",
    decides="backup",
    depth="quick",
    cost="one small file",
    reads="the manifest, decoded whole",
    evidence="its schema, or why it cannot be used",
)
def manifest_readable(evidence: Evidence) -> Outcome | None:
    """Our backup's manifest can be read and is of a schema this version knows."""
    if not evidence.ours:
        return None
    manifest = evidence.manifest
    if isinstance(manifest, Manifest):
        return Outcome("ok", f"schema {manifest.schema}, {counted(len(manifest.collections), 'collections')}")
    words = str(manifest)
    status: CheckStatus = (
        "unknown" if "permission" in words or "cannot be read" in words or "newer" in words else "fail"
    )
    step = "Use the newer Quillkeep." if "newer" in words else _without_manifest(evidence)
    return Outcome(status, words, next=step or ANOTHER)


def _without_manifest(evidence: Evidence) -> str:
    """The way on with the files of an unusable manifest, which are listed as backups of their own."""
    backup = evidence.backup
    names = [layout.archive_name(backup.id), layout.objects_name(backup.id)]
    there = [name for name in names if os.path.lexists(backup.folder / name)]
    if not there:
        return ""
    return (
        f"Without it `quillkeep list` shows its files as a backup of their own: `quillkeep verify {there[0]}` "
        "says whether they can be read, and that can be restored. Or use another backup."
    )


@check(
    "files",
    subject="backup",
    decides="backup",
    depth="quick",
    cost="the beginning of each file",
    reads="names, sizes and first bytes of a foreign artefact",
    evidence="what it was recognised as, or why it could not be opened",
)
def recognised(evidence: Evidence) -> Outcome | None:
    """A foreign artefact could be opened at all."""
    backup = evidence.backup
    if evidence.ours:
        return None
    if not backup.problem:
        return Outcome("ok", f"{backup.kind}, {backup.bytes:,} bytes")
    unknown = "permission" in backup.problem or "cannot be read" in backup.problem
    return Outcome("unknown" if unknown else "fail", printable(backup.problem))


@check(
    "deployment",
    subject="backup",
    decides="data",
    depth="quick",
    cost="nothing is read again",
    reads="database, bucket, prefix, host and pepper key-check in the manifest, against the profile's",
    evidence="what is another than the profile's",
    next="Choose the profile it belongs to; restored here, it is the risk `other-deployment`.",
)
def deployment(evidence: Evidence) -> Outcome | None:
    """Our backup is one of the profile's own database and bucket."""
    backup = evidence.backup
    if not evidence.ours or backup.problem:
        return None
    if backup.other_deployment:
        return Outcome("warn", f"another deployment's: {backup.other_deployment}")
    return Outcome("ok", "of this profile's database and bucket")


@check(
    "database-files",
    subject="backup",
    decides="database",
    depth="quick",
    cost="one look at the folder",
    reads="the archive's size",
    evidence="the size on disk and the manifest's",
)
def database_files(evidence: Evidence) -> Outcome | None:
    """The archive has the manifest's size."""
    return _sizes(evidence, evidence.backup.database_path, "database")


@check(
    "objects-files",
    subject="backup",
    decides="objects",
    depth="quick",
    cost="one look at the folder",
    reads="the object manifest's size, and that the snapshot's folder is there",
    evidence="the size on disk and the manifest's",
)
def objects_files(evidence: Evidence) -> Outcome | None:
    """The object manifest has the manifest's size and the snapshot's folder is there."""
    outcome = _sizes(evidence, evidence.backup.objects_list, "objects")
    folder = evidence.backup.objects_path
    if outcome is None or outcome.status != "ok" or folder is None or folder.is_dir():
        return outcome
    return Outcome("fail", f"the folder {folder.name} is gone")


def _sizes(evidence: Evidence, path: Path | None, part: str) -> Outcome | None:
    if not evidence.ours or part not in evidence.backup.parts or path is None:
        return None
    entry = evidence.file_entry(path)
    if entry is None:
        return Outcome("fail", f"the manifest names no file {path.name}")
    try:
        size = os.stat(path).st_size
    except OSError as error:
        words = unreadable(error)
        if words:
            return Outcome("unknown", f"{path.name} {words}")
        return Outcome("fail", f"{path.name} is gone")
    if size != entry.bytes:
        return Outcome("fail", f"{path.name} has {size:,} bytes instead of {entry.bytes:,}")
    return Outcome("ok", f"{path.name}: {size:,} bytes")


@check(
    "checksum-file",
    subject="backup",
    decides="database",
    depth="quick",
    cost="one small file",
    reads="the checksum file beside the archive",
    evidence="the sum it names, and the manifest's where they differ",
)
def checksum_file(evidence: Evidence) -> Outcome | None:
    """The checksum file beside the archive can be read, is about it, and says what the manifest says."""
    path = evidence.backup.database_path
    if path is None or path.is_dir():
        return None
    return _beside(evidence, path)


@check(
    "objects-checksum-file",
    subject="backup",
    decides="objects",
    depth="quick",
    cost="one small file",
    reads="the checksum file beside a tar of objects",
    evidence="the sum it names",
)
def objects_checksum_file(evidence: Evidence) -> Outcome | None:
    """The checksum file beside a tar of objects can be read and is about it."""
    path = evidence.backup.objects_path
    if evidence.ours or path is None or path.is_dir():
        return None
    return _beside(evidence, path)


def _beside(evidence: Evidence, path: Path) -> Outcome | None:
    found = evidence.sidecars(path)
    make = f"`sha256sum {path.name} > {path.name}.sha256`"
    if not found.files:
        if not evidence.ours:
            return None
        return Outcome("warn", f"{path.name}.sha256 is gone; the manifest holds the same sum", next=make)
    if found.unread:
        return Outcome("unknown", found.unread[0], findings=found.unread, next=LOOK)
    if found.useless:
        return Outcome(
            "warn",
            found.useless[0],
            findings=found.useless,
            next=f"{make}, once the file is proven by other means",
        )
    entry = evidence.file_entry(path)
    for digest, name in found.of("sha256") if entry is not None else ():
        if entry is not None and digest != entry.sha256:
            return Outcome("fail", f"{name} says {digest}, the manifest {entry.sha256}")
    for algorithm in found.algorithms:
        if len(found.of(algorithm)) > 1:
            names = " and ".join(f"{name} says {digest}" for digest, name in found.of(algorithm))
            return Outcome("warn", f"the {algorithm} sums contradict each other: {names}", next=make)
    sums = [f"{name}: {line.algorithm} {line.digest}" for name, line in found.lines]
    return Outcome("ok", "; ".join(sums))
