"""Findings of a pair check gathered by kind and user, with counts and examples."""

from __future__ import annotations

import shlex
from collections import Counter

import msgspec

from services.catalog.naming import printable
from services.findings import MAX_EXAMPLES, Finding, FindingStatus

MOST_GROUPS = 200
"""Groups of one kind by user; what more users have stands in one group without a user."""
_ORDER: tuple[FindingStatus, ...] = ("fail", "unknown", "warn")


class Group:
    """Everything of one kind that is one user's."""

    def __init__(self, kind: str, status: FindingStatus, user: str) -> None:
        self.kind, self.status, self.user = kind, status, user
        self.count = self.bytes = 0
        self.examples: list[str] = []
        self.why = self.then = ""
        self.places: list[str] = []
        self.good: Counter[str] = Counter()

    def add(
        self,
        example: str,
        *,
        why: str = "",
        size: int = 0,
        used: tuple[str, ...] = (),
        good_in: str = "",
        then: str = "",
    ) -> None:
        """One more of it."""
        self.count += 1
        self.bytes += size
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(example)
        self.why = self.why or why
        self.then = self.then or then
        if len(self.places) < MAX_EXAMPLES:
            self.places += used
        if good_in:
            self.good[good_in] += 1

    @property
    def best(self) -> str:
        """The backup that has the most of it, empty when none has any."""
        return self.good.most_common(1)[0][0] if self.good else ""


class Groups:
    """All groups, made when first needed."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, FindingStatus, str], Group] = {}
        self._users: Counter[str] = Counter()

    def of(self, kind: str, status: FindingStatus, user: str = "") -> Group:
        """The group of this kind and user."""
        user = printable(user)[:200]
        key = (kind, status, user)
        if key not in self._groups:
            if user and self._users[kind] >= MOST_GROUPS:
                key = (kind, status, "")
            else:
                self._users[kind] += bool(user)
            if key not in self._groups:
                self._groups[key] = Group(*key)
        return self._groups[key]

    def sorted(self) -> list[Group]:
        """The worst first, then the largest."""
        return sorted(
            self._groups.values(), key=lambda one: (_ORDER.index(one.status), one.kind, -one.count, one.user)
        )


def restore_command(backup: str) -> str:
    """The command that puts one backup's objects back."""
    return f"quillkeep restore {shlex.quote(backup)} --only objects --yes"


def finding(
    group: Group, what: str, step: str, *, collection: str = "files", restore: tuple[str, ...] = ()
) -> Finding:
    """A group as a finding."""
    return msgspec.convert(
        {
            "kind": group.kind,
            "status": group.status,
            "what": what,
            "collection": collection,
            "user": group.user,
            "count": group.count,
            "examples": group.examples,
            "good_in": group.best,
            "restore": restore,
            "next": step,
        },
        Finding,
    )
