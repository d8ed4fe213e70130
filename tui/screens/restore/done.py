"""Step 9: the application, what stays and until when, how to roll back, and how long it all took."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Static

from services.counted import counted
from tui.screens.app_start import ask_and_start_app, why_no_start
from tui.screens.restore.application import application_words
from tui.screens.restore.holding import ask_held
from tui.screens.restore.looks_again import LooksAgain
from tui.screens.restore.model import GOOD, StepName
from tui.screens.restore.proof_rows import outcome
from tui.screens.restore.report import STILL, recovery, report_json, report_text
from widgets.lines_view import Line, LinesView, wrapped
from widgets.plain import plain

if TYPE_CHECKING:
    from services.jobs.listing import JobSummary
    from services.looking.live import SwapSeen

LEFT_STOPPED = ("stopping", "stopped", "found-stopped")
"""How the journal says that the application did not run at the end."""


class DoneStep(LooksAgain):
    """What is left to do, and what is left behind."""

    NAME: ClassVar[StepName] = "done"
    TOPICS: ClassVar[tuple[str, ...]] = ("catalog", "live", "jobs", "bucket")
    HELP: ClassVar[str] = """
# Done

Where the application stands, what stays until when, and how long it took.

- `a` starts the application where it was left stopped, once asked
- `m` opens the next restore, with what is still seen missing preselected
- `Z` shows the rollback: what was live before comes back, what is live now is set aside
- `D` counts what exists only in the rollback copies, and releases them when the job's id is typed
- `s` saves the report as Markdown, `j` as JSON, `y` copies it
- `n` restores something else: it begins at the first step, and the incident's clock goes on
- `enter` goes to Health; while something is still missing, to the restore of it
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go_on", "Go on", id="done.on", tooltip="Restores the rest, or leads to Health"),
        Binding("a", "start_app", "Start app", id="done.app"),
        Binding("m", "still", "Still missing", id="done.missing"),
        Binding("n", "another", "Something else", id="done.another", tooltip="Restore something else"),
        Binding("Z", "rollback", "Roll back", id="done.rollback"),
        Binding("D", "release", "Drop copies", id="done.release"),
        Binding("s", "save", "Save report", id="done.save"),
        Binding("j", "save_json", "Save as JSON", id="done.json"),
        Binding("y", "copy", "Copy", id="done.copy"),
        Binding("o", "open", "Job and log", id="done.job"),
    ]

    def compose(self) -> ComposeResult:
        yield Static("", id="done-title", classes="question", markup=False)
        yield LinesView(ellipsis=self.console.glyphs.ellipsis, id="done-lines")
        yield Static("", id="done-next", classes="next", markup=False)

    class Anew(Message):
        """Another restore is to begin, at its first step."""

    def entered(self) -> None:
        """Reads the journal for the application's state, and looks at what is live once more."""
        if not self.children:
            # The console is being left while the step is put there.
            return
        self.console.look_at("live", "bucket")
        self.query_one(LinesView).focus()
        self.follow_state()
        self._ask_held()
        self._draw()

    @work(group="held", description="contents")
    async def _ask_held(self) -> None:
        """What the backups hold that it is compared with; a wizard that took a backup from Archives never asked."""
        for backup in self._references().values():
            await ask_held(self.console, self.state, backup)
        if self.is_mounted:
            self._draw()

    def heard(self) -> None:
        """The journal is read."""
        self._draw()

    def show(self, topic: str) -> None:
        """The live look tells sizes of the copies, the application's state and what is missing."""
        if topic == "catalog":
            self._ask_held()
        self._draw()

    @property
    def swap_job(self) -> str:
        """The job that holds the copies."""
        result = self.state.result or {}
        return str(result.get("job") or self.state.job)

    @property
    def holds_copies(self) -> bool:
        """Whether there is something to roll back or release, as far as is known."""
        return bool((self.state.result or {}).get("rollback_until")) and not self.since

    @property
    def since(self) -> str:
        """What was done since: the copies were put back or released; empty while they stand or nobody can tell."""
        looked, finished = self.console.store.looked("live"), self.run.finished
        if (
            looked.value is None
            or looked.answered is None
            or finished is None
            or looked.answered <= finished.at
        ):
            return ""
        own = self._swap
        if own is not None and own.state != "released":
            return ""
        if self.undone:
            return f"It was rolled back since, by job {self.undone}: what was live before it is live again."
        return "Its rollback copies are gone since: released, or put back."

    @property
    def undone(self) -> str:
        """The rollback that ran since: of its record in the database, or of its journal."""
        looked, finished = self.console.store.looked("live").value, self.run.finished
        if looked is None or finished is None:
            return ""
        swaps = [swap.job for swap in looked.swaps if swap.verb == "rollback" and swap.started > finished.at]
        jobs = [
            job.id
            for job in self.console.store.jobs.value or ()
            if job.verb == "rollback"
            and job.profile == self.console.store.profile.name
            and job.state in ("succeeded", "warnings")
            and job.started is not None
            and job.started > finished.at
        ]
        return (swaps or jobs or [""])[-1]

    def why_no_way_back(self) -> str:
        """It is over."""
        return "It is over: Z shows the rollback, Enter goes to Health."

    def why_disabled(self, action: str) -> str:
        """Why there is nothing to roll back or release."""
        if action == "still":
            return "" if self._still.symptoms else "Nothing is seen missing by counts."
        if action == "start_app":
            return self._why_no_start()
        if action in ("rollback", "release"):
            if not self.holds_copies:
                return self.since or "This job left no copies: there is nothing to roll back or to release."
            if self.console.store.profile.read_only:
                return "READ-ONLY: nothing live may be changed from this console."
        return ""

    def action_still(self) -> None:
        """The next restore: what is still seen missing is preselected in its first step."""
        if not self._refused("still"):
            self.post_message(self.Anew())

    async def action_go_on(self) -> None:
        """Enter: the rest while something is still missing, else to Health."""
        if self._still.symptoms:
            self.action_still()
        else:
            await self.action_health()

    def action_another(self) -> None:
        """The next restore."""
        self.post_message(self.Anew())

    def _why_no_start(self) -> str:
        """Why there is nothing to start, or why not from here."""
        if self.run.app not in LEFT_STOPPED or self._app_runs:
            return "The application was not left stopped by this job."
        started = self._starting
        if started is not None and started.state in ("running", "cancelling"):
            return f"Job {started.id} starts it."
        return why_no_start(self.console)

    @property
    def _starting(self) -> JobSummary | None:
        """The newest job that starts the application, since this one ended."""
        jobs, finished = self.console.store.jobs.value or (), self.run.finished
        return next(
            (
                job
                for job in jobs
                if job.verb == "app-start"
                and job.profile == self.console.store.profile.name
                and finished is not None
                and job.started is not None
                and job.started >= finished.at
            ),
            None,
        )

    @property
    def _app_runs(self) -> bool:
        """Whether it was started since: by its job, or by what the live look says."""
        looked, finished = self.console.store.looked("live"), self.run.finished
        job = self._starting
        if job is not None and job.state in ("succeeded", "warnings"):
            return True
        later = finished is not None and looked.answered is not None and looked.answered > finished.at
        return later and looked.value is not None and looked.value.app == "running"

    def action_start_app(self) -> None:
        """Asks, then a job starts it."""
        if not self._refused("start_app"):
            ask_and_start_app(self.console)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what has a reason against it."""
        return None if self.why_disabled(action) else True

    async def action_health(self) -> None:
        """To Health."""
        self.console.look_at("live", "catalog")
        await self.console.action_show_mode("health")

    def action_rollback(self) -> None:
        """The rollback's own plan."""
        from tui.screens.restore.rollback import open_rollback

        if not self._refused("rollback"):
            open_rollback(self.console, self.swap_job)

    def action_release(self) -> None:
        """What exists only in the copies, then the job's id."""
        from tui.screens.restore.release import open_release

        if not self._refused("release"):
            open_release(self.console, self.swap_job)

    def action_save(self) -> None:
        """Markdown."""
        self.console.save_text(self._report(), name=f"quillkeep-{self.state.verb}-{self.state.job}.md")

    def action_save_json(self) -> None:
        """JSON."""
        text = report_json(self.state, self.run, self.console.store)
        self.console.save_text(text, name=f"quillkeep-{self.state.verb}-{self.state.job}.json")

    def action_copy(self) -> None:
        """The report."""
        self.console.copy_text(self._report(), name="the report")

    def action_open(self) -> None:
        """The job's own screen."""
        self.console.open_job(self.state.job)

    def _report(self) -> str:
        return report_text(self.state, self.run, self.console.store)

    def _refused(self, action: str) -> bool:
        words = self.why_disabled(action)
        if words:
            self.console.say(words, severity="warning")
        return bool(words)

    def _draw(self) -> None:
        if not self.is_mounted or not self.children:
            return
        self.state.still = None if self._looking or self._unknown else self._missing
        line = self._title()
        title = plain(line.text)
        self.query_one("#done-title", Static).update(
            title.stylize(f"$text-{line.tone}") if line.tone else title
        )
        self.query_one(LinesView).show(self._lines)
        enter = "Enter or m restores the rest" if self._missing else "Enter goes to Health"
        start = "" if self._why_no_start() else "; a starts the application"
        self.query_one("#done-next", Static).update(
            plain(
                f"{enter}{start}; n restores something else; Z, D and the saved report stay possible later."
            )
        )
        self.refresh_keys()

    def _title(self) -> Line:
        """No word of success before somebody looked, nor while something is still missing."""
        glyphs, state = self.console.glyphs, self.state
        line = outcome(state.verb, state.result, glyphs)
        if (state.result or {}).get("status") not in GOOD:
            return line
        if self.since and not self._missing:
            return Line(f"{glyphs.of('warning')} {self.since}", "warning")
        if self._looking:
            return Line(
                f"{glyphs.of('waiting')} The {state.verb} ended; looking whether anything is still missing"
            )
        if self._missing:
            more = f" and {len(self._missing) - 1} more" if len(self._missing) > 1 else ""
            return Line(f"{glyphs.of('fail')} {STILL}: {self._missing[0]}{more}", "error")
        if self._unknown:
            return Line(
                f"{glyphs.of('unknown')} The {state.verb} ended; whether anything is still missing is not known",
                "warning",
            )
        return line

    def _lines(self, width: int) -> list[Line]:
        lines: list[Line] = []

        def say(key: str, text: str, tone: str = "") -> None:
            first = f"{key:<3}"
            lines.extend(Line(part, tone) for part in wrapped(text, width, first=first, rest=" " * 3))

        mark = self.console.glyphs.of("none")
        missing = self._missing
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            say(
                "m",
                f"{STILL}: {'; '.join(missing[:3])}{more}. Enter or m opens the next restore with it.",
                "warning",
            )
        elif not self._looking and self._unknown:
            say(self.console.glyphs.of("unknown"), f"{self._unknown} r looks again.", "warning")
        ended = outcome(self.state.verb, self.state.result, self.console.glyphs)
        if self._title() != ended:
            say("", f"What the job itself proved: {ended.text.partition(' ')[2]}.", "dim")
        say(mark, *self._application())
        if self.holds_copies:
            until = str((self.state.result or {}).get("rollback_until") or "")[:16].replace("T", " ")
            say(mark, f"{self._before()}, at least until {until} UTC{self._copies()}.")
            if self._swap is None or self._swap.documents != 0:
                say("", "It may hold documents that exist nowhere else.", "dim")
            say(
                "Z",
                f"shows how to roll back job {self.swap_job}; what is live now would be set aside, not dropped.",
            )
            say("D", "counts what exists only in the copies, and releases them when the job's id is typed.")
        else:
            say(
                mark,
                "Nothing is left to roll back or to release."
                if self.since
                else "No rollback copies were left.",
            )
        lines.append(Line(""))
        for number, sentence in enumerate(recovery(self.state, self.console.store)):
            lines.extend(Line(part, "dim" if number else "strong") for part in wrapped(sentence, width))
        return lines

    def _before(self) -> str:
        """Where what was live before is now."""
        if (self.state.result or {}).get("strategy") == "in place":
            return "What was live before is kept as a pinned safety backup, which a rollback restores"
        return "What was live before is kept beside the live data"

    @property
    def _swap(self) -> SwapSeen | None:
        """The record of its copies, as the live look has it."""
        live = self.console.store.looked("live").value
        return next((one for one in live.swaps if one.job == self.swap_job), None) if live else None

    def _copies(self) -> str:
        swap = self._swap
        if swap is None or not swap.documents:
            return ""
        from tui.progress import amount

        return f" ({counted(swap.documents, 'documents')}, {amount(swap.bytes, 'bytes')})"

    def _application(self) -> tuple[str, str]:
        """Where it stands by the journal, and what is left to do."""
        app = self.console.store.profile.app
        return application_words(
            self.run,
            runs=self._app_runs,
            starting=self._starting,
            start=" a starts it." if app and app.start else "",
            asked=self.state.leave_app_stopped,
        )
