"""The pepper check for a person: the verdict, what opens by collection and user, every candidate, the findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.table import table
from tui.terminal import Terminal
from widgets.text import escape

USERS_SHOWN = 10
EXAMPLES_SHOWN = 5
KEY_CHECKS = {"equal": "equal", "differs": "differs", "none": "-"}


def pepper_lines(result: Mapping[str, Any], terminal: Terminal) -> list[str]:
    """Everything an admin needs, ids and counts only."""
    lines = [f"{terminal.status(result['status'])}  {terminal.paint(escape(result['summary']), 'bold')}"]
    where = "live data" if result["target"] == "live" else result["target"]
    lines.append(f"  Values of: {escape(where)}")
    candidates = result["candidates"]
    if len(candidates) > 1:
        rows: list[tuple[str, ...]] = [("PEPPER", "OPENS", "OF", "DAMAGED", "CANNOT TELL", "KEY-CHECK")]
        for one in candidates:
            rows.append((escape(one["label"]), *_figures(one), KEY_CHECKS[one["key_check"]]))
        lines += ["", *_table(rows, terminal)]
    users = result["by_user"]
    short = [(name, one) for name, one in users.items() if one["opened"] < one["total"]]
    if short and result["opened"]:
        rows = [("USER", "OPENS", "OF", "DAMAGED", "CANNOT TELL")]
        rows += [(escape(name), *_figures(one)) for name, one in short[:USERS_SHOWN]]
        lines += ["", *_table(rows, terminal)]
        more = len(short) - USERS_SHOWN + result["more_users"]
        if more > 0:
            lines.append(f"  and {more:,} more: --json names them")
    told: set[str] = set()
    for finding in result["findings"]:
        lines += ["", f"{terminal.status(finding['status'])}  {escape(finding['what'])}"]
        examples = finding["examples"]
        lines += [f"    {escape(one)}" for one in examples[:EXAMPLES_SHOWN]]
        if examples and finding["count"] > min(len(examples), EXAMPLES_SHOWN):
            lines.append(f"    and {finding['count'] - min(len(examples), EXAMPLES_SHOWN):,} more")
        step = finding["next"]
        if step and step != result["next"] and step not in told:
            lines.append(f"    next: {escape(step)}")
            told.add(step)
    if result["next"]:
        lines += ["", f"Next: {escape(result['next'])}"]
    return lines


def _figures(one: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{one[key]:,}" for key in ("opened", "total", "damaged", "untold"))


def _table(rows: list[tuple[str, ...]], terminal: Terminal) -> list[str]:
    shown = table(rows, right=frozenset({1, 2, 3, 4}))
    return [terminal.paint(shown[0], "bold"), *shown[1:]]
