"""Pictures of jobs, history, settings, the first run, and of what stands over every screen."""

from __future__ import annotations

from typing import Any

import msgspec

from services.errors import QuillkeepError
from services.history.model import History
from services.looking.discover import DiscoverAnswer
from services.looking.try_out import TryAnswer, TryRequest
from services.profile import Profile
from services.settings.config import Config, ProfileConfig
from services.settings.discover import Finding
from services.settings.flags import Flags
from tests.pictures import recording
from tests.pictures.scene import NARROW, Scene
from tests.pictures.scenes_backups import (
    DAMAGED,
    READ_ONLY,
    RESTORED,
    healthy_jobs,
    keys,
    running_jobs,
    settled,
)

SMALL = (59, 19)
RESTORED_JOBS = lambda: recording.jobs("restored")  # noqa: E731
FOUND = DiscoverAnswer(
    findings=(
        Finding(
            place="/srv/quilltap/.env",
            found=True,
            text="/srv/quilltap/.env names a MongoDB, a bucket and a pepper.",
            use="quillkeep --env-file /srv/quilltap/.env",
            kind="env-file",
        ),
        *recording.look("discover").findings[1:-1],
        Finding(
            place="/backups/quilltap",
            found=True,
            text="/backups/quilltap holds 8 backups.",
            use="BACKUP_DIR=/backups/quilltap",
            kind="folder",
        ),
    )
)
WRONG_PASSWORD = QuillkeepError(
    "db1.example.org:27017 does not let quilltap in: the password or the authSource is wrong.",
    cause="Authentication failed.",
    touched="Nothing was changed.",
    next="Compare MONGODB_URI with the one in Quilltap's .env; the user's own database goes after the /.",
)


def tried(request: TryRequest) -> Any:
    """What each part answered: the database lets nobody in, the bucket is another, the folder is fine."""
    if request.part == "database":
        raise WRONG_PASSWORD
    if request.part == "bucket":
        raise QuillkeepError(
            "There is no bucket quilltap-file at https://s3.example.org; these keys see quilltap-files.",
            next="Write S3_BUCKET=quilltap-files into /srv/quilltap/.env.",
        )
    return TryAnswer(status="ok", what="/backups/quilltap: 8 backups, the newest of 2026-11-23 02:00 UTC.")


PARTLY = msgspec.structs.replace(
    recording.PROFILE,
    name=None,
    locations=(),
    sources={
        "mongo.uri": "MONGODB_URI in /srv/quilltap/.env",
        "bucket.bucket": "S3_BUCKET in /srv/quilltap/.env",
    },
)
PROFILES: dict[str, Any] = {
    "flags": Flags(),
    "config": Config(profiles={"prod": ProfileConfig(), "staging": ProfileConfig(production=False)}),
}


class Practice:
    """A demo that nothing is asked of."""

    def do(self, name: str) -> str:
        raise AssertionError(name)


DEMO: dict[str, Any] = {
    "profile": msgspec.structs.replace(recording.PROFILE, name="demo", production=False, demo=True),
    "store": {"demo": Practice()},
    "sizes": (NARROW,),
}


def one_job(name: str, verb: str, *pressed: str, until: str = "", **more: Any) -> Scene:
    """A job's own screen: the newest of the list, read from a kept journal."""
    events = recording.journal(name, until=until)
    newest = [job for job in RESTORED_JOBS() if job.verb == verb]
    settings: dict[str, Any] = {
        "mode": "jobs",
        "jobs": lambda: newest[:1],
        "journals": {newest[0].id: lambda: events},
        "sizes": (NARROW,),
        **more,
    }
    return Scene(f"job-{name}{'-running' if until else ''}", keys("enter", *pressed), **settings)


JOBS = (
    Scene("jobs", settled, mode="jobs", jobs=RESTORED_JOBS),
    Scene("jobs-running", settled, mode="jobs", jobs=running_jobs, sizes=(NARROW,)),
    Scene("jobs-filtered", keys("slash", *"lost"), mode="jobs", jobs=RESTORED_JOBS, sizes=(NARROW,)),
    Scene("jobs-empty", settled, mode="jobs", sizes=(NARROW,)),
    one_job("restore", "restore", sizes=(NARROW, (120, 40))),
    one_job("restore", "restore", until="loading aside"),
    one_job("restore-failed", "restore"),
    one_job("restore-killed", "restore"),
    one_job("verify", "verify"),
)
HISTORY = (
    Scene("history", settled, mode="history"),
    Scene("history-filtered", keys("slash", *"restore"), mode="history", sizes=(NARROW,)),
    Scene("history-restore", keys("down", "enter", wait="restore 2026"), mode="history"),
    Scene("history-trends", keys("t"), mode="history"),
    Scene("history-export", keys("e"), mode="history", sizes=(NARROW,)),
    Scene("history-empty", settled, mode="history", history=History, sizes=(NARROW,)),
)
SETTINGS = (
    Scene("settings", settled, mode="settings"),
    *(
        Scene(f"settings-{page}", keys(*["right"] * page), mode="settings", sizes=(NARROW,))
        for page in range(1, 5)
    ),
    Scene("settings-whole", keys("enter"), mode="settings", sizes=(NARROW,)),
)
FIRST_RUN = (
    Scene("first-run", settled, mode="", profile=Profile()),
    Scene(
        "first-run-found",
        settled,
        mode="",
        profile=PARTLY,
        looks={"discover": FOUND, "try_out": tried},
    ),
    Scene("first-run-lines", keys("y"), mode="", profile=Profile(), sizes=(NARROW,)),
    Scene("first-run-env-file", keys("e"), mode="", profile=Profile(), sizes=(NARROW,)),
    Scene(
        "first-run-save",
        keys("w"),
        mode="",
        profile=PARTLY,
        looks={"discover": FOUND, "try_out": tried},
        sizes=(NARROW,),
    ),
)
OVER_EVERYTHING = (
    Scene("help", keys("question_mark"), sizes=(NARROW,)),
    Scene("help-restore", keys("question_mark"), mode="restore", looks=DAMAGED, sizes=(NARROW,)),
    Scene("palette", keys("ctrl+p"), sizes=(NARROW,)),
    Scene("palette-found", keys("ctrl+p", *"del"), mode="archives", profile=READ_ONLY, sizes=(NARROW,)),
    Scene("profiles", keys("P"), app_options=PROFILES, sizes=(NARROW,)),
    Scene(
        "profiles-first",
        settled,
        profile=Profile(),
        app_options={**PROFILES, "must_choose": True},
        sizes=(NARROW,),
    ),
    Scene("read-only", keys("L"), looks=DAMAGED, profile=READ_ONLY, sizes=(NARROW,)),
    Scene("leave", keys("ctrl+q"), jobs=running_jobs, sizes=(NARROW,)),
    Scene("demo", settled, **DEMO),
    Scene("demo-break", keys("X"), **DEMO),
    Scene("demo-break-sure", keys("X", "d"), **DEMO),
    Scene("save-dialog", keys("y", "s"), mode="first-run", profile=Profile(), sizes=(NARROW,)),
    Scene("too-small", settled, sizes=(SMALL,)),
)
OTHER_TERMINALS = (
    Scene("health-terminal-theme", settled, jobs=healthy_jobs, theme="terminal", sizes=(NARROW,)),
    Scene("health-high-contrast", settled, jobs=healthy_jobs, theme="high-contrast", sizes=(NARROW,)),
    Scene("health-light", settled, jobs=healthy_jobs, theme="textual-light", sizes=(NARROW,)),
    Scene("health-without-colour", settled, looks=DAMAGED, no_color=True, sizes=(NARROW,)),
    Scene("health-ascii", settled, looks=RESTORED, jobs=RESTORED_JOBS, utf8=False, sizes=(NARROW,)),
    Scene("archives-ascii", settled, mode="archives", utf8=False, sizes=(NARROW,)),
    Scene("archives-light", settled, mode="archives", theme="textual-light", sizes=(NARROW,)),
    Scene("jobs-terminal-theme", settled, mode="jobs", jobs=RESTORED_JOBS, theme="terminal", sizes=(NARROW,)),
)
OTHERS = (*JOBS, *HISTORY, *SETTINGS, *FIRST_RUN, *OVER_EVERYTHING, *OTHER_TERMINALS)
