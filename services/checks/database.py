"""Full checks of the database part: one pass over every byte, compared with what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from services.archive.documents import Sums, hex64
from services.archive.model import ArchiveError, EncryptedDump
from services.archive.names import BUCKETS
from services.catalog.manifest import CollectionEntry, Manifest
from services.checks.evidence import Evidence, damage, unreadable
from services.checks.model import Outcome, check
from services.checks.quick import LOOK
from services.checks.sidecar import digests_of
from services.counted import counted

if TYPE_CHECKING:
    from services.archive.walk import Walked

SHOWN = 10
"""Findings named in full; the rest is counted."""


@check(
    "archive",
    subject="backup",
    decides="database",
    depth="full",
    cost="one pass over every byte",
    reads="gzip, the archive's structure, CRC-64, every document walked as BSON",
    evidence="the collection and the place in the file, and what is wrong there",
)
def archive_whole(evidence: Evidence) -> Outcome | None:
    """The dump can be read to its end and everything it claims of itself holds."""
    if not _readable(evidence):
        return None
    walked = evidence.walked
    if isinstance(walked, EncryptedDump) or (isinstance(walked, ArchiveError) and walked.layer):
        # What its encryption does not give whole is for the check of that to say.
        return None
    if isinstance(walked, Exception):
        words = unreadable(walked)
        if words:
            return Outcome(
                "unknown",
                f"the database part {words}",
                next="Look at the disk or the mount, then verify again.",
            )
        what, _ = damage(walked)
        return Outcome("fail", what, findings=(what,))
    documents = sum(sums.documents for sums in walked.collections.values())
    sums = "checksums compared" if walked.crc_checked else "this form carries no checksums of its documents"
    return Outcome(
        "ok",
        f"{counted(len(walked.collections), 'collections')}, {counted(documents, 'documents')}, {walked.bytes:,} bytes read; {sums}",
    )


@check(
    "sha256",
    subject="backup",
    decides="database",
    depth="full",
    cost="in the same pass over every byte",
    reads="the whole archive file",
    evidence="the sha256 found, the recorded one, and who recorded it",
)
def whole_file(evidence: Evidence) -> Outcome | None:
    """The archive's sha256 is the one that was recorded when it was made."""
    path = evidence.backup.database_path
    expected = evidence.expected_sha256(path)
    if path is None or not expected or not path.is_file():
        return None
    found: str | OSError = _walked_sha256(evidence) or evidence.sha256_of(path)
    if isinstance(found, OSError):
        return Outcome("unknown", f"{path.name} could not be read: {found.strerror}", next=LOOK)
    return _same_sum(path, "sha256", found, expected)


def _walked_sha256(evidence: Evidence) -> str:
    if not _readable(evidence):
        return ""
    walked = evidence.walked
    return "" if isinstance(walked, Exception) else walked.sha256 or ""


@check(
    "other-sums",
    subject="backup",
    decides="database",
    depth="full",
    cost="one more pass over the file, only where such a checksum file lies beside it",
    reads="the whole archive file, for checksum files of md5, sha1, sha512 and their like",
    evidence="the sum found, the recorded one, and the file that records it",
)
def other_sums(evidence: Evidence) -> Outcome | None:
    """The archive has the md5, sha1 or sha512 that a checksum file beside it says."""
    path = evidence.backup.database_path
    if path is None or not path.is_file():
        return None
    algorithms = [name for name in evidence.sidecars(path).algorithms if name != "sha256"]
    return _compare_sums(evidence, path, algorithms)


@check(
    "objects-sha256",
    subject="backup",
    decides="objects",
    depth="full",
    cost="one pass over the tar",
    reads="the whole file of a tar of objects",
    evidence="the sum found, the recorded one, and who recorded it",
)
def whole_objects_file(evidence: Evidence) -> Outcome | None:
    """A tar of objects has the sum that its checksum file says."""
    path = evidence.backup.objects_path
    if evidence.ours or path is None or not path.is_file():
        return None
    return _compare_sums(evidence, path, evidence.sidecars(path).algorithms)


def _compare_sums(evidence: Evidence, path: Path, algorithms: Sequence[str]) -> Outcome | None:
    if not algorithms:
        return None
    found = digests_of(path, algorithms, evidence.check)
    if isinstance(found, OSError):
        return Outcome("unknown", f"{path.name} could not be read: {found.strerror}", next=LOOK)
    outcomes = [
        _same_sum(path, name, digest, evidence.sidecars(path).of(name)) for name, digest in found.items()
    ]
    wrong = [one for one in outcomes if one.status != "ok"]
    return wrong[0] if wrong else Outcome("ok", "; ".join(one.detail for one in outcomes))


def _same_sum(path: Path, algorithm: str, found: str, expected: Sequence[tuple[str, str]]) -> Outcome:
    for digest, source in expected:
        if digest == found:
            return Outcome("ok", f"{algorithm} {found}, as {source} says")
    digest, source = expected[0]
    return Outcome("fail", f"{path.name} has the {algorithm} {found}, {source} says {digest}")


@check(
    "counts",
    subject="backup",
    decides="database",
    depth="full",
    cost="in the same pass over every byte",
    reads="documents and bytes of each collection",
    evidence="the collection, its counts in the archive and in the manifest",
)
def counts(evidence: Evidence) -> Outcome | None:
    """Each collection has as many documents and bytes as the manifest says."""
    pairs = _pairs(evidence)
    if pairs is None:
        return None
    findings = []
    for name, entry, sums in pairs:
        if sums is None:
            findings.append(
                f"collection {name} is not in the archive, the manifest has {counted(entry.documents, 'documents')}"
            )
        elif (sums.documents, sums.bytes) != (entry.documents, entry.bytes):
            findings.append(
                f"collection {name} has {counted(sums.documents, 'documents')} in {sums.bytes:,} bytes, "
                f"the manifest says {entry.documents:,} in {entry.bytes:,}"
            )
    return _compared(findings, f"{counted(len(pairs), 'collections')} as the manifest says")


@check(
    "content",
    subject="backup",
    decides="database",
    depth="full",
    cost="in the same pass over every byte",
    reads="content sum and CRC-64 of each collection",
    evidence="the collection, its sums in the archive and in the manifest",
)
def content(evidence: Evidence) -> Outcome | None:
    """Each collection holds the very documents that were read from the server."""
    pairs = _pairs(evidence)
    if pairs is None:
        return None
    findings = []
    for name, entry, sums in pairs:
        if sums is None:
            continue
        if hex64(sums.content) != entry.content:
            findings.append(
                f"collection {name} has the content sum {hex64(sums.content)}, the manifest {entry.content}"
            )
        elif hex64(sums.crc64) != entry.crc64:
            findings.append(
                f"collection {name} has the CRC-64 {hex64(sums.crc64)}, the manifest {entry.crc64}"
            )
    return _compared(findings, f"{counted(len(pairs), 'collections')} byte for byte")


@check(
    "metadata",
    subject="backup",
    decides="database",
    depth="full",
    cost="in the same pass over every byte",
    reads="options, indexes and kind of each collection, in the manifest and in the archive",
    evidence="the collection whose description differs",
)
def metadata(evidence: Evidence) -> Outcome | None:
    """The manifest describes each collection as the archive does: a restore builds its indexes from it."""
    manifest = evidence.manifest if evidence.ours else None
    if not isinstance(manifest, Manifest) or not _readable(evidence):
        return None
    walked = evidence.walked
    if isinstance(walked, Exception):
        return None
    described = {entry.namespace.collection: entry for entry in walked.prelude.collections}
    findings = []
    for name, entry in manifest.collections.items():
        found = described.pop(name, None)
        if found is None:
            findings.append(f"collection {name} is described in the manifest and not in the archive")
        elif entry.kind != found.kind:
            findings.append(
                f"collection {name} is a {found.kind} in the archive, a {entry.kind} in the manifest"
            )
        elif entry.metadata and entry.metadata != found.raw:
            findings.append(
                f"collection {name} has other options or indexes in the manifest than in the archive"
            )
    findings += [
        f"collection {name} is described in the archive and not in the manifest" for name in described
    ]
    return _compared(findings, f"{counted(len(manifest.collections), 'collections')} described alike")


def _readable(evidence: Evidence) -> bool:
    backup = evidence.backup
    if backup.database_path is None:
        return False
    return not (evidence.ours and not isinstance(evidence.manifest, Manifest))


def _pairs(evidence: Evidence) -> list[tuple[str, CollectionEntry, Sums | None]] | None:
    manifest = evidence.manifest if evidence.ours else None
    if not isinstance(manifest, Manifest) or not _readable(evidence):
        return None
    walked = evidence.walked
    if isinstance(walked, Exception):
        return None
    found = {name.collection: sums for name, sums in walked.collections.items()}
    pairs: list[tuple[str, CollectionEntry, Sums | None]] = []
    for name, entry in manifest.collections.items():
        if entry.kind == "view":
            continue
        stored = BUCKETS + name if entry.kind == "timeseries" and name not in found else name
        pairs.append((name, entry, found.pop(stored, None)))
    pairs += [(name, CollectionEntry(), sums) for name, sums in found.items()]
    return pairs


def _compared(findings: list[str], well: str) -> Outcome:
    if not findings:
        return Outcome("ok", well)
    more = f"; and {len(findings) - 1} more" if len(findings) > 1 else ""
    return Outcome("fail", findings[0] + more, findings=tuple(findings[:SHOWN]))


def collections_of(evidence: Evidence) -> Iterator[tuple[str, Sums]]:
    """The collections of the pass, by name; with the database's where the dump has several."""
    backup = evidence.backup
    if backup.database_path is None or "walked" not in vars(evidence):
        return
    walked: Walked | Exception = evidence.walked
    if isinstance(walked, Exception):
        return
    databases = {name.database for name in walked.collections}
    for name, sums in walked.collections.items():
        yield (name.collection if len(databases) == 1 else str(name)), sums
