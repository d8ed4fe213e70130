"""A validation for a person: the worst findings first, each with its next step; what is well is folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.counted import counted
from tui.present_catalog import size
from tui.table import table
from tui.terminal import Terminal
from widgets.text import escape

_WORST_FIRST = {"fail": 0, "unknown": 1, "warn": 2, "skipped": 3, "ok": 4}
EXAMPLES_SHOWN = 3

Document = Mapping[str, Any]
"""The `validate` document."""


def validate_lines(result: Document, terminal: Terminal) -> list[str]:
    """The table of collections, the findings, the checks that did not end well, and the verdict."""
    rows = sorted(result["collections"], key=lambda row: (_WORST_FIRST.get(row["status"], 0), row["name"]))
    lines = _table(rows, terminal)
    findings = [finding for row in rows for finding in row["findings"]] + list(result["references"])
    if findings:
        lines += ["", terminal.paint("Findings", "bold")]
        for finding in sorted(findings, key=lambda one: _WORST_FIRST.get(one["status"], 0)):
            lines += finding_lines(finding, terminal)
    open_checks = [one for one in result.get("checks", ()) if one["status"] in ("skipped", "unknown")]
    if open_checks:
        lines += ["", terminal.paint("Not looked at, or not told", "bold")]
        for one in open_checks:
            lines.append(f"{_status(one['status'], terminal)}{escape(one['name'])}: {escape(one['detail'])}")
            if one.get("next"):
                lines.append(f"            next: {escape(one['next'])}")
    leftovers = result.get("leftovers") or ()
    if leftovers:
        documents = sum(one["documents"] for one in leftovers)
        lines += [
            "",
            f"{counted(documents, 'documents')} name what was deleted, as the application leaves it (--json says which).",
        ]
    backup = f", against {escape(result['backup'])}" if result.get("backup") else ""
    lines += ["", f"{terminal.status(str(result['status']))}  {escape(result.get('summary') or '')}{backup}"]
    return lines


def _status(status: str, terminal: Terminal) -> str:
    return f"{terminal.status(status)}{' ' * (8 - len(status))}"


def _table(rows: Sequence[Document], terminal: Terminal) -> list[str]:
    cells = [("COLLECTION", "STATUS", "DOCUMENTS", "CHANGE", "BYTES", "INDEXES", "")]
    for row in rows:
        view = row["kind"] == "view"
        cells.append(
            (
                escape(row["name"]),
                row["status"],
                "-" if view else f"{row['documents']:,}",
                _since(row),
                "-" if view else size(row["bytes"]),
                "-" if view else f"{row['indexes']}",
                "" if row["known"] else "not the application's",
            )
        )
    if len(cells) == 1:
        return ["The database has no collections."]
    shown = table(cells, right=frozenset({2, 3, 4, 5}))
    return [terminal.paint(shown[0].rstrip(), "bold"), *(line.rstrip() for line in shown[1:])]


def _since(row: Document) -> str:
    """How many documents more or fewer than in the newest good backup."""
    if row["backup_documents"] is None or row["kind"] == "view":
        return ""
    change = row["documents"] - row["backup_documents"]
    return f"{change:+,}" if change else "="


def finding_lines(finding: Document, terminal: Terminal) -> list[str]:
    """One finding: what, whose, which documents, what next."""
    lines = [f"{_status(finding['status'], terminal)}{escape(finding['what'])}"]
    if finding.get("user"):
        lines.append(f"            user: {escape(finding['user'])}")
    examples = finding.get("examples") or ()
    if examples:
        more = finding["count"] - min(EXAMPLES_SHOWN, len(examples))
        shown = ", ".join(escape(one) for one in examples[:EXAMPLES_SHOWN])
        lines.append(f"            ids:  {shown}{f', and {more:,} more' if more > 0 else ''}")
    if finding.get("next"):
        lines.append(f"            next: {escape(finding['next'])}")
    return lines
