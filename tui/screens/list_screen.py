"""A screen of one list: a table or the reason why it is empty, a filter, and a line about the row under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from tui.screens.base import ConsoleScreen
from tui.store import Problem
from widgets.empty import Empty
from widgets.filter_bar import FilterBar, matching
from widgets.inventory_table import InventoryTable, TableRow
from widgets.problem_box import ProblemBox


class ListScreen(ConsoleScreen):
    """Its body holds one each of `ProblemBox`, `Empty`, `InventoryTable` and `FilterBar`.

    A subclass hands its rows to `show_list`, and gives `empty_words` and `show_about`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[TableRow] = ()
        """All rows, whatever the filter shows of them."""

    def empty_words(self) -> tuple[str, str]:
        """Why nothing is shown although no filter hides it, and what to do."""
        raise NotImplementedError

    def show_about(self) -> None:
        """Says more of the row under the cursor."""
        raise NotImplementedError

    def show_list(self, rows: Sequence[TableRow]) -> None:
        """Shows those of the rows that the filter lets through; the focus never stays on what is hidden."""
        self.rows = rows
        table, bar, empty = self.query_one(InventoryTable), self.query_one(FilterBar), self.query_one(Empty)
        shown = matching(rows, bar.text)
        table.show(shown)
        bar.count(len(shown), len(rows))
        table.display, empty.display = bool(shown), not shown
        if rows:
            empty.show("Nothing here has these words.", "Escape shows all of it.")
        else:
            empty.show(*self.empty_words())
        if self.focused is None or not self.focused.display:
            (table if shown else empty).focus()
        self._tell_about()

    def show_problem(self, problem: Problem | None) -> None:
        """An error above the list, or none."""
        box = self.query_one(ProblemBox)
        if problem is None:
            box.show("")
        else:
            box.show(problem.what, problem.cause, problem.touched, problem.next)

    def _tell_about(self) -> None:
        self.show_about()
        self.refresh_bindings()

    def on_inventory_table_highlighted(self) -> None:
        """Another row."""
        self._tell_about()

    def on_filter_bar_changed(self) -> None:
        """Other words."""
        self.show_list(self.rows)

    def on_filter_bar_left(self) -> None:
        """Back to the list."""
        table = self.query_one(InventoryTable)
        (table if table.display else self.query_one(Empty)).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what cannot be done; `why_disabled` says why."""
        return None if self.why_disabled(action) else True

    def action_filter(self) -> None:
        """Opens the filter's line."""
        self.query_one(FilterBar).open()

    def action_clear(self) -> None:
        """Everything is shown again."""
        self.query_one(FilterBar).clear()
        self.on_filter_bar_left()
