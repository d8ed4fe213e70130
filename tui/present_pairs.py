"""The result of `pairs` for a person: findings with counts, examples and the next step, the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.counted import by_number, counted
from tui.terminal import Terminal
from widgets.text import escape

EXAMPLES_SHOWN = 5
FILES_SHOWN = 5
DEPTHS = {
    "shallow": "by listing: keys and sizes",
    "heads": "by listing and headers: content types and the sha256 in the metadata, too",
    "deep": "every byte against files.sha256",
}


def pairs_lines(result: Mapping[str, Any], terminal: Terminal) -> list[str]:
    """What was compared, the findings, the notes, and the verdict."""
    rows, objects = str(result.get("rows_of")), str(result.get("objects_of"))
    sides = f"rows and objects of {rows}" if rows == objects else f"rows of {rows}, objects of {objects}"
    lines = [f"{escape(sides)}; {DEPTHS.get(str(result.get('depth')), '')}"]
    findings = list(result.get("findings") or ())
    for number, one in enumerate(findings, 1):
        # Several users' findings of one kind mostly have one way on: it is said once, after the last of them.
        after = findings[number] if number < len(findings) else {}
        again = (one.get("kind"), one.get("next")) == (after.get("kind"), after.get("next"))
        lines += _finding(one, terminal, way_on=not again)
    lines += _files(result.get("files") or ())
    lines += [f"note: {escape(str(note))}" for note in result.get("notes") or ()]
    if result.get("full_list"):
        lines.append(f"All of them, a line of JSON each: {escape(str(result['full_list']))}")
    status = str(result["status"])
    lines.append(f"{terminal.status(status)}  {escape(str(result.get('summary') or ''))}".rstrip())
    return lines


def _finding(one: Mapping[str, Any], terminal: Terminal, *, way_on: bool) -> list[str]:
    status = str(one["status"])
    lines = [f"{terminal.status(status)}{' ' * (8 - len(status))}{escape(str(one['what']))}"]
    examples: Sequence[Any] = one.get("examples") or ()
    shown = examples[:EXAMPLES_SHOWN]
    lines += [f"            {escape(str(example))}" for example in shown]
    if (left := int(one.get("count") or 0) - len(shown)) > 0 and shown:
        lines.append(f"            and {left:,} more")
    if one.get("next") and way_on:
        lines.append(f"            next: {escape(str(one['next']))}")
    return lines


def _files(files: Sequence[Mapping[str, Any]]) -> list[str]:
    """Files that are used somewhere, each with its places: what somebody will notice first."""
    used = [one for one in files if one.get("used")]
    if not used:
        return []
    left = len(files) - len(used)
    nowhere = f"; the other {by_number(left, 'is', f'{left:,} are')} used nowhere" if left else ""
    lines = [f"Used by the application, {len(used):,} of {counted(len(files), 'files')}{nowhere}:"]
    for one in used[:FILES_SHOWN]:
        name = escape(str(one.get("name") or one.get("key")))
        where = f" (in {escape(str(one['good_in']))})" if one.get("good_in") else ""
        lines.append(f"  {name}, {one['what']}{where}")
        lines += [f"    {escape(str(place))}" for place in one["used"][:EXAMPLES_SHOWN]]
        if (left := len(one["used"]) - EXAMPLES_SHOWN) > 0:
            lines.append(f"    and {counted(left, 'places')} more")
    if (left := len(used) - FILES_SHOWN) > 0:
        lines.append(f"  and {counted(left, 'files')} more; --json has them all")
    return lines
