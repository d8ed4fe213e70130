"""Backups, jobs and answers for tests of the status and of Health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.catalog.manifest import Part
from services.catalog.model import Backup, Verified
from services.catalog.scan import Catalog
from services.jobs.listing import JobSummary
from services.looking.bucket import BucketAnswer
from services.looking.live import CollectionSeen, LiveAnswer, SwapSeen
from services.looking.locations import LocationsAnswer, LocationSeen
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.secret import Secret
from services.status.assess import assess
from services.status.model import Finding, Looks, Rates, Status, Trouble

NOW = datetime(2026, 11, 22, 3, 14, 0, tzinfo=UTC)
BOTH: tuple[Part, ...] = ("database", "objects")
PROFILE = Profile(
    name="prod",
    mongo=MongoTarget(uri=Secret("mongodb://db.example:27017/"), database="quilltap"),
    bucket=BucketTarget(bucket="quilltap-files", endpoint="http://s3.example:8333"),
    pepper=Secret("a pepper"),
    locations=(Location(name="backups", path="/srv/backups"),),
)
TROUBLE = Trouble(what="It is broken.", cause="Because.", next="Mend it.")


def made(hours: float, *, parts: tuple[Part, ...] = BOTH, now: datetime = NOW, **more: Any) -> Backup:
    """A good backup of `hours` ago; `more` says what is different."""
    created = now - timedelta(hours=hours)
    facts: dict[str, Any] = {
        "id": created.strftime("quilltap_%Y%m%d_%H%M%S"),
        "kind": "quillkeep",
        "location": "backups",
        "folder": Path("/srv/backups"),
        "created": created,
        "created_by": "manifest",
        "parts": parts,
        "bytes": 18_000_000,
        "complete": True,
        "ours": True,
        "good_parts": parts,
        "verified": Verified(at=created, status="ok", depth="full", proof="content"),
    }
    return Backup(**{**facts, **more})


def catalog(*backups: Backup, **more: Any) -> Catalog:
    """Newest first, as `survey` gives them."""
    return Catalog(backups=tuple(sorted(backups, key=lambda one: one.created, reverse=True)), **more)


def live(**more: Any) -> LiveAnswer:
    """A live database without anything to say."""
    facts: dict[str, Any] = {
        "server": "db.example:27017",
        "version": "6.0.5",
        "topology": "standalone",
        "database": "quilltap",
        "collections": (
            CollectionSeen(
                name="users", kind="collection", documents=12, bytes=900, index_bytes=90, indexes=2
            ),
        ),
        "app": "running",
    }
    return LiveAnswer(**{**facts, **more})


def swap(state: Any = "unfinished", **more: Any) -> SwapSeen:
    """A restore of an hour ago."""
    job = "20261122_020000"
    ways = (f"quillkeep restore --finish {job}", f"quillkeep rollback {job}")
    if state == "holds copies":
        ways = (f"quillkeep rollback {job}", f"quillkeep release {job}")
    facts: dict[str, Any] = {
        "job": job,
        "verb": "restore",
        "state": state,
        "backup": "quilltap_20261121_020000",
        "started": NOW - timedelta(hours=1),
        "collections": {"users": "new (old copy kept)", "chats": "old (new one waits)"},
        "way_on": ways,
    }
    return SwapSeen(**{**facts, **more})


def bucket(**more: Any) -> BucketAnswer:
    """A live bucket."""
    facts: dict[str, Any] = {
        "bucket": "quilltap-files",
        "endpoint": "http://s3.example:8333",
        "objects": 88,
        "bytes": 14_900_000,
        "whole": True,
    }
    return BucketAnswer(**{**facts, **more})


def locations(**more: Any) -> LocationsAnswer:
    """One location with much room."""
    facts: dict[str, Any] = {
        "name": "backups",
        "path": "/srv/backups",
        "free": 90_000_000_000,
        "total": 100_000_000_000,
        "writable": True,
        "filesystem": "ext4",
    }
    return LocationsAnswer(locations=(LocationSeen(**{**facts, **more}),))


def job(verb: str, state: Any, hours: float, **more: Any) -> JobSummary:
    """A job that began so many hours ago."""
    started = NOW - timedelta(hours=hours)
    facts: dict[str, Any] = {
        "id": started.strftime("%Y%m%d_%H%M%S"),
        "verb": verb,
        "state": state,
        "started": started,
        "finished": started + timedelta(minutes=2) if state not in ("running", "lost") else None,
        "profile": "prod",
    }
    return JobSummary(**{**facts, **more})


def looks(*backups: Backup, **more: Any) -> Looks:
    """Everything answered and well, with these backups (none named: one of 9 hours ago)."""
    facts: dict[str, Any] = {
        "catalog": catalog(*(backups or (made(9),))),
        "live": live(),
        "bucket": bucket(),
        "locations": locations(),
        "jobs": (),
        "rates": Rates(),
    }
    return Looks(**{**facts, **more})


def of(seen: Looks, profile: Profile = PROFILE, now: datetime = NOW) -> Status:
    """What Health says of these answers."""
    return assess(profile, seen, now)


def found(status: Status, text: str) -> Finding:
    """The first finding with these words."""
    there = [finding for finding in status.findings if text in f"{finding.what} {finding.detail}"]
    assert there, f"no finding with {text!r}: {[finding.what for finding in status.findings]}"
    return there[0]
