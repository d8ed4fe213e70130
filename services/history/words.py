"""Counts, sizes and durations in the words that jobs and history use, and journal texts without secrets."""

from __future__ import annotations

from services.counted import counted
from services.redact import redact, redact_values

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def size(count: float) -> str:
    """Bytes, decimal as the stock tools print them: `432 MB`, `1.2 GB`."""
    value, step = float(count), 0
    while abs(value) >= 999.5 and step < len(UNITS) - 1:
        value, step = value / 1000, step + 1
    digits = 0 if step == 0 or abs(value) >= 9.95 else 1
    return f"{value:.{digits}f} {UNITS[step]}"


def amount(count: int, unit: str) -> str:
    """Bytes as a size, anything else as a count with its unit, singular for one."""
    if unit == "bytes":
        return size(count)
    return counted(count, unit)


def duration(seconds: float) -> str:
    """`0.4 s`, `38 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = round(seconds)
    if seconds < 9.95 and seconds != whole:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def clean(text: str) -> str:
    """A journal's text as it may be shown: whoever wrote it, a sentence loses credentials and quoted documents.

    A single word is a name, a key or a hash and stays itself, but for secrets this process knows.
    """
    spoken = "://" in text or any(letter.isspace() for letter in text)
    return redact(text) if spoken else redact_values(text)
