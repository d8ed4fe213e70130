"""What jobs found in detail: the documents in their journals say more than the notes they left."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from services.catalog.model import Backup
from services.findings import Finding, FindingStatus
from services.jobs.events import Finished
from services.jobs.journal import read_events
from services.looking.integrity import CheckSeen
from services.paths import Paths

MAX_FOUND = 200
"""Findings of one check that are shown one by one."""


def findings_of(result: Mapping[str, Any]) -> list[Finding]:
    """The findings of a `pairs`, `validate` or `pepper` document, those of single collections included."""
    given: list[Any] = [*(result.get("findings") or ()), *(result.get("references") or ())]
    collections = result.get("collections")
    for one in collections if isinstance(collections, list) else ():
        if isinstance(one, dict):
            given += one.get("findings") or ()
    return [_finding(one, "unknown") for one in given]


class FoundInJobs:
    """Findings of one backup's checks, from the journals of the jobs that ran them, where these still lie here."""

    def __init__(self, backup: Backup, paths: Paths) -> None:
        self._backup = backup
        self._paths = paths
        self._checks = cache(self._read)

    def of(self, check: CheckSeen) -> tuple[Finding, ...]:
        """What a check found: findings with their place, or the sentences it said beyond its first."""
        entry = self._checks(check.job).get(check.name) if check.job else None
        if entry is None:
            return ()
        status: FindingStatus = (
            "fail" if check.status == "fail" else "warn" if check.status == "warn" else "unknown"
        )
        given = entry.get("found") or entry.get("findings") or ()
        return tuple(_finding(one, status) for one in given[:MAX_FOUND])

    def _read(self, job: str) -> Mapping[str, Mapping[str, Any]]:
        """The checks of one job about this backup, by name; none where its journal is not to be had."""
        folder = self._paths.jobs / job
        if folder.parent != self._paths.jobs:
            return {}
        try:
            events = read_events(folder)
        except OSError:
            # Another user's or removed: the note itself still tells what counts.
            return {}
        finished = next((event for event in reversed(events) if isinstance(event, Finished)), None)
        result = finished.result if finished is not None else {}
        mine = [
            one
            for one in (result, *(result.get("verified") or ()))
            if one.get("id") == self._backup.id and one.get("location") in (None, "", self._backup.location)
        ]
        return {
            str(check.get("name")): check
            for one in mine
            for check in one.get("checks") or ()
            if isinstance(check, dict)
        }


def _finding(given: Any, status: FindingStatus) -> Finding:
    if isinstance(given, str):
        return Finding(kind="other", status=status, what=given)
    try:
        return msgspec.convert(given, Finding, strict=False)
    except msgspec.ValidationError:
        # Of a version with other words: told as it is, never dropped.
        return Finding(kind="other", status=status, what=str(given)[:1_000])
