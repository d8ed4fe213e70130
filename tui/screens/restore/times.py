"""Times for somebody who looks at a clock on the wall: local and UTC, ages in words, and what was typed read back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta


def zone_word(now: datetime) -> str:
    """The local zone's name as the system calls it."""
    return now.astimezone().tzname() or "local"


def is_utc(now: datetime) -> bool:
    """Whether local time is UTC."""
    return not now.astimezone().utcoffset()


def both(moment: datetime) -> str:
    """`Sun 22 Nov 03:00 CET (02:00 UTC)`, the bracket only where it says more."""
    local = moment.astimezone()
    shown = f"{local:%a %d %b %H:%M} {zone_word(moment)}"
    return shown if is_utc(moment) else f"{shown} ({moment.astimezone(UTC):%d %b %H:%M} UTC)"


def clock(moment: datetime, *, wide: bool = True, seconds: bool = False) -> str:
    """`Sun 22 Nov 03:00 (02:00 UTC)`, for a column; without the UTC where it is not `wide`."""
    shown = moment.astimezone().strftime("%a %d %b %H:%M:%S" if seconds else "%a %d %b %H:%M")
    if not wide:
        return shown
    utc = "UTC" if is_utc(moment) else f"({moment.astimezone(UTC):%H:%M} UTC)"
    return f"{shown} {utc}"


def span(seconds: float) -> str:
    """A length of time in at most two units."""
    minutes = max(0, int(seconds // 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes and hours < 6 else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if hours and days < 7 else f"{days} days"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago; a time to come says so."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 60:
        return "just now"
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)} (check the clock)"


def read_time(text: str, now: datetime) -> datetime | None:
    """What was typed, UTC: `HH:MM` (the last such time), `D HH:MM` as `2026-11-22 02:10`, or `3 h`, `20 min`, `2 d`.

    None when it is nothing of these. Times are local unless they end in `UTC` or `Z`.
    """
    words = text.strip()
    if match := re.fullmatch(r"(\d{1,4})\s*(min|m|h|d|days?|hours?)(?:\s+ago)?", words, re.IGNORECASE):
        unit = {"m": "minutes", "h": "hours", "d": "days"}[match[2][0].lower()]
        return now - timedelta(**{unit: int(match[1])})
    utc = bool(re.search(r"(?:UTC|Z)$", words, re.IGNORECASE))
    words = re.sub(r"\s*(?:UTC|Z)$", "", words, flags=re.IGNORECASE)
    here = now.astimezone(UTC) if utc else now.astimezone()
    if match := re.fullmatch(r"(\d{1,2}):(\d{2})", words):
        hour, minute = int(match[1]), int(match[2])
        if hour > 23 or minute > 59:
            return None
        moment = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return (moment if moment <= here else moment - timedelta(days=1)).astimezone(UTC)
    try:
        naive = datetime.strptime(words.replace("T", " "), "%Y-%m-%d %H:%M")
    except ValueError:
        return None
    moment = naive.replace(tzinfo=UTC) if utc else naive.astimezone()
    return moment.astimezone(UTC) if moment <= now else None
