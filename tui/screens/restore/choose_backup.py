"""Step 2: which backup. The newest good one is proposed; every other one says what stands against it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial
from typing import ClassVar

import humanize
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from services.catalog.listing import row as as_document
from services.catalog.model import Backup
from services.catalog.scan import Catalog
from services.counted import counted
from services.looking.contents import ContentsAnswer
from tui.bridge import apart
from tui.opening import ask_passphrase
from tui.present_catalog import condition
from tui.screens.restore.choices import Choices, short
from tui.screens.restore.choosing import (
    Proposal,
    listed,
    lost_since,
    newest_for,
    propose,
    warnings_on,
    why_unusable,
)
from tui.screens.restore.holding import ask_held, held_of, key_of
from tui.screens.restore.model import StepName
from tui.screens.restore.step import Step
from tui.screens.restore.times import ago, both, clock, is_utc, span
from tui.screens.restore.when import WhenAnswer, WhenModal
from tui.store import Problem
from tui.work import start_work
from widgets.glyphs import tone
from widgets.inventory_table import Column, InventoryTable, TableRow
from widgets.plain import plain
from widgets.text import escape

_NOTHING = Catalog(backups=())
_WORDS = {"ok": "good", "warn": "doubtful", "fail": "damaged", "unknown": "unproven", "skipped": "encrypted"}
PARTS = {"database": "db", "objects": "obj"}
PAUSE_SECONDS = 0.2
"""How long the cursor rests on a backup before its manifest is read."""


class BackupStep(Step):
    """Every backup with what stands against it; the proposed one is under the cursor."""

    NAME: ClassVar[StepName] = "backup"
    TOPICS: ClassVar[tuple[str, ...]] = ("catalog",)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "when", "When it happened", id="backup.when"),
    ]
    HELP = """
# Which backup

The newest **good** backup is proposed. Good means: complete, not suspicious, every byte read back and proven.
Arrows choose another one; its warnings stand below the list.

- `w` says when the damage happened: backups made after it may hold the damage and are no longer proposed.
- `r` looks for backups again. `enter` takes the one under the cursor, `escape` goes back.

**Suspicious**: much smaller than the one before. **Foreign**: made by other tools, without a manifest.
"""

    _same_minute: frozenset[datetime] = frozenset()
    """Minutes in which several backups began."""

    def compose(self) -> ComposeResult:
        yield Static("Which backup should the data come from?", classes="question", markup=False)
        yield Static("", id="proposal", classes="why", markup=False)
        yield Choices(self._columns, ellipsis=self.console.glyphs.ellipsis, id="backups")
        yield Static("", id="backup-detail", markup=False)
        yield Static("", id="backup-next", classes="next", markup=False)

    def entered(self) -> None:
        """The backup chosen before, or the proposed one, stands under the cursor."""
        self._rows: dict[str, Backup] = {}
        self._placed = ""
        self._refused = ""
        self._moved = False
        self._proposal = Proposal(None)
        self._newest: Backup | None = None
        self.query_one(Choices).focus()

    def show(self, topic: str) -> None:
        """The backups were looked for again."""
        self._draw()

    def action_when(self) -> None:
        """Asks when it happened."""

        def said(answer: WhenAnswer | None) -> None:
            if answer is not None:
                self.state.damage_at = answer.moment
                self.state.backup = None
                self._moved, self._placed = False, ""
                self._draw()

        now = self.console.store.backend.now()
        self.console.push_screen(WhenModal(now, self.state.damage_at), said)

    def on_inventory_table_highlighted(self, message: InventoryTable.Highlighted) -> None:
        """The detail of the row under the cursor."""
        message.stop()
        self._moved = self._moved or (message.key not in ("", self._placed))
        self._draw_detail()
        self.set_timer(PAUSE_SECONDS, lambda: self._rested(message.key))

    def on_inventory_table_opened(self, message: InventoryTable.Opened) -> None:
        """Takes it, unless no restore can be made of it."""
        message.stop()
        backup = self._rows.get(message.key)
        if backup is None:
            return
        closed = why_unusable(backup, self.state, self.console.store.profile)
        if closed:
            self._refused = message.key
            self._draw_detail()
            return
        self._take(backup)
        if backup.encrypted is not None:
            self._unlock(backup)
        else:
            self.post_message(self.Forward())

    @work(exclusive=True, group="unlock", description="a passphrase")
    async def _unlock(self, backup: Backup) -> None:
        """What it holds is known once it opens; without an answer the checks ask again."""
        if await ask_passphrase(self.console, backup):
            self.state.held.pop(key_of(backup), None)
        if self.is_mounted:
            self.post_message(self.Forward())

    def _take(self, backup: Backup) -> None:
        state = self.state
        if state.backup is not None and key_of(state.backup) != key_of(backup):
            if state.verify_job and state.verify_result is None:
                cancel = self.console.store.backend.cancel_job
                start_work(
                    self.console,
                    partial(apart, cancel, state.verify_job),
                    description="cancel verify",
                    exit_on_error=False,
                )
            state.verify_job, state.verify_folder, state.verify_result = "", None, None
            state.verify_skipped, state.from_database = False, ""
            state.plan = None
        catalog = self.console.store.catalog.value
        state.take(backup, catalog.backups if catalog else (backup,))

    def _rested(self, key: str) -> None:
        if not self.is_mounted:
            return
        row = self.query_one(Choices).cursor
        backup = self._rows.get(key)
        if row is None or row.key != key or backup is None:
            return
        if not isinstance(held_of(self.state, backup), ContentsAnswer):
            self._ask(backup)

    @work(group="held", description="contents")
    async def _ask(self, backup: Backup) -> None:
        await ask_held(self.console, self.state, backup)
        if self.is_mounted:
            self._draw_detail()

    def _columns(self, width: int) -> list[Column]:
        made = 16 if width < 110 else 20 if is_utc(self.console.store.backend.now()) else 28
        made += len(":00") if self._same_minute else 0
        return [
            Column("MADE", made + 1),
            Column("AGE", 8, right=True),
            Column("PARTS", 6),
            Column("STATUS", 12, toned=True),
            Column("WHAT STANDS AGAINST IT"),
            *([Column("ID", 26, cell=5)] if width >= 135 else []),
        ]

    def _draw(self) -> None:
        store = self.console.store
        catalog = store.catalog.value
        top = self.query_one("#proposal", Static)
        table = self.query_one(Choices)
        if catalog is None:
            top.update(plain(self._waiting()))
            return
        self._proposal = propose(self.state, catalog, store.profile)
        backups = listed(self.state, catalog, self._proposal)
        self._newest = newest_for(self.state, catalog, store.profile)
        self._rows = {key_of(one): one for one in backups}
        wider = bool(self._same_minute)
        counted = Counter(_minute(one) for one in backups)
        self._same_minute = frozenset(minute for minute, count in counted.items() if count > 1)
        rows = [self._row(one) for one in backups]
        table.show(rows, self._columns if bool(self._same_minute) != wider else None)
        wanted = self.state.backup or self._proposal.backup
        if wanted is not None and not self._moved:
            self._placed = key_of(wanted)
            table.go_to(self._placed)
        top.update(self._reasons(self._proposal, len(catalog.backups), len(backups)))
        if not backups:
            self.query_one("#backup-detail", Static).update(plain(self._empty()))
            self.query_one("#backup-next", Static).update("Escape: back.  r: look again.")
            return
        self._draw_detail()
        row = table.cursor
        if row is not None:
            self._rested(row.key)

    def _waiting(self) -> str:
        looked = self.console.store.catalog
        if looked.problem is not None:
            return f"{looked.problem.what} {looked.problem.cause} {looked.problem.next}".strip()
        since = f" since {looked.asked.astimezone():%H:%M:%S}" if looked.asked else ""
        word = self.console.glyphs.status("waiting", "looking for backups")
        return f"{word}{since}. This may take ten seconds on a slow disk."

    def _empty(self) -> str:
        store = self.console.store
        places = ", ".join(location.path for location in store.profile.locations)
        where = f"No backup was found in {places}." if places else "No folder of backups is configured."
        unread = " ".join(problem.sentence for problem in (store.catalog.value or _NOTHING).problems)
        told = f" Could not be read: {unread}" if unread else ""
        return (
            f"{where}{told} Without one nothing can be restored here. If backups lie elsewhere (a NAS, another "
            "server), mount or copy them there, or set BACKUP_DIR, and press r. 2 Archives makes a new backup."
        )

    def _reasons(self, proposal: Proposal, count: int, shown: int) -> Content:
        lines: list[str] = []
        if proposal.backup is not None:
            lines.append(f"Proposed: {proposal.backup.id}, {proposal.why}.")
        elif proposal.problem is not None:
            lines.append(f"{proposal.problem.what} Look at what each one says before you take it.")
        if self.state.damage_at is not None:
            lines.append(f"It happened {both(self.state.damage_at)}: later backups are not proposed.")
        passed = proposal.passed_over
        if passed:
            id, why = passed[0]
            more = f", and {len(passed) - 1} more" if len(passed) > 1 else ""
            lines.append(f"Passed over {id} ({why}){more}.")
        if shown < count:
            lines.append(f"The newest {shown:,} of {count:,} are listed; older ones are in 2 Archives.")
        return plain(short(" ".join(lines), self.console.glyphs.ellipsis))

    def _row(self, backup: Backup) -> TableRow:
        now = self.console.store.backend.now()
        word, _ = condition(as_document(backup))
        word = "warn" if backup.other_deployment and word == "ok" else word
        said = warnings_on(backup, self.state, self.console.store.profile, self._newest)
        said = [*([backup.reason] if backup.reason.startswith("before") else []), *said]
        proposed = self._proposal.backup is not None and key_of(self._proposal.backup) == key_of(backup)
        label = "good" if backup.good else _WORDS.get(word, word)
        label = "proposed" if proposed else "other's" if backup.other_deployment else label
        guess = "" if backup.created_by == "manifest" else "~"
        wide = self.app.size.width >= 112
        cells = (
            f"{guess}{clock(backup.created, wide=wide, seconds=_minute(backup) in self._same_minute)}",
            span((now - backup.created).total_seconds()),
            "+".join(PARTS[part] for part in backup.parts) or "?",
            self.console.glyphs.status(word, label),
            escape("; ".join(said)),
            escape(backup.id),
        )
        return TableRow(key_of(backup), cells, tone=tone(word))

    def _draw_detail(self) -> None:
        row = self.query_one(Choices).cursor
        backup = self._rows.get(row.key) if row else None
        if backup is None:
            return
        now = self.console.store.backend.now()
        said = warnings_on(backup, self.state, self.console.store.profile, self._newest)
        known = f" ({backup.created_detail})" if backup.created_by != "manifest" else ""
        known += f", {backup.reason}" if backup.reason else ""
        lines = [
            plain(f"{backup.id}: {both(backup.created)}, {ago(backup.created, now)}{known}"),
            plain(f"{self._contents(backup)} {_checked(backup)}"),
            plain(short(f"Lost with it: {self._lost(backup)}", self.console.glyphs.ellipsis)).stylize(
                "$text-warning"
            ),
        ]
        if said:
            glyphs = self.console.glyphs
            lines.append(plain(short(f"{glyphs.of('warn')} {'; '.join(said)}", glyphs.ellipsis)))
        self.query_one("#backup-detail", Static).update(Content("\n").join(lines))
        unusable = why_unusable(backup, self.state, self.console.store.profile)
        if unusable and row is not None and self._refused == row.key:
            unusable = f"{self.console.glyphs.of('warn')} Not this one. {unusable}"
        self.query_one("#backup-next", Static).update(
            plain(unusable or "Enter: take this one.  w: say when it happened.  Escape: back.")
        )

    def _lost(self, backup: Backup) -> str:
        """What of the chosen scope goes back to the time of this backup."""
        state = self.state
        since = span(lost_since(backup, self.console.store.backend.now()))
        if state.collections:
            named = ", ".join(state.collections[:3])
            more = len(state.collections) - 3
            named += f" and {more} more" if more > 0 else ""
            gone = set(state.collections) <= set(state.missing)
            objects = " and to the objects that are gone" if state.with_objects else ""
            kept = "; everything else keeps what is live" if gone else ""
            return f"what was written to {named}{objects} since then ({since}){kept}."
        if state.only == "objects":
            return f"objects added or changed since then ({since}), where they are gone."
        if state.only == "database":
            return f"everything written to the database since then ({since})."
        return f"everything written since then ({since})."

    def _contents(self, backup: Backup) -> str:
        size = humanize.naturalsize(backup.bytes)
        held = held_of(self.state, backup)
        if held is None:
            return f"{size} on disk; its contents are being read."
        if isinstance(held, Problem):
            return f"{size} on disk. {held.what}"
        words = []
        documents = [one.documents for one in held.collections if one.documents is not None]
        if held.collections:
            within = f" with {counted(sum(documents), 'documents')}" if documents else ""
            words.append(f"{counted(len(held.collections), 'collections')}{within}")
        if held.objects is not None:
            words.append(counted(held.objects, "objects"))
        if held.server_version:
            words.append(f"MongoDB {held.server_version}")
        told = ", ".join(words)
        return " ".join(
            filter(None, [f"{size} on disk: {told}." if told else f"{size} on disk.", held.unknown])
        )


def _minute(backup: Backup) -> datetime:
    """Two backups of the same minute are told apart by their seconds."""
    return backup.created.replace(second=0, microsecond=0)


def _checked(backup: Backup) -> str:
    verified = backup.verified
    if verified is None:
        return "Read back when it was made." if backup.good else "Never verified."
    return f"Verified {both(verified.at)}, {verified.depth}: {verified.status}."
