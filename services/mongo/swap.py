"""The swap: renames that put proven collections live and keep what was live, and the way back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from services.counted import by_number, counted
from services.mongo.aside import drop_aside
from services.mongo.commands import (
    INDEX_NOT_FOUND,
    NAMESPACE_EXISTS,
    NAMESPACE_NOT_FOUND,
    UUID_MISMATCH,
    CommandFailed,
    run,
    run_again,
    uuid_of,
)
from services.mongo.connect import LiveCollection
from services.mongo.record import Pair, SwapRecord, load_spec
from services.mongo.rename import Outage, count_of, listing, name_of, rename_by_uuid, try_rename
from services.mongo.standing import seen_anew, view_text
from services.mongo.strays import keep_stray
from services.names import late_name

if TYPE_CHECKING:
    from pymongo.database import Database

STRAY_SECONDS = 10.0
"""How long a writer that keeps re-creating the name is outrun before `dropTarget` decides (without collMod)."""


class Swapper:
    """Moves the pairs of one record; every step may be repeated, since UUIDs tell what is done.

    `save` stores a changed record before the step that depends on it, `before_rename` checks that the
    job still holds its lock, `warn` takes sentences for the result.
    """

    def __init__(
        self,
        database: Database[Any],
        record: SwapRecord,
        *,
        guard: bool,
        save: Callable[[SwapRecord], None],
        before_rename: Callable[[], None],
        log: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self.database = database
        self.record = record
        self.guard = guard
        self._save = save
        self._before = before_rename
        self._log = log
        self._warn = warn

    def put_live(self, done: Callable[[int], None] = lambda pairs: None) -> None:
        """Old aside, new live, for every pair, views last; `done` counts them, `CommandFailed` names one that could not."""
        for pair in sorted(self.record.pairs, key=lambda pair: pair.incoming == "view"):
            self._before()
            if pair.incoming == "view":
                self._put_view(pair)
            elif pair.incoming == "absent":
                self._drop_ttl(self._set_aside(pair))
            else:
                self._put_collection(pair)
            done(1)

    def put_back(self) -> None:
        """Undoes every pair by UUID: what was live is live again, new collections lie aside."""
        for pair in sorted(self.record.pairs, key=lambda pair: pair.incoming != "view"):
            self._before()
            self._put_back(pair)

    def _rename(self, uuid: str, target: str) -> None:
        self._before()
        rename_by_uuid(self.database, uuid, target, guard=self.guard, on_wait=self._log)

    def _set_aside(self, pair: Pair) -> Pair:
        """What is live under the name goes to its old name; a view is dropped (its definition is recorded)."""
        live = listing(self.database)
        current = live.get(pair.name)
        if current is not None and pair.aside_uuid and current.uuid == pair.aside_uuid:
            return pair
        seen, words = seen_anew(self.database, self.record.job, pair, live)
        if seen != pair:
            pair = self._replace(pair, seen)
        if words:
            self._warn(words)
        if current is None:
            return pair
        if current.kind == "timeseries":
            raise CommandFailed(
                f"{pair.name} cannot be renamed: it is a time series.", code=None, cause="", unknown=False
            )
        if current.kind == "view" and pair.outgoing == "view":
            self._drop_view(pair.name)
        elif current.uuid == pair.old_uuid and pair.old is not None and current.uuid is not None:
            self._rename(current.uuid, pair.old)
        return pair

    def _put_collection(self, pair: Pair) -> None:
        assert pair.aside is not None and pair.aside_uuid is not None
        aside, aside_uuid = pair.aside, pair.aside_uuid
        pair = self._set_aside(pair)
        deadline = time.monotonic() + STRAY_SECONDS
        outage = Outage(self.database)
        drop: str | None = None
        while True:
            self._before()
            try:
                try_rename(
                    self.database,
                    aside,
                    pair.name,
                    uuid=aside_uuid,
                    guard=self.guard,
                    drop_uuid=drop,
                )
            except CommandFailed as error:
                live = listing(self.database)
                current = live.get(pair.name)
                if current is not None and current.uuid == pair.aside_uuid:
                    break
                if name_of(live, pair.aside_uuid) is None:
                    raise CommandFailed(
                        f"The loaded copy of {pair.name} is gone.",
                        code=error.code,
                        cause=error.cause,
                        unknown=False,
                    ) from None
                expected = error.code in (NAMESPACE_EXISTS, UUID_MISMATCH, NAMESPACE_NOT_FOUND)
                if not expected and not error.unknown:
                    self._wait_or_raise(error, deadline)
                drop = None
                if error.unknown:
                    outage.wait(error)
                else:
                    outage.over()
                    if current is not None:
                        pair, drop = self._clear_stray(pair, current, last=time.monotonic() > deadline)
            else:
                break
        self._drop_ttl(pair)
        self._tell_late(pair)

    def _wait_or_raise(self, error: CommandFailed, deadline: float) -> None:
        from services.mongo.commands import BACKGROUND_OPERATION, MAX_TIME_EXPIRED

        if error.code not in (MAX_TIME_EXPIRED, BACKGROUND_OPERATION) or time.monotonic() > deadline + 65:
            raise error
        time.sleep(0.2)

    def _clear_stray(self, pair: Pair, stray: LiveCollection, *, last: bool) -> tuple[Pair, str | None]:
        """Keeps what a writer put into the gap; gives the UUID that the rename may now drop."""
        if stray.kind == "view":
            self._drop_foreign_view(stray)
            return pair, None
        if stray.uuid is None:
            raise CommandFailed(
                f"Somebody made {pair.name} a time series during the swap.",
                code=None,
                cause="",
                unknown=False,
            )
        pair, late = self._next_late(pair)
        kept = keep_stray(
            self.database,
            stray,
            late,
            guard=self.guard,
            collmod=self.record.collmod,
            last=last,
            follow=lambda: self._follow(pair),
        )
        if kept.empty:
            drop_aside(self.database, late)
        if kept.lost_possible:
            self._warn(
                f"A writer kept re-creating {pair.name}; what it wrote in the last moments may be lost."
            )
        return pair, kept.drop_uuid

    def _follow(self, pair: Pair) -> None:
        assert pair.aside is not None and pair.aside_uuid is not None
        try_rename(self.database, pair.aside, pair.name, uuid=pair.aside_uuid, guard=self.guard)

    def _next_late(self, pair: Pair) -> tuple[Pair, str]:
        """A name of its own for every stray of this job, recorded before it is used."""
        late = late_name(self.record.job, sum(len(other.late) for other in self.record.pairs))
        return self._replace(pair, replace(pair, late=(*pair.late, late))), late

    def _tell_late(self, pair: Pair) -> None:
        """One sentence per collection that writers came into, however many strays they made."""
        if not pair.late:
            return
        live = listing(self.database)
        kept = {name: count_of(self.database, name) for name in pair.late if name in live}
        kept = {name: count for name, count in kept.items() if count}
        if kept:
            total = sum(kept.values())
            self._warn(
                f"{counted(total, 'documents')} {by_number(total, 'was', 'were')} written to {pair.name} during "
                f"the swap; {by_number(total, 'it is', 'they are')} kept in {', '.join(kept)}."
            )

    def _drop_foreign_view(self, view: LiveCollection) -> None:
        self._warn(
            f"Somebody made {view.name} a view during the swap; it was dropped. It was {view_text(view)}."
        )
        self._drop_view(view.name)

    def _replace(self, before: Pair, after: Pair) -> Pair:
        pairs = tuple(after if pair.name == before.name else pair for pair in self.record.pairs)
        self.record = replace(self.record, pairs=pairs)
        self._save(self.record)
        return after

    def _put_view(self, pair: Pair) -> None:
        assert pair.view is not None
        wanted = load_spec(pair.view)
        current = listing(self.database).get(pair.name)
        if current is None or current.kind != "view" or not _same_view(current.options, wanted):
            pair = self._set_aside(pair)
            self._drop_ttl(pair)
        deadline = time.monotonic() + STRAY_SECONDS
        outage = Outage(self.database)
        while True:
            current = listing(self.database).get(pair.name)
            if current is not None and current.kind == "view":
                if _same_view(current.options, wanted):
                    break
                self._drop_foreign_view(current)
            elif current is not None and current.uuid is not None:
                pair, late = self._next_late(pair)
                self._rename(current.uuid, late)
            try:
                run(self.database, {"create": pair.name, **wanted}, f"create the view {pair.name}")
            except CommandFailed as error:
                if error.unknown:
                    outage.wait(error)
                elif error.code != NAMESPACE_EXISTS or time.monotonic() > deadline:
                    raise
        self._tell_late(pair)

    def _drop_view(self, name: str) -> None:
        try:
            run_again(self.database, {"drop": name}, f"replace the view {name}")
        except CommandFailed as error:
            if error.code != NAMESPACE_NOT_FOUND:
                raise

    def _put_back(self, pair: Pair) -> None:
        live = listing(self.database)
        current = live.get(pair.name)
        if current is not None and current.kind == "view" and pair.incoming == "view" and pair.view:
            wanted_back = pair.old_view is not None and _same_view(current.options, load_spec(pair.old_view))
            if wanted_back:
                return
            if _same_view(current.options, load_spec(pair.view)):
                self._drop_view(pair.name)
                current = None
        if current is not None and pair.aside_uuid and current.uuid == pair.aside_uuid:
            assert pair.aside is not None
            self._rename(pair.aside_uuid, pair.aside)
            current = None
        if current is not None and current.kind == "view" and pair.outgoing != "view":
            self._drop_foreign_view(current)
            current = None
        if pair.outgoing == "collection" and name_of(live, pair.old_uuid) is None:
            self._replace(pair, replace(pair, outgoing="absent", old=None, old_uuid=None))
            self._warn(f"What was live as {pair.name} before is gone: somebody dropped it.")
            return
        if pair.outgoing == "absent":
            if current is not None and current.uuid is not None:
                self._keep_foreign(pair, current)
            return
        if pair.outgoing == "view":
            if current is None and pair.old_view is not None:
                run(
                    self.database,
                    {"create": pair.name, **load_spec(pair.old_view)},
                    f"put back the view {pair.name}",
                )
            return
        assert pair.old_uuid is not None
        if current is not None and current.uuid == pair.old_uuid:
            self._build_ttl(pair.name, pair.old_uuid, pair.old_ttl, pair.old_expire)
            return
        if current is not None and current.uuid is not None:
            self._keep_foreign(pair, current)
        self._rename(pair.old_uuid, pair.name)
        self._build_ttl(pair.name, pair.old_uuid, pair.old_ttl, pair.old_expire)

    def _keep_foreign(self, pair: Pair, stray: LiveCollection) -> None:
        """A collection that is neither old nor new stands under the name: a writer's, kept under a late name."""
        assert stray.uuid is not None
        pair, late = self._next_late(pair)
        self._rename(stray.uuid, late)
        count = count_of(self.database, late)
        self._warn(
            f"{counted(count, 'documents')} {by_number(count, 'was', 'were')} written to {pair.name} meanwhile; "
            f"{by_number(count, 'it is', 'they are')} kept in {late}."
        )

    def _drop_ttl(self, pair: Pair) -> None:
        """Nothing may expire in a rollback copy while it waits."""
        uuid, name = pair.old_uuid, pair.old
        if uuid is None or name is None:
            return
        for text in pair.old_ttl:
            command: dict[str, Any] = {"dropIndexes": name, "index": load_spec(text)["name"]}
            self._still(name, uuid, command, "drop the TTL index")
        if pair.old_expire is not None:
            self._still(name, uuid, {"collMod": name, "expireAfterSeconds": "off"}, "switch off the expiry")

    def _still(self, name: str, uuid: str, command: dict[str, Any], what: str) -> None:
        if self.guard:
            command["collectionUUID"] = uuid_of(uuid)
        try:
            run_again(self.database, command, f"{what} of {name}")
        except CommandFailed as error:
            if error.code not in (INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND, UUID_MISMATCH):
                self._warn(f"Documents in {name} may expire: could not {what} ({error.cause}).")

    def _build_ttl(self, name: str, uuid: str, ttl: tuple[str, ...], expire: int | None) -> None:
        if expire is not None:
            command: dict[str, Any] = {"collMod": name, "expireAfterSeconds": expire}
            if self.guard:
                command["collectionUUID"] = uuid_of(uuid)
            run_again(self.database, command, f"switch the expiry of {name} on again")
        if not ttl:
            return
        command = {
            "createIndexes": name,
            "indexes": [load_spec(text) for text in ttl],
        }
        if self.guard:
            command["collectionUUID"] = uuid_of(uuid)
        run_again(self.database, command, f"rebuild the TTL index of {name}")

    def build_incoming_ttl(self) -> None:
        """The TTL indexes of what went live, after its proof: counts may fall from now on."""
        for pair in self.record.pairs:
            if pair.aside_uuid is not None:
                self._build_ttl(pair.name, pair.aside_uuid, pair.ttl, pair.expire)


def _same_view(options: dict[str, Any], wanted: dict[str, Any]) -> bool:
    from services.mongo.specs import comparable_options

    return comparable_options(options) == comparable_options(wanted)
