"""A restore's plan for a person: refusals on top, rows that lose documents first, unchanged ones folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.counted import by_number, counted
from tui.table import table
from tui.terminal import Terminal
from widgets.text import escape


def loses(row: Mapping[str, Any]) -> int:
    """Documents that are live now and would not be after: how much this row takes away at least."""
    live, backup = row.get("live"), row.get("backup")
    if not isinstance(live, int) or row.get("action") not in ("replace", "set aside", "in place"):
        return 0
    return max(0, live - (backup if isinstance(backup, int) else 0))


def is_unchanged(row: Mapping[str, Any]) -> bool:
    """Proven the same by content, never guessed from counts."""
    return row.get("content") == "same"


def plan_lines(plan: Mapping[str, Any], terminal: Terminal, *, back: bool = False) -> list[str]:
    """What an admin reads before anything is touched; `back` is a rollback's, whose `backup` is the copy."""
    verb = "Roll back from the" if back else "Restore"
    lines = (
        [f"{verb} {escape(str(plan['backup']))} into {escape(str(plan['target']))}"]
        if "target" in plan
        else []
    )
    for passed in plan.get("passed_over") or ():
        lines.append(f"Passed over {escape(str(passed))}")
    refusals: Sequence[Any] = plan.get("refusals") or ()
    for refusal in refusals:
        lines.append(f"{terminal.status('refused')}  {_text(refusal)}")
    for risk in plan.get("risks") or ():
        lines.append(
            f"{terminal.paint('! risk ' + escape(risk['word']), 'yellow')}: {escape(risk.get('detail') or '')}"
            f"  (allow with --allow {escape(risk['word'])})"
        )
    for warning in plan.get("warnings") or ():
        lines.append(f"{terminal.status('warn')}  {_text(warning)}")
    if lines:
        lines.append("")
    rows = list(plan.get("collections") or ())
    changed = sorted((row for row in rows if not is_unchanged(row)), key=loses, reverse=True)
    if changed:
        sides = ("COPY", "LIVE IS") if back else ("BACKUP", "CONTENT")
        cells = [("COLLECTION", "LIVE", "", *sides, "ACTION")]
        for row in changed:
            cells.append(
                (
                    escape(row["name"]),
                    _count(row.get("live")),
                    terminal.arrow(),
                    _count(row.get("backup")),
                    escape(str(row.get("content") or "")),
                    escape(str(row.get("action") or ""))
                    + (f"  loses {loses(row):,}" if loses(row) and not back else ""),
                )
            )
        shown = table(cells, right=frozenset({1, 3}))
        lines.append(terminal.paint(shown[0], "bold"))
        for line, row in zip(shown[1:], changed, strict=True):
            lines.append(terminal.paint(line, "red") if loses(row) and not back else line)
    folded = len(rows) - len(changed)
    if folded:
        are = by_number(folded, "is", "are")
        lines.append(f"{counted(folded, 'collections')} {are} the same by content.")
    objects = plan.get("objects")
    if isinstance(objects, Mapping):
        lines.append(
            f"Objects: {_count(objects.get('put'))} to put, {_count(objects.get('keep'))} to keep, "
            f"{_count(objects.get('only_live'))} only live (they stay)."
        )
    lines += [escape(str(fact)) for fact in plan.get("facts") or ()]
    return lines


def restore_lines(result: Mapping[str, Any], terminal: Terminal) -> list[str]:
    """What a restore, a rollback or a finish came to."""
    lines = []
    collections = result.get("collections")
    if isinstance(collections, Mapping) and collections:
        cells = [("COLLECTION", "DOCUMENTS", "INDEXES")]
        for name, entry in sorted(collections.items()):
            cells.append((escape(name), _count(entry.get("documents")), _count(entry.get("indexes"))))
        shown = table(cells, right=frozenset({1, 2}))
        lines += [terminal.paint(shown[0], "bold"), *shown[1:]]
    objects = result.get("objects")
    if isinstance(objects, Mapping):
        lines.append(f"Objects: {_count(objects.get('put'))} put, {_count(objects.get('kept'))} kept.")
    for key, word in (("pairs", "Rows against objects"), ("pepper", "Pepper")):
        found = result.get(key)
        # What is wrong stands among the warnings already.
        if isinstance(found, Mapping) and found.get("status") == "ok":
            lines.append(
                f"{terminal.status('ok')}  {word}: {escape(str(found.get('detail') or ''))}".rstrip()
            )
    if result.get("set_aside") or not lines:
        summary = str(result.get("summary") or "")
        if summary:
            lines.append(f"{escape(summary[:1].upper() + summary[1:])}.")
    if result.get("rollback_until"):
        lines.append(
            f"What was live before is kept: `quillkeep rollback {escape(str(result.get('job') or ''))}` brings it back."
        )
    return lines


def _count(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return f"{len(value):,}"
    return "-" if value is None else escape(str(value))


def _text(entry: Any) -> str:
    if isinstance(entry, Mapping):
        return escape(" ".join(str(entry[key]) for key in ("what", "detail", "next") if entry.get(key)))
    return escape(str(entry))
