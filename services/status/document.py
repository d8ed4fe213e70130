"""The JSON document of `status`."""

from __future__ import annotations

from typing import Any

import msgspec

from services.catalog.listing import moment
from services.jobs.listing import JobSummary
from services.status.model import Moment, Status, Word

EXIT_CODES: dict[Word, int] = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}
"""The headless contract's; those of monitoring plug-ins."""


def document(status: Status, jobs: tuple[JobSummary, ...]) -> dict[str, Any]:
    """`{"status", "findings", "latest", "rpo_hours", "rto_minutes"}` and more; times RFC 3339, sizes bytes."""
    return {
        "status": status.status,
        "verdict": status.verdict,
        "at": moment(status.at),
        "findings": [msgspec.structs.asdict(finding) for finding in status.findings],
        "warnings": [finding.what for finding in status.findings if finding.status != "OK"],
        "latest": {part.part: msgspec.structs.asdict(part) for part in status.parts},
        "rpo_hours": status.rpo_hours,
        "rpo_target_hours": status.rpo_target_hours,
        "rto_minutes": status.rto_minutes,
        "rto_target_minutes": status.rto_target_minutes,
        "rto_detail": status.rto_detail,
        "last_backup": _moment(status.last_backup),
        "last_verification": _moment(status.last_verification),
        "last_restore": _moment(status.last_restore),
        "nights_free": status.nights_free,
        "space_detail": status.space_detail,
        "days": [{**msgspec.structs.asdict(day), "day": day.day.isoformat()} for day in status.days],
        "running": [
            {"id": job.id, "verb": job.verb, "phase": job.phase, "progress": job.progress}
            for job in jobs
            if job.state in ("running", "cancelling")
        ],
    }


def _moment(value: Moment | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {**msgspec.structs.asdict(value), "at": moment(value.at)}
