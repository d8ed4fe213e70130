"""The restore wizard: where one is, how long it has taken, and the step in hand; the way back stays open."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from tui.screens.archives_rows import reference
from tui.screens.base import ConsoleScreen
from tui.screens.confirm import YesNoModal
from tui.screens.restore.model import (
    STEPS,
    StepName,
    WizardState,
    interruption,
    phase_of,
    place_of,
    titles_of,
    to_adopt,
    troubled_step,
)
from tui.screens.restore.step import Step
from widgets.stepper import Stepper
from widgets.stopwatch import Elapsed, Stopwatch

if TYPE_CHECKING:
    from services.jobs.listing import JobSummary

TICK_SECONDS = 10.0
"""How often the stopwatch is read; it repaints once a minute."""
STALE_SECONDS = 60.0
"""Answers older than this are asked for again when a step needs them."""
DONE_SECONDS = 600.0
"""How long the end of a restore is what the mode shows; later it is in Jobs and History."""
CLASSES: dict[str, tuple[str, str]] = {
    "happened": ("happened", "HappenedStep"),
    "backup": ("choose_backup", "BackupStep"),
    "what": ("what", "WhatStep"),
    "checks": ("checks", "ChecksStep"),
    "plan": ("plan", "PlanStep"),
    "confirm": ("confirm", "ConfirmStep"),
    "running": ("running", "RunningStep"),
    "proof": ("proof", "ProofStep"),
    "done": ("done", "DoneStep"),
    "interrupted": ("interrupted", "InterruptedView"),
}


def class_of(name: str) -> type[Step]:
    """The class of a step, imported when it is first shown."""
    module, kind = CLASSES[name]
    step: type[Step] = getattr(importlib.import_module(f"tui.screens.restore.{module}"), kind)
    return step


class RestoreScreen(ConsoleScreen):
    """Mode 3. It decides which step is shown; the steps read and fill the state."""

    MODE: ClassVar[str] = "restore"
    TOPICS: ClassVar[tuple[str, ...]] = ("catalog", "jobs", "live", "bucket")
    CSS_PATH = ["../../styles/restore.tcss", "../../styles/restore_run.tcss"]
    HELP = """
# Restore

Nine steps from the damage to the proof. Nothing live is touched before step 7, and nothing is ever one key away:
a plan is shown, every risk is acknowledged by itself, and the target is typed.

- `enter` goes on, `escape` goes back a step.
- `r` looks again at the database, the bucket and the backups.
- `ctrl+n` starts over (asks first; not while a restore runs); after one that ended it begins the next.
- `1` to `8` show other screens: the wizard stays as it is, and a running restore goes on.

The clock runs against the recovery time target (RTO) from the moment the wizard was opened.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="restore.back"),
        Binding("r", "look_again", "Look again", id="restore.look_again"),
        Binding("ctrl+n", "start_over", "Start over", id="restore.start_over"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._fresh: WizardState | None = None
        self._deployment: object = None
        self._step: Step | None = None
        self._wanted = ""
        self._changing = asyncio.Lock()

    @property
    def state(self) -> WizardState:
        """What was gathered so far."""
        if self._fresh is None:
            self._fresh = WizardState(opened=self.console.store.backend.now())
        return self._fresh

    def compose_body(self) -> ComposeResult:
        # A running restore is adopted before anything tells the step: the first frame is right.
        self._step = self._make(self._first())
        place = place_of(self.state.step)
        yield Stepper([info.title for info in STEPS], self.console.glyphs, current=place)
        yield Stopwatch(self._elapsed(), self.console.glyphs)
        yield Vertical(self._step, id="wizard-body")

    def on_mount(self) -> None:
        """The first step stands before anything was looked at."""
        self._deployment = msgspec.structs.replace(self.console.store.profile, read_only=False)
        self._enter()
        self.set_interval(TICK_SECONDS, self._tick)
        self.call_after_refresh(self._look)

    def on_screen_resume(self) -> None:
        """A wizard that was done, or that nothing was entered in, begins anew: the clock counts from now."""
        if self._fresh is not None and self._fresh.step == "done" and self._fresh.ended is not None:
            since = self.console.store.backend.now() - self._fresh.ended
            if since.total_seconds() > DONE_SECONDS:
                self._fresh = None
                self._open()
                self._look()
        if self._fresh is not None and not self._fresh.touched:
            now = self.console.store.backend.now()
            begun = self._fresh.phase_since or now
            if not self._fresh.continues:
                self._fresh.opened = now
            elif (now - begun).total_seconds() > DONE_SECONDS:
                self._fresh = WizardState(opened=now)
                self._open()
            self._tick()
            self._look_if_stale()

    def on_screen_suspend(self) -> None:
        """Something else comes in front: the step hears of it."""
        if self._step is not None and self._step.is_mounted:
            self._step.left()

    def show(self, topic: str) -> None:
        """Hands news to the step; a restore that was found running or interrupted comes in front."""
        if topic == "profile":
            self._profile_changed()
        if topic in ("jobs", "live"):
            self._attend()
            self._tick()
        if self._step is not None and topic in self._step.TOPICS:
            self._step.show(topic)

    def begin(self, *, backup: str = "", collections: tuple[str, ...] = (), objects: bool = False) -> None:
        """Takes a backup (its id, or its path where that is not clear), collections or the objects alone.

        A wizard with something entered is kept; one that ended, or that a screen alone filled, begins anew.
        """
        if self.wizard_open() and not (self.state.only_given and (backup or collections)):
            self.console.say(
                "This restore was open already and is kept; what you chose now was not taken. "
                "ctrl+n starts it over: then choose again.",
                severity="warning",
            )
            return
        if not backup and not collections and not (self._fresh and self._fresh.finished):
            return
        if self._interrupted:
            self.console.say("An interrupted restore comes first.", severity="warning")
            return
        if not backup and not collections:
            self._begin_anew()
            return
        catalog = self.console.store.catalog.value
        backups = catalog.backups if catalog else ()
        found = [one for one in backups if backup in (one.id, reference(one, backups))]
        self._fresh = self._following()
        first = found[0] if found else None
        self.state.take(next((one for one in found if reference(one, backups) == backup), first), backups)
        self.state.choose(collections, objects=objects)
        self._go("backup")

    def wizard_open(self) -> bool:
        """Whether something was entered or a job runs: what refuses a switch of the profile."""
        fresh = self._fresh
        return fresh is not None and fresh.touched and fresh.ended is None and not fresh.finished

    def on_step_forward(self, message: Step.Forward) -> None:
        """To the step named, else the next; a message of a step that is no longer shown is late."""
        message.stop()
        if message.origin is not self._step:
            return
        following = place_of(self.state.step) + 1
        if message.to is None and following >= len(STEPS):
            return
        self._go(message.to or STEPS[following].name)

    def on_done_step_anew(self, message: Message) -> None:
        """The one in hand is over: the next begins, with what is seen now."""
        message.stop()
        if self.state.step == "done":
            self._begin_anew()

    def _begin_anew(self) -> None:
        """The first step of the next restore."""
        self._fresh = self._following(held=True)
        self._open()
        self._look()

    def _following(self, *, held: bool = False) -> WizardState:
        """What follows the one in hand: soon after its end it is the same incident, and its clock goes on."""
        now, old = self.console.store.backend.now(), self._fresh
        if old is not None and old.continues and old.only_given:
            return old.anew(now)
        if old is not None and old.finished:
            since = (now - (old.ended or now)).total_seconds()
            if since <= DONE_SECONDS or old.still:
                return old.anew(now, held=held)
        return WizardState(opened=now)

    def on_step_back(self, message: Step.Back) -> None:
        """To the step before."""
        message.stop()
        if message.origin is self._step:
            self.action_back()

    def action_back(self) -> None:
        """A step back; from the first there is nothing to leave."""
        if self._interrupted:
            self.state.interruption_left = True
            self._go("happened")
            return
        closed = self.why_disabled("back")
        if closed:
            self.console.say(closed)
            return
        self._go(STEPS[place_of(self.state.step) - 1].name)

    def action_look_again(self) -> None:
        """Asks the database, the bucket, the folders and the jobs again."""
        self._look()
        self.console.look_at_jobs()
        if self._step is not None:
            self._step.look_again()

    def action_start_over(self) -> None:
        """Forgets what was entered, when told so."""
        closed = self.why_disabled("start_over")
        if closed:
            self.console.say(closed)
            return
        if self.state.finished:
            self._begin_anew()
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._fresh = WizardState(opened=self.console.store.backend.now())
                self._open()
                self._look()

        self.console.push_screen(
            YesNoModal(
                "Start this restore over?",
                "What was chosen in the steps is forgotten. No data is touched, and no job is stopped.",
            ),
            answered,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Greys what cannot be done now."""
        if action in ("back", "start_over") and self.why_disabled(action):
            return None
        return True

    def why_disabled(self, action: str) -> str:
        """Why an action of the wizard, or of its step, is disabled."""
        if action == "back":
            if self._interrupted:
                return ""
            if place_of(self.state.step) == 0:
                return "This is the first step. The number keys show other screens."
            return self._step.why_no_way_back() if self._step else ""
        if action == "start_over":
            if self.state.job and self.state.result is None and not self.state.finished:
                return "A restore runs: it has to end first."
            return "" if self.state.touched else "Nothing was entered yet."
        return self._step.why_disabled(action) if self._step else ""

    @property
    def _interrupted(self) -> bool:
        return self._step is not None and self._step.has_class("interrupted")

    def _first(self) -> str:
        """The step in hand; before anything was entered, what runs or was interrupted comes first."""
        if not self.state.touched:
            running = to_adopt(self.console.store)
            if running is not None:
                self._adopt(running)
            elif interruption(self.console.store) and not self.state.interruption_left:
                return "interrupted"
        return self.state.step

    def _open(self) -> None:
        self._change_to(self._first())

    def _attend(self) -> None:
        """A restore that began or was interrupted elsewhere, seen while nothing was entered here.

        What runs on a screen in front of this one is that screen's; what it leaves is seen when this one is back.
        """
        if self.state.touched or self._step is None or self.app.screen is not self:
            return
        found = interruption(self.console.store) is not None and not self.state.interruption_left
        if to_adopt(self.console.store) is not None or found != self._interrupted:
            self._open()

    def _adopt(self, job: JobSummary) -> None:
        state = self.state
        state.opened = job.started or state.opened
        state.job, state.verb = job.id, job.verb
        state.folder = self.console.store.backend.paths.jobs / job.id
        state.step, state.phase_since = "running", state.opened

    def _profile_changed(self) -> None:
        """Another deployment: nothing of the last one may be restored into it."""
        deployment = msgspec.structs.replace(self.console.store.profile, read_only=False)
        if deployment == self._deployment:
            return
        self._deployment = deployment
        if self._fresh is not None and not self.wizard_open():
            self._fresh = WizardState(opened=self.console.store.backend.now())
            self._open()
            self._look()

    def _go(self, name: StepName) -> None:
        self.state.enter(name, self.console.store.backend.now())
        if place_of(name) < place_of("running"):
            self._look_if_stale()
        self._change_to(name)

    def _change_to(self, name: str) -> None:
        """Shows a step; until it stands there nothing of the last one counts any more."""
        self._wanted, self._step = name, None
        self._show_step(name)

    @work(group="step", description="step")
    async def _show_step(self, name: str) -> None:
        """In a task of its own: a key's own widget is among those that go."""
        async with self._changing:
            if name != self._wanted:
                return
            body = self.query_one("#wizard-body", Vertical)
            await body.remove_children()
            step = self._make(name)
            await body.mount(step)
            if not step.children:
                # The console is being left while the step is put there.
                return
            self._step = step
            self._enter()

    def _make(self, name: str) -> Step:
        step = class_of(name)(self.state)
        if name == "interrupted":
            step.add_class("interrupted")
        return step

    def _enter(self) -> None:
        step = self._step
        assert step is not None
        step.entered()
        for topic in step.TOPICS:
            step.show(topic)
        self._tick()
        self.refresh_bindings()

    def _look_if_stale(self) -> None:
        asked = self.console.store.looked("live").asked
        if asked and (self.console.store.backend.now() - asked).total_seconds() > STALE_SECONDS:
            self._look()

    def _look(self) -> None:
        self.console.look_at("catalog", "live", "bucket")

    def _tick(self) -> None:
        if self.is_mounted:
            self.query_one(Stepper).show(
                place_of(self.state.step), titles=titles_of(self.state), troubled=troubled_step(self.state)
            )
            self.query_one(Stopwatch).show(self._elapsed())

    def _elapsed(self) -> Elapsed:
        now = self.console.store.backend.now()
        return Elapsed(
            minutes=self.state.minutes(now),
            target=int(self.console.store.profile.rto_minutes),
            phase=phase_of(self.state.step),
            phases=self.state.phase_minutes(now),
            stopped=self.state.stands,
        )
