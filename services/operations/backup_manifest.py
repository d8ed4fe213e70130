"""The manifest of a finished backup, and the JSON document made from it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from services.catalog.manifest import ArchiveFile, Manifest
from services.jobs.host import this_host
from services.mongo.connect import host_of
from services.operations.backup_model import BackupResult, CollectionResult, DatabaseResult, ObjectsResult
from services.operations.backup_objects import objects_entry

if TYPE_CHECKING:
    from services.objects.snapshot_result import SnapshotResult
    from services.operations.backup_run import Run


def tool_version() -> str:
    """This program's version; `0` when it runs from a folder that was never installed."""
    try:
        return version("quillkeep")
    except PackageNotFoundError:
        return "0"


def compose(run: Run, backup: str, files: Sequence[ArchiveFile], objects: SnapshotResult | None) -> Manifest:
    """The manifest of what a run has written."""
    plan, profile, info = run.plan, run.profile, run.info
    dump = run.part.dump if run.part is not None else None
    entry = objects_entry(objects) if objects is not None else None
    suspicious, about = run.suspicion(dump.collections if dump is not None else None, entry)
    return Manifest(
        id=backup,
        started=run.started,
        finished=run.ctx.clock(),
        tool_version=tool_version(),
        server_version=info.version if info else "",
        application_version=run.application,
        profile=profile.name,
        host=host_of(profile.mongo) if profile.mongo else "",
        replica_set=info.replica_set if info else None,
        machine_id=this_host().machine_id,
        database=profile.mongo.database if profile.mongo else "",
        bucket=profile.bucket.bucket if profile.bucket else "",
        prefix=profile.bucket.prefix if profile.bucket else "",
        parts=plan.parts,
        consistency=dump.consistency if dump is not None else None,
        consistency_detail=dump.detail if dump is not None else "",
        collections=dump.collections if dump is not None else {},
        objects=entry,
        files=tuple(files),
        previous=run.known.previous_id,
        pepper=run.pepper,
        server_would_change=dump.server_would_change if dump is not None else (),
        excluded=plan.exclude,
        suspicious=tuple(suspicious),
        suspicious_parts=tuple(about),
        purpose=plan.purpose,
        reason=plan.reason,
        warnings=tuple(run.warnings),
    )


def result_of(manifest: Manifest, path: Path, objects: SnapshotResult | None) -> BackupResult:
    """What the verb answers."""
    warnings = (*manifest.warnings, *(f"Suspicious: {sentence}" for sentence in manifest.suspicious))
    database = None
    if "database" in manifest.parts:
        database = DatabaseResult(
            collections={
                name: CollectionResult(
                    documents=entry.documents, bytes=entry.bytes, crc64=entry.crc64, content=entry.content
                )
                for name, entry in manifest.collections.items()
            }
        )
    return BackupResult(
        status="warnings" if warnings else "ok",
        id=manifest.id,
        path=str(path),
        consistency=manifest.consistency,
        consistency_detail=manifest.consistency_detail,
        suspicious=manifest.suspicious,
        warnings=warnings,
        database=database,
        objects=None
        if objects is None
        else ObjectsResult(
            count=objects.count,
            bytes=objects.bytes,
            linked=objects.linked,
            fetched=objects.fetched,
            missing=tuple(one.key for one in objects.missing),
        ),
    )
