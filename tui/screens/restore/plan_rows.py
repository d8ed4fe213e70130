"""A plan as lines for a width: refusals on top, what loses documents first, what is the same folded away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from tui.present_plan import is_unchanged, loses
from tui.progress import amount
from widgets.glyphs import Glyphs
from widgets.lines_view import Line, fitted, wrapped
from widgets.text import escape

NAME_CELLS = 30
"""A longer name is cut in the table, and stands whole in the saved text."""
EFFECTS = {
    "replace": "replaced",
    "create": "created",
    "keep": "stays",
    "set aside": "set aside",
    "in place": "dropped, loaded",
    "nothing": "stays",
}


def plan_rows(
    plan: Mapping[str, Any], glyphs: Glyphs, width: int, *, unfolded: bool, back: bool = False
) -> list[Line]:
    """Everything that a plan says; `back` is a rollback's, whose `backup` is the copy that comes back."""
    lines = [*_said(plan, "refusals", glyphs, width)]
    rows = [row for row in plan.get("collections") or () if isinstance(row, Mapping)]
    changed = sorted((row for row in rows if not folds(row, back=back)), key=loses, reverse=True)
    same = [row for row in rows if folds(row, back=back)]
    shown = [*changed, *(same if unfolded or back else ())]
    if back:
        shown.sort(key=loses, reverse=True)
    if shown:
        lines += _table(shown, glyphs, width, back=back)
    if same and not unfolded and not back:
        verb = "is" if len(same) == 1 else "are"
        words = f"{many(len(same), 'collection')} {verb} the same by content (u unfolds)."
        lines += _sentence("ok", words, "dim", glyphs, width)
    elif not rows:
        lines.append(Line("No collection is part of this.", "dim"))
    untold = [row for row in rows if row.get("content") == "not compared yet"]
    if untold:
        words = (
            f"{len(untold):,} not compared: what is live there could not be read to its end, so nobody can tell "
            "whether it is the same."
        )
        lines += _sentence("unknown", words, "warning", glyphs, width)
    lines += _objects(plan.get("objects"), glyphs, width, back=back)
    for risk in plan.get("risks") or ():
        text = f"risk {risk['word']}: {risk.get('detail') or ''}"
        lines += _sentence("warning", text, "warning", glyphs, width)
    lines += _said(plan, "warnings", glyphs, width)
    for passed in plan.get("passed_over") or ():
        lines += _sentence("none", f"Passed over {passed}", "dim", glyphs, width)
    for fact in plan.get("facts") or ():
        lines += _sentence("none", str(fact), "dim", glyphs, width)
    return lines


def verdict(plan: Mapping[str, Any], glyphs: Glyphs, *, back: bool = False) -> Line:
    """The plan in one line: refused, what is lost from view, or that nothing is."""
    refusals = plan.get("refusals") or ()
    if refusals:
        reasons = "1 reason" if len(refusals) == 1 else f"{len(refusals)} reasons"
        what = "rollback" if back else "restore"
        return Line(f"{glyphs.status('refused', 'REFUSED')}: this {what} cannot start, {reasons}", "error")
    rows = list(plan.get("collections") or ())
    if back:
        written = sum(1 for row in rows if not folds(row, back=True))
        lost = _back_loss(rows)
        if lost:
            return Line(f"{glyphs.of('warning')} {lost}", "warning")
        if written:
            were = "collection was" if written == 1 else "collections were"
            return Line(
                f"{glyphs.of('warning')} {written:,} {were} written since; that is set aside, not lost",
                "warning",
            )
        return Line(
            f"{glyphs.of('ok')} Nothing was written since; what was live before comes back", "success"
        )
    losing = [row for row in rows if loses(row)]
    differing = [row for row in rows if _replaced(row) and not loses(row)]
    if losing:
        return Line(f"{glyphs.of('warning')} {loss(plan)}", "warning")
    if differing:
        return Line(
            f"{glyphs.of('warning')} {many(len(differing), 'collection')} with other content replaced; what is live is kept beside",
            "warning",
        )
    objects = plan.get("objects")
    put = int(objects.get("put") or 0) if isinstance(objects, Mapping) else 0
    if rows and not put and all(folds(row) or row.get("action") in ("keep", "nothing") for row in rows):
        return Line(f"{glyphs.of('ok')} What is live is the same already: nothing would change", "success")
    return Line(f"{glyphs.of('ok')} No document that is live now goes", "success")


def _back_loss(rows: Sequence[Mapping[str, Any]]) -> str:
    """Documents that a rollback takes from view, in words; empty when there are none."""
    losing = [row for row in rows if loses(row)]
    if not losing:
        return ""
    lose = "loses" if len(losing) == 1 else "lose"
    gone = many(sum(loses(row) for row in losing), "document")
    return f"{many(len(losing), 'collection')} {lose} at least {gone} from view; set aside, not lost"


def loss(plan: Mapping[str, Any]) -> str:
    """Documents that are live now and would not be after, in words; empty when there are none."""
    rows = [row for row in plan.get("collections") or () if isinstance(row, Mapping)]
    losing = [row for row in rows if loses(row)]
    if not losing:
        return ""
    differing = [row for row in rows if _replaced(row) and not loses(row)]
    more = f", {len(differing)} more change" if differing else ""
    lose = "loses" if len(losing) == 1 else "lose"
    gone = many(sum(loses(row) for row in losing), "document")
    kept = "in the safety backup" if plan.get("strategy") == "in place" else "beside"
    return f"{many(len(losing), 'collection')} {lose} at least {gone}{more}; all kept {kept}"


def _replaced(row: Mapping[str, Any]) -> bool:
    """Live documents of another content, or of one nobody could compare, give way."""
    return (
        row.get("action") in ("replace", "set aside", "in place")
        and bool(row.get("live"))
        and not is_unchanged(row)
    )


def folds(row: Mapping[str, Any], *, back: bool = False) -> bool:
    """The same by content, with the same indexes and options; in a rollback: not written since the restore.

    A rollback's `same` compares with what was restored, never with the copy that comes back.
    """
    return (back or is_unchanged(row)) and not row.get("detail")


def many(count: int, word: str) -> str:
    """`1 object`, `2,000 objects`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _said(plan: Mapping[str, Any], key: str, glyphs: Glyphs, width: int) -> list[Line]:
    status, tone = ("refused", "error") if key == "refusals" else ("warn", "warning")
    lines: list[Line] = []
    for entry in plan.get(key) or ():
        lines += _sentence(status, str(entry), tone, glyphs, width)
    return lines


def _sentence(status: str, text: str, tone: str, glyphs: Glyphs, width: int) -> list[Line]:
    return [Line(part, tone) for part in wrapped(text, width, first=f"{glyphs.of(status)} ", rest="  ")]


def _objects(objects: Any, glyphs: Glyphs, width: int, *, back: bool) -> list[Line]:
    if not isinstance(objects, Mapping):
        return _sentence("none", "Objects: not part of this; the bucket is not touched.", "", glyphs, width)
    put = int(objects.get("put") or 0)
    if back:
        added = int(objects.get("only_live") or 0)
        text = f"Objects: {put:,} that were replaced come back; {added:,} that were added stay in the bucket."
        return _sentence("none", text, "strong", glyphs, width)
    size = f" ({amount(int(objects.get('bytes') or 0), 'bytes')})" if put else ""
    text = (
        f"Objects: {put:,} to put{size}, {int(objects.get('keep') or 0):,} to keep, "
        f"{int(objects.get('only_live') or 0):,} only live (they stay)."
    )
    return _sentence("none", text, "strong" if put else "", glyphs, width)


def _table(rows: Sequence[Mapping[str, Any]], glyphs: Glyphs, width: int, *, back: bool) -> list[Line]:
    head = (
        "COLLECTION",
        "LIVE",
        "COPY" if back else "BACKUP",
        "WRITTEN SINCE" if back else "CONTENT",
        "EFFECT",
    )
    cells = [_cells(row, back=back) for row in rows]
    widths = [max(cell_len(line[column]) for line in (head, *cells)) for column in range(5)]
    arrow = f" {glyphs.arrow} "
    fixed = widths[1] + cell_len(arrow) + widths[2] + 2 + widths[3] + 2 + widths[4] + 2
    widths[0] = max(8, min(widths[0], max(NAME_CELLS, width - fixed), width - fixed))
    lines = [Line(_row(head, widths, " " * cell_len(arrow), glyphs), "strong")]
    for row, line in zip(rows, cells, strict=True):
        tone = (
            "warning"
            if back and loses(row)
            else "dim"
            if folds(row, back=back)
            else "error"
            if loses(row) and not back
            else "warning"
            if _replaced(row)
            else "dim"
            if is_unchanged(row)
            else ""
        )
        lines.append(Line(_row(line, widths, arrow, glyphs), tone))
        for detail in () if back else row.get("detail") or ():
            lines += [Line(part, "dim") for part in wrapped(str(detail), width, first="    ", rest="    ")]
    return lines


def _cells(row: Mapping[str, Any], *, back: bool) -> tuple[str, str, str, str, str]:
    view = row.get("kind") == "view"
    lost = loses(row)
    effect = EFFECTS.get(str(row.get("action")), str(row.get("action") or ""))
    content = _written(row) if back else str(row.get("content") or "")
    if lost:
        fewer = f"{lost:,} fewer" if back else f"loses {lost:,}"
        effect = fewer if row.get("action") != "set aside" else f"set aside ({lost:,})"
    return (
        escape(str(row["name"])),
        "view" if view and row.get("content") not in ("only in the backup",) else _count(row.get("live")),
        "view" if view and row.get("content") != "only live" else _count(row.get("backup")),
        escape(content),
        escape(effect),
    )


def _written(row: Mapping[str, Any]) -> str:
    """Whether what was restored was written to since."""
    if row.get("content") == "never went live":
        return "never live"
    return "no" if folds(row, back=True) else "dropped" if row.get("content") == "dropped since" else "yes"


def _row(cells: Sequence[str], widths: Sequence[int], arrow: str, glyphs: Glyphs) -> str:
    name, live, backup, content, effect = cells
    return (
        f"{fitted(name, widths[0], glyphs.ellipsis)}  {_right(live, widths[1])}{arrow}{_right(backup, widths[2])}"
        f"  {fitted(content, widths[3])}  {effect}"
    )


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "-"
