"""Tries one part of settings that were found: does the database, the bucket, the folder answer, and what is there."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.counted import counted
from services.errors import QuillkeepError, Refused
from services.paths import Paths
from services.profile import Profile

TryPart = Literal["database", "bucket", "folder"]
MOST_OBJECTS = 20_000


class TryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which part; each is a look of its own, so that a dead one keeps none of the others waiting."""

    part: TryPart = "database"


class TryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`warn` when it answers but something is wrong with it: `cause` says what, `next` the next step."""

    status: Literal["ok", "warn"]
    what: str
    cause: str = ""
    next: str = ""


def look(request: TryRequest, profile: Profile, paths: Paths) -> TryAnswer:
    """Tries. Errors: `QuillkeepError` in the words of the failure: wrong password, unreachable, TLS, no such
    bucket, wrong keys, no permission; `Refused` when nothing names the part."""
    if request.part == "database":
        return _database(profile, paths)
    return _bucket(profile) if request.part == "bucket" else _folder(profile, paths)


def _database(profile: Profile, paths: Paths) -> TryAnswer:
    from services.looking.live import LiveRequest
    from services.looking.live import look as look_live
    from services.quilltap import KNOWN_COLLECTIONS

    if profile.mongo is None:
        raise Refused("Nothing names a MongoDB.", next="Name Quilltap's .env file, or set MONGODB_URI.")
    name = profile.mongo.database
    live = look_live(LiveRequest(), profile, paths)
    documents = sum(each.documents or 0 for each in live.collections)
    held = f"{name} on {live.server}: {counted(len(live.collections), 'collections')}, {counted(documents, 'documents')}"
    known = KNOWN_COLLECTIONS & {each.name for each in live.collections}
    if {"find", "listCollections"} & set(live.rights_missing):
        return TryAnswer(
            status="warn",
            what=f"{live.server} lets this user in, but not read {name}.",
            cause=f"It may not {', '.join(live.rights_missing)}.",
            next=f"In mongosh: {live.grant}" if live.grant else "Give this user the role readWrite.",
        )
    if live.rights_missing:
        return TryAnswer(
            status="warn",
            what=f"{held}. A restore lacks rights.",
            cause=f"This user may not {', '.join(live.rights_missing)}.",
            next=f"In mongosh: {live.grant}" if live.grant else "Give this user the role readWrite.",
        )
    if not live.collections:
        return TryAnswer(
            status="warn",
            what=f"The database {name} on {live.server} is empty.",
            cause=_others(profile),
            next="Check MONGODB_DATABASE. If the data is lost, 3 restores it.",
        )
    if len(known) < 3:
        return TryAnswer(
            status="warn",
            what=f"{held}, but it does not look like Quilltap's.",
            cause=f"Of Quilltap's collections it has {', '.join(sorted(known)) or 'none'}.",
            next="Check MONGODB_DATABASE and MONGODB_URI.",
        )
    return TryAnswer(status="ok", what=f"{held}; it is Quilltap's.")


def _others(profile: Profile) -> str:
    from services.mongo.connect import connect, others_in_words

    assert profile.mongo is not None
    with connect(profile.mongo) as client:
        return others_in_words(client[profile.mongo.database])


def _bucket(profile: Profile) -> TryAnswer:
    import humanize

    from services.looking.bucket_listing import list_bucket

    if profile.bucket is None:
        raise Refused("Nothing names a bucket.", next="Name Quilltap's .env file, or set S3_BUCKET.")
    seen = list_bucket(MOST_OBJECTS, profile)
    more = "" if seen.whole else "at least "
    size = humanize.naturalsize(seen.bytes)
    objects = "1 object" if seen.objects == 1 else f"{seen.objects:,} objects"
    held = f"{seen.bucket} at {seen.endpoint}: {more}{objects}, {size}"
    if not seen.objects:
        return TryAnswer(
            status="warn",
            what=f"The bucket {seen.bucket} at {seen.endpoint} is empty.",
            next="Check S3_BUCKET and S3_PATH_PREFIX. If the files are lost, 3 restores them.",
        )
    return TryAnswer(status="ok", what=f"{held}.")


def _folder(profile: Profile, paths: Paths) -> TryAnswer:
    import os

    import humanize

    from services.catalog.scan import survey

    if not profile.locations:
        raise Refused("Nothing names a folder for backups.", next="Set BACKUP_DIR.")
    path = profile.locations[0].path
    if not os.path.lexists(path):
        return TryAnswer(
            status="warn",
            what=f"{path} does not exist yet.",
            cause="The first backup makes it, when this user may.",
            next=f"Make it, or mount it: mkdir -m 700 -p {path}",
        )
    catalog = survey(profile.locations, profile, paths)
    if catalog.problems:
        raise QuillkeepError(
            catalog.problems[0].sentence, next=f"Give this user the right to read {path}, or mount it."
        )
    state = os.statvfs(path)
    free = humanize.naturalsize(state.f_bavail * state.f_frsize)
    ours = sum(1 for each in catalog.backups if each.ours)
    held = f"{path}: {_counted(len(catalog.backups))}, {ours} of this deployment's; {free} free"
    if not os.access(path, os.W_OK | os.X_OK):
        return TryAnswer(
            status="warn",
            what=f"{held}.",
            cause="This user may not write there.",
            next=f"Run as its owner, or: chown $(id -un) {path}",
        )
    return TryAnswer(status="ok", what=f"{held}.")


def _counted(count: int) -> str:
    return "1 backup" if count == 1 else f"{count:,} backups" if count else "no backup yet"
