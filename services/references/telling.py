"""What references to nothing are called: findings by collection and user, leftovers, and what cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from services.archive.elements import STRING
from services.catalog.model import CheckStatus
from services.counted import by_number, counted
from services.findings import MAX_EXAMPLES, Finding, FindingStatus
from services.quilltap import KNOWN_COLLECTIONS, REFERENCES, Reference, stored_name
from services.references.again import Again
from services.references.messages import short_chats
from services.references.model import Leftover, ReferencesResult, Sought
from services.references.second import forget_moved, python_value
from services.references.store import Noted

if TYPE_CHECKING:
    from services.references.engine import References

MAX_USERS = 200
"""Users that are told apart in one kind of finding; the rest is one finding of nobody in particular."""
MAX_SOUGHT = 1_000
"""Missing ids a finding remembers, to be looked for in backups."""
TARGETS_NAMED = 3
MAX_SHOWN = 100
"""Characters of an id that are shown: a real one has 36."""
MANY = 50
"""Different ids that a collection lacks, all of them, before its being empty is a finding (as in the suspicious rule)."""
_LATE = Reference(
    "chat_messages",
    "chatId",
    "chats",
    gone="left",
    why="a reply that was still being written when its chat was deleted",
)


class Group:
    """One kind of finding of one user while its references are counted."""

    def __init__(self) -> None:
        self.count = 0
        self.examples: dict[str, None] = {}
        self.targets: dict[str, None] = {}
        self.documents: dict[tuple[int, bytes], None] = {}
        self._last = -1

    def add(self, place: int, noted: Noted, target: str) -> None:
        """One reference; documents are counted once, since their references come together."""
        if place != self._last:
            self.count += 1
            self._last = place
            if len(self.examples) < MAX_EXAMPLES:
                self.examples[label_of(noted.label, noted.kind, noted.raw_id)] = None
            if len(self.documents) < MAX_SOUGHT:
                self.documents[own_name(noted.label, noted.kind, noted.raw_id)] = None
        if len(self.targets) < MAX_SOUGHT:
            self.targets[target] = None


def tell(
    references: References,
    *,
    collections: Collection[str],
    live: bool,
    left_out: Collection[str],
    again: Again | None,
    check: Callable[[], None],
) -> ReferencesResult:
    """The result of what a settled store holds; arguments as `References.result`."""
    store = references.store
    present = {stored_name(name) for name in collections}
    referring, known = store.referring(), store.known()
    findings: list[tuple[Finding, Sought | None]] = []
    leftovers: list[Leftover] = []
    untold: list[str] = []
    lacking: dict[str, int] = {}
    moved = 0
    for number, one in enumerate((*REFERENCES, _LATE)):
        check()
        if not referring.get(number):
            continue
        documents, targets = store.gone(number)
        if not documents:
            continue
        if one.target in left_out:
            untold.append(
                f"{counted(documents, 'documents')} of {one.collection} refer to {one.target}, which could not be looked into"
            )
            continue
        if one.target not in present:
            lacking[one.target] = lacking.get(one.target, 0) + documents
            continue
        empty = not known.get(references.kinds[one.target, one.target_field])
        if one.gone == "left" and not (empty and targets >= MANY):
            leftovers.append(
                Leftover(
                    collection=one.collection,
                    path=one.path,
                    target=one.target,
                    documents=documents,
                    targets=targets,
                    why=one.why,
                )
            )
            continue
        if again is not None:
            moved += forget_moved(references, number, one, again, check)
            documents, targets = store.gone(number)
            if not documents:
                continue
        if one.gone == "left":
            findings.append((_emptied(one, documents, targets), None))
        else:
            findings += _by_user(references, number, one, check)
    findings += [(_lacking(name, count, live), None) for name, count in sorted(lacking.items())]
    if not {"chats", "chat_messages"} & set(left_out) and "chats" in present:
        short, settled = short_chats(references, live=live, present=present, again=again, check=check)
        findings += short
        moved += settled
    findings.sort(key=lambda pair: (pair[0].status != "fail", pair[0].collection, pair[0].user))
    return _result(references, findings, leftovers, untold, moved, collections, sum(referring.values()))


def _result(
    references: References,
    findings: list[tuple[Finding, Sought | None]],
    leftovers: list[Leftover],
    untold: list[str],
    moved: int,
    collections: Collection[str],
    looked_at: int,
) -> ReferencesResult:
    statuses = {finding.status for finding, _ in findings}
    status: CheckStatus = "ok"
    if "fail" in statuses:
        status = "fail"
    elif untold:
        status = "unknown"
    elif statuses:
        status = "warn"
    documents = references.documents
    words = []
    if findings:
        bad = sum(finding.count for finding, _ in findings)
        words.append(f"{counted(bad, 'documents')} with something missing")
    words += untold
    words.append(f"{counted(looked_at, 'references')} of {counted(documents, 'documents')}")
    if moved:
        words.append(f"{moved:,} moved meanwhile")
    # No fault, and so the last that is said.
    if leftovers:
        left = sum(one.documents for one in leftovers)
        words.append(
            f"{left:,} {by_number(left, 'names', 'name')} what was deleted, as the application leaves it"
        )
    return ReferencesResult(
        status=status,
        findings=tuple(finding for finding, _ in findings),
        sought=tuple(sought for _, sought in findings),
        leftovers=tuple(leftovers),
        unknown_collections=tuple(sorted(name for name in collections if name not in KNOWN_COLLECTIONS)),
        untold=tuple(untold),
        moved=moved,
        documents=documents,
        references=looked_at,
        summary="; ".join(words),
    )


def text_of(value: bytes) -> str:
    """An id as it is shown."""
    return value.decode("utf-8", "replace")


def own_name(label: bytes, kind: int, raw_id: bytes) -> tuple[int, bytes]:
    """What a document is known by in any copy of it: its own id, else its `_id`."""
    return (STRING, label) if label else (kind, raw_id)


def label_of(label: bytes, kind: int, raw_id: bytes) -> str:
    """How a document is called: its own id, else its `_id`."""
    if label:
        return text_of(label)[:MAX_SHOWN]
    if kind == 7:
        return raw_id.hex()
    return str(python_value(kind, raw_id))[:MAX_SHOWN]


def _by_user(
    references: References, number: int, one: Reference, check: Callable[[], None]
) -> list[tuple[Finding, Sought | None]]:
    groups: dict[str, Group] = {}
    for step, (_, target, place) in enumerate(references.store.gone_rows(number)):
        if step % 1_000 == 0:
            check()
        noted = references.store.noted(place)
        user = text_of(noted.user)[:MAX_SHOWN]
        if user not in groups and len(groups) >= MAX_USERS:
            user = ""
        groups.setdefault(user, Group()).add(place, noted, text_of(target))
    status: FindingStatus = "fail" if one.gone == "fail" else "warn"
    return [
        (
            Finding(
                kind="dangling-reference",
                status=status,
                what=_words(one, group),
                collection=one.collection,
                user=user,
                count=group.count,
                examples=tuple(group.examples),
            ),
            Sought(
                collection=one.target,
                field=one.target_field,
                values=tuple(group.targets),
                number=number,
                documents=tuple(group.documents),
            ),
        )
        for user, group in groups.items()
    ]


def _words(one: Reference, group: Group) -> str:
    targets = list(group.targets)
    shown = ", ".join(target[:MAX_SHOWN] for target in targets[:TARGETS_NAMED])
    more = " and more" if len(targets) > TARGETS_NAMED else ""
    return (
        f"{counted(group.count, 'documents')} of {one.collection} "
        f"{by_number(group.count, 'refers', 'refer')} by {one.path} to what is not in {one.target} "
        f"({shown}{more}): {one.why}."
    )


def _lacking(name: str, documents: int, live: bool) -> Finding:
    where = "The database has" if live else "The backup has"
    return Finding(
        kind="missing-collection",
        status="fail" if live else "warn",
        what=f"{where} no collection {name}, and {counted(documents, 'documents')} "
        f"{by_number(documents, 'refers', 'refer')} to what should be in it.",
        collection=name,
        count=documents,
    )


def _emptied(one: Reference, documents: int, targets: int) -> Finding:
    return Finding(
        kind="empty-collection",
        status="warn",
        what=f"The collection {one.target} is empty, and {counted(documents, 'documents')} of {one.collection} "
        f"name {counted(targets, 'ids')} of it ({one.path}).",
        collection=one.target,
        count=documents,
    )
