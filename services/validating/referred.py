"""What brings back a reference to nothing: what it refers to, or, where that never was, the documents that refer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from services.quilltap import REFERENCES
from services.references.model import Sought
from services.references.telling import own_name
from services.references.walker import Seen
from services.validating.good import Need

Exist = Callable[[str, str, Sequence[str]], set[bytes]]
"""(collection as stored, field, values): those of the values that documents have now."""


def targets_of(sought: Sought) -> Need:
    """The need of what a finding's references refer to."""
    counts = dict(zip((value.encode() for value in sought.values), sought.counts, strict=False))

    def key_of(seen: Seen) -> Hashable:
        return seen.text(sought.field)

    def good(seen: Seen, key: Any) -> bool:
        return seen.counts.get("messages", 0) >= counts[key] if counts else True

    return Need(sought.collection, [value.encode() for value in sought.values], key_of, good)


class Sources(Need):
    """The referring documents themselves: good where what they refer to exists now, or with the targets of a backup.

    `targets` is the need of the same finding that was looked for before. A document that lacks only targets that
    the backup has is good there too, and then both collections are needed (`both`).
    """

    def __init__(self, sought: Sought, targets: Need, exist: Exist) -> None:
        one = REFERENCES[sought.number]
        super().__init__(one.collection, sought.documents, self._name)
        self.both: dict[str, bool] = {}
        """By backup, whether the targets have to come from it, too."""
        self._sought, self._targets, self._exist = sought, targets, exist
        self._lost = frozenset(value.encode() for value in sought.values)
        self._values: dict[Hashable, set[bytes]] = {}

    def _name(self, seen: Seen) -> Hashable:
        chat = seen.text("chatId") if self.collection == "chat_messages" else None
        return own_name(seen.text("id") or chat or b"", *seen.kept.get("_id", (0, b"")))

    def begin(self) -> None:
        """As `Need.begin`."""
        super().begin()
        self._values = {}

    def take(self, seen: Seen) -> None:
        """One document of the collection in a backup, with what it refers to there."""
        key = self.key_of(seen)
        if key in self.keys:
            refers = self._values.setdefault(key, set())
            refers.update(text for number, text in seen.refs if number == self._sought.number)

    def end(self, backup: str) -> None:
        """As `Need.end`; asks which of the values exist."""
        asked = set().union(*self._values.values()) - self._lost
        there = self._existing(asked)
        with_targets = there | self._targets.had.get(backup, frozenset())
        alone = _good(self._values.values(), there)
        together = _good(self._values.values(), with_targets)
        self.both[backup] = together > alone
        self.found[backup] = together

    def _existing(self, values: Iterable[bytes]) -> set[bytes]:
        shown = [value.decode("utf-8", "replace") for value in sorted(values)]
        return self._exist(self._sought.collection, self._sought.field, shown) if shown else set()

    def restores(self, backup: str) -> tuple[str, ...]:
        """As `Need.restores`."""
        return (self.collection, self._targets.collection) if self.both.get(backup) else (self.collection,)


def _good(documents: Iterable[set[bytes]], there: set[bytes] | frozenset[bytes]) -> int:
    return sum(1 for refers in documents if refers <= there)


class Referred:
    """A finding's two ways back, and which of them it takes: the targets when a backup has them all."""

    def __init__(self, sought: Sought, exist: Exist) -> None:
        self.targets = targets_of(sought)
        self._sought, self._exist = sought, exist
        self.sources: Sources | None = None

    def second(self) -> Sources | None:
        """The need to look for after the targets were, None where they are enough or nothing refers."""
        if not self.targets.whole and self._sought.documents and self.targets.found:
            self.sources = Sources(self._sought, self.targets, self._exist)
        return self.sources

    @property
    def chosen(self) -> Need:
        """The better of both: what is whole, else what a backup has the larger part of."""
        if self.sources is None or not self.sources.found or self.targets.whole:
            return self.targets
        return self.sources if _part(self.sources) > _part(self.targets) else self.targets


def _part(need: Need) -> float:
    return need.best[1] / len(need.keys) if need.keys else 0.0
