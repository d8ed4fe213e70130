"""Verifies one backup: every check up to a depth, the verdict into its notes; nothing is repaired."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

from services.archive.documents import hex64
from services.catalog.listing import artefact_name
from services.catalog.manifest import Part
from services.catalog.marks import being_read
from services.catalog.model import Backup, CheckStatus, Depth
from services.catalog.naming import printable
from services.catalog.notes import BadObject, CheckNote, NotedCheck, SharedDamageNote, append_note, read_notes
from services.catalog.scan import Catalog
from services.catalog.verdict import part_status, why_failed
from services.checks.all import backup_checks
from services.checks.database import collections_of
from services.checks.evidence import Evidence
from services.checks.model import (
    CheckResult,
    reaches,
    run_check,
    verdict,
    verdict_of_data,
    verdict_of_part,
)
from services.counted import counted
from services.deep.model import ANYWHERE, DeepOptions
from services.errors import QuillkeepError
from services.jobs.context import JobContext, Phase
from services.jobs.events import Level
from services.operations.verify_model import CollectionFound, VerifyResult
from services.verifying.shared_damage import bad_objects, tell_sharers

MAX_FINDINGS = 50
"""Findings kept in a note."""
MAX_DETAIL = 500
"""Characters of a check's evidence kept in a note."""
TOLD: frozenset[CheckStatus] = frozenset({"ok", "warn", "fail"})


class Vanished(QuillkeepError):
    """The backup was taken away while, or before, it was looked at."""


def verify_one(
    backup: Backup,
    depth: Depth,
    ctx: JobContext,
    catalog: Catalog,
    phase: Phase,
    *,
    options: DeepOptions = ANYWHERE,
    seen: dict[tuple[int, int], str] | None = None,
) -> VerifyResult:
    """Runs the checks under a reading mark and notes the verdict; `phase` counts the bytes.

    `options` say where a deep run may load, `seen` are object files read already in this job, by inode. Damage is a result. Errors: `Vanished` when
    the backup's files are gone as if it had been deleted; then nothing is noted.
    """
    began = time.monotonic()
    counting = _Counting(phase.advance)
    evidence = Evidence(
        backup,
        limits=ctx.profile.limits,
        check=ctx.check,
        advance=counting.advance,
        depth=depth,
        ctx=ctx,
        deep_options=options,
        seen=seen,
    )
    with being_read(ctx, "verify", backup):
        _assert_there(backup)
        try:
            results = _run_checks(evidence, depth, ctx)
        finally:
            evidence.close()
        _assert_there(backup)
    bad = bad_objects(evidence)
    note = CheckNote(
        at=ctx.clock(),
        proof="content" if _proves_content(evidence) else "structure",
        job=ctx.job,
        bad=bad,
        seconds=round(time.monotonic() - began, 3),
        bytes=counting.bytes,
        **_verdicts(backup, results, depth),
    )
    warnings: list[str] = []
    shared = _write(note, evidence, ctx, catalog, warnings)
    status, data = verdict(results), verdict_of_data(results)
    if status in ("ok", "warn") and (standing := _standing(backup, depth, ctx)):
        warnings += standing
        status = "warn"
    if status == "ok" and data == "fail":
        warnings.append(f"{backup.id} itself is whole: what is wrong is the data that was backed up.")
    return VerifyResult(
        status="warn" if status == "ok" and data in ("fail", "warn", "unknown") else status,
        warnings=tuple(warnings),
        id=backup.id,
        location=backup.location,
        path=printable(str(main_path(backup))),
        depth=depth,
        proof=note.proof,
        verdict=status,
        data=data,
        checks=tuple(results),
        collections=_collections(evidence),
        parts={part: verdict_of_part(results, part) for part in backup.parts},
        bad_objects=bad,
        shared_with=shared,
    )


def main_path(backup: Backup) -> Path:
    """The file or folder that a backup stands for."""
    return backup.manifest_path or backup.database_path or backup.objects_path or backup.folder


class _Counting:
    """Counts the bytes of one backup; object files are read by several threads."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self.bytes = 0
        self._advance = advance
        self._lock = threading.Lock()

    def advance(self, amount: int) -> None:
        """Counts, and passes on."""
        with self._lock:
            self.bytes += amount
        self._advance(amount)


def _assert_there(backup: Backup) -> None:
    """`Vanished` when nothing stands for the backup any more; a part alone that is gone is a finding."""
    paths = [backup.manifest_path] if backup.manifest_path else [backup.database_path, backup.objects_path]
    for path in paths:
        try:
            if path is not None:
                os.lstat(path)
                return
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return
    raise Vanished(
        f"{backup.id} is gone: {printable(str(main_path(backup)))} is not there any more.",
        cause="It was deleted or pruned meanwhile, or its location is no longer mounted.",
        touched="Nothing was changed and nothing noted.",
        next="`quillkeep list` shows what is there; `quillkeep trash list` what was deleted.",
    )


def _run_checks(evidence: Evidence, depth: Depth, ctx: JobContext) -> list[CheckResult]:
    entries = [entry for entry in backup_checks() if reaches(entry.depth, depth)]
    running = {entry.name for entry in entries}
    results: list[CheckResult] = []
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
            ctx.log(f"{result.name} ended {result.status}: {result.detail}", level)
    return results


class _Verdicts(TypedDict):
    depth: Depth
    asked: Depth
    status: CheckStatus
    parts: dict[Part, CheckStatus]
    findings: tuple[str, ...]
    checks: tuple[NotedCheck, ...]


def _verdicts(backup: Backup, results: Sequence[CheckResult], depth: Depth) -> _Verdicts:
    """What is noted: a deep part that could not be run leaves the note of a full verify."""
    deep = [one for one in results if one.depth == "deep" and one.decides != "data"]
    noted: Depth = depth
    counting = list(results)
    if depth == "deep" and not deep and "database" in backup.parts:
        noted = "full"
    elif any(one.status not in TOLD for one in deep) and not any(one.status == "fail" for one in deep):
        noted = "full"
        counting = [one for one in results if one not in deep]
    return {
        "depth": noted,
        "asked": depth,
        "status": verdict(counting),
        "parts": {part: verdict_of_part(counting, part) for part in backup.parts},
        "findings": _findings(results),
        "checks": tuple(
            NotedCheck(
                name=one.name,
                status=one.status,
                detail=one.detail[:MAX_DETAIL],
                next=one.next,
                decides=one.decides,
            )
            for one in results
        ),
    }


def _findings(results: Sequence[CheckResult]) -> tuple[str, ...]:
    found = [
        text
        for result in results
        if result.status in ("fail", "unknown", "warn") and result.decides != "data"
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


def _write(
    note: CheckNote, evidence: Evidence, ctx: JobContext, catalog: Catalog, warnings: list[str]
) -> tuple[str, ...]:
    """The verdict beside the backup, its damaged object files beside those that share them; gives their ids."""
    backup = evidence.backup
    _append(backup, note, ctx, warnings)
    if not note.bad:
        return ()

    def tell(other: Backup, objects: tuple[BadObject, ...]) -> None:
        told = SharedDamageNote(at=ctx.clock(), found_in=backup.id, job=ctx.job, bad=objects)
        _append(other, told, ctx, warnings)
        warnings.append(
            f"{other.id} shares {counted(len(objects), 'damaged object files')} with {backup.id}."
        )

    return tell_sharers(backup, note.bad, evidence, catalog, tell)


def _standing(backup: Backup, depth: Depth, ctx: JobContext) -> list[str]:
    """What an earlier run found damaged, and this one was not deep enough to disprove."""
    notes = read_notes(backup.folder, artefact_name(backup), ctx.paths)
    return [
        f"The {part} of {backup.id} failed an earlier check, which this {depth} verify cannot disprove: "
        f"{why_failed(notes, part)}"
        for part in backup.parts
        if part_status(notes, part) == "fail"
    ]


def _append(backup: Backup, note: CheckNote | SharedDamageNote, ctx: JobContext, warnings: list[str]) -> None:
    try:
        append_note(backup.folder, artefact_name(backup), note, ctx.paths)
    except QuillkeepError as error:
        warnings.append(f"The verdict could not be noted: {error.cause}")


def _collections(evidence: Evidence) -> dict[str, CollectionFound]:
    return {
        name: CollectionFound(
            documents=sums.documents, bytes=sums.bytes, crc64=hex64(sums.crc64), content=hex64(sums.content)
        )
        for name, sums in collections_of(evidence)
    }
