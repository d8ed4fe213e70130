"""Starts a backup: why, of what and where to, then y/n with No as the default."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from services.catalog.manifest import Part
from services.operations.backup_model import BackupPlan
from services.profile import Profile
from tui.screens.base import ConsoleModal
from tui.store import Problem
from tui.work import start_work
from widgets.key_value import KeyValues
from widgets.plain import plain

if TYPE_CHECKING:
    from tui.app import QuillkeepApp

REASONS = (
    "routine",
    "before an upgrade",
    "before a configuration change",
    "before a deployment",
    "before changing encryption",
)
"""What is asked; the words go into the manifest as they stand here."""
OTHER = len(REASONS)
ASK = "Start this backup?   y yes   n no (Enter and Escape mean no)"


class Question(Static, can_focus=True):
    """The question that `y` answers; Enter on it means no."""

    DEFAULT_CSS = """
    Question { height: 1; margin: 1 0 0 0; }
    Question:focus { text-style: bold reverse; }
    """


class BackupModal(ConsoleModal[BackupPlan]):
    """The reason, the parts and the place; only `y` starts, and everything that leaves without it starts nothing."""

    HELP = """
# Start a backup

Choose why (the reason is kept in the manifest), then `y` starts it. Enter on the list goes on to the
question; there Enter means no. `p` changes which parts are taken, `o` into which location, `a` whether the
application is stopped while the data is read.

A backup only reads your data. It runs as a job: it goes on when you leave the console.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "start", "Yes, start", id="backup.yes"),
        Binding("n", "dismiss_none", "No", id="backup.no"),
        *(
            Binding(str(number + 1), f"reason({number})", show=False, id=f"backup.reason-{number + 1}")
            for number in range(OTHER + 1)
        ),
        Binding("p", "parts", "Parts", id="backup.parts"),
        Binding("o", "location", "Location", id="backup.location"),
        Binding("a", "stop_app", "Stop the app", id="backup.app"),
    ]

    CSS_PATH = "../styles/archives.tcss"

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self._profile = profile
        self._choices = parts_of(profile)
        self._parts = 0
        self._location = 0
        self._stop_app = False

    def compose_body(self) -> ComposeResult:
        with Vertical(classes="dialog", id="backup-dialog"):
            yield Static(plain(f"Back up {target(self._profile)}"), id="question", markup=False)
            yield Static("Why? It is kept in the manifest.", markup=False)
            words = (*REASONS, "other:")
            yield OptionList(
                *(Option(Content(f"{number} {text}")) for number, text in enumerate(words, 1)),
                id="reasons",
                compact=True,
            )
            yield Input(id="other", placeholder="the reason in your words", disabled=True, compact=True)
            yield KeyValues(id="backup-facts")
            yield Question(ASK, id="ask", markup=False)

    def on_mount(self) -> None:
        """The routine reason, unless another is chosen."""
        self.query_one("#reasons", OptionList).highlighted = 0
        self.query_one("#reasons").focus()
        self._show()

    @property
    def reason(self) -> str:
        """What was chosen or typed."""
        chosen = self.query_one("#reasons", OptionList).highlighted or 0
        return self.query_one("#other", Input).value.strip() if chosen == OTHER else REASONS[chosen]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what there is a choice of."""
        return None if self.why_disabled(action) else super().check_action(action, parameters)

    def why_disabled(self, action: str) -> str:
        """Why there is no choice."""
        if action == "parts" and len(self._choices) < 2:
            return "Only one part is configured."
        if action == "location" and len(self._profile.locations) < 2:
            return "Only one location is configured."
        if action == "stop_app" and self._profile.read_only:
            return "READ-ONLY: the application is not stopped."
        if action == "stop_app" and (self._profile.app is None or self._profile.app.stop is None):
            return "No command that stops the application is configured."
        return ""

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """The text of another reason can be typed only while it is chosen."""
        self.query_one("#other", Input).disabled = event.option_index != OTHER

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on the list goes on to the text, or to the question."""
        event.stop()
        self.query_one("#other" if event.option_index == OTHER else "#ask").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the text goes on to the question."""
        event.stop()
        self.query_one("#ask").focus()

    def key_enter(self) -> None:
        """Enter on the question means no."""
        if self.query_one("#ask").has_focus:
            self.dismiss(None)

    def action_reason(self, number: int) -> None:
        """By its number."""
        self.query_one("#reasons", OptionList).highlighted = number
        other = self.query_one("#other", Input)
        other.disabled = number != OTHER
        (other if number == OTHER else self.query_one("#ask")).focus()

    def action_parts(self) -> None:
        """The next choice of parts."""
        self._parts = (self._parts + 1) % len(self._choices)
        self._show()

    def action_location(self) -> None:
        """The next location."""
        self._location = (self._location + 1) % len(self._profile.locations)
        self._show()

    def action_stop_app(self) -> None:
        """Whether the application is stopped while the data is read."""
        self._stop_app = not self._stop_app
        self._show()

    def action_start(self) -> None:
        """The answer is yes."""
        if not self.reason:
            self.query_one("#ask", Static).update("Type the reason first, or choose another.   n no")
            self.query_one("#other").focus()
            return
        only, _ = self._choices[self._parts]
        places = self._profile.locations
        self.dismiss(
            BackupPlan(
                only=only,
                reason=self.reason,
                stop_app=self._stop_app,
                location=places[self._location].name if len(places) > 1 else None,
            )
        )

    def _show(self) -> None:
        place = self._profile.locations[self._location]
        facts = [("Takes", self._fact("parts", self._choices[self._parts][1], "p"))]
        facts.append(("Into", self._fact("location", f"{place.name}  {place.path}", "o")))
        if not self.why_disabled("stop_app"):
            app = "is stopped while the data is read" if self._stop_app else "keeps running"
            facts.append(("The app", self._fact("stop_app", app, "a")))
        self.query_one(KeyValues).show(facts)

    def _fact(self, action: str, value: str, key: str) -> str:
        return value if self.why_disabled(action) else f"{value}   ({key} changes it)"


def parts_of(profile: Profile) -> list[tuple[Part | None, str]]:
    """What can be taken, everything first."""
    if profile.mongo is None:
        return [("objects", "objects only: no database is configured")]
    if profile.bucket is None:
        return [("database", "database only: no bucket is configured")]
    return [(None, "database + objects"), ("database", "database only"), ("objects", "objects only")]


def target(profile: Profile) -> str:
    """What would be read, in words."""
    names = []
    if profile.mongo is not None:
        names.append(f"database {profile.mongo.database}")
    if profile.bucket is not None:
        names.append(f"bucket {profile.bucket.bucket}")
    return " and ".join(names)


async def ask_and_start_backup(console: QuillkeepApp) -> None:
    """Asks, starts the job and shows it; what forbids a backup is said in words. Returns at once."""
    problem = why_no_backup(console)
    if problem is not None:
        console.show_problem(problem)
        return

    def answered(plan: BackupPlan | None) -> None:
        if plan is None:
            console.say("No backup was started.")
        else:
            start_work(console, partial(_start, console, plan), group="backup", description="start a backup")

    # Not in a worker: what is typed ahead goes to the dialog.
    console.push_screen(BackupModal(console.store.profile), answered)


async def _start(console: QuillkeepApp, plan: BackupPlan) -> None:
    problem = why_no_backup(console)
    if problem is not None:
        console.show_problem(problem)
        return
    started = await console.begin_job("backup", plan)
    if started is not None:
        console.open_job(started.job)


def why_no_backup(console: QuillkeepApp) -> Problem | None:
    """What stands in the way of a backup now."""
    profile = console.store.profile
    untouched = "Nothing was started."
    if not profile.locations:
        return Problem(
            what="No folder for backups is configured.",
            touched=untouched,
            next="8 shows the line to write: BACKUP_DIR=/path/to/backups, or [[locations]] in config.toml.",
        )
    if profile.mongo is None and profile.bucket is None:
        return Problem(
            what="Neither a database nor a bucket is configured, so there is nothing to back up.",
            touched=untouched,
            next="8 shows the lines to write: MONGODB_URI=..., S3_BUCKET=...",
        )
    running = next((job for job in console.store.running if job.verb == "backup"), None)
    if running is None:
        return None
    since = f" since {running.started:%H:%M} UTC" if running.started else ""
    return Problem(
        what=f"A backup runs already: job {running.id}{since}.",
        cause="One job at a time writes into a location.",
        touched=untouched,
        next="6 shows it; start another when it has ended, or cancel it there.",
    )
