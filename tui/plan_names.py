"""Which backups a job's plan names, and which verbs read what is in them."""

from __future__ import annotations

import msgspec

READING = frozenset({"verify", "plan", "restore", "diff", "pairs", "pepper-check", "validate", "rehearse"})
"""Verbs whose job reads the backup that its plan names."""


def named_backups(plan: msgspec.Struct) -> tuple[str, ...]:
    """The references to backups in a plan of any verb, as they were given."""
    request = getattr(plan, "request", None)
    found = [getattr(plan, field, None) for field in ("backup", "a", "b", "rows", "objects", "target")]
    found.append(getattr(request, "backup", None))
    return tuple(name for name in found if isinstance(name, str) and name)
