"""What the newest checks of the live data found, as far as the jobs of this host know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.jobs.listing import JobSummary
from services.jobs.way_on import CHANGES_LIVE
from services.status.model import Finding
from services.status.words import ago

COMMANDS = {"validate": "validate", "pairs": "pairs", "pepper-check": "pepper check"}
"""Verbs of jobs and how they are typed."""
CHANGED = frozenset({"succeeded", "warnings"})
BROKEN = 1
"""The exit code of a check that found something broken."""


def check_findings(jobs: Sequence[JobSummary], now: datetime) -> list[Finding]:
    """One for each check whose newest run on all live data found it broken; `jobs` newest first.

    A restore or rollback since then put other data in place: what was found before it says nothing any more.
    """
    findings = []
    told: set[str] = set()
    for job in jobs:
        if job.verb in CHANGES_LIVE and job.state in CHANGED and not job.only_looked:
            break
        command = COMMANDS.get(job.verb)
        if command is None or not job.checked_live or job.finished is None or job.verb in told:
            continue
        told.add(job.verb)
        if job.exit_code == BROKEN:
            findings.append(
                Finding(
                    what=f"The last `{command}` found live data broken ({ago((now - job.finished).total_seconds() / 3600)}).",
                    status="WARNING",
                    detail=f"{job.summary.rstrip('.')}.",
                    next=f"quillkeep {command}",
                    remedy="integrity",
                    subject=job.id,
                    short=f"`{command}` found live data broken",
                )
            )
    return findings
