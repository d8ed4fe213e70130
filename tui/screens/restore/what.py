"""Step 3: what to restore, with the live database and the backup side by side."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from services.catalog.manifest import Part
from services.looking.contents import ContentsAnswer
from tui.screens.confirm import YesNoModal
from tui.screens.restore.choices import Choices, short
from tui.screens.restore.holding import Held, ask_held, held_of
from tui.screens.restore.model import StepName
from tui.screens.restore.scope import SCOPES, Pair, Scope, closed, half_of, pairs, scope_of, untouched
from tui.screens.restore.step import Step
from tui.store import Problem
from widgets.inventory_table import Column, InventoryTable, TableRow
from widgets.plain import plain
from widgets.text import escape

_PARTS: dict[Scope, Part | None] = {
    "everything": None,
    "database": "database",
    "objects": "objects",
    "chosen": "database",
    "both": None,
}
CHOOSING: tuple[Scope, ...] = ("chosen", "both")
WITH_OBJECTS: tuple[Scope, ...] = ("everything", "objects", "both")


class WhatStep(Step):
    """The scope under the cursor is the choice; space in the list below chooses single collections."""

    NAME: ClassVar[StepName] = "what"
    TOPICS: ClassVar[tuple[str, ...]] = ("live",)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "take", "Take/leave one", id="what.take"),
        Binding("tab", "other", "Other list", id="what.other"),
        Binding("x", "exact", "Exact", id="what.exact", tooltip="Set aside what is live only"),
        Binding("o", "any", "Any backup", id="what.any", tooltip="Take missing objects from other backups"),
    ]
    HELP = """
# What to restore

- Arrows in the upper list choose: everything, one part, or chosen collections. `enter` goes on.
- `tab` goes to the collections: `space` takes or leaves one. Restoring one collection restores one collection.
- `x` **exact**: what is live but not in the backup is set aside (kept as a rollback copy), so that the result is
  exactly the backup. Off: it stays.
- `o`: objects that this snapshot lacks are taken from any other backup of yours that has them with the right checksum.

Counts are compared here; contents are compared in the plan. Equal counts do not mean equal contents.
"""

    def compose(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("What should come back?", classes="question", markup=False)
        yield Choices([Column("CHOOSE ONE"), Column("", 34)], ellipsis=glyphs.ellipsis, id="scopes")
        yield Choices(self._columns, ellipsis=glyphs.ellipsis, id="collections")
        yield Static("", id="options", markup=False)
        yield Static("", id="what-why", classes="why", markup=False)
        yield Static("", id="what-next", classes="next", markup=False)

    def entered(self) -> None:
        """The choice of the state stands under the cursor."""
        self._chosen = set(self.state.collections)
        self._scope: Scope = scope_of(self.state)
        self._pairs: list[Pair] = []
        self._said = ""
        backup = self.state.backup
        if backup is not None and not isinstance(held_of(self.state, backup), ContentsAnswer):
            self._ask()
        self._compare()
        scopes = self.query_one("#scopes", Choices)
        if closed(self._scope, self.state, self.console.store.profile):
            free = [one for one, _ in SCOPES if not closed(one, self.state, self.console.store.profile)]
            self._scope = free[0] if free else self._scope
        self._draw()
        scopes.go_to(self._scope)
        scopes.focus()

    def show(self, topic: str) -> None:
        """The live database was looked at again."""
        self._compare()
        self._draw()

    @work(group="held", description="contents")
    async def _ask(self) -> None:
        if self.state.backup is not None:
            await ask_held(self.console, self.state, self.state.backup)
        if self.is_mounted:
            self._compare()
            self._draw()

    def action_other(self) -> None:
        """Between the two lists."""
        scopes, table = self.query_one("#scopes"), self.query_one("#collections")
        (table if scopes.has_focus else scopes).focus()

    def action_take(self) -> None:
        """Takes or leaves the collection under the cursor; then it is chosen collections."""
        table = self.query_one("#collections", Choices)
        row = table.cursor
        if row is None:
            return
        if not table.has_focus:
            table.focus()
            return
        pair = next((one for one in self._pairs if one.name == row.key), None)
        if pair is None or not pair.in_backup:
            self._say(f"{row.key} is not in the backup: there is nothing to take.")
            return
        shut = closed("both" if self._scope == "both" else "chosen", self.state, self.console.store.profile)
        if shut:
            self._say(shut)
            return
        self._chosen ^= {pair.name}
        self._said = ""
        self._scope = "both" if self._scope == "both" else "chosen"
        self.query_one("#scopes", Choices).go_to(self._scope)
        self._draw()

    def action_exact(self) -> None:
        """Sets aside what is live only, or leaves it."""
        if self._scope in CHOOSING:
            self._say("With chosen collections everything else stays: there is nothing to set aside.")
            return
        self.state.exact = not self.state.exact
        self._draw()

    def action_any(self) -> None:
        """Objects that the snapshot lacks from other backups, or not."""
        if self._scope not in WITH_OBJECTS:
            self._say("Only objects are taken from other backups, and none are restored here.")
            return
        self.state.objects_from_any = not self.state.objects_from_any
        self._draw()

    def on_inventory_table_highlighted(self, message: InventoryTable.Highlighted) -> None:
        """The scope follows the cursor of the upper list."""
        message.stop()
        if message.table.id == "scopes" and message.key and message.table.has_focus:
            self._scope = next(scope for scope, _ in SCOPES if scope == message.key)
            self._said = ""
            self._draw()

    def on_inventory_table_opened(self, message: InventoryTable.Opened) -> None:
        """On with the choice, when it is one."""
        message.stop()
        shut = closed(self._scope, self.state, self.console.store.profile)
        if shut:
            self._say(f"{shut} Choose another one, or go back for another backup.")
            return
        if self._scope in CHOOSING and not self._chosen:
            self._say("No collection is chosen. Tab goes to the list, space takes one.")
            return
        self._fill()
        other = self._other_database()
        if other and not self.state.from_database:
            self._ask_mapping(other)
            return
        self.post_message(self.Forward())

    def _fill(self) -> None:
        state = self.state
        state.collections = tuple(sorted(self._chosen)) if self._scope in CHOOSING else ()
        state.with_objects = self._scope == "both"
        state.only = _PARTS[self._scope]

    def _other_database(self) -> str:
        """The database of a dump that has another name than the profile's."""
        held = held_of(self.state, self.state.backup)
        mongo = self.console.store.profile.mongo
        if self._scope == "objects" or not isinstance(held, ContentsAnswer) or mongo is None:
            return ""
        return held.database if held.database not in ("", mongo.database) else ""

    def _ask_mapping(self, other: str) -> None:
        mongo = self.console.store.profile.mongo
        assert mongo is not None

        def said(yes: bool | None) -> None:
            if yes:
                self.state.from_database = other
                self.post_message(self.Forward())
            else:
                self._say(f"The backup holds the database {other}, not {mongo.database}. Nothing was chosen.")

        self.console.push_screen(
            YesNoModal(
                f"Restore the database {other} of the backup into {mongo.database}?",
                f"The backup holds a database called {other}. Its collections would go live in {mongo.database}. "
                "Nothing is changed yet: the plan comes first.",
            ),
            said,
        )

    def _held(self) -> Held | None:
        return held_of(self.state, self.state.backup)

    def _compare(self) -> None:
        live = self.console.store.looked("live")
        held = self._held()
        self._pairs = pairs(
            live.value if live.problem is None else None, held if isinstance(held, ContentsAnswer) else None
        )
        known = {one.name for one in self._pairs if one.in_backup}
        if known:
            self._chosen &= known

    def _columns(self, width: int) -> list[Column]:
        return [
            Column("", 3),
            Column("COLLECTION"),
            Column("LIVE", 10, right=True),
            Column("BACKUP", 10, right=True),
            Column("BY COUNT, CONTENT NOT YET", 25, toned=True)
            if width < 110
            else Column("BY COUNT", 37, toned=True),
        ]

    def _draw(self) -> None:
        state = self.state
        glyphs = self.console.glyphs
        profile = self.console.store.profile
        marks = {True: "(*)", False: "( )"}
        rows = []
        for scope, title in SCOPES:
            shut = closed(scope, state, profile)
            note = shut or (f"{len(self._chosen)} of {self._takeable()} taken" if scope in CHOOSING else "")
            note = note or (half_of(state, profile) if scope == "everything" else "")
            rows.append(TableRow(scope, (f"{marks[scope == self._scope]} {title}", note)))
        self.query_one("#scopes", Choices).show(rows)
        taken = {"everything", "database"}
        wide = self.app.size.width >= 112
        live = self.console.store.looked("live")
        asked = live.problem is None and live.value is not None
        table = self.query_one("#collections", Choices)
        table.show(
            [
                TableRow(
                    pair.name,
                    (
                        self._box(pair, everything=self._scope in taken),
                        escape(pair.name),
                        _count(pair.live, pair.is_live) if asked else "?",
                        _count(pair.backup, pair.in_backup),
                        pair.note if wide else pair.note.partition(",")[0],
                    ),
                    tone=pair.tone,
                )
                for pair in self._pairs
            ]
        )
        objects = self._scope in WITH_OBJECTS
        lacking = len(state.backup.missing_keys) if state.backup else 0
        lacks = f" (this snapshot lacks {lacking:,})" if lacking and objects else ""
        box = {True: "[x]", False: "[ ]"}
        self.query_one("#options", Static).update(
            plain(
                f"x {box[state.exact and self._scope not in CHOOSING]} exact: set aside what is live only  "
                f"o {box[state.objects_from_any and objects]} objects from any backup{lacks}"
            )
        )
        bucket = profile.bucket is not None and state.backup is not None and "objects" in state.backup.parts
        stays = untouched(self._scope, state, self._pairs, bucket=bucket)
        told = self._said or " ".join(filter(None, [short(self._trouble(), glyphs.ellipsis), stays]))
        self.query_one("#what-why", Static).update(
            plain(f"{glyphs.of('warn')} {told}" if self._said else told)
        )
        self.query_one("#what-next", Static).update(plain(f"Enter: run the checks.{self._because()}"))

    def _because(self) -> str:
        """Why it was preselected, while it still is what was preselected."""
        state = self.state
        if not state.why or scope_of(state) != self._scope:
            return ""
        return f"  Why this: {state.why}"

    def _trouble(self) -> str:
        """Why one side is not known, so that nothing reads as none."""
        live, held = self.console.store.looked("live"), self._held()
        words = []
        if live.problem is not None:
            words.append(f"The live side is not known: {live.problem.what}")
        elif live.value is None:
            words.append("The database is being looked at.")
        if held is None:
            words.append("The backup is being looked at.")
        elif isinstance(held, Problem):
            words.append(f"{held.what} {held.next}".strip())
        elif held.unknown:
            words.append(held.unknown)
        elif held.excluded:
            words.append(f"The backup left out: {', '.join(held.excluded[:3])}.")
        return " ".join(words)

    def _takeable(self) -> int:
        return sum(1 for pair in self._pairs if pair.in_backup)

    def _box(self, pair: Pair, *, everything: bool) -> str:
        if not pair.in_backup:
            return ""
        if self._scope == "objects":
            return "[ ]"
        return "[x]" if everything or pair.name in self._chosen else "[ ]"

    def _say(self, text: str) -> None:
        self._said = text
        self._draw()


def _count(count: int | None, there: bool) -> str:
    if not there:
        return "-"
    return "?" if count is None else f"{count:,}"
