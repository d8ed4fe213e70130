"""A validation for a person: the worst findings first, each with its next step; what is well is folded."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from services.counted import by_number, counted
from tui.present_catalog import size
from tui.table import table
from tui.terminal import Terminal
from widgets.text import escape

_WORST_FIRST = {"fail": 0, "unknown": 1, "warn": 2, "skipped": 3, "ok": 4}
EXAMPLES_SHOWN = 3
USERS_SHOWN = 2
"""Users of one kind of finding; the others are counted."""

Document = Mapping[str, Any]
"""The `validate` document."""


def validate_lines(result: Document, terminal: Terminal) -> list[str]:
    """The table of collections, the findings, the checks that did not end well, and the verdict."""
    rows = sorted(result["collections"], key=lambda row: (_WORST_FIRST.get(row["status"], 0), row["name"]))
    lines = _table(rows, terminal)
    findings = [finding for row in rows for finding in row["findings"]] + list(result["references"])
    if findings:
        lines += ["", terminal.paint("Findings", "bold")]
        for alike in _alike(sorted(findings, key=lambda one: _WORST_FIRST.get(one["status"], 0))):
            for finding in alike[:USERS_SHOWN]:
                lines += finding_lines(finding, terminal)
            if folded := alike[USERS_SHOWN:]:
                documents = sum(finding["count"] for finding in folded)
                lines.append(
                    f"            and the same for {counted(len(folded), 'more users')}, {documents:,} in all "
                    "(--json names them)"
                )
    lines += _way_back(findings, terminal)
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
            f"{counted(documents, 'documents')} {by_number(documents, 'names', 'name')} what was deleted, as the application leaves it (--json says which).",
        ]
    backup = f", against {escape(result['backup'])}" if result.get("backup") else ""
    lines += ["", f"{terminal.status(str(result['status']))}  {escape(result.get('summary') or '')}{backup}"]
    return lines


def _alike(findings: Sequence[Document]) -> list[list[Document]]:
    """Findings of one kind and one field of several users together, in the order of the first of each."""
    groups: dict[tuple[str, ...], list[Document]] = {}
    for finding in findings:
        field = finding["what"].partition(" by ")[2].partition(" ")[0]
        key = (finding["status"], finding["kind"], finding["collection"], field)
        alone = () if finding.get("user") else (finding["what"],)
        groups.setdefault((*key, *alone), []).append(finding)
    return list(groups.values())


def _way_back(findings: Sequence[Document], terminal: Terminal) -> list[str]:
    """One command for everything that is broken and right in one backup."""
    restore: dict[str, set[str]] = {}
    for finding in findings:
        if finding["status"] == "fail" and finding["good_in"]:
            restore.setdefault(finding["good_in"], set()).update(finding["restore"])
    if sum(map(len, restore.values())) < 2:
        return []
    lines = ["", terminal.paint("All that is broken, at once", "bold")]
    for backup, names in sorted(restore.items(), reverse=True):
        chosen = shlex.quote(",".join(sorted(names)))
        lines.append(f"  quillkeep plan {escape(backup)} --collections {escape(chosen)}")
    return [*lines, "  shows what a restore of it would change; `restore` for `plan`, with --yes, does it."]


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
                "" if row["known"] else "unknown",
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
