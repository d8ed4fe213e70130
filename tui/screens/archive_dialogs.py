"""The questions before a verify, an accept and a delete."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from services.catalog.model import Backup, Depth
from tui.screens.archives_rows import size
from tui.screens.base import ConsoleModal
from tui.screens.confirm import YesNoModal
from widgets.key_value import KeyValues
from widgets.plain import plain

SHOWN = 4
"""Findings named one by one in a dialog."""


class DepthModal(ConsoleModal[Depth]):
    """How deep to verify: it only reads, so Enter takes the full one."""

    HELP = """
# Verify a backup

*Full* reads every byte and compares it with the sums taken when it was made. *Quick* looks only at what
costs no reading: files, sizes, the checksum file. Neither changes the backup; the verdict is noted beside it.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f,enter,y", "choose('full')", "Full", id="verify.full"),
        Binding("q", "choose('quick')", "Quick", id="verify.quick"),
    ]

    def __init__(self, backup: Backup) -> None:
        super().__init__()
        self._backup = backup

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static(plain(f"Verify {self._backup.id}"), id="question", markup=False)
            yield KeyValues(
                [
                    (
                        "f, y full",
                        f"reads every byte ({size(self._backup.bytes)}) and proves it. Enter means this.",
                    ),
                    ("q quick", "files, sizes and the checksum file; proves no byte."),
                    ("Escape", "goes back."),
                ]
            )

    def action_choose(self, depth: Depth) -> None:
        """Leaves with the depth."""
        self.dismiss(depth)


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
