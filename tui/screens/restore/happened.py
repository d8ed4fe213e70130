"""Step 1: what happened. What is seen right now comes first and proposes the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from services.catalog.find import newest_good
from services.catalog.manifest import Part
from services.catalog.model import Backup
from services.catalog.scan import Catalog
from services.looking.contents import ContentsAnswer
from tui.screens.restore import evidence
from tui.screens.restore.choices import Choices, short
from tui.screens.restore.evidence import Compared, Evidence
from tui.screens.restore.holding import ask_held, held_of, key_of
from tui.screens.restore.model import StepName, WizardState
from tui.screens.restore.step import Step
from tui.screens.restore.symptoms import SYMPTOMS, Symptom, symptom_of
from tui.screens.restore.times import ago, both
from tui.store import Looked, Store
from widgets.glyphs import tone
from widgets.inventory_table import Column, InventoryTable, TableRow
from widgets.plain import plain

WHY_ALSO: dict[Part | None, str] = {
    "database": "The whole database comes back.",
    "objects": "Every object comes back.",
}
"""What stands before what was added to a symptom."""
SHOWN, SHOWN_TALL = 4, 12
"""Findings on the screen, by its height; the rest is counted."""


class HappenedStep(Step):
    """Symptoms in the admin's words; the one that fits what is seen is proposed, never chosen."""

    NAME: ClassVar[StepName] = "happened"
    TOPICS: ClassVar[tuple[str, ...]] = ("catalog", "live", "bucket")
    HELP = """
# What happened

Pick what fits best: it decides what the next steps propose, and each step can still be changed. Nothing is
touched by any of this.

Above the list stands what the database and the bucket look like right now beside the newest good backup, by
counts. `r` looks again.

A **good** backup is complete, not suspicious, and every byte of it was read back and proven.
"""

    def compose(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("What happened? Nothing is changed by answering.", classes="question", markup=False)
        yield Static("", id="seen", markup=False)
        yield Choices(
            [Column("CHOOSE WHAT FITS BEST"), Column("", 19, toned=True)],
            ellipsis=glyphs.ellipsis,
            id="symptoms",
        )
        yield Static("", id="why", classes="why", markup=False)
        yield Static("", id="next", classes="next", markup=False)

    def entered(self) -> None:
        """The symptom chosen before stands under the cursor."""
        self._moved = bool(self.state.symptom)
        self._shown_findings: Content | None = None
        self._catalog: Catalog | None = None
        self._found: dict[Part, Backup] = {}
        self._draw()
        table = self.query_one(Choices)
        if self.state.symptom:
            table.go_to(self.state.symptom)
        table.focus()

    def show(self, topic: str) -> None:
        """News of the backups, the database or the bucket."""
        if topic == "catalog":
            for backup in {key_of(one): one for one in self._references().values()}.values():
                if not isinstance(held_of(self.state, backup), ContentsAnswer):
                    self._ask(backup)
        self._draw()

    def on_inventory_table_highlighted(self, message: InventoryTable.Highlighted) -> None:
        """What the row under the cursor would preselect."""
        message.stop()
        proposed = self._compared().symptom
        if message.key != (proposed or SYMPTOMS[0].name):
            self._moved = True
        self._draw_why(self._compared())

    def on_inventory_table_opened(self, message: InventoryTable.Opened) -> None:
        """The answer."""
        message.stop()
        symptom = symptom_of(message.key)
        if symptom is None:
            return
        compared = self._compared()
        # What was seen since must not be left out because the same answer was given before.
        if symptom.name != self.state.symptom or taken(symptom, compared) != self.state.preselected:
            self._preselect(symptom, compared)
        self.post_message(self.Forward())

    def _preselect(self, symptom: Symptom, compared: Compared) -> None:
        state = self.state
        state.symptom = symptom.name
        found = state.preselected = taken(symptom, compared)
        state.only, state.collections, state.with_objects = found.only, found.collections, found.with_objects
        state.missing, state.fewer = compared.missing, compared.fewer
        state.exact = symptom.exact
        state.objects_from_any = symptom.objects_from_any or (
            compared.objects_gone and found.only != "database"
        )
        state.why = why_of(symptom, compared)
        if self.console.store.profile.bucket is None and state.only == "objects":
            state.why = f"{state.why} No bucket is configured."

    @work(group="held", description="contents")
    async def _ask(self, backup: Backup) -> None:
        await ask_held(self.console, self.state, backup)
        if self.is_mounted:
            self._draw()

    def _references(self) -> dict[Part, Backup]:
        """The newest good backup of each part, looked for once in each answer of the catalog."""
        catalog = self.console.store.catalog.value
        if catalog is not self._catalog:
            self._catalog = catalog
            self._found = {}
            for part in ("database", "objects"):
                backup = newest_good(catalog.backups, part) if catalog else None
                if backup is not None:
                    self._found[part] = backup
        return self._found

    def _compared(self) -> Compared:
        return seen_now(self.console.store, self.state, self._references())

    def _draw(self) -> None:
        compared = self._compared()
        proposed = compared.symptom
        glyphs = self.console.glyphs
        table = self.query_one(Choices)
        fits = f"{glyphs.of('warn')} fits what is seen"
        table.show(
            [
                TableRow(one.name, (one.title, fits if one.name == proposed else ""), tone="warning")
                for one in SYMPTOMS
            ]
        )
        if proposed and not self._moved:
            table.go_to(proposed)
        shown = SHOWN_TALL if self.app.size.height >= 30 else SHOWN
        lines = [*self._waiting(), *[self._line(one) for one in compared.findings[:shown]]]
        more = len(compared.findings) - shown
        if more > 0:
            lines.append(plain(f"  and {more} more like these"))
        if not lines:
            lines = [self._nothing_seen()]
        seen = Content("\n").join([self._reference_line(), *lines])
        if seen != self._shown_findings:
            self._shown_findings = seen
            self.query_one("#seen", Static).update(seen)
        self._draw_why(compared)

    def _draw_why(self, compared: Compared) -> None:
        row = self.query_one(Choices).cursor
        symptom = symptom_of(row.key) if row else None
        if symptom is None:
            return
        self.query_one("#why", Static).update(plain(why_of(symptom, compared)))
        down = self.console.store.looked("live").problem is not None
        later = " A restore needs the database up; choosing the backup does not." if down else ""
        self.query_one("#next", Static).update(plain(f"Enter: choose the backup.{later}"))

    def _line(self, one: Evidence) -> Content:
        word = self.console.glyphs.status(one.status, one.word)
        colour = tone(one.status)
        return Content.assemble(
            (f"{word:<8}", f"$text-{colour}" if colour else ""),
            plain(short(one.text, self.console.glyphs.ellipsis)),
        )

    def _nothing_seen(self) -> Content:
        store = self.console.store
        if not self._references():
            return plain("Nothing to compare with.")
        word = self.console.glyphs.status("ok", "nothing is missing by counts")
        if store.looked("live").value is None:
            return plain("The database was not looked at.")
        return plain(f"{word}; contents are compared in the plan.")

    def _reference_line(self) -> Content:
        """Which backup the findings are against."""
        store = self.console.store
        catalog = store.catalog
        if catalog.value is None:
            told = catalog.problem.what if catalog.problem else "The backups are being looked for."
            return plain(told).stylize("dim")
        backup = self._references().get("database") or self._references().get("objects")
        if backup is None:
            return plain(_no_good(catalog.value.backups, pepper=store.profile.pepper is not None)).stylize(
                "bold"
            )
        age = ago(backup.created, store.backend.now())
        text = f"Seen now, beside the newest good backup: {both(backup.created)}, {age}"
        return plain(text).stylize("dim")

    def _waiting(self) -> list[Content]:
        store = self.console.store
        asked: list[tuple[str, Looked[object]]] = [("database", store.looked("live"))]
        if store.profile.bucket is not None:
            asked.append(("bucket", store.looked("bucket")))
        lines = []
        for what, looked in asked:
            if looked.waiting and not looked.known and looked.asked is not None:
                word = self.console.glyphs.status("waiting", f"looking at the {what}")
                lines.append(plain(f"{word} since {looked.asked.astimezone():%H:%M:%S}").stylize("dim"))
        return lines


def _no_good(backups: Sequence[Backup], *, pepper: bool) -> str:
    """Why nothing is proposed, and what may change that."""
    if not backups:
        return "There is no backup here yet. 8 Settings shows where they are looked for."
    others = sum(bool(one.other_deployment) for one in backups)
    text = f"There are {len(backups):,} backups, and none is a good one of this deployment"
    if len(backups) == 1:
        text = "There is 1 backup, and it is not a good one of this deployment"
    if others < len(backups):
        return f"{text}. The next step shows why."
    known = "" if pepper else " Set ENCRYPTION_MASTER_PEPPER: by it they are recognised on a new server."
    return f"{text}: they were made from another server.{known}"


def seen_now(store: Store, state: WizardState, references: Mapping[Part, Backup]) -> Compared:
    """What the database and the bucket look like beside the newest good backups, so far as both are known."""
    parts: list[Compared] = []
    live, bucket = store.looked("live"), store.looked("bucket")
    held = held_of(state, references.get("database"))
    if live.problem is not None:
        parts.append(evidence.of_problem(live.problem, "database"))
    elif live.value is not None and isinstance(held, ContentsAnswer):
        parts.append(evidence.of_database(live.value, held))
    held = held_of(state, references.get("objects"))
    if store.profile.bucket is None:
        return evidence.together(*parts)
    if bucket.problem is not None:
        parts.append(evidence.of_problem(bucket.problem, "bucket"))
    elif bucket.value is not None and isinstance(held, ContentsAnswer):
        parts.append(evidence.of_bucket(bucket.value, held))
    return evidence.together(*parts)


class Taken(NamedTuple):
    """What is preselected: a part, collections of it, and the objects beside them."""

    only: Part | None
    collections: tuple[str, ...] = ()
    with_objects: bool = False
    also: str = ""
    """What was added to the symptom's own, because it is seen missing too, in words."""


def taken(symptom: Symptom, compared: Compared) -> Taken:
    """What the symptom needs, and whatever else is seen missing; never more of a part than that.

    Only what is gone is added: missing collections and objects come back without replacing anything.
    """
    names = names_for(symptom, compared)
    if symptom.only == "database" and compared.objects_gone:
        also = f"The objects too ({compared.objects_seen})"
        return Taken(None, names, with_objects=bool(names), also=f"{also}; objects that are live stay.")
    if symptom.only == "objects" and compared.missing:
        if "database" in compared.symptoms:
            return Taken(None, also="The database too: most of its collections are missing.")
        missing = tuple(sorted(compared.missing))
        return Taken(
            None, missing, with_objects=True, also=f"The missing collections too: {_named(missing)}."
        )
    return Taken(symptom.only, names)


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def names_for(symptom: Symptom, compared: Compared) -> tuple[str, ...]:
    """The collections a symptom narrows the restore to."""
    if symptom.names == "missing":
        return tuple(sorted(compared.missing))
    if symptom.names == "fewer":
        return tuple(sorted({*compared.missing, *compared.fewer}))
    return ()


def why_of(symptom: Symptom, compared: Compared) -> str:
    """What is preselected, and why, in words."""
    names = names_for(symptom, compared)
    also = taken(symptom, compared).also
    if also:
        own = f"Preselected: {_named(names)}. " if names else ""
        return f"{own}{also} Every other collection stays." if names else f"{WHY_ALSO[symptom.only]} {also}"
    if not symptom.names:
        return symptom.why
    if not names:
        seen = "missing" if symptom.names == "missing" else "missing or smaller"
        return f"{symptom.why} No collection is seen {seen} by counts: the whole database is preselected."
    return f"{symptom.why} Preselected: {_named(names)}."
