"""The least Textual app that shows a table: what any console of this kind pays before its own first line."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Header


class BareTable(App[None]):
    """A header, twenty rows, a footer."""

    def compose(self) -> ComposeResult:
        yield Header()
        table: DataTable[str] = DataTable()
        table.add_columns("name", "size", "when")
        for number in range(20):
            table.add_row(f"row {number}", str(number), "today")
        yield table
        yield Footer()


if __name__ == "__main__":
    BareTable().run(mouse=False)
