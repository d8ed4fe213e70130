"""Live collections against the newest good backup: what shrank, which indexes are not the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.archive.metadata import parse_metadata
from services.catalog.manifest import CollectionEntry
from services.counted import counted
from services.findings import Finding
from services.mongo.specs import build_spec, comparable
from services.operations.guards_suspicious import FALL as SHARE
from services.operations.guards_suspicious import suspicious_collections
from services.quilltap import PASSING_COLLECTIONS
from services.validating.model import IndexSeen

Spec = Mapping[str, Any]
MAX_LINES = 4
FALL = 10
"""Documents that a live collection has lost before their share counts, however few there were."""


def shrunk(name: str, now: CollectionEntry | None, before: CollectionEntry, *, since: str) -> Finding | None:
    """The suspicious rule on one live collection: gone or empty is `fail`, fallen by much is `warn`.

    A backup's rule leaves small collections alone, which would raise alarm every night; here they are told too,
    for the admin asks. Log-ins and tokens run out: of them nothing is said.
    """
    if name in PASSING_COLLECTIONS:
        return None
    sentences = suspicious_collections({name: now} if now else {}, {name: before}, since=since)
    if not sentences and now is not None and before.kind != "view":
        sentences = _fell(name, now.documents, before.documents, since)
    if not sentences:
        return None
    gone = now is None or not now.documents
    return Finding(
        kind="collection-gone" if now is None else ("collection-empty" if gone else "shrunk"),
        status="fail" if gone else "warn",
        what=sentences[0],
        collection=name,
        count=before.documents - (now.documents if now else 0),
        good_in=since,
        restore=(name,),
    )


def _fell(name: str, now: int, before: int, since: str) -> list[str]:
    lost = before - now
    if lost < max(FALL, SHARE * before):
        return []
    return [f"{name} fell by {lost / before:.0%} since {since}: {before:,} -> {counted(now, 'documents')}."]


def indexes_of(entry: CollectionEntry) -> list[dict[str, Any]] | None:
    """The index specifications a manifest keeps of a collection, None where it keeps none."""
    if not entry.metadata:
        return None
    return [dict(index) for index in parse_metadata(entry.metadata).get("indexes") or []]


def compare_indexes(
    name: str, live: Sequence[Spec], backup: Sequence[Spec] | None, *, since: str
) -> tuple[tuple[IndexSeen, ...], Finding | None]:
    """Every index of both sides with what it is to the other, and a finding where the live ones lack something.

    An index that only the live collection has was made since: a fact.
    """
    if backup is None:
        return tuple(IndexSeen(name=_name(one), keys=keys_of(one)) for one in live), None
    then = {_name(one): one for one in backup}
    now = {_name(one): one for one in live}
    seen = []
    lacking, other = [], []
    for index, one in now.items():
        if index not in then:
            seen.append(IndexSeen(name=index, keys=keys_of(one), state="not in backup"))
        elif comparable(one) == comparable(then[index]):
            seen.append(IndexSeen(name=index, keys=keys_of(one), state="same"))
        else:
            seen.append(IndexSeen(name=index, keys=keys_of(one), state="differs"))
            other.append(index)
    for index, one in then.items():
        if index not in now:
            seen.append(IndexSeen(name=index, keys=keys_of(one), state="only in backup"))
            lacking.append(index)
    words = []
    if lacking:
        words.append(f"lacks {_listed(lacking, 'the index', 'the indexes')}")
    if other:
        words.append(f"has {_listed(other, 'the index', 'the indexes')} in another form")
    if not words:
        return tuple(seen), None
    return tuple(seen), Finding(
        kind="index-list",
        status="warn",
        what=f"{name} {' and '.join(words)} than {since}."
        if other
        else f"{name} {words[0]} that {since} has.",
        collection=name,
        count=len(lacking) + len(other),
        examples=tuple((lacking + other)[:10]),
        good_in=since,
        restore=(name,),
        next=_make_again(name, [then[one] for one in lacking + other], other),
    )


def _make_again(name: str, specs: Sequence[Spec], other: Sequence[str]) -> str:
    """What an admin types into mongosh to have the indexes as the backup has them."""
    collection = f"db.getCollection({json.dumps(name)})"
    lines = [f"{collection}.dropIndex({json.dumps(one)})" for one in other]
    for spec in specs:
        built = build_spec(spec)
        key = built.pop("key")
        built.pop("v", None)
        lines.append(f"{collection}.createIndex({_json(key)}, {_json(built)})")
    return f"In mongosh: {'; '.join(lines[:MAX_LINES])}{' and so on' if len(lines) > MAX_LINES else ''}"


def _json(value: Spec) -> str:
    return json.dumps(dict(value), default=str, ensure_ascii=False)


def _listed(names: Sequence[str], one: str, several: str) -> str:
    return (
        f"{one if len(names) == 1 else several} {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}"
    )


def _name(index: Spec) -> str:
    return str(index.get("name", ""))


def keys_of(index: Spec) -> str:
    """`userId 1, createdAt -1 (unique)`."""
    keys = ", ".join(
        f"{field} {int(kind) if isinstance(kind, int | float) else kind}"
        for field, kind in dict(index.get("key") or {}).items()
    )
    words = [word for word in ("unique", "sparse", "hidden") if index.get(word)]
    if "expireAfterSeconds" in index:
        words.append(f"expires after {index['expireAfterSeconds']} s")
    if "partialFilterExpression" in index:
        words.append("partial")
    if "collation" in index:
        words.append("collation")
    return f"{keys} ({', '.join(words)})" if words else keys
