"""The result of `verify`: what was checked, what it ended as, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.counted import counted
from tui.terminal import Terminal
from widgets.text import escape

_WORST_FIRST = {"fail": 0, "unknown": 1, "warn": 2, "skipped": 3, "ok": 4}


def verify_lines(result: Mapping[str, Any], terminal: Terminal) -> list[str]:
    """Checks, the worst first, with evidence and the next step; then the verdict."""
    checks = sorted(result.get("checks", ()), key=lambda check: _WORST_FIRST.get(check["status"], 0))
    widest = max((len(escape(check["name"])) for check in checks), default=0)
    lines = [
        f"Passed over {escape(': '.join(map(str, passed)))}" for passed in result.get("passed_over") or ()
    ]
    for check in checks:
        lines.append(
            f"{terminal.status(check['status'])}{' ' * (8 - len(check['status']))}"
            f"{escape(check['name']).ljust(widest)}  {escape(check.get('detail') or '')}".rstrip()
        )
        if check.get("next") and check["status"] != "ok":
            lines.append(f"            next: {escape(check['next'])}")
    collections = result.get("collections") or {}
    if collections:
        documents = sum(entry.get("documents") or 0 for entry in collections.values())
        lines.append(f"{counted(len(collections), 'collections')}, {counted(documents, 'documents')}")
    backup = result.get("id") or result.get("backup") or ""
    name = escape(str(backup)) if isinstance(backup, str) else ""
    lines.append(f"{terminal.status(str(result['status']))}  {name}".rstrip())
    return lines
