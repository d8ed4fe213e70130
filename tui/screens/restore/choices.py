"""The steps' tables: Enter goes on with the row under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.strip import Strip

from widgets.inventory_table import InventoryTable, TableRow

MOST = 230
"""Characters of one sentence on a screen of 24 rows."""


def short(text: str, ellipsis: str) -> str:
    """A sentence that leaves room for the others."""
    return text if len(text) <= MOST else f"{text[: MOST - 1]}{ellipsis}"


class Choices(InventoryTable):
    """Rows of which one is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Go on", id="restore.go_on")]

    def _draw(self, row: TableRow, look: int) -> Strip:
        """Only the list that has the focus shows a cursor: two of them would ask which one Enter means."""
        return super()._draw(row, look if look == 2 else 0)
