"""Which backup has the good version of what is wrong live: only the documents in question, by one pass a collection."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from services.archive.elements import NotBson
from services.archive.model import Buffer
from services.catalog.model import Backup
from services.errors import Cancelled, QuillkeepError
from services.quilltap import stored_name
from services.references.walker import Field, Seen, look

MAX_BACKUPS = 3
"""Good backups looked into, the newest first."""


class Need:
    """What would bring one finding back: documents of a collection with these keys that are good.

    `key_of` tells a document's key (None: not one of them), `good` whether it is the good version; with
    `once` a key that several documents have is not good. `found` is filled by `find_good`.
    """

    def __init__(
        self,
        collection: str,
        keys: Sequence[Hashable],
        key_of: Callable[[Seen], Hashable],
        good: Callable[[Seen, Any], bool] = lambda seen, key: True,
        *,
        once: bool = False,
    ) -> None:
        self.collection = collection
        self.keys = frozenset(keys)
        self.key_of = key_of
        self.good = good
        self.once = once
        self.found: dict[str, int] = {}
        """How many of the keys each backup looked into has, by its id."""
        self.had: dict[str, frozenset[Any]] = {}
        """Which of them."""
        self._now: dict[Hashable, int] = {}

    def begin(self) -> None:
        """Before a backup is read."""
        self._now = {}

    def take(self, seen: Seen) -> None:
        """One document of the collection in a backup."""
        key = self.key_of(seen)
        if key in self.keys and self.good(seen, key):
            self._now[key] = self._now.get(key, 0) + 1

    def end(self, backup: str) -> None:
        """After a backup was read to its end."""
        self.had[backup] = frozenset(key for key, times in self._now.items() if not self.once or times == 1)
        self.found[backup] = len(self.had[backup])

    def restores(self, backup: str) -> tuple[str, ...]:
        """The collections (as stored) of a backup that bring it back."""
        return (self.collection,)

    @property
    def whole(self) -> bool:
        """Whether a backup has all of it."""
        return any(found == len(self.keys) for found in self.found.values())

    @property
    def best(self) -> tuple[str, int]:
        """The newest backup that has most of it, and how many; ("", 0) when none has any."""
        most = max(self.found.values(), default=0)
        return next(((id, found) for id, found in self.found.items() if found == most and found), ("", 0))


def find_good(
    needs: Sequence[Need],
    backups: Sequence[Backup],
    *,
    tree: Callable[[str], Field],
    open_backup: Callable[[Backup], Any],
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> tuple[str, ...]:
    """Fills the needs from good backups, the newest first; gives sentences on backups that could not be read.

    `tree` is what to walk of a collection (as stored), `open_backup` gives a `DataSide`. `Cancelled` is raised.
    """
    problems = []
    for backup in backups[:MAX_BACKUPS]:
        open_needs = [need for need in needs if not need.whole]
        if not open_needs:
            break
        try:
            side = open_backup(backup)
            held = side.collections()
            by_name: dict[str, list[Need]] = {}
            for name in held:
                wanted = [need for need in open_needs if need.collection == stored_name(name)]
                if wanted:
                    by_name[name] = wanted
            for need in open_needs:
                need.begin()

            def take(name: str, data: Buffer, by_name: dict[str, list[Need]] = by_name) -> None:
                raw = bytes(data)
                root = tree(stored_name(name))
                at = 0
                while at < len(raw):
                    seen, at = look(root, raw, at)
                    for need in by_name[name]:
                        need.take(seen)

            side.read(dict.fromkeys(by_name, ()), take, check=check, advance=advance)
        except Cancelled:
            raise
        except (QuillkeepError, NotBson, OSError) as error:
            problems.append(f"{backup.id} could not be looked into: {error}")
            continue
        for need in open_needs:
            need.end(backup.id)
    return tuple(problems)
