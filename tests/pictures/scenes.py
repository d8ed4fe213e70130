"""Every picture there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from services.catalog.scan import Catalog, LocationProblem
from services.errors import QuillkeepError
from services.jobs.listing import JobSummary
from services.profile import Profile
from tests.pictures import recording
from tests.pictures.scene import NARROW, Scene, at_rest
from tests.recorded import Silent
from tests.tui_support import Console

SMALL = (59, 19)
DOWN = QuillkeepError(
    "MongoDB at db1.example.org does not answer.",
    cause="Connection refused.",
    next="Look whether it runs: `docker compose ps mongodb`.",
)
NO_BUCKET = QuillkeepError(
    "There is no bucket quilltap-files at https://s3.example.org.",
    next="Make it: `aws --endpoint-url https://s3.example.org s3 mb s3://quilltap-files`.",
)
DAMAGED = {
    "live": recording.look("live", "live-damaged"),
    "bucket": recording.look("bucket", "bucket-damaged"),
}
INTERRUPTED = {**DAMAGED, "live": recording.look("live", "live-interrupted")}
RESTORED = {
    "catalog": recording.look("catalog", "catalog-restored"),
    "live": recording.look("live", "live-restored"),
    "bucket": recording.look("bucket", "bucket-restored"),
}


def healthy_jobs() -> list[JobSummary]:
    return recording.jobs("healthy")


async def settled(console: Console) -> None:
    """As it opens."""


def keys(*pressed: str, wait: str = "") -> Callable[[Console], Awaitable[None]]:
    """Opens, presses keys one by one, and waits for a text."""

    async def play(console: Console) -> None:
        for key in pressed:
            await console.press(key)
            if len(key) > 1:
                await at_rest(console)
        if wait:
            await console.until(wait)

    return play


HEALTH = (
    Scene("health", settled, jobs=healthy_jobs),
    Scene("health-damaged", settled, looks=DAMAGED, jobs=healthy_jobs),
    Scene("health-restored", settled, looks=RESTORED, jobs=lambda: recording.jobs("restored")),
    Scene(
        "health-first-second",
        settled,
        looks={"catalog": Silent, "live": Silent, "bucket": Silent, "locations": Silent},
        sizes=(NARROW,),
    ),
    Scene("health-down", settled, looks={"live": DOWN, "bucket": NO_BUCKET}, sizes=(NARROW,)),
    Scene("health-never", settled, looks={"catalog": Catalog(backups=())}, sizes=(NARROW,)),
)


ARCHIVES = (
    Scene("archives", settled, mode="archives"),
    Scene("archives-filtered", keys("slash", "p", "i", "n"), mode="archives", sizes=(NARROW,)),
    Scene(
        "archives-empty", settled, mode="archives", looks={"catalog": Catalog(backups=())}, sizes=(NARROW,)
    ),
    Scene(
        "archives-unreadable",
        settled,
        mode="archives",
        looks={
            "catalog": Catalog(
                backups=(),
                problems=(
                    LocationProblem(
                        location="nas", path="/backups/quilltap", problem="no permission to read it"
                    ),
                ),
            )
        },
        sizes=(NARROW,),
    ),
    Scene("archives-waiting", settled, mode="archives", looks={"catalog": Silent}, sizes=(NARROW,)),
    Scene("archive", keys("enter"), mode="archives"),
    Scene("archive-commands", keys("enter", "left"), mode="archives", sizes=(NARROW,)),
    Scene("backup-dialog", keys("b"), mode="archives", sizes=(NARROW,)),
    Scene(
        "delete-dialog",
        keys("down", "d", wait="Type"),
        mode="archives",
        journals={"delete": lambda: recording.journal("delete")},
        sizes=(NARROW,),
    ),
    Scene(
        "compare",
        keys("c", "down", "c", wait="chats"),
        mode="archives",
        journals={"diff": lambda: recording.journal("diff")},
    ),
)


def wizard(name: str, *pressed: str, wait: str = "", **more: Any) -> Scene:
    """A picture of the wizard in the recorded incident: a collection dropped, the bucket emptied."""
    journals = {
        "verify": lambda: recording.journal("verify"),
        "plan": lambda: recording.journal("plan"),
        "restore": lambda: recording.journal("restore"),
    }
    settings: dict[str, Any] = {"mode": "restore", "looks": DAMAGED, "journals": journals, **more}
    return Scene(f"restore-{name}", keys(*pressed, wait=wait), **settings)


TYPED = tuple({"/": "slash"}.get(char, char) for char in "prod/quilltap")
TO_CONFIRM = ("enter", "enter", "enter", "enter", "enter")
RUNNING = {
    "verify": lambda: recording.journal("verify"),
    "plan": lambda: recording.journal("plan"),
    "restore": lambda: recording.journal("restore-killed"),
}
WIZARD = (
    wizard("1-happened"),
    wizard("2-backup", "enter"),
    wizard("3-what", "enter", "enter"),
    wizard("4-checks", "enter", "enter", "enter", wait="it can be restored"),
    wizard("5-plan", "enter", "enter", "enter", "enter"),
    wizard("6-confirm", *TO_CONFIRM),
    wizard("6-mismatch", *TO_CONFIRM, "p", "r", "o", "d", "enter", sizes=(NARROW,)),
    wizard("7-running", *TO_CONFIRM, *TYPED, "enter", "enter", journals=RUNNING),
    wizard("8-proof", *TO_CONFIRM, *TYPED, "enter", "enter", wait="Proof"),
    wizard("9-done", *TO_CONFIRM, *TYPED, "enter", "enter", "enter"),
    wizard("interrupted", looks=INTERRUPTED, jobs=lambda: recording.jobs("interrupted")),
    wizard("no-backups", looks={**DAMAGED, "catalog": Catalog(backups=())}, sizes=(NARROW,)),
    wizard("database-down", looks={"live": DOWN}, sizes=(NARROW,)),
    wizard(
        "read-only",
        *TO_CONFIRM,
        profile=msgspec.structs.replace(recording.PROFILE, read_only=True),
        sizes=(NARROW,),
    ),
)

OTHERS = (
    Scene("jobs", settled, mode="jobs", jobs=lambda: recording.jobs("restored")),
    Scene("jobs-empty", settled, mode="jobs", sizes=(NARROW,)),
    Scene("history", settled, mode="history"),
    Scene("history-restore", keys("enter"), mode="history"),
    Scene("settings", settled, mode="settings"),
    Scene("first-run", settled, mode="first-run", profile=Profile()),
    Scene("history-trends", keys("t"), mode="history", sizes=(NARROW,)),
    Scene("job", keys("enter"), mode="jobs", jobs=lambda: recording.jobs("restored"), sizes=(NARROW,)),
    Scene("help", keys("question_mark"), sizes=(NARROW,)),
    Scene("palette", keys("ctrl+p"), sizes=(NARROW,)),
    Scene("too-small", settled, sizes=(SMALL,)),
    Scene("leave", keys("ctrl+q"), jobs=lambda: running_jobs(), sizes=(NARROW,)),
    Scene("health-terminal-theme", settled, jobs=healthy_jobs, theme="terminal", sizes=(NARROW,)),
    Scene("health-high-contrast", settled, jobs=healthy_jobs, theme="high-contrast", sizes=(NARROW,)),
    Scene("health-light", settled, jobs=healthy_jobs, theme="textual-light", sizes=(NARROW,)),
    Scene("health-without-colour", settled, looks=DAMAGED, no_color=True, sizes=(NARROW,)),
    Scene("health-ascii", settled, looks=DAMAGED, jobs=healthy_jobs, utf8=False, sizes=(NARROW,)),
    Scene("archives-ascii", settled, mode="archives", utf8=False, sizes=(NARROW,)),
    wizard("ascii", "enter", utf8=False, sizes=(NARROW,)),
)


def running_jobs() -> list[JobSummary]:
    """A backup at work."""
    newest = next(job for job in recording.jobs("healthy") if job.verb == "backup")
    running = msgspec.structs.replace(
        newest,
        state="running",
        started=recording.now(),
        finished=None,
        phase="dump",
        progress=0.42,
        summary="chat_messages",
        exit_code=None,
    )
    return [running, *recording.jobs("healthy")]


SCENES: tuple[Scene, ...] = (
    *HEALTH,
    Scene("health-running", settled, jobs=running_jobs, sizes=(NARROW,)),
    *ARCHIVES,
    *WIZARD,
    *OTHERS,
)
