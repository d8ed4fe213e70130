"""Pictures of Health and Archives, and what all pictures are made of."""

from __future__ import annotations

from typing import Any

import msgspec
from textual.pilot import Pilot

from services.catalog.scan import Catalog, LocationProblem
from services.errors import QuillkeepError
from services.jobs.listing import JobSummary
from services.looking.deep_place import DeepPlaceAnswer
from tests.pictures import recording
from tests.pictures.rest import press
from tests.pictures.scene import NARROW, Play, Scene
from tests.recorded import Silent
from tests.tui_support import text_of

READ_ONLY = msgspec.structs.replace(recording.PROFILE, read_only=True)
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


async def settled(pilot: Pilot[Any]) -> None:
    """As it opens."""


def keys(*pressed: str, wait: str = "") -> Play:
    """Presses keys, each once the last has done its work; `wait` must stand there then."""

    async def play(pilot: Pilot[Any]) -> None:
        await press(pilot, *pressed)
        text = text_of(pilot.app)  # type: ignore[arg-type]
        assert wait in text, f"not there: {wait}\n{text}"

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
    Scene("health-running", settled, jobs=lambda: running_jobs(), sizes=(NARROW,)),
    Scene(
        "health-interrupted",
        keys("1"),
        looks=INTERRUPTED,
        jobs=lambda: recording.jobs("interrupted"),
    ),
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
    Scene("archive-collections", keys("enter", "right"), mode="archives"),
    Scene("archive-objects", keys("enter", "right", "right"), mode="archives", sizes=(NARROW,)),
    Scene("archive-checks", keys("enter", *["right"] * 3), mode="archives", sizes=(NARROW,)),
    Scene("archive-files", keys("enter", *["right"] * 4), mode="archives", sizes=(NARROW,)),
    Scene("archives-jump", keys("g"), mode="archives", sizes=(NARROW,)),
    Scene("backup-dialog", keys("b"), mode="archives", sizes=(NARROW,)),
    Scene(
        "backup-running",
        keys("b", "2", "y"),
        mode="archives",
        journals={"backup": lambda: recording.journal("backup", until="dump")},
        sizes=(NARROW,),
    ),
    Scene(
        "backup-done",
        keys("b", "2", "y"),
        mode="archives",
        journals={"backup": lambda: recording.journal("backup")},
        sizes=(NARROW,),
    ),
    Scene("verify-dialog", keys("v"), mode="archives", sizes=(NARROW,)),
    Scene(
        "verify-deep-live",
        keys("v", "d", wait="aside in the live server?"),
        looks={
            "deep_place": DeepPlaceAnswer(
                where="live",
                words="db1.example.org:27017, database quilltap",
                reason="there is no embedded server here",
            )
        },
        mode="archives",
        sizes=(NARROW,),
    ),
    Scene(
        "delete-mismatch",
        keys("down", "d", "q", "u", "enter"),
        mode="archives",
        journals={"delete": lambda: recording.journal("delete")},
        sizes=(NARROW,),
    ),
    Scene(
        "delete-read-only",
        keys("down", "d"),
        mode="archives",
        profile=READ_ONLY,
        sizes=(NARROW,),
    ),
    Scene(
        "delete-dialog",
        keys("down", "d", wait="Type"),
        mode="archives",
        journals={"delete": lambda: recording.journal("delete")},
        sizes=(NARROW,),
    ),
    Scene(
        "compare",
        keys("c", "down", "c", wait="chat"),
        mode="archives",
        journals={"diff": lambda: recording.journal("diff")},
    ),
)


def running_jobs() -> list[JobSummary]:
    """A backup at work."""
    newest = next(job for job in recording.jobs("healthy") if job.verb == "backup")
    running = msgspec.structs.replace(
        newest,
        id=recording.now().strftime("%Y%m%d_%H%M%S"),
        state="running",
        started=recording.now(),
        finished=None,
        phase="dump",
        progress=0.42,
        summary="chat_messages",
        exit_code=None,
    )
    return [running, *recording.jobs("healthy")]
