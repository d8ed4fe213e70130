"""The rows of a plan: what is live, what the backup has, and what a restore would do with each name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from services.archive.documents import hex64
from services.errors import Refused
from services.mongo.connect import LiveCollection, list_live
from services.mongo.live_sums import live_sums
from services.mongo.specs import comparable, comparable_options, secondary
from services.names import is_ours
from services.recovery.contents import BUCKETS, CollectionContents, DatabaseContents
from services.recovery.request import Action, Content, RestoreRequest, Row
from services.recovery.session import Session


def restorable(name: str) -> bool:
    """Whether a live name is the application's: not ours, and of `system.` ones only system.js."""
    return not is_ours(name) and (not name.startswith("system.") or name == "system.js")


def live_names(live: dict[str, LiveCollection]) -> list[str]:
    """The application's collections and views."""
    return sorted(name for name in live if restorable(name))


def selected_names(contents: DatabaseContents, request: RestoreRequest) -> list[str]:
    """The collections asked for, all of them by default; `Refused` names the nearest when one is not there."""
    if not request.collections:
        return sorted(contents.collections)
    for name in request.collections:
        if name not in contents.collections:
            near = difflib.get_close_matches(name, contents.collections, n=1, cutoff=0.4)
            raise Refused(
                f"The backup holds no collection {name}.{f' Did you mean {near[0]}?' if near else ''}",
                cause=f"It holds: {', '.join(sorted(contents.collections)) or 'none'}.",
                next="Name one of these behind --collections.",
            )
    return sorted(set(request.collections))


def collection_rows(
    session: Session,
    contents: DatabaseContents,
    request: RestoreRequest,
    *,
    compare: bool,
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> tuple[list[Row], dict[str, LiveCollection]]:
    """One row per name, those that lose documents first; `compare` reads live collections whose counts agree."""
    live = list_live(session.database)
    rows = [
        _row(session, live.get(name), contents.collections[name], request, compare, check, advance)
        for name in selected_names(contents, request)
    ]
    if not request.collections:
        excluded = contents.manifest.excluded if contents.manifest else ()
        rows += [
            _only_live(session, live[name], request, excluded)
            for name in live_names(live)
            if name not in contents.collections
        ]
    rows.sort(key=lambda row: (not row.loses, row.content == "same", row.name))
    return rows, live


def _only_live(
    session: Session, entry: LiveCollection, request: RestoreRequest, excluded: Iterable[str]
) -> Row:
    left_out = entry.name in set(excluded)
    action: Action = "set aside" if request.exact and not left_out else "keep"
    detail = ("the backup left it out",) if left_out else ("not in the backup; stays as it is",)
    if action == "set aside":
        detail = ("not in the backup; set aside because of --exact",)
    count = None if entry.kind == "view" else session.database[entry.name].count_documents({})
    return Row(
        name=entry.name,
        live=count,
        backup=None,
        content="only live",
        action=action,
        kind=entry.kind,
        detail=detail,
    )


def action_for(live: LiveCollection | None, kind: str, request: RestoreRequest) -> Action:
    """What a restore does with a name that the backup has as `kind`."""
    if live is None:
        return "create"
    if request.in_place or "timeseries" in (kind, live.kind):
        return "in place"
    return "replace"


def _row(
    session: Session,
    live: LiveCollection | None,
    backup: CollectionContents,
    request: RestoreRequest,
    compare: bool,
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> Row:
    action = action_for(live, backup.kind, request)
    documents = None if backup.kind == "view" else backup.documents
    if live is None:
        return Row(
            name=backup.name,
            live=None,
            backup=documents,
            content="only in the backup",
            action=action,
            kind=backup.kind,
        )
    detail = _differences(session, live, backup)
    if live.kind == "view":
        same = backup.kind == "view" and not detail
        content: Content = "same" if same else "differs"
        return Row(
            name=backup.name,
            live=None,
            backup=documents,
            content=content,
            action="nothing" if same else action,
            kind=backup.kind,
            detail=detail,
        )
    storage = BUCKETS + live.name if live.kind == "timeseries" else live.name
    if live.kind == "timeseries" and not session.rights.system_buckets:
        count, content = None, "not compared yet"
    else:
        count = session.database[storage].count_documents({})
        content = _content(session, storage, count, backup, compare, check, advance)
    return Row(
        name=backup.name,
        live=count,
        backup=documents,
        content=content,
        action=action,
        kind=backup.kind,
        detail=detail,
    )


def _content(
    session: Session,
    storage: str,
    count: int,
    backup: CollectionContents,
    compare: bool,
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> Content:
    if backup.kind == "view" or count != backup.documents:
        return "differs"
    if count == 0:
        return "same"
    if not compare:
        return "not compared yet"
    held = live_sums(session.database, storage, check=check, advance=advance)
    equal = (held.documents, held.bytes, hex64(held.content)) == (
        backup.documents,
        backup.bytes,
        backup.content,
    )
    return "same" if equal else "differs"


def _differences(session: Session, live: LiveCollection, backup: CollectionContents) -> tuple[str, ...]:
    """Kinds, options and indexes that a restore would change, in words."""
    words: list[str] = []
    if live.kind != backup.kind:
        words.append(f"is a {live.kind} now, becomes a {backup.kind}")
        return tuple(words)
    metadata = backup.metadata()
    options: dict[str, Any] = dict(metadata.get("options") or {})
    if comparable_options(live.options) != comparable_options(options):
        words.append("its options or definition change")
    if backup.kind == "view":
        return tuple(words)
    now = secondary([dict(index) for index in session.database[live.name].list_indexes()])
    then = secondary([dict(index) for index in metadata.get("indexes") or []])
    have = [comparable(index) for index in now]
    want = [comparable(index) for index in then]
    words += [f"index {index.get('name')} goes" for index in now if comparable(index) not in want]
    words += [f"index {index.get('name')} comes back" for index in then if comparable(index) not in have]
    return tuple(words)
