"""How a job ended, in lines: what was counted and proven, or what was and wasn't touched and the ways on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.counted import counted
from services.operations.restore_model import aside_words
from tui.present_plan import is_unchanged, loses
from tui.progress import amount, duration
from tui.screens.restore.model import GOOD
from tui.screens.restore.plan_rows import many
from tui.screens.restore.run_journal import RunJournal
from widgets.glyphs import Glyphs
from widgets.lines_view import Line, fitted, wrapped
from widgets.text import escape

LOST = "lost"
"""The status in the place of a result, of a job whose process is gone."""
ASIDE = "set aside"
"""In the place of a count, of what is not live any more."""
NOUNS = {"restore": "Restore", "finish": "Finish", "rollback": "Rollback", "release": "Release"}
PAST = {"restore": "restored", "finish": "finished", "rollback": "rolled back", "release": "released"}
DONE = {"restore": "Restored", "finish": "Finished", "rollback": "Rolled back"}


def outcome(verb: str, result: Mapping[str, Any] | None, glyphs: Glyphs, *, renaming: bool = False) -> Line:
    """The end in one line; nothing is called restored that was not counted."""
    noun = NOUNS.get(verb, verb)
    if result is None or result.get("status") == LOST:
        return Line(
            f"{glyphs.status('lost', 'LOST')}: the {verb} ended without a result; its process is gone",
            "error",
        )
    status = str(result.get("status"))
    if status not in GOOD:
        if renaming:
            return Line(f"{glyphs.status(status, status.upper())}: the {verb} did not end well", "error")
        return Line(f"{glyphs.status(status, status.upper())}: nothing was {PAST.get(verb, 'done')}", "error")
    if verb == "release":
        dropped = len(result.get("collections") or ())
        return Line(
            f"{glyphs.of(status)} Released: {dropped:,} rollback {'copy' if dropped == 1 else 'copies'} dropped",
            _tone(status),
        )
    counted = _counted(result)
    if not counted:
        said = str(result.get("summary") or "nothing was left to do")
        return Line(f"{glyphs.of(status)} {noun} ended well; {said}", _tone(status))
    count = len(result.get("warnings") or ())
    worded = f"with {many(count, 'warning')}" if status == "warnings" else "proven"
    return Line(f"{glyphs.of(status)} {DONE.get(verb, noun)}, {worded}: {counted}", _tone(status))


def _tone(status: str) -> str:
    return "success" if status == "ok" else "warning"


def _counted(result: Mapping[str, Any]) -> str:
    collections = result.get("collections")
    parts = []
    if isinstance(collections, Mapping) and collections:
        documents = sum(int(entry.get("documents") or 0) for entry in collections.values())
        parts.append(f"{many(len(collections), 'collection')} with {many(documents, 'document')} counted")
    objects = result.get("objects")
    if isinstance(objects, Mapping):
        parts.append(
            f"{many(int(objects.get('put') or 0), 'object')} put, {int(objects.get('kept') or 0):,} kept"
        )
    aside = _set_aside(result)
    if aside:
        parts.append(
            f"{many(len(aside), 'collection')} set aside with {many(sum(aside.values()), 'document')}"
        )
    return ", ".join(parts)


def _set_aside(result: Mapping[str, Any]) -> dict[str, int]:
    """Documents by name of what was live and is a rollback copy now, as the job counted them."""
    aside = result.get("set_aside")
    return {str(name): int(count or 0) for name, count in aside.items()} if isinstance(aside, Mapping) else {}


def proof_rows(
    verb: str,
    result: Mapping[str, Any] | None,
    plan: Mapping[str, Any] | None,
    run: RunJournal,
    glyphs: Glyphs,
    width: int,
) -> list[Line]:
    """Everything the result says; warnings first, then the proof, then what is no longer live."""
    lines: list[Line] = []

    def say(text: str, tone: str = "", status: str = "none") -> None:
        lines.extend(
            Line(part, tone) for part in wrapped(text, width, first=f"{glyphs.of(status)} ", rest="  ")
        )

    if result is None:
        return lines
    error = result.get("error")
    if isinstance(error, Mapping):
        for key, word, tone in (
            ("what", "", "error"),
            ("cause", "Why: ", ""),
            ("touched", "Touched: ", "strong"),
            ("next", "Next: ", "accent"),
        ):
            if error.get(key):
                lines.extend(
                    Line(part, tone)
                    for part in wrapped(str(error[key]), width, first=word, rest=" " * len(word))
                )
        return lines
    for warning in result.get("warnings") or ():
        say(str(warning), "warning", "warn")
    if verb == "release":
        return [*lines, *released_rows(result, glyphs, width)]
    if run.proven:
        say(
            f"Content: every document of {counted(len(run.proven), 'collections')} was read back and its sum equals the "
            "backup's, before the first rename.",
            "success",
            "ok",
        )
    if run.reached("proving what is live") and result.get("collections"):
        say(
            "Live: by UUID exactly the proven collections are live, with their indexes, options and views.",
            "success",
            "ok",
        )
    elif run.reached("proving what is live") and _set_aside(result):
        say("Live: by UUID none of what was set aside is live any more.", "success", "ok")
    objects = result.get("objects")
    if isinstance(objects, Mapping):
        replaced = int(objects.get("replaced") or 0)
        instead = f"; {replaced:,} replaced others, whose bytes are kept" if replaced else ""
        proven = " Proven by listing the bucket again." if run.reached("proving objects") else ""
        say(
            f"Objects: {int(objects.get('put') or 0):,} put ({amount(int(objects.get('bytes') or 0), 'bytes')}{instead}), "
            f"{int(objects.get('kept') or 0):,} kept.{proven}",
            "success",
            "ok",
        )
    for key, word in (("pairs", "Pair check"), ("pepper", "Pepper")):
        found = result.get(key)
        if isinstance(found, Mapping) and found.get("status"):
            status = str(found["status"])
            say(f"{word}: {status}. {found.get('detail') or ''}".strip(), "", status)
    aside = _set_aside(result)
    if verb == "rollback" and aside:
        until = str(result.get("rollback_until") or "")[:16].replace("T", " ")
        kept = f", at least until {until} UTC" if until else ""
        say(
            f"Set aside, not live any more: {aside_words(aside)}; kept as rollback copies{kept}.",
            "warning",
            "warn",
        )
    else:
        lines += _lost_from_view(verb, result, plan, glyphs, width)
    lines += _table(verb, result, plan, glyphs, width)
    for fact in result.get("facts") or ():
        say(str(fact), "dim")
    return lines


def _lost_from_view(
    verb: str, result: Mapping[str, Any], plan: Mapping[str, Any] | None, glyphs: Glyphs, width: int
) -> list[Line]:
    rows = [row for row in (plan or {}).get("collections") or () if row.get("live") and not is_unchanged(row)]
    rows = [row for row in rows if row.get("action") in ("replace", "set aside", "in place")]
    if not rows:
        return []
    losing = sorted((row for row in rows if loses(row)), key=loses, reverse=True)
    named = ", ".join(f"{row['name']} ({loses(row):,})" for row in losing[:6])
    more = f" and {len(losing) - 6} more collections" if len(losing) > 6 else ""
    until = str(result.get("rollback_until") or "")[:16].replace("T", " ")
    copies = "safety backup" if result.get("strategy") == "in place" else "rollback copies"
    where = f"kept in the {copies}, at least until {until} UTC" if until else "see the rollback"
    if losing:
        since = "Set aside by the rollback" if verb == "rollback" else "Between backup and incident"
        text = f"{since}, not live any more: documents of {named}{more}, at least; {where}."
    else:
        names = ", ".join(str(row["name"]) for row in rows[:6])
        text = (
            f"Replaced by other content: {names}{' ...' if len(rows) > 6 else ''}; what was live is {where}."
        )
    return [Line(part, "warning") for part in wrapped(text, width, first=f"{glyphs.of('warn')} ", rest="  ")]


def _table(
    verb: str, result: Mapping[str, Any], plan: Mapping[str, Any] | None, glyphs: Glyphs, width: int
) -> list[Line]:
    found = result.get("collections")
    collections: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    aside = _set_aside(result)
    if not collections and not aside:
        return []
    planned = {row["name"]: row for row in (plan or {}).get("collections") or ()}
    source = "IN COPY" if verb == "rollback" else "IN BACKUP"
    head = ("COLLECTION", "LIVE NOW", source, "WAS LIVE", "INDEXES")
    rows = []
    for name in sorted({*collections, *aside}):
        row, entry = planned.get(name, {}), collections.get(name)
        rows.append(
            (
                escape(str(name)),
                _count(entry.get("documents")) if entry is not None else ASIDE,
                _count(row.get("backup")),
                _count(aside.get(name, row.get("live"))),
                f"{len(entry.get('indexes') or ()):,}" if entry is not None else "-",
            )
        )
    shown = [0, 1, 2, 3, 4] if planned else [0, 1, 3, 4] if aside else [0, 1, 4]
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(5)]
    fixed = sum(widths[column] + 2 for column in shown[1:])
    widths[0] = max(8, min(widths[0], width - fixed))

    def line(cells: Sequence[str]) -> str:
        rest = "".join(f"  {cells[column]:>{widths[column]}}" for column in shown[1:])
        return fitted(cells[0], widths[0], glyphs.ellipsis) + rest

    lines = [Line(line(head), "strong")]
    for cells in rows:
        differs = cells[1] == ASIDE or (bool(planned) and cells[2] != "-" and cells[1] != cells[2])
        lines.append(Line(line(cells), "warning" if differs else ""))
    return lines


def released_rows(result: Mapping[str, Any], glyphs: Glyphs, width: int) -> list[Line]:
    """The copies of a release, those that hold what exists nowhere else first."""
    entries = sorted(result.get("collections") or (), key=lambda entry: -int(entry.get("only_here") or 0))
    lines: list[Line] = []
    if entries:
        head = ("COPY OF", "DOCUMENTS", "NOWHERE ELSE", "SIZE")
        rows = [
            (
                escape(str(entry["name"])),
                _count(entry.get("documents")),
                _count(entry.get("only_here")),
                amount(int(entry.get("bytes") or 0), "bytes"),
            )
            for entry in entries
        ]
        widths = [max(len(line[column]) for line in (head, *rows)) for column in range(4)]
        widths[0] = max(8, min(widths[0], width - sum(widths[1:]) - 6))
        for number, cells in enumerate((head, *rows)):
            rest = "".join(
                f"  {cell:>{cells_wide}}" for cell, cells_wide in zip(cells[1:], widths[1:], strict=True)
            )
            only = number and int(entries[number - 1].get("only_here") or 0)
            tone = "strong" if not number else "error" if only else ""
            lines.append(Line(fitted(cells[0], widths[0], glyphs.ellipsis) + rest, tone))
    text = (
        f"{int(result.get('objects') or 0):,} copied objects; "
        f"{amount(int(result.get('bytes') or 0), 'bytes')} in all."
    )
    return [*lines, *(Line(part) for part in wrapped(text, width))]


def timing(run: RunJournal) -> str:
    """When the job ran and how long, as far as its journal tells."""
    if run.started is None:
        return ""
    began = run.started.at
    if run.finished is None:
        return f"Job {run.started.job}, begun {began:%Y-%m-%d %H:%M:%S} UTC"
    took = duration((run.finished.at - began).total_seconds())
    return f"Job {run.started.job}, {began:%Y-%m-%d %H:%M:%S} to {run.finished.at:%H:%M:%S} UTC, {took}"


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "-"
