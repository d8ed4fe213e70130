"""The questions before checks of the live data, and before a time budget is spent on the oldest backups."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from services.pairs.model import PairsPlan
from services.pepper.model import PepperPlan
from services.validating.model import ValidatePlan
from tui.screens.base import ConsoleModal
from widgets.key_value import KeyValues
from widgets.plain import plain

Planned = tuple[tuple[str, msgspec.Struct], ...]
"""Verbs and their plans, to be begun together."""
SHALLOW, HEADS, DEEP = (PairsPlan(depth=depth) for depth in ("shallow", "heads", "deep"))
CHOICES: dict[str, Planned] = {
    "all": (("pairs", SHALLOW), ("validate", ValidatePlan()), ("pepper-check", PepperPlan())),
    "pairs": (("pairs", SHALLOW),),
    "heads": (("pairs", HEADS),),
    "deep": (("pairs", DEEP),),
    "validate": (("validate", ValidatePlan()),),
    "full": (("validate", ValidatePlan(full=True)),),
    "pepper": (("pepper-check", PepperPlan()),),
}


class LiveChecksModal(ConsoleModal[str]):
    """Leaves with a word of `CHOICES`; all of these only read."""

    HELP = """
# Check the live data

Nothing live is changed by any of these. *pairs* compares the rows of `files` with the bucket: by listing,
with the objects' heads too, or by reading every byte. *validate* asks the server to validate each collection,
which **locks it** meanwhile (what is written to it waits), and looks at references, shapes and duplicates;
**in full** every page is read and the locks are long: not while people work. *pepper* tries whether the
configured pepper opens what is encrypted. Each runs as a job, which goes on when you leave.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a,enter", "choose('all')", "All three", id="live_checks.all"),
        Binding("p", "choose('pairs')", "Pairs", id="live_checks.pairs"),
        Binding("e", "choose('heads')", "Pairs, heads", id="live_checks.heads", show=False),
        Binding("d", "choose('deep')", "Pairs, bytes", id="live_checks.deep", show=False),
        Binding("v", "choose('validate')", "Validate", id="live_checks.validate"),
        Binding("F", "choose('full')", "Validate in full", id="live_checks.full", show=False),
        Binding("k", "choose('pepper')", "Pepper", id="live_checks.pepper"),
    ]

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static("Check the live data", id="question", markup=False)
            yield KeyValues(
                [
                    ("a all", "pairs, validate and pepper as below. Enter means this."),
                    ("p pairs", "rows of files against the bucket's listing."),
                    ("e heads", "and each object's type and recorded sha256."),
                    ("d bytes", "and every object's bytes: reads the whole bucket."),
                    (
                        "v validate",
                        "the server's quick look (locks each collection briefly), references, shapes.",
                    ),
                    ("F in full", "the server reads every page: long locks, so it asks first."),
                    ("k pepper", "does the configured pepper open what is encrypted?"),
                    ("Escape", "goes back."),
                ]
            )

    def action_choose(self, word: str) -> None:
        """Leaves with it."""
        self.dismiss(word)


class BudgetModal(ConsoleModal[float]):
    """Leaves with the seconds to spend on the backups that were verified longest ago."""

    HELP = """
# Verify the oldest first

Backups that were never verified come first, then those whose last verify is longest ago, one after another,
until the time is over. The one that is being read then is finished; one that would not end in time waits, and
smaller ones go before it. Every byte is read (depth *full*); nothing is changed.
The same in a shell: `quillkeep verify --oldest-first --for 10m`.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1,enter", "choose(10)", "10 minutes", id="budget.ten"),
        Binding("2", "choose(30)", "30 minutes", id="budget.thirty"),
        Binding("3", "choose(60)", "1 hour", id="budget.hour"),
        Binding("4", "choose(240)", "4 hours", id="budget.night"),
        Binding("a", "choose(43200)", "All of them", id="budget.all"),
    ]

    def __init__(self, never: int, first: str) -> None:
        super().__init__()
        self._never = never
        self._first = first

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static("Verify what was verified longest ago", id="question", markup=False)
            said = f"{self._never:,} were never verified. " if self._never else ""
            yield Static(plain(f"{said}It begins with {self._first}."), id="about", markup=False)
            yield KeyValues(
                [
                    ("1 10 minutes", "reads every byte of one after another. Enter means this."),
                    ("2 30 minutes", ""),
                    ("3 1 hour", ""),
                    ("4 4 hours", "a night."),
                    ("a all", "every one, however long it takes; 6 Jobs, x stops it."),
                    ("Escape", "goes back."),
                ]
            )

    def action_choose(self, minutes: int) -> None:
        """Leaves with the seconds."""
        self.dismiss(minutes * 60.0)
