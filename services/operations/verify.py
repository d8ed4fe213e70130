"""`verify`: what a backup is worth, found by looking; the verdict goes into its notes, nothing is repaired."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.archive.documents import hex64
from services.catalog.listing import artefact_name, lookup
from services.catalog.manifest import Manifest, Part
from services.catalog.model import Backup, CheckStatus, Depth
from services.catalog.naming import printable
from services.catalog.notes import BadObject, CheckNote, NotedCheck, SharedDamageNote, append_note
from services.catalog.scan import Catalog
from services.checks.all import backup_checks
from services.checks.database import collections_of
from services.checks.evidence import Evidence
from services.checks.model import CheckResult, reaches, run_check, verdict, verdict_of_part
from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext, Phase
from services.jobs.events import Level
from services.jobs.location_lock import reading

MAX_FINDINGS = 50
"""Findings kept in a note."""
MAX_DETAIL = 500
"""Characters of a check's evidence kept in a note."""


class VerifyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which backup (id, `latest` or path) and how deep."""

    backup: str = "latest"
    depth: Depth = "full"


class CollectionFound(msgspec.Struct, frozen=True, kw_only=True):
    """A collection as the pass over the archive found it."""

    documents: int
    bytes: int
    crc64: str
    content: str


class VerifyResult(msgspec.Struct, frozen=True, kw_only=True):
    """The `verify` document; `proof` is `structure` where the form carries no sums.

    `shared_with` names the other snapshots that hold a bad file too, `passed_over` what `latest` did.
    """

    status: CheckStatus
    warnings: tuple[str, ...] = ()
    id: str
    path: str = ""
    depth: Depth = "full"
    proof: str = "structure"
    checks: tuple[CheckResult, ...] = ()
    collections: dict[str, CollectionFound] = {}
    parts: dict[Part, CheckStatus] = {}
    bad_objects: tuple[BadObject, ...] = ()
    shared_with: tuple[str, ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()


def verify(plan: VerifyPlan, ctx: JobContext) -> VerifyResult:
    """Runs every check up to the depth and notes the verdict. Reads files only.

    Errors: `Refused` for the depth `deep`, which is not built yet, and as `find_backup`; damage is a result.
    """
    if plan.depth == "deep":
        raise Refused(
            "A deep verify, which loads the backup into a server, is not built yet.",
            next=f"`quillkeep verify {plan.backup} --depth full` reads and proves every byte.",
        )
    found, catalog = lookup(plan.backup, ctx.profile, ctx.paths)
    backup = found.backup
    for id, why in found.passed_over:
        ctx.log(f"Passed over {id}: {why}")
    phase = ctx.phase("verify", backup.id, total=backup.bytes if plan.depth != "quick" else None)
    with reading(_marked_folder(backup, ctx), backup.id, ctx.job, verb="verify"):
        result = _run(plan, ctx, backup, catalog, phase)
    phase.finish(result.status)
    return msgspec.structs.replace(result, passed_over=found.passed_over)


def _marked_folder(backup: Backup, ctx: JobContext) -> Path:
    """The location's own folder, where writers look for marks; the backup's for one outside of locations."""
    for location in ctx.profile.locations:
        if location.name == backup.location and backup.folder.is_relative_to(location.path):
            return Path(location.path)
    return backup.folder


def _run(plan: VerifyPlan, ctx: JobContext, backup: Backup, catalog: Catalog, phase: Phase) -> VerifyResult:
    evidence = Evidence(backup, limits=ctx.profile.limits, check=ctx.check, advance=phase.advance)
    results: list[CheckResult] = []
    entries = [entry for entry in backup_checks() if reaches(entry.depth, plan.depth)]
    running = {entry.name for entry in entries}
    for entry in entries:
        ctx.check()
        if entry.covered_by in running:
            continue
        result = run_check(entry, evidence)
        if result is None:
            continue
        results.append(result)
        if result.status != "ok":
            level: Level = "error" if result.status == "fail" else "warning"
            ctx.log(f"{result.name}: {result.status}: {result.detail}", level)
    status = verdict(results)
    parts = {part: verdict_of_part(results, part) for part in backup.parts}
    bad = _bad_objects(evidence)
    note = CheckNote(
        at=ctx.clock(),
        depth=plan.depth,
        status=status,
        proof="content" if _proves_content(evidence) else "structure",
        job=ctx.job,
        parts=parts,
        findings=_findings(results),
        bad=bad,
        checks=tuple(
            NotedCheck(name=one.name, status=one.status, detail=one.detail[:MAX_DETAIL], next=one.next)
            for one in results
        ),
    )
    warnings: list[str] = []
    _note(backup, note, ctx, warnings)
    shared = _tell_sharers(backup, bad, evidence, catalog, ctx, warnings) if bad else ()
    return VerifyResult(
        status=status,
        warnings=tuple(warnings),
        id=backup.id,
        path=printable(
            str(backup.manifest_path or backup.database_path or backup.objects_path or backup.folder)
        ),
        depth=plan.depth,
        proof=note.proof,
        checks=tuple(results),
        collections={
            name: CollectionFound(
                documents=sums.documents,
                bytes=sums.bytes,
                crc64=hex64(sums.crc64),
                content=hex64(sums.content),
            )
            for name, sums in collections_of(evidence)
        },
        parts=parts,
        bad_objects=bad,
        shared_with=shared,
    )


def _findings(results: Sequence[CheckResult]) -> tuple[str, ...]:
    found = [
        text
        for result in results
        if result.status in ("fail", "unknown", "warn")
        for text in (result.findings or (result.detail,))
    ]
    return tuple(found[:MAX_FINDINGS])


def _proves_content(evidence: Evidence) -> bool:
    """Whether every part was compared with sums that came with it."""
    gathered = vars(evidence)
    backup = evidence.backup
    proven = []
    if "database" in backup.parts:
        walked = gathered.get("walked")
        if walked is None or isinstance(walked, Exception):
            proven.append(False)
        else:
            proven.append(evidence.ours or walked.crc_checked)
    if "objects" in backup.parts:
        found = gathered.get("objects")
        proven.append(found is not None and not isinstance(found, Exception) and found.proof == "content")
    return bool(proven) and all(proven)


def _bad_objects(evidence: Evidence) -> tuple[BadObject, ...]:
    for name in ("objects", "object_sizes"):
        found = vars(evidence).get(name)
        if found is not None and not isinstance(found, Exception):
            return tuple(
                BadObject(key=one.key, inode=one.inode, why=one.why) for one in found.bad if not one.unread
            )
    return ()


def _note(backup: Backup, note: CheckNote | SharedDamageNote, ctx: JobContext, warnings: list[str]) -> None:
    try:
        append_note(backup.folder, artefact_name(backup), note, ctx.paths)
    except QuillkeepError as error:
        warnings.append(f"The verdict could not be noted: {error.cause}")


def _tell_sharers(
    backup: Backup,
    bad: Sequence[BadObject],
    evidence: Evidence,
    catalog: Catalog,
    ctx: JobContext,
    warnings: list[str],
) -> tuple[str, ...]:
    """Notes the damage on every other snapshot that links a bad file, and names them."""
    if backup.objects_path is None or not isinstance(evidence.manifest, Manifest):
        return ()
    others = {
        one.objects_path: one
        for one in catalog.backups
        if one.objects_path is not None
        and one.kind == "quillkeep"
        and one.objects_path != backup.objects_path
    }
    files = _file_names(evidence, {one.key for one in bad})
    shared: dict[Path, list[BadObject]] = {}
    for one in bad:
        relative = files.get(one.key, one.key)
        mine = _identity(backup.objects_path / relative)
        for folder in others if mine else ():
            if _identity(folder / relative) == mine:
                shared.setdefault(folder, []).append(one)
    for folder, objects in shared.items():
        other = others[folder]
        _note(
            other,
            SharedDamageNote(at=ctx.clock(), found_in=backup.id, job=ctx.job, bad=tuple(objects)),
            ctx,
            warnings,
        )
        warnings.append(f"{other.id} shares {len(objects)} damaged object files with {backup.id}.")
    return tuple(sorted(others[folder].id for folder in shared))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _file_names(evidence: Evidence, keys: set[str]) -> dict[str, str]:
    """The file names of keys that could not be file names themselves."""
    from services.objects.manifest import read_lines

    if evidence.objects_lines is None:
        return {}
    try:
        return {line.key: line.path for line in read_lines(evidence.objects_lines) if line.key in keys}
    except QuillkeepError:
        return {}
