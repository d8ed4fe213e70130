"""Every check there is: each module of this package is imported once, and what it registered is put in order."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

import services.checks as package
from services.checks.model import CHECKS, Check, in_order


@cache
def all_checks() -> tuple[Check, ...]:
    """All registered checks in the order in which they run; modules by name, checks as declared."""
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
        import_module(f"{package.__name__}.{module.name}")
    declared = sorted(CHECKS.values(), key=lambda entry: entry.module)
    return in_order(declared)


def backup_checks() -> tuple[Check, ...]:
    """The checks of a backup, those about its data last within a depth."""
    return tuple(entry for entry in all_checks() if entry.subject in ("backup", "both"))


def live_checks() -> tuple[Check, ...]:
    """The checks of the live data."""
    return tuple(entry for entry in all_checks() if entry.subject in ("live", "both"))
