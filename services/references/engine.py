"""The references between documents: gathered from raw documents in any order, then told in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache

from services.archive.model import Buffer
from services.quilltap import KNOWN_COLLECTIONS, REFERENCES, stored_name
from services.references.again import Again
from services.references.model import ReferencesResult
from services.references.store import Noted, Store
from services.references.walker import Field, Seen, look

LATE = len(REFERENCES)
"""The number of a `chat_messages.chatId` that a reply still being written made for a chat just deleted."""
CHAT_OF_MESSAGES = next(
    number
    for number, one in enumerate(REFERENCES)
    if (one.collection, one.path) == ("chat_messages", "chatId")
)
_KEPT = {
    "users": ("id",),
    "chats": ("id", "userId", "messageCount"),
    "chat_messages": ("chatId", "createdAt", "updatedAt"),
}
IDS = {(name, "id"): number for number, name in enumerate(sorted({one.target for one in REFERENCES}))}
"""Kinds of ids that references are held against, by (collection, field)."""


@cache
def fields_of(collection: str) -> tuple[str, ...]:
    """The field paths that references of a collection (as stored) need, as a server projects them."""
    kept = _KEPT.get(collection, ("id", "userId"))
    paths = [_projected(one.path) for one in REFERENCES if one.collection == collection]
    if collection == "chat_messages":
        paths.append("messages.attachments")
    return tuple(dict.fromkeys((*kept, *paths)))


def _projected(path: str) -> str:
    return path.removesuffix(".{}").replace("[]", "")


def fields_tree(collection: str) -> Field:
    """A new tree of what a walk through documents of a collection (as stored) has to tell."""
    root = Field()
    root.at("_id").keep = True
    for path in _KEPT.get(collection, ("id", "userId")):
        root.at(path).keep = True
    for number, one in enumerate(REFERENCES):
        if one.collection != collection:
            continue
        if one.path.endswith(".{}"):
            here = root.at(one.path.removesuffix(".{}"))
            here.names = (*here.names, number)
        else:
            here = root.at(one.path)
            here.refs = (*here.refs, number)
    if collection == "chat_messages":
        root.at("messages").count = True
    return root


class References:
    """Takes the documents of one database by the names of its collections, then tells what refers to nothing.

    `unique` are further (collection, field) whose values are remembered, so that equal ones are found
    (`services.validating.unique`). Used by one thread; `close` it.
    """

    wants: frozenset[str] = frozenset(
        name
        for name in KNOWN_COLLECTIONS
        if stored_name(name) not in ("verification_tokens", "migrations_state")
    )

    def __init__(self, *, unique: Collection[tuple[str, str]] = ()) -> None:
        self.kinds = dict(IDS)
        for one in unique:
            self.kinds.setdefault(one, len(self.kinds))
        self._ids: dict[str, list[tuple[str, int]]] = {}
        for (collection, field), number in self.kinds.items():
            self._ids.setdefault(collection, []).append((field, number))
        self._targets = [IDS[one.target, one.target_field] for one in REFERENCES]
        self._targets.append(self._targets[CHAT_OF_MESSAGES])
        self._trees: dict[str, Field] = {}
        self.names: dict[str, set[str]] = {}
        """The names under which documents of a collection (as stored) came."""
        self.documents = 0
        self.store = Store()

    def close(self) -> None:
        """Forgets everything."""
        self.store.close()

    def tree(self, collection: str) -> Field:
        """What a walk has to tell `take` of a collection (as stored)."""
        if collection not in self._trees:
            root = fields_tree(collection)
            for field, _ in self._ids.get(collection, ()):
                root.at(field).keep = True
            self._trees[collection] = root
        return self._trees[collection]

    def add(self, collection: str, data: Buffer) -> None:
        """Whole documents one behind another. Errors: `NotBson`."""
        stored = stored_name(collection)
        raw = bytes(data)
        root = self.tree(stored)
        at = 0
        while at < len(raw):
            seen, at = look(root, raw, at)
            self.take(collection, seen)

    def take(self, collection: str, seen: Seen) -> int:
        """One document that was walked along `tree`; gives its place in the store."""
        stored = stored_name(collection)
        self.names.setdefault(stored, set()).add(collection)
        self.documents += 1
        kind, raw_id = seen.kept.get("_id", (0, b""))
        own = seen.text("id")
        chat = seen.text("chatId") if stored == "chat_messages" else None
        user = own if stored == "users" else seen.text("userId")
        store = self.store
        place = store.note(
            Noted(label=own or chat or b"", kind=kind, raw_id=raw_id, user=user or b"", names=seen.refs)
        )
        for field, number in self._ids.get(stored, ()):
            text = own if field == "id" else seen.text(field)
            if text:
                store.add("ids", (number, hash(text), place))
        targets = self._targets
        if chat is not None and "updatedAt" in seen.kept and "createdAt" not in seen.kept:
            seen.refs[:] = [(LATE if one == CHAT_OF_MESSAGES else one, text) for one, text in seen.refs]
        for number, text in seen.refs:
            store.add("refs", (number, targets[number], hash(text), place))
        if stored == "chats" and own:
            said = seen.number("messageCount")
            if said:
                store.add("said", (hash(own), said, place))
        if chat:
            store.add("held", (hash(chat), seen.counts.get("messages", 0), place))
        return place

    def result(
        self,
        collections: Iterable[str],
        *,
        live: bool,
        left_out: Collection[str] = (),
        again: Again | None = None,
        check: Callable[[], None],
    ) -> ReferencesResult:
        """What the documents taken so far amount to; `collections` are all names of the side.

        `left_out` are names that a backup was told not to take. With `again` everything that seems to be
        wrong is looked at once more before it is said. Asked once.
        """
        from services.references.telling import tell

        self.store.settle(check)
        return tell(
            self,
            collections=frozenset(collections),
            live=live,
            left_out=frozenset(map(stored_name, left_out)),
            again=again,
            check=check,
        )


def wanted_of(side: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """What to read of a side's collections ({name: kind}), referring ones first: what is made while they are
    read is there when its own collection is."""
    names = [name for name, kind in side.items() if name in References.wants and kind == "collection"]
    targets = {one.target for one in REFERENCES}
    depth = {"chats": 1, "chat_messages": 2, "memories": 3, "files": 5, "api_keys": 6, "users": 7}
    names.sort(
        key=lambda name: (depth.get(stored_name(name), 4 if stored_name(name) in targets else 0), name)
    )
    return {name: fields_of(stored_name(name)) for name in names}
