"""The documents that are shown of a comparison, read a second time: their ids, and which fields differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from services.archive.model import Buffer
from services.comparing.databases import DatabaseSide
from services.comparing.fields import TYPES, Change, NotBson, changes
from services.comparing.index import DIGEST_BYTES, Spill, digests
from services.comparing.joining import Joined
from services.comparing.shown import is_hidden, own_id, shown_id, shown_value
from services.operations.diff_model import DiffPlan, DocumentDiff, FieldChange

if TYPE_CHECKING:
    from services.jobs.context import JobContext
    from services.reading.side import DataSide

FIELDS = 20
"""Fields that are named of a document."""
PATH_CHARACTERS = 300
MOVED = "it was written to again while it was compared"
GONE = "it was gone again when it was looked at"


class _Enough(Exception):
    """Every document that was looked for was found."""


class Looked:
    """Reads the examples: those of A first, which wait sealed until their other side comes."""

    def __init__(self, joined: dict[str, Joined], plan: DiffPlan, spill: Spill, ctx: JobContext) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._joined = joined
        self._values = plan.values
        self._spill = spill
        self._ctx = ctx
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._count = 0
        self._shelf: dict[tuple[str, bytes], tuple[int, int, bytes]] = {}
        self._ids: dict[tuple[str, bytes], tuple[str, str, str]] = {}
        self._changed: dict[tuple[str, bytes], DocumentDiff] = {}

    def look(self, a: DatabaseSide, b: DatabaseSide) -> dict[str, tuple[DocumentDiff, ...]]:
        """{collection: the first added, removed and changed documents}."""
        pairs = {name: dict(one.changed_first) for name, one in self._joined.items()}
        wanted_a = {name: [*one.removed_first, *pairs[name]] for name, one in self._joined.items()}
        self._read("A", a, wanted_a, lambda name, key, document, note: self._of_a(name, key, document, note))
        back: dict[str, dict[bytes, list[bytes]]] = {name: {} for name in pairs}
        for name, found in pairs.items():
            for of_a, of_b in found.items():
                back[name].setdefault(of_b, []).append(of_a)
        wanted_b = {name: [*one.added_first, *back[name]] for name, one in self._joined.items()}

        def take(name: str, key: bytes, document: bytes, note: str) -> None:
            others = back[name].get(key)
            if others is None:
                self._ids[name, key] = (shown_id(document), own_id(document, name), note)
            for other in others or ():
                self._changed[name, other] = self._compare(name, other, document, note)

        self._read("B", b, wanted_b, take)
        return {name: tuple(self._examples(name, one)) for name, one in self._joined.items()}

    def _of_a(self, name: str, key: bytes, document: bytes, note: str) -> None:
        self._ids[name, key] = (shown_id(document), own_id(document, name), note)
        if any(key == first for first, _ in self._joined[name].changed_first):
            self._shelf[name, key] = self._seal(document)

    def _seal(self, document: bytes) -> tuple[int, int, bytes]:
        self._count += 1
        nonce = self._count.to_bytes(12, "big")
        sealed = self._cipher.encrypt(nonce, document, None)
        return self._spill.write(sealed), len(sealed), nonce

    def _open(self, name: str, key: bytes) -> bytes | None:
        place = self._shelf.pop((name, key), None)
        if place is None:
            return None
        at, size, nonce = place
        return self._cipher.decrypt(nonce, self._spill.read(at, size), None)

    def _read(
        self,
        letter: str,
        side: DatabaseSide,
        wanted: dict[str, list[bytes]],
        take: Callable[[str, bytes, bytes, str], None],
    ) -> None:
        """Gives each wanted document to `take`; of what is live also one that changed since it was indexed."""
        left = {name: set(keys) for name, keys in wanted.items() if keys}
        if not left:
            return
        phase = self._ctx.phase("documents", f"reading what differs in {letter}")
        with side.opened() as opened:
            by_id = {
                name: {key[:DIGEST_BYTES]: key for key in keys} if opened.live else {}
                for name, keys in left.items()
            }

            def look(name: str, data: Buffer) -> None:
                waiting = left.get(name)
                if not waiting:
                    return
                for key, document in digests(data, self._spill.key):
                    meant, note = key, ""
                    if key not in waiting:
                        meant, note = by_id[name].get(key[:DIGEST_BYTES], b""), MOVED
                    if meant in waiting:
                        waiting.discard(meant)
                        take(name, meant, document, note)
                if not any(left.values()):
                    raise _Enough

            try:
                self._each(opened, left, look, phase.advance)
            except _Enough:
                self._ctx.check()
        phase.finish()

    def _each(
        self,
        opened: DataSide,
        left: dict[str, set[bytes]],
        look: Callable[[str, Buffer], None],
        advance: Callable[[int], None],
    ) -> None:
        opened.read(dict.fromkeys(left, ()), look, check=self._ctx.check, advance=advance)

    def _examples(self, name: str, found: Joined) -> list[DocumentDiff]:
        shown = []
        for theirs, _ in found.changed_first:
            shown.append(self._changed.get((name, theirs)) or self._gone(name, theirs))
        for state, keys in (("removed", found.removed_first), ("added", found.added_first)):
            for key in keys:
                id, own, note = self._ids.get((name, key), ("", "", GONE))
                shown.append(
                    DocumentDiff(
                        id=id, state="removed" if state == "removed" else "added", own_id=own, note=note
                    )
                )
        return shown

    def _gone(self, name: str, key: bytes) -> DocumentDiff:
        id, own, _ = self._ids.get((name, key), ("", "", ""))
        return DocumentDiff(id=id, state="changed", own_id=own, note=GONE)

    def _compare(self, name: str, key: bytes, b: bytes, note: str) -> DocumentDiff:
        a = self._open(name, key)
        _, _, earlier = self._ids.get((name, key), ("", "", ""))
        id, own = shown_id(b), own_id(b, name)
        if a is None:
            return DocumentDiff(id=id, state="changed", own_id=own, note=GONE)
        fields: list[FieldChange] = []
        more = 0
        try:
            for change in changes(a, b):
                if len(fields) < FIELDS:
                    fields.append(_shown(name, change, a, b, values=self._values))
                else:
                    more += 1
        except (NotBson, RecursionError):
            note = "its fields cannot be read"
        return DocumentDiff(
            id=id,
            state="changed",
            fields=tuple(fields),
            more_fields=more,
            own_id=own,
            note=note or earlier,
        )


def _shown(collection: str, change: Change, a: bytes, b: bytes, *, values: bool) -> FieldChange:
    secret = is_hidden(collection, change.names)
    types = ""
    if change.a is not None and change.b is not None and change.a[0] != change.b[0]:
        types = f"{TYPES.get(change.a[0], 'unknown')} -> {TYPES.get(change.b[0], 'unknown')}"
    show = values and not secret
    return FieldChange(
        path=change.path if len(change.path) <= PATH_CHARACTERS else change.path[:PATH_CHARACTERS] + " …",
        a=shown_value(a, change.a) if show and change.a is not None else None,
        b=shown_value(b, change.b) if show and change.b is not None else None,
        secret=secret,
        kind=change.kind,
        types=types,
    )
