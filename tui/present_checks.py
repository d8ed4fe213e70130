"""The result of `verify`: what was checked, what it ended as, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.counted import counted
from tui.present_catalog import when
from tui.progress import duration
from tui.terminal import Terminal
from widgets.text import escape

_WORST_FIRST = {"fail": 0, "unknown": 1, "warn": 2, "skipped": 3, "ok": 4}
SHOWN_FINDINGS = 10

Check = Mapping[str, Any]


def verify_lines(result: Mapping[str, Any], terminal: Terminal) -> list[str]:
    """Checks, the worst first, with evidence and the next step; those about the data apart; the verdict last."""
    checks: Sequence[Check] = result.get("checks", ())
    lines = [
        f"Passed over {escape(': '.join(map(str, passed)))}" for passed in result.get("passed_over") or ()
    ]
    about_data = [check for check in checks if check.get("decides") == "data"]
    own = [check for check in checks if check.get("decides") != "data"]
    widest = max((len(escape(check["name"])) for check in checks), default=0)
    lines += check_lines(own, terminal, widest)
    if about_data:
        lines.append("About the data in it, which does not make the backup better or worse:")
        lines += check_lines(about_data, terminal, widest)
    collections = result.get("collections") or {}
    if collections:
        documents = sum(entry.get("documents") or 0 for entry in collections.values())
        lines.append(f"{counted(len(collections), 'collections')}, {counted(documents, 'documents')}")
    backup = result.get("id") or result.get("backup") or ""
    name = escape(str(backup)) if isinstance(backup, str) else ""
    status = str(result["status"])
    verdict = str(result.get("verdict") or status)
    apart = f"  (the backup itself: {verdict})" if verdict != status else ""
    lines.append(f"{terminal.status(status)}  {name}{apart}".rstrip())
    return lines


def check_lines(checks: Sequence[Check], terminal: Terminal, widest: int) -> list[str]:
    """One line a check, its further findings and its next step below."""
    lines = []
    for check in sorted(checks, key=lambda check: _WORST_FIRST.get(check["status"], 0)):
        lines.append(
            f"{terminal.status(check['status'])}{' ' * (8 - len(check['status']))}"
            f"{escape(check['name']).ljust(widest)}  {escape(check.get('detail') or '')}".rstrip()
        )
        if check["status"] == "ok":
            continue
        findings = [str(text) for text in check.get("findings") or ()]
        if len(findings) > 1:
            lines += [f"            {escape(text)}" for text in findings[:SHOWN_FINDINGS]]
        if check.get("next"):
            lines.append(f"            next: {escape(check['next'])}")
    return lines


def oldest_lines(result: Mapping[str, Any], terminal: Terminal) -> list[str]:
    """What was verified, what was left and when that was last verified, and the verdict."""
    lines: list[str] = []
    for one in result["verified"]:
        lines.append(
            f"{terminal.status(one['status'])}{' ' * (8 - len(one['status']))}"
            f"{_named(one)}  {duration(one['seconds'])}, {_before(one)}; {escape(one['detail'])}"
        )
        if one.get("next") and one["status"] != "ok":
            lines.append(f"            next: {escape(one['next'])}")
    for heading, key in (("Deleted before their turn:", "gone"), ("Left for the next time:", "left")):
        if result[key]:
            lines.append(heading)
            lines += [f"  {_named(one)}  {_before(one)}; {escape(one['why'])}" for one in result[key]]
    lines.append(f"{terminal.status(str(result['status']))}  {escape(result['summary'])}")
    return lines


def _named(one: Mapping[str, Any]) -> str:
    return f"{escape(one['id'])} in {escape(one['location'])}"


def _before(one: Mapping[str, Any]) -> str:
    return f"last verified {when(one['last'])}" if one.get("last") else "never verified before"
