"""The trash as a table for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.present_catalog import size, when
from tui.table import table
from tui.terminal import Terminal
from widgets.text import escape

STATES = {
    "trashed": "",
    "moving": "deletion interrupted",
    "restoring": "return interrupted",
    "emptying": "half gone, cannot come back",
}


def trash_lines(document: Mapping[str, Any], terminal: Terminal) -> list[str]:
    """Newest deletion first, and below them what emptying frees."""
    rows = document["trash"]
    if not rows:
        return ["The trash is empty."]
    cells = [("BACKUP", "DELETED (UTC)", "BY", "SIZE", "FREES", "")]
    for row in rows:
        about = [STATES.get(row["state"], row["state"])]
        if row["other_deployment"]:
            about.append("another deployment's")
        cells.append(
            (
                escape(row["id"]),
                when(row["deleted"]),
                escape(row["by"]),
                size(row["bytes"]),
                size(row["frees"]) if row["frees"] is not None else "?",
                "; ".join(text for text in about if text),
            )
        )
    shown = table(cells, right=frozenset({3, 4}))
    lines = [terminal.paint(shown[0], "bold"), *shown[1:]]
    if document["frees"] is not None:
        shared = (
            f"; {size(document['shared'])} is shared with backups that stay" if document["shared"] else ""
        )
        lines.append(f"Emptying the trash frees {size(document['frees'])}{shared}.")
    lines.append("Bring one back: quillkeep trash restore BACKUP")
    return lines
