"""What the look at the live collections asks; a question that fails becomes a sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pymongo
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from services.counted import counted
from services.errors import QuillkeepError
from services.looking.collections import CollectionLive, CollectionsAnswer, IndexNow, Kind
from services.mongo.commands import server_words
from services.mongo.connect import connect, host_of, list_live, others_in_words, server_info
from services.mongo.failures import translated
from services.mongo.indexes import raw_indexes
from services.mongo.specs import build_spec, comparable
from services.profile import MongoTarget, Profile
from services.recovery.rows import live_names

CONNECT_SECONDS = 5.0
"""How long the server may take to let us in."""
ASK_SECONDS = 8.0
"""How long everything together may take; the look's own limit is 12 s, with the start of its process."""
LAST_SECONDS = 1.0
"""What is kept free at the end for the question under way."""


def target_of(profile: Profile) -> MongoTarget:
    """The configured database. Errors: `QuillkeepError` without one."""
    if profile.mongo is None:
        raise QuillkeepError(
            "No database is configured.",
            next="Set MONGODB_URI in Quilltap's .env, or `uri` under [profiles.NAME.mongo] in config.toml.",
        )
    return profile.mongo


def ask(profile: Profile) -> CollectionsAnswer:
    """The answer of `services.looking.collections.look`."""
    target = target_of(profile)
    with pymongo.timeout(CONNECT_SECONDS):
        client = connect(target)
    try:
        with pymongo.timeout(ASK_SECONDS):
            return _ask(client[target.database], target)
    except PyMongoError as error:
        raise translated(
            "Listing the collections",
            error,
            touched="Nothing was changed: it only looked.",
            next="Look again.",
        ) from None
    finally:
        client.close()


def _ask(database: Database[Any], target: MongoTarget) -> CollectionsAnswer:
    until = time.monotonic() + ASK_SECONDS - LAST_SECONDS
    problems: list[str] = []
    version = ""
    try:
        version = server_info(database.client).version
    except PyMongoError as error:
        problems.append(f"Could not be told: the server's version. {server_words(error).rstrip('.')}.")
    live = list_live(database)
    found: list[CollectionLive] = []
    late: list[str] = []
    denied: dict[str, int] = {}
    for name in live_names(live):
        kind = live[name].kind
        if kind == "view":
            found.append(CollectionLive(name=name, kind=kind))
        elif time.monotonic() > until:
            late.append(name)
            found.append(CollectionLive(name=name, kind=kind))
        else:
            found.append(_one(database, name, kind, denied, late))
    for right, count in denied.items():
        problems.append(
            f"This user may not ask {counted(count, 'collections')} for {right}: the role readWrite on "
            f"{database.name} has it."
        )
    if late:
        problems.append(
            f"Counts and sizes of {counted(len(set(late)), 'collections')} did not come in time. r looks again."
        )
    if not found:
        others = ""
        try:
            others = others_in_words(database)
        except PyMongoError as error:
            problems.append(f"Could not be told: the other databases. {server_words(error).rstrip('.')}.")
        words = f"The database {database.name} is empty or does not exist. {others}".strip()
        problems.append(f"{words} Check MONGODB_DATABASE.")
    return CollectionsAnswer(
        server=host_of(target),
        database=database.name,
        version=version,
        collections=tuple(found),
        problems=tuple(problems),
    )


def _one(
    database: Database[Any], name: str, kind: Kind, denied: dict[str, int], late: list[str]
) -> CollectionLive:
    stats: dict[str, Any] = {}
    specs: list[dict[str, Any]] | None = None
    try:
        stats = dict(database.command("collStats", name))
    except OperationFailure as error:
        _unanswered(error, "collStats", name, denied, late)
    except PyMongoError:
        late.append(name)
    try:
        specs = raw_indexes(database, name)
    except OperationFailure as error:
        _unanswered(error, "listIndexes", name, denied, late)
    except PyMongoError:
        late.append(name)
    sizes = stats.get("indexSizes")
    return CollectionLive(
        name=name,
        kind=kind,
        documents=_figure(stats, "count") if kind == "collection" else None,
        bytes=_figure(stats, "size"),
        storage_bytes=_figure(stats, "storageSize"),
        index_bytes=_figure(stats, "totalIndexSize"),
        average=_figure(stats, "avgObjSize"),
        indexes=None if specs is None else tuple(index_now(spec, sizes) for spec in specs),
    )


def _unanswered(
    error: OperationFailure, right: str, name: str, denied: dict[str, int], late: list[str]
) -> None:
    if error.code == 13:
        denied[right] = denied.get(right, 0) + 1
    else:
        late.append(name)


def _figure(stats: Mapping[str, Any], key: str) -> int | None:
    return int(stats[key]) if key in stats else None


def index_now(spec: Mapping[str, Any], sizes: object = None) -> IndexNow:
    """An index in words: `userId 1, createdAt -1 (unique)`."""
    name = str(spec.get("name", ""))
    keys = ", ".join(f"{field} {_direction(kind)}" for field, kind in dict(spec.get("key") or {}).items())
    options = [word for word in ("unique", "sparse", "hidden") if spec.get(word)]
    if "expireAfterSeconds" in spec:
        options.append(f"expires after {spec['expireAfterSeconds']} s")
    options += [word for field, word in _SHAPES if field in spec]
    size = sizes.get(name) if isinstance(sizes, Mapping) else None
    return IndexNow(
        name=name,
        keys=f"{keys} ({', '.join(options)})" if options else keys,
        form=json.dumps(comparable(build_spec(spec)), sort_keys=True, default=str),
        bytes=int(size) if isinstance(size, int | float) else None,
    )


_SHAPES = (
    ("partialFilterExpression", "partial"),
    ("collation", "collation"),
    ("wildcardProjection", "projection"),
)


def _direction(kind: object) -> str:
    return str(int(kind)) if isinstance(kind, int | float) else str(kind)
