"""The questions before a verify, an accept and a delete."""

from __future__ import annotations

from services.catalog.model import Backup
from tui.screens.confirm import YesNoModal

SHOWN = 4
"""Findings named one by one in a dialog."""


def accept_modal(backup: Backup) -> YesNoModal:
    """What accepting would mean, and the question."""
    lines = [f"- {text}" for text in backup.suspicious[:SHOWN]]
    if len(backup.suspicious) > SHOWN:
        lines.append(f"- and {len(backup.suspicious) - SHOWN} more")
    if backup.missing_keys:
        count = len(backup.missing_keys)
        lines.append(
            f"{count:,} object{'s' if count != 1 else ''} could not be read and would be named lost for ever:"
        )
        lines += [f"- {key}" for key in backup.missing_keys[:SHOWN]]
        if count > SHOWN:
            lines.append(f"- and {count - SHOWN:,} more (Enter on the backup, Objects, names them all)")
    lines.append("")
    lines.append(
        "Accept only what was meant. From then on it counts as good; a note says so, no file changes."
    )
    return YesNoModal(f"Accept {backup.id} as it is?", "\n".join(lines))
