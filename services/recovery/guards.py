"""What refuses a restore, what is a risk of it, and what an admin should know: each one small rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import humanize

from services.catalog.model import Backup
from services.catalog.verdict import DAMAGED
from services.counted import counted
from services.jobs.database_lock import read_lock
from services.jobs.host import life_of, this_host
from services.mongo.connect import LiveCollection
from services.mongo.record import UNFINISHED, read_records
from services.mongo.space import Space
from services.mongo.standing import expiry_of
from services.names import MAX_NAMESPACE_BYTES
from services.recovery.contents import DatabaseContents
from services.recovery.request import RestoreRequest, RiskFound, Row
from services.recovery.session import Session
from services.recovery.writers import Writers

if TYPE_CHECKING:
    from services.catalog.manifest import Manifest
    from services.profile import Profile


def unfinished(session: Session, *, but: str = "") -> list[str]:
    """A swap that waits, in the words that lead on."""
    return [
        f"The {record.verb} {record.job} was interrupted and waits. Finish it with "
        f"`quillkeep restore --finish {record.job}` or undo it with `quillkeep rollback {record.job}`."
        for record in read_records(session.database)
        if record.state in UNFINISHED and record.job != but
    ]


def locked(session: Session, *, but: str = "") -> list[str]:
    """Who else restores; a lock whose process is gone does not count, since the next job clears it."""
    owner = read_lock(session.database)
    if owner is None or owner.job == but or life_of(owner.owner, this_host()) == "dead":
        return []
    return [f"Another job works on this database: {owner.describe()}."]


def rights(session: Session, rows: list[Row], live: dict[str, LiveCollection]) -> list[str]:
    """Roles that are missing, by name."""
    user = session.rights.user
    missing = session.rights.missing_words(session.database.name)
    found = [missing] if missing else []
    moving = [row.name for row in rows if row.action in ("replace", "set aside") and row.name in live]
    found += expiring(session, [name for name in moving if expiry_of(live[name]) is not None])
    series = [row.name for row in rows if row.kind == "timeseries" and row.action != "keep"]
    if series and not session.rights.system_buckets:
        found.append(
            f"The time series {', '.join(series)} can only be written by a user with the role "
            f"readWriteAnyDatabase or restore, beside readWrite; {user} has neither."
        )
    return found


def expiring(session: Session, names: list[str]) -> list[str]:
    """A clustered collection that expires by itself has to stop doing so while it waits as a copy."""
    if not names or session.rights.change_options:
        return []
    grant = session.rights.grant("dbAdmin", session.database.name)
    return [
        f"{', '.join(names)} expires documents by itself, which must be switched off in a rollback copy, and "
        f"the user {session.rights.user} may not collMod. Grant it the role dbAdmin on "
        f"{session.database.name}: {grant}"
    ]


def names(session: Session, rows: list[Row]) -> list[str]:
    """Names that this database cannot hold."""
    prefix = len(session.database.name.encode()) + 1
    return [
        f"The name {row.name[:60]}… is too long for the database {session.database.name}: at most "
        f"{MAX_NAMESPACE_BYTES} bytes with the database's name."
        for row in rows
        if prefix + len(row.name.encode()) > MAX_NAMESPACE_BYTES
    ]


def kinds(session: Session, rows: list[Row], request: RestoreRequest) -> list[str]:
    """What cannot be swapped: everything through mongos, and a live time series."""
    if request.in_place:
        return []
    if session.server.mongos:
        return [
            "This is a sharded cluster (mongos): a swap would silently unshard collections. "
            "Use --in-place, which writes a proven safety backup first."
        ]
    return [
        f"{row.name} involves a live time series, which cannot be renamed. Use --in-place, which writes a "
        "proven safety backup first, or leave it out with --collections."
        for row in rows
        if row.action == "in place"
    ]


def space_words(space: Space) -> str:
    """Free and needed space on the server's disk."""
    free = "unknown" if space.free is None else humanize.naturalsize(space.free, binary=True)
    return f"{free} free on the server's disk, {humanize.naturalsize(space.needed, binary=True)} needed"


def space(found: Space) -> tuple[list[str], list[RiskFound]]:
    """A full disk makes mongod abort and stay down, so too little is a refusal."""
    if found.enough is None:
        return [], [RiskFound(word="unknown-space", detail=space_words(found))]
    if found.enough:
        return [], []
    return [
        f"Too little space: {space_words(found)}. A full disk would take the server down. "
        "Release rollback copies (`quillkeep release JOB`), free space, restore fewer collections, or use --in-place."
    ], []


def rejected(contents: DatabaseContents, chosen: list[str]) -> list[RiskFound]:
    """Documents the server will refuse, known before loading."""
    from services.archive.transform import REFUSED

    found = []
    for name in chosen:
        words = contents.collections[name].quirks
        found += [
            f"{name}: {counted(count, 'documents')} ({why})"
            for why, count in sorted(words.items())
            if why in REFUSED
        ]
    if not found:
        return []
    return [
        RiskFound(
            word="rejected-documents",
            detail=f"the server refuses {'; '.join(found)}; they would be written to a file beside the job",
        )
    ]


APP_WILL_STOP = (
    "The application is stopped for the restore and started again after the proof. "
    "If something else writes meanwhile, it is a risk named `writers`."
)
"""A plan's fact that a result must not repeat: by then it was stopped, or was not."""


def writers(found: Writers, session: Session, profile: Profile) -> tuple[list[RiskFound], list[str]]:
    """The risk that somebody writes during the swap; with app control it is decided after the stop."""
    if found.stopped:
        seen = [f"Also connected: {', '.join(found.clients.names)}."] if found.clients.names else []
        return [], seen
    if profile.app is not None and profile.app.stop:
        return [], [APP_WILL_STOP]
    risks = [
        RiskFound(
            word="writers",
            detail=f"{found.detail}. Stop the application (only it, not the database), or accept that what is "
            "written during the swap is kept beside the restored data and named",
        )
    ]
    if not session.rights.change_options:
        risks.append(
            RiskFound(
                word="possible-loss",
                detail="this user may not collMod, so documents written in the moment of the swap could be lost",
            )
        )
    return risks, []


def weak_guard(session: Session) -> list[RiskFound]:
    """Servers before 6.0 cannot tie a rename to a UUID."""
    if session.guard:
        return []
    return [
        RiskFound(
            word="weak-guard",
            detail=f"MongoDB {session.server.version} cannot tie a rename to a collection's UUID; the list of "
            "collections is compared just before each rename instead",
        )
    ]


def deployment(backup: Backup) -> tuple[list[RiskFound], list[str]]:
    """Whose backup it is."""
    if backup.other_deployment:
        return [RiskFound(word="other-deployment", detail=backup.other_deployment)], []
    if backup.kind != "quillkeep":
        return [], ["This backup was made by other tools and does not say which deployment it is of."]
    return [], []


def versions(session: Session, contents: DatabaseContents) -> list[str]:
    """A dump of a newer major version may hold what this server does not know."""
    theirs = contents.server_version.split(".")
    if not theirs[0].isdigit():
        return []
    mine = session.server.version_numbers
    if int(theirs[0]) == mine[0]:
        return []
    return [
        f"The backup is from MongoDB {contents.server_version}, this server is {session.server.version}; "
        "options or indexes may differ between them."
    ]


def pepper(profile: Profile, manifest: Manifest | None) -> tuple[list[str], list[str]]:
    """Whether the configured pepper is the backup's: facts, and what an admin should know."""
    if manifest is None or manifest.pepper is None:
        return [], []
    if profile.pepper is None:
        return [], ["No pepper is configured: stored API keys cannot be checked against the backup."]
    from services.quilltap import key_check

    if key_check(profile.pepper, bytes.fromhex(manifest.pepper.salt)) == manifest.pepper.check:
        return ["The configured pepper is the one of the backup."], []
    return [], [
        "The configured pepper is not the one of the backup: API keys and 2FA secrets in it will not open. "
        "Set the ENCRYPTION_MASTER_PEPPER of that time."
    ]


def quality(backup: Backup) -> list[str]:
    """What is known against the backup itself."""
    found = [f"The backup is suspicious: {why}" for why in backup.suspicious]
    if backup.verified is not None and backup.verified.status == "fail":
        found.append(f"The {backup.verified.depth} check of {backup.verified.at:%Y-%m-%d %H:%M} UTC failed.")
    # Damage that was found through another snapshot, which shares the file, is this one's too.
    found += [
        f"The {part} part: {why.rstrip('.')}."
        for part, why in backup.not_good.items()
        if why.startswith(DAMAGED)
    ]
    return found
