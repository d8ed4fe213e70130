"""What was recorded: looks, lists of jobs and journals, read as the console reads them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from services.history.model import History
from services.history.read import read_operation
from services.jobs.events import AnyEvent, Progress
from services.jobs.host import HostIdentity
from services.jobs.journal import decode_lines
from services.jobs.listing import JobSummary
from services.looking.registry import entry_of, type_of
from services.looking.wire import decode
from services.paths import Paths
from services.profile import AppControl, BucketTarget, Location, MongoTarget, Profile
from services.secret import Secret
from services.settings.config import Config, LocationConfig, ProfileConfig
from services.settings.resolve import Settings

FOLDER = Path(__file__).parent / "recorded"
HOST = "db1"
USER = "maren"
MACHINE = "0123456789abcdef0123456789abcdef"
PATHS = Paths(FOLDER / "state")
HERE = HostIdentity(machine_id=MACHINE, boot_id="another", pid_namespace="", hostname=HOST)
"""The host after a reboot: a job that left no result is lost."""
PROFILE = Profile(
    name="prod",
    production=True,
    mongo=MongoTarget(uri=Secret("mongodb://quilltap:not-a-password@db1.example.org/"), database="quilltap"),
    bucket=BucketTarget(
        bucket="quilltap-files",
        endpoint="https://s3.example.org",
        access_key=Secret("not-a-key"),
        secret_key=Secret("not-a-secret"),
    ),
    pepper=Secret("not-a-pepper"),
    locations=(Location(name="nas", path="/backups/quilltap"),),
    app=AppControl(
        stop="docker compose stop app", start="docker compose start app", status="docker compose ps -q app"
    ),
    sources={
        "name": "the one profile of /etc/quillkeep/config.toml",
        "production": "[profiles.prod] in /etc/quillkeep/config.toml",
        "bucket.access_key": "S3_ACCESS_KEY in /srv/quilltap/.env",
        "bucket.secret_key": "S3_SECRET_KEY in /srv/quilltap/.env",
        "pepper": "ENCRYPTION_MASTER_PEPPER in /srv/quilltap/.env",
        "mongo.uri": "MONGODB_URI in /srv/quilltap/.env",
        "mongo.database": "default",
        "bucket.bucket": "S3_BUCKET in /srv/quilltap/.env",
        "bucket.endpoint": "S3_ENDPOINT in /srv/quilltap/.env",
        "locations": "[[locations]] in /etc/quillkeep/config.toml",
    },
)
CONFIG = "/etc/quillkeep/config.toml"
SETTINGS = Settings(
    profile=PROFILE,
    config=Config(
        profiles={"prod": ProfileConfig(env_file="/srv/quilltap/.env", production=True)},
        locations=(LocationConfig(name="nas", path="/backups/quilltap"),),
    ),
    config_files=(CONFIG,),
    env_file="/srv/quilltap/.env",
    named_config=CONFIG,
    origin={"profiles.prod": CONFIG, "locations": CONFIG},
)
"""What a config file of the deployment said; nothing of this machine's is read."""


def look(kind: str, name: str = "") -> Any:
    """A kept answer of a look, by its own type."""
    entry = entry_of(kind)
    data = (FOLDER / "looks" / f"{name or kind}.json").read_bytes()
    return decode(data, type_of(entry, entry.answer))


def jobs(name: str) -> list[JobSummary]:
    """A kept list of jobs."""
    return msgspec.json.decode((FOLDER / "jobs" / f"{name}.json").read_bytes(), type=list[JobSummary])


def journal(name: str, *, until: str = "") -> list[AnyEvent]:
    """A kept journal; `until` cuts it behind the first progress of a phase, a third of which is done then."""
    events = list(decode_lines((FOLDER / "journals" / f"{name}.jsonl").read_bytes().splitlines()))
    if not until:
        return events
    at = next(n for n, one in enumerate(events) if isinstance(one, Progress) and one.phase == until)
    progress = events[at]
    assert isinstance(progress, Progress) and progress.total is not None
    done, rate = progress.total // 3, progress.total / 24
    seen = msgspec.structs.replace(progress, done=done, rate=rate, eta=(progress.total - done) / rate)
    return [*events[:at], seen]


def history() -> History:
    """The operations of the kept state folder."""
    folders = sorted(PATHS.jobs.iterdir(), reverse=True)
    return History(operations=tuple(read_operation(folder, HERE) for folder in folders))


def now() -> datetime:
    """When the last of it was recorded: the pictures' clock stands there."""
    return msgspec.json.decode((FOLDER / "when.json").read_bytes(), type=datetime)
