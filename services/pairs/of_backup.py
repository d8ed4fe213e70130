"""The pair check of a backup inside a verify: what hangs into its pass, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path

from services.catalog.manifest import Manifest
from services.catalog.model import Backup
from services.catalog.scan import survey
from services.jobs.context import JobContext
from services.pairs.collector import LazySide, LinesObjects, PairsCollector, TakenObjects
from services.pairs.engine import Surroundings
from services.pairs.model import PairsResult
from services.pairs.opening import backup_rows, in_application_words
from services.pairs.stores import ObjectsSide
from services.reading.side import DataSide

SKEW = timedelta(seconds=60)
"""How far the application's clock may be from ours."""


def pairs_collector(ctx: JobContext, backup: Backup, manifest: Manifest | None) -> PairsCollector:
    """What gathers the rows of a backup; `manifest` None for a foreign one."""
    return PairsCollector(_prefix(ctx, manifest), sealed=backup.encrypted is not None)


def pairs_of_backup(
    collector: PairsCollector,
    backup: Backup,
    ctx: JobContext,
    manifest: Manifest | None,
    collections: Collection[str],
    lines: Path | None,
    *,
    check: Callable[[], None],
) -> PairsResult:
    """The rows a pass gathered against the backup's own objects: by `lines`, its object manifest, else those
    that the collector was given as they were read.

    A backup without objects, or made without `files`, is `skipped` with the reason. No object is read: their
    bytes are the sha256 check's. Errors: `QuillkeepError`, `OSError` when the objects cannot be listed.
    """
    if why := _why_not(backup, manifest):
        collector.close()
        return PairsResult(
            status="skipped", rows_of=backup.id, objects_of=backup.id, warnings=(why,), summary=why
        )

    def open_side() -> DataSide:
        return backup_rows(backup, ctx.profile, check=check, advance=lambda amount: None).data

    objects: ObjectsSide
    if lines is not None:
        objects = LinesObjects(backup.id, lines, _prefix(ctx, manifest))
    else:
        objects = TakenObjects(backup.id, _prefix(ctx, manifest))
    around = Surroundings(
        paths=ctx.paths,
        backups=lambda: survey(ctx.profile.locations, ctx.profile, ctx.paths).backups,
        open_rows=lambda other: backup_rows(other, ctx.profile, check=check, advance=lambda amount: None),
        bucket=manifest.bucket if manifest else "",
        sealed=backup.encrypted is not None,
        started=in_application_words(manifest.started - SKEW) if manifest else "",
    )
    side = LazySide(backup.id, manifest.database if manifest else "", open_side)
    return collector.result(collections, side, objects, around, check=check)


def _prefix(ctx: JobContext, manifest: Manifest | None) -> str:
    if manifest is not None:
        return manifest.prefix
    return ctx.profile.bucket.prefix if ctx.profile.bucket else ""


def _why_not(backup: Backup, manifest: Manifest | None) -> str:
    if "objects" not in backup.parts or backup.objects_path is None:
        return f"{backup.id} has no objects part, so its pairs cannot be told."
    if manifest is not None and "files" in manifest.excluded:
        return f"{backup.id} was made without the collection files, so its pairs cannot be told."
    return ""
