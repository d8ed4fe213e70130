"""History as a JSON document or a Markdown text, for a file of the admin's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from services.history.model import Operation
from services.history.words import amount, duration, size


def document_of(operations: Sequence[Operation]) -> dict[str, Any]:
    """The JSON document: {status, warnings, operations}; times RFC 3339 UTC, sizes bytes, durations seconds."""
    return {"status": "ok", "warnings": [], "operations": [msgspec.to_builtins(one) for one in operations]}


def to_json(operations: Sequence[Operation]) -> str:
    """`document_of` as text, indented."""
    text = msgspec.json.format(msgspec.json.encode(document_of(operations)), indent=2)
    return text.decode() + "\n"


def to_markdown(operations: Sequence[Operation]) -> str:
    """A table of all of them, then each restore and each one that did not end well by itself."""
    lines = [
        "# Operations",
        "",
        "| Started (UTC) | Verb | State | Took | Who | Changed |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in operations:
        cells = (moment(one.started), one.verb, one.state, took(one), who(one), one.changed)
        lines.append("| " + " | ".join(_cell(text) for text in cells) + " |")
    for one in operations:
        if one.verb in ("restore", "rollback", "finish") or one.error is not None or len(operations) == 1:
            lines += ["", *_section(one)]
    return "\n".join(lines) + "\n"


def moment(at: datetime | None) -> str:
    """`2026-11-22 03:14:00`, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else "-"


def took(one: Operation) -> str:
    """How long it ran."""
    return duration(one.seconds) if one.seconds is not None else "-"


def who(one: Operation) -> str:
    """The user and the host it ran on; the journal knows no more."""
    return f"{one.user}@{one.host}" if one.user else "-"


def _section(one: Operation) -> list[str]:
    lines = [f"## {_inline(one.verb)} {_inline(one.id)}", ""]
    facts = [
        ("State", one.state),
        ("Started", f"{moment(one.started)} UTC"),
        ("Ended", f"{moment(one.finished)} UTC"),
        ("Took", took(one)),
        ("Who", who(one)),
        ("Profile", one.profile or "-"),
        ("Asked", one.asked),
        ("Changed", one.changed),
        ("Moved", size(one.bytes) if one.bytes is not None else ""),
        *one.facts,
        *(("Warning", text) for text in one.warnings),
        *((part.capitalize(), text) for part, text in (one.error or {}).items()),
        *(("Then", f"`{command}`") for command in one.way_on),
    ]
    lines += [f"- {_inline(label)}: {_inline(text)}" for label, text in facts if text]
    if one.phases:
        lines += ["", "| Phase | Took | Did |", "| --- | --- | --- |"]
        for phase in one.phases:
            name = f"{phase.name}: {phase.detail}" if phase.detail else phase.name
            spent = duration(phase.seconds) if phase.seconds is not None else "-"
            did = amount(phase.done, phase.unit) if phase.done else "-"
            lines.append(f"| {_cell(name)} | {spent} | {_cell(did)} |")
    return lines


def _inline(text: str) -> str:
    """One line; what a terminal or a Markdown reader would act on is shown, not done."""
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return shown.replace("<", "&lt;").replace("[", "\\[")


def _cell(text: str) -> str:
    return _inline(text).replace("|", "\\|")
