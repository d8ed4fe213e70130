"""What the tests of the wizard's second half share: a screen that hosts one step, and a restore as its journal tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical

from services.catalog.model import Backup
from services.catalog.scan import Catalog
from services.jobs.events import AnyEvent, Checkpoint, Finished, Log, PhaseStarted, Progress, Started
from services.looking.live import LiveAnswer
from services.profile import AppControl, BucketTarget, MongoTarget, Profile
from services.secret import Secret
from tests.recorded import NOW, RecordedBackend
from tests.tui_support import Console, opened
from tui.screens.base import ConsoleScreen
from tui.screens.restore.model import WizardState
from tui.screens.restore.step import Step
from widgets.glyphs import Glyphs

JOB = NOW.strftime("%Y%m%d_%H%M%S")
PROFILE = Profile(
    name="prod",
    mongo=MongoTarget(uri=Secret("mongodb://db.example:27017"), database="quilltap"),
    bucket=BucketTarget(),
    app=AppControl(stop="true", start="docker compose start app", status="true"),
)
BACKUP = Backup(
    id="quilltap_20261122_020000",
    kind="quillkeep",
    location="nas",
    folder=Path("/backups"),
    created=datetime(2026, 11, 22, 2, tzinfo=UTC),
    created_by="manifest",
    parts=("database", "objects"),
    bytes=1,
    complete=True,
    ours=True,
)
LIVE = LiveAnswer(
    server="db.example:27017", version="6.0.5", topology="standalone", database="quilltap", collections=()
)


def row(
    name: str, live: int | None, backup: int | None, content: str, action: str, *detail: str
) -> dict[str, Any]:
    """One row of a plan's document."""
    return {
        "name": name,
        "live": live,
        "backup": backup,
        "content": content,
        "action": action,
        "kind": "collection",
        "detail": list(detail),
    }


def plan_document(**changed: Any) -> dict[str, Any]:
    """A plan that loses documents of two collections and has two risks."""
    document: dict[str, Any] = {
        "status": "warnings",
        "backup": BACKUP.id,
        "created": "2026-11-22T02:00:00+00:00",
        "passed_over": [],
        "target": "db.example:27017/quilltap",
        "collections": [
            row("sessions", 88, 40, "differs", "replace"),
            row("chats", 12_044, 11_800, "differs", "replace", "index chats_user_1 comes back"),
            row("memories", 45_210, 45_210, "differs", "replace"),
            row("characters", None, 812, "only in the backup", "create"),
            row("users", 20, 20, "same", "replace"),
            row("notes", 17, None, "only live", "keep", "not in the backup; stays as it is"),
        ],
        "objects": {"put": 12, "keep": 2_991, "only_live": 3, "bytes": 12_400_000},
        "risks": [
            {"word": "writers", "detail": "2 other clients are connected"},
            {"word": "unknown-space", "detail": "unknown free on the server's disk, 4.1 GiB needed"},
        ],
        "refusals": [],
        "warnings": ["The backup is from MongoDB 5.0.9, this server is 6.0.5."],
        "facts": ["Proof by content."],
        "fingerprint": "ab" * 32,
        "strategy": "swap",
        "confirmation": "prod/quilltap",
    }
    return {**document, **changed}


def after(seconds: float) -> datetime:
    """So many seconds after the job began."""
    return NOW + timedelta(seconds=seconds)


def started(verb: str, **plan: Any) -> Started:
    """A journal's first line."""
    return Started(
        at=NOW,
        job=JOB,
        verb=verb,
        plan=plan,
        profile="prod",
        pid=1,
        process_started="1",
        boot_id="recorded",
        host="db1",
        machine_id="m",
        user="root",
        version="0.3.0",
    )


def finished(result: dict[str, Any], seconds: float = 20) -> Finished:
    """A journal's last line."""
    status = str(result["status"])
    codes = {"ok": 0, "warnings": 3, "refused": 4, "cancelled": 143}
    return Finished(at=after(seconds), status=status, exit_code=codes.get(status, 1), result=result)


def journal_of(result: dict[str, Any], verb: str = "plan") -> list[AnyEvent]:
    """A job that only has a beginning and an end."""
    return [started(verb), finished(result)]


def loading(**progress: Any) -> list[AnyEvent]:
    """A restore that loads; `progress` goes into its newest figures."""
    figures: dict[str, Any] = {
        "done": 193_000_000,
        "total": 430_000_000,
        "rate": 48e6,
        "eta": 4.9,
        **progress,
    }
    return [
        started("restore", request={"backup": BACKUP.id}),
        PhaseStarted(at=after(-8), phase="reading the backup", total=63_000_000),
        Progress(at=after(-7), phase="reading the backup", done=63_000_000, total=63_000_000),
        PhaseStarted(at=after(-7), phase="comparing with what is live"),
        PhaseStarted(at=after(-6), phase="comparing objects"),
        Checkpoint(at=after(-5), name="app", data={"state": "stopping", "found": "running"}),
        Checkpoint(at=after(-5), name="app", data={"state": "stopped", "found": "running", "proven": True}),
        Checkpoint(at=after(-5), name="record", data={"job": JOB, "state": "loading"}),
        Log(at=after(-4), level="info", text="Loading 4 collections beside the live ones."),
        PhaseStarted(at=after(-4), phase="loading aside", total=430_000_000),
        Progress(at=after(0), phase="loading aside", **figures),
    ]


def objects_put() -> list[AnyEvent]:
    """The same restore, its objects put."""
    return [
        *loading(),
        Checkpoint(at=after(1), name="proven", data={"collections": ["chats", "memories", "sessions"]}),
        PhaseStarted(at=after(1), phase="putting objects", total=12_400_000),
    ]


def swapping() -> list[AnyEvent]:
    """The same restore behind its first rename."""
    return [
        *objects_put(),
        PhaseStarted(at=after(2), phase="proving objects"),
        Checkpoint(at=after(3), name="renaming", data={"job": JOB, "pairs": 4}),
        PhaseStarted(at=after(3), phase="swapping", total=4, unit="collections"),
    ]


def restored(**changed: Any) -> dict[str, Any]:
    """The document of a restore that ended well."""
    counts = {"chats": 11_800, "memories": 45_210, "characters": 812, "sessions": 40, "users": 20}
    document: dict[str, Any] = {
        "status": "ok",
        "job": JOB,
        "strategy": "swap",
        "backup": BACKUP.id,
        "collections": {name: {"documents": count, "indexes": ["_id_"]} for name, count in counts.items()},
        "objects": {"put": 12, "kept": 2_991, "replaced": 3, "bytes": 12_400_000},
        "rollback_until": "2026-11-25T03:14:20+00:00",
        "warnings": [],
        "facts": ["Proof by content."],
    }
    return {**document, **changed}


def ended(result: dict[str, Any], *, app: str = "started") -> list[AnyEvent]:
    """The same restore to its end."""
    return [
        *swapping(),
        PhaseStarted(at=after(4), phase="proving what is live"),
        Checkpoint(at=after(5), name="app", data={"state": app}),
        finished(result),
    ]


def failure(status: str, **error: str) -> dict[str, Any]:
    """The document of a job that raised."""
    return {"status": status, "warnings": [], "error": {"cause": "", "touched": "", "next": "", **error}}


class HostScreen(ConsoleScreen):
    """One step in a wizard's place; what it posts is kept in `told`."""

    MODE = "restore"
    TOPICS = ("jobs", "live")
    CSS_PATH = [f"{Path(__file__).parents[2]}/tui/styles/{name}.tcss" for name in ("restore", "restore_run")]

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step
        self.told: list[str | None] = []

    def compose_body(self) -> ComposeResult:
        yield Vertical(id="wizard-body")

    def on_mount(self) -> None:
        self.call_later(self.begin)

    async def begin(self) -> None:
        """Mounts the step as the wizard does."""
        await self.query_one("#wizard-body").mount(self.step)
        self.step.entered()
        for topic in self.step.TOPICS:
            self.step.show(topic)

    def show(self, topic: str) -> None:
        if self.step.is_mounted and topic in self.step.TOPICS:
            self.step.show(topic)

    def on_step_forward(self, message: Step.Forward) -> None:
        self.told.append(message.to or "next")

    def on_step_back(self, message: Step.Back) -> None:
        self.told.append("back")


def state_of(**fields: Any) -> WizardState:
    """A wizard 12 minutes after it was opened."""
    state = WizardState(opened=NOW - timedelta(minutes=12))
    state.backup = BACKUP
    for name, value in fields.items():
        setattr(state, name, value)
    return state


def running_state(**fields: Any) -> WizardState:
    """A wizard whose restore was started."""
    folder = Path("/var/lib/quillkeep/jobs/restore")
    return state_of(**{"step": "running", "job": JOB, "folder": folder, "plan": plan_document(), **fields})


def recorded(**journals: list[AnyEvent]) -> RecordedBackend:
    """A machine on which jobs have these journals."""
    return RecordedBackend(looks={"catalog": Catalog(backups=()), "live": LIVE}, journals=journals)


def flat(console: Console) -> str:
    """The screen's words in one line, however they are wrapped."""
    return " ".join(console.text.split())


def told(console: Console) -> str:
    """What the notifications say."""
    return " ".join(note.message for note in console.app._notifications)


@asynccontextmanager
async def hosted(
    kind: type[Step],
    state: WizardState,
    backend: RecordedBackend,
    *,
    profile: Profile = PROFILE,
    size: tuple[int, int] = (80, 24),
    utf8: bool = True,
) -> AsyncIterator[tuple[Console, HostScreen]]:
    """A console on one step."""
    async with opened(profile, backend, size=size, mode="restore", glyphs=Glyphs(utf8=utf8)) as console:
        await console.app.store.refresh("live")
        screen = HostScreen(kind(state))
        await console.app.push_screen(screen)
        await console.until(lambda: screen.step.is_mounted)
        await console.pilot.pause(0.05)
        yield console, screen
