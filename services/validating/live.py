"""One validation of live data: what is read once, and what each check then finds in it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from services.catalog.manifest import CollectionEntry
from services.catalog.marks import being_read
from services.counted import counted
from services.errors import UsageProblem
from services.findings import Finding
from services.jobs.context import JobContext
from services.mongo.connect import LiveCollection, list_live
from services.mongo.counters import BUCKETS, CollectionStats, collection_stats
from services.mongo.indexes import raw_indexes
from services.quilltap import stored_name
from services.recovery.rows import live_names
from services.references.again import LiveAgain
from services.references.engine import fields_tree
from services.references.second import whole_documents
from services.validating.against import compare_indexes, indexes_of, shrunk
from services.validating.good import MAX_BACKUPS, Need, find_good
from services.validating.kept import Kept
from services.validating.looking import tree_of
from services.validating.model import IndexSeen
from services.validating.one_pass import Pass, read_documents
from services.validating.referred import Referred
from services.validating.server import ServerSaid, ask_server, cost_words
from services.validating.way_back import restored_from, with_way_back
from services.validating.wording import Placed, fault_findings, size_findings

if TYPE_CHECKING:
    from services.recovery.session import Session

CHECKPOINT_SECONDS = 65.0
"""A little more than a server lets pass between two checkpoints (60 s by default)."""
AGAIN_SECONDS = 5.0
LOOK_SECONDS = 0.2


class Live:
    """The live database under validation. `chosen` are names, () for all; `full` is the server's own depth.

    Errors of the constructor: `UsageProblem` for a name that neither the database nor the newest good
    backup has.
    """

    def __init__(
        self, ctx: JobContext, session: Session, *, chosen: Sequence[str] = (), full: bool = False
    ) -> None:
        self.ctx = ctx
        self.session = session
        self.full = full
        self.kept = Kept(ctx)
        self.listed: dict[str, LiveCollection] = list_live(session.database)
        every = live_names(self.listed)
        self.chosen = self._chosen(chosen, every)
        self.whole = not chosen
        self.names = [name for name in every if name in self.chosen]
        self.gone: set[str] = set()
        """Collections that were dropped or replaced while they were looked at."""
        self.notes: list[str] = []
        self._referred: dict[int, Referred] = {}

    def _chosen(self, chosen: Sequence[str], every: Sequence[str]) -> frozenset[str]:
        held = self.kept.entries()
        known = {*every, *held}
        chosen = [name if name in known else stored_name(name) for name in chosen]
        for name in chosen:
            if name not in known:
                import difflib

                near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.4)
                raise UsageProblem(
                    f"There is no collection {name}.{f' Did you mean {near[0]}?' if near else ''}",
                    cause=f"The database has: {', '.join(every) or 'none'}.",
                    next="Name one of these, or none for all.",
                )
        return frozenset(chosen or known)

    @property
    def lost(self) -> list[str]:
        """Chosen collections that the newest good backup has and the live database has not."""
        return sorted(name for name in self.kept.entries() if name in self.chosen and name not in self.listed)

    def kind(self, name: str) -> str:
        """`collection`, `view` or `timeseries`."""
        return self.listed[name].kind

    def storage(self, name: str) -> str:
        """Where a collection's documents are."""
        return BUCKETS + name if self.kind(name) == "timeseries" else name

    @cached_property
    def stats(self) -> dict[str, CollectionStats]:
        """Counts and sizes by the server's own counters; of views none."""
        from pymongo.errors import OperationFailure

        found = {}
        for name in self.names:
            if self.kind(name) == "view":
                continue
            try:
                found[name] = collection_stats(self.session.database, self.storage(name))
            except OperationFailure:
                # Not allowed or not there any more: what is counted in the pass stands.
                continue
        return found

    # The server's own validation

    @cached_property
    def server(self) -> dict[str, ServerSaid]:
        """The server's answer on every chosen collection, cost and locks said first."""
        wanted = [name for name in self.names if self.kind(name) != "view"]
        rights = self.session.rights
        if not rights.may("validate"):
            return {name: ServerSaid(status="skipped", denied=True) for name in wanted}
        sizes = {name: self.stats[name].size if name in self.stats else 0 for name in wanted}
        self.ctx.log(cost_words(sizes, full=self.full))
        phase = self.ctx.phase(
            "server", "MongoDB's own validate" + (", full" if self.full else ""), total=sum(sizes.values())
        )
        found = {}
        for name in wanted:
            self.ctx.check()
            found[name] = ask_server(
                self.session.database, name, self.storage(name), full=self.full, check=self.ctx.check
            )
            if found[name].gone:
                self.gone.add(name)
            phase.advance(sizes[name], name)
        self._wait_for_checkpoint(found)
        phase.finish()
        return found

    def _wait_for_checkpoint(self, found: dict[str, ServerSaid]) -> None:
        """Asks again what was in use, once the server has written its memory out, which it does every minute."""
        until = time.monotonic() + CHECKPOINT_SECONDS
        busy = [name for name, said in found.items() if said.in_use]
        if busy:
            self.ctx.log(
                f"{counted(len(busy), 'collections')} were in use. They are looked at again when MongoDB has "
                f"written its memory to disk, within {CHECKPOINT_SECONDS:.0f} s."
            )
        while busy and time.monotonic() < until:
            for _ in range(round(AGAIN_SECONDS / LOOK_SECONDS)):
                self.ctx.check()
                time.sleep(LOOK_SECONDS)
            for name in busy:
                found[name] = ask_server(
                    self.session.database, name, self.storage(name), full=self.full, check=self.ctx.check
                )
            busy = [name for name in busy if found[name].in_use]

    @property
    def server_found(self) -> tuple[Finding, ...]:
        """What the server said, with the backup that has the collection whole."""
        return tuple(
            self._from_newest(finding) if finding.status == "fail" else finding
            for said in self.server.values()
            for finding in said.findings
        )

    @property
    def grant(self) -> tuple[str, str]:
        """(role, what an admin types) so that this user may validate what it was denied.

        dbAdmin on the database has the right on its collections, but not on a time series' buckets.
        """
        denied = [name for name, said in self.server.items() if said.denied]
        rights = self.session.rights
        if rights.may("validate") and all(self.kind(name) == "timeseries" for name in denied):
            return "dbAdminAnyDatabase", rights.grant("dbAdminAnyDatabase", "admin")
        return "dbAdmin", rights.grant("dbAdmin", self.session.database.name)

    # One pass over the documents

    @cached_property
    def seen(self) -> Pass:
        """Every chosen collection read once; what seems wrong in it is looked at again."""
        seen = read_documents(
            self.ctx,
            self.session.database,
            chosen=self.chosen,
            every=self.whole,
            sizes={name: stats.size for name, stats in self.stats.items()},
        )
        seen.moved += self._replaced_meanwhile()
        return seen

    def _replaced_meanwhile(self) -> int:
        after = list_live(self.session.database)
        changed = {
            name for name in self.names if name not in after or after[name].uuid != self.listed[name].uuid
        }
        self.gone |= changed
        made = [name for name in live_names(after) if name not in self.listed]
        if changed:
            self.notes.append(
                f"Dropped, renamed or replaced while it was looked at: {', '.join(sorted(changed)[:5])}."
            )
        if made:
            self.notes.append(f"Created while the others were looked at: {', '.join(made[:5])}.")
        return len(changed)

    # Findings

    @cached_property
    def faults(self) -> list[Placed]:
        """Documents outside the application's shape."""
        return [
            placed
            for name, looked in sorted(self.seen.looked.items())
            for placed in fault_findings(name, looked)
        ]

    @cached_property
    def sizes(self) -> list[Placed]:
        """Documents near the limit."""
        return [
            placed
            for name, looked in sorted(self.seen.looked.items())
            for placed in size_findings(name, looked)
        ]

    @cached_property
    def references(self) -> list[Placed]:
        """References to nothing, with what would bring them back."""
        result = self.seen.references
        found: list[Placed] = []
        for finding, sought in zip(result.findings, result.sought, strict=True):
            if sought is None:
                found.append((self._from_newest(finding), None))
                continue
            referred = Referred(sought, self._existing)
            self._referred[id(referred.targets)] = referred
            found.append((finding, referred.targets))
        return found

    def _existing(self, collection: str, field: str, values: Sequence[str]) -> set[bytes]:
        again = LiveAgain(self.session.database, self.ctx.check)
        root = fields_tree(collection)
        root.at(field).keep = True
        return {
            text
            for name in self.listed
            if stored_name(name) == collection and self.kind(name) == "collection"
            for batch in again.find(name, field, values, (field,))
            for seen in whole_documents(root, bytes(batch))
            if (text := seen.text(field))
        }

    def _from_newest(self, finding: Finding) -> Finding:
        newest = self.kept.newest
        if newest is None or not (held := self.kept.entries().get(finding.collection)) or not held.documents:
            return finding
        return restored_from(finding, newest.id, finding.collection)

    @cached_property
    def shrunk(self) -> list[Finding]:
        """What fell since the newest good backup."""
        newest = self.kept.newest
        if newest is None:
            return []
        found = []
        for name, entry in sorted(self.kept.entries().items()):
            if name not in self.chosen or name in self.gone:
                continue
            now = self.entry(name)
            if name in self.listed and now is None:
                continue
            finding = shrunk(name, now, entry, since=newest.id)
            if finding is not None:
                found.append(finding)
        return [restored_from(finding, newest.id, finding.collection) for finding in found]

    def entry(self, name: str) -> CollectionEntry | None:
        """Count and bytes of a live collection, as it was read, else as the server counts; None for neither."""
        looked = self.seen.looked.get(name)
        if looked is not None and name not in self.seen.unread:
            return CollectionEntry(documents=looked.documents, bytes=looked.bytes)
        stats = self.stats.get(name)
        return None if stats is None else CollectionEntry(documents=stats.count, bytes=stats.size)

    @cached_property
    def indexes(self) -> dict[str, tuple[tuple[IndexSeen, ...], Finding | None]]:
        """Every live collection's indexes against the newest good backup's."""
        from pymongo.errors import OperationFailure

        newest = self.kept.newest
        held = self.kept.entries()
        found = {}
        for name in self.names:
            if self.kind(name) == "view" or name in self.gone:
                continue
            entry = held.get(name)
            specs = indexes_of(entry) if entry is not None and entry.kind == self.kind(name) else None
            try:
                live = raw_indexes(self.session.database, name)
            except OperationFailure:
                continue
            seen, finding = compare_indexes(name, live, specs, since=newest.id if newest else "")
            if finding is not None and newest is not None:
                finding = restored_from(finding, newest.id, name)
            found[name] = (seen, finding)
        return found

    # The way back

    @cached_property
    def _placed(self) -> dict[int, Finding]:
        """Every finding about documents with the backup that has the good version, by the identity of its need."""
        every = [*self.faults, *self.seen.doubles, *self.references]
        needs = [need for _, need in every if need is not None]
        backups = {backup.id: backup for backup in reversed(self.kept.backups)} if needs else {}
        if backups:
            newest = list(reversed(backups.values()))[:MAX_BACKUPS]
            phase = self.ctx.phase("backups", "looking for the good version")
            with being_read(self.ctx, "validate", *newest):
                look = partial(
                    find_good,
                    tree=cache(tree_of),
                    open_backup=self.kept.side,
                    check=self.ctx.check,
                    advance=phase.advance,
                )
                problems = look(needs, newest)
                # What was referred to may never have been: then the documents that refer are what is wrong.
                problems += look([need for one in self._referred.values() if (need := one.second())], newest)
                self.notes += dict.fromkeys(problems)
            phase.finish()
        names = self.kept.entries()
        return {
            id(need): with_way_back(finding, self._chosen_need(need), names)
            for finding, need in every
            if need is not None
        }

    def _chosen_need(self, need: Need) -> Need:
        referred = self._referred.get(id(need))
        return need if referred is None else referred.chosen

    def told(self, placed: Sequence[Placed]) -> tuple[Finding, ...]:
        """Findings with their way back."""
        return tuple(finding if need is None else self._placed[id(need)] for finding, need in placed)
