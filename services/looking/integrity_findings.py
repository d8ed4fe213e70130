"""What jobs found in detail: the documents in their journals say more than the notes they left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from services.catalog.model import Backup
from services.counted import by_number, counted
from services.findings import Finding, FindingStatus
from services.jobs.events import Finished
from services.jobs.journal import read_events
from services.looking.integrity import CheckSeen
from services.paths import Paths

MAX_FOUND = 200
"""Findings of one check that are shown one by one."""
_WORST = ("fail", "unknown", "warn", "skipped", "ok")
_UNTOLD = {"untold": "cannot be told", "damaged": "damaged"}


def findings_of(result: Mapping[str, Any]) -> list[Finding]:
    """The findings of a `pairs`, `validate` or `pepper` document, those of single collections included."""
    given: list[Any] = [*(result.get("findings") or ()), *(result.get("references") or ())]
    collections = result.get("collections")
    for one in collections if isinstance(collections, list) else ():
        if isinstance(one, dict):
            given += one.get("findings") or ()
    return [_finding(one, "unknown") for one in given]


def checks_of(result: Mapping[str, Any], at: datetime, job: str) -> tuple[CheckSeen, ...]:
    """The checks that a document names, the worst first; their findings stand in `findings_of`."""
    checks = []
    for one in result.get("checks") or ():
        if not isinstance(one, dict) or one.get("status") not in _WORST:
            continue
        checks.append(
            CheckSeen(
                name=str(one.get("name", "")),
                status=one["status"],
                at=at,
                decides="data",
                detail=str(one.get("detail") or ""),
                next=str(one.get("next") or ""),
                job=job,
            )
        )
    return tuple(sorted(checks, key=lambda check: _WORST.index(check.status)))


def told_of(result: Mapping[str, Any]) -> list[str]:
    """What a document about the live data tells beside its findings, one sentence each."""
    lines = [str(one) for one in result.get("notes") or ()]
    lines += [_broken_file(one) for one in result.get("files") or () if isinstance(one, dict)]
    if result.get("full_list"):
        lines.append(f"All keys are in {result['full_list']}.")
    for place in ("by_collection", "by_user"):
        opened = result.get(place)
        for name, one in opened.items() if isinstance(opened, dict) else ():
            lines.append(f"{name}: {one.get('opened', 0):,} of {one.get('total', 0):,} open{_untold(one)}")
    if result.get("next"):
        lines.append(f"Next: {result['next']}")
    # No faults, and so the last that is said.
    lines += [_leftover(one) for one in result.get("leftovers") or () if isinstance(one, dict)]
    return lines


def _leftover(one: Mapping[str, Any]) -> str:
    documents = int(one.get("documents") or 0)
    return (
        f"No fault: {counted(documents, 'documents')} of {one.get('collection')} "
        f"{by_number(documents, 'names', 'name')} what was deleted ({one.get('path')}): "
        f"{one.get('why') or 'as the application leaves it'}"
    )


def _untold(one: Mapping[str, Any]) -> str:
    said = [f"{one[word]:,} {words}" for word, words in _UNTOLD.items() if one.get(word)]
    return f" ({', '.join(said)})" if said else ""


def _broken_file(one: Mapping[str, Any]) -> str:
    whose = one.get("user_name") or one.get("user")
    parts = [str(one.get("what", "")), str(one.get("key", ""))]
    about = [
        str(one["name"]) if one.get("name") else "",
        f"of {whose}" if whose else "",
        f"used by {', '.join(map(str, one['used']))}" if one.get("used") else "",
        str(one.get("why") or ""),
        f"good in {one['good_in']}" if one.get("good_in") else "in no backup known here",
    ]
    return f"{' '.join(parts)}: {', '.join(filter(None, about))}"


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
