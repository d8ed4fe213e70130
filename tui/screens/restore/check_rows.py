"""The rows of the checks: what is known, what is still asked, and what fails with its next step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from services.catalog.model import Backup
from services.counted import counted
from services.looking.bucket import BucketAnswer
from services.looking.preflight import PreflightAnswer
from services.profile import Profile
from tui.screens.restore.model import WizardState
from tui.screens.restore.times import ago
from tui.store import Looked, Problem
from widgets.glyphs import Glyphs, tone
from widgets.lines_view import Line, wrapped

FRESH_HOURS = 24
"""A full verification newer than this is not run again."""
WAITING_ROWS = ("connection", "rights", "space", "server version", "other restores", "application", "pepper")
NAME = 15
WORD = 10


class Row(NamedTuple):
    """One check: `status` is ok, warn, fail, unknown, skipped, waiting or running."""

    name: str
    status: str
    detail: str
    next: str = ""


def fresh_full(backup: Backup, now: datetime) -> bool:
    """Whether a full verification that found nothing is newer than a day."""
    seen = backup.verified
    if seen is None or seen.depth == "quick" or seen.status != "ok":
        return False
    return now - seen.at < timedelta(hours=FRESH_HOURS)


def read_only_row(profile: Profile, state: WizardState) -> list[Row]:
    """READ-ONLY refuses a restore; who only looks is told, and goes on."""
    if not profile.read_only:
        return []
    if state.symptom == "practise":
        return [Row("READ-ONLY", "warn", "The plan can be made; a restore cannot be started.")]
    return [
        Row(
            "READ-ONLY",
            "fail",
            "This console may not change the database or the bucket.",
            "Open it without --read-only and without read_only in the profile. To see only the plan, choose "
            "in step 1 that you only want to look.",
        )
    ]


def bucket_row(looked: Looked[BucketAnswer], profile: Profile, state: WizardState) -> list[Row]:
    """The live bucket, where objects are restored."""
    if state.only == "database" or profile.bucket is None:
        return []
    if looked.problem is not None:
        one = looked.problem
        return [Row("bucket", "fail", f"{one.what} {one.cause}".strip(), one.next)]
    if looked.value is None:
        return [Row("bucket", "waiting", f"asked{_since(looked.asked)}")]
    found = looked.value
    more = "" if found.whole else " or more"
    return [
        Row(
            "bucket",
            "ok",
            f"{found.bucket} at {found.endpoint} answers: {counted(found.objects, 'objects')}{more}.",
        )
    ]


def preflight_rows(
    answer: PreflightAnswer | None, problem: Problem | None, asked: datetime | None
) -> list[Row]:
    """What the look before the restore told, or since when it is waited for."""
    if problem is not None:
        return [
            Row(
                "connection",
                "unknown",
                f"{problem.what} {problem.cause}".strip(),
                problem.next or "r: look again.",
            )
        ]
    if answer is None:
        return [Row(name, "waiting", f"asked{_since(asked)}") for name in WAITING_ROWS]
    return [Row(one.name, one.status, one.detail, one.next) for one in answer.checks]


def known_row(backup: Backup, now: datetime) -> Row:
    """A verification that was run before and is fresh."""
    seen = backup.verified
    assert seen is not None
    return Row(
        "backup", seen.status, f"Verified in full {ago(seen.at, now)}: {seen.status}. v verifies again."
    )


def result_row(result: dict[str, object]) -> Row:
    """What the verification found."""
    error = result.get("error")
    if isinstance(error, dict):
        text = " ".join(str(error.get(key) or "") for key in ("what", "cause")).strip()
        return Row("backup", "unknown", f"Could not be verified: {text}", str(error.get("next") or ""))
    status = str(result.get("status", "unknown"))
    found = result.get("checks")
    checks = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    bad = [one for one in checks if one.get("status") == status] if status != "ok" else []
    of_data = [one for one in checks if one.get("status") in ("fail", "unknown", "warn")]
    if not bad and of_data and result.get("verdict") == "ok":
        told = f"Every byte proven; in the data that was backed up {of_data[0].get('name')}: {of_data[0].get('detail')}"
        return Row("backup", status, told, str(of_data[0].get("next") or ""))
    if not bad:
        count = len(checks)
        return Row("backup", status, f"Verified in full: {count} checks, every byte read.")
    first = bad[0]
    next = "Go back (Escape) and choose another backup." if status == "fail" else str(first.get("next") or "")
    return Row("backup", status, f"{first.get('name')}: {first.get('detail')}", next)


def failing(rows: Iterable[Row]) -> list[Row]:
    """What forbids to go on."""
    return [row for row in rows if row.status == "fail"]


def lines_of(rows: Sequence[Row], width: int, glyphs: Glyphs) -> list[Line]:
    """The rows in `width` cells: glyph and word, name, and the sentences in a column of their own."""
    lines: list[Line] = []
    for row in rows:
        head = f"{glyphs.status(row.status):<{WORD}} {row.name:<{NAME}} "
        rest = " " * len(head)
        colour = tone(row.status)
        lines += [Line(text, colour) for text in wrapped(row.detail, width, first=head, rest=rest)]
        if row.next and row.status not in ("ok", "running", "waiting"):
            first = f"{rest}{glyphs.arrow} "
            lines += [Line(text, "") for text in wrapped(row.next, width, first=first, rest=" " * len(first))]
    return lines


def _since(asked: datetime | None) -> str:
    return f" since {asked.astimezone():%H:%M:%S}" if asked is not None else ""
