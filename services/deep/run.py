"""One deep verification: choose the place, load, inspect, keep it readable until `close`, leave nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.catalog.model import Backup
from services.deep.model import DeepOptions, DeepOutcome, Loaded, Place
from services.deep.place import choose
from services.errors import Cancelled, QuillkeepError, Refused
from services.jobs.context import JobContext

if TYPE_CHECKING:
    from contextlib import ExitStack

    from services.archive.walk import Walked
    from services.deep.load import DatabaseLoad
    from services.deep.target import Target
    from services.reading.side import DataSide
    from services.recovery.contents import DatabaseContents
    from services.recovery.session import Session

REPLICA_OPTIONS = frozenset({"encryptedFields"})
"""Collection options that a standalone refuses."""


def assert_allowed(backup: Backup, ctx: JobContext, options: DeepOptions) -> Place:
    """Where a backup will be loaded, before anything is read.

    Errors: `Refused` when it is the live server and that was not confirmed, or the profile is READ-ONLY.
    """
    place = choose(ctx.profile, ctx.paths, options, encrypted=backup.encrypted is not None)
    if "database" not in backup.parts:
        return place
    full = f"`quillkeep verify {backup.id} --depth full` reads and proves every byte without a server."
    if place.refused:
        raise Refused(
            "A deep verify would load the backup aside in the live server, and this profile is READ-ONLY.",
            cause=_sentence(place.reason),
            next=f"{place.next} {full}".strip(),
        )
    if place.where == "live" and not options.confirmed:
        raise Refused(
            "A deep verify would load the backup aside in the live server, and that was not confirmed.",
            cause=_sentence(place.reason),
            next=f"Confirm it with --yes, or keep to the files: {full}",
        )
    return place


class DeepRun:
    """A backup loaded into a server for as long as this is open.

    `outcome` loads at the first look and is kept; `side` reads what was loaded. `close` ends an embedded
    server or drops the copies, also after a failure. `walked` is the full pass over the same bytes.
    """

    def __init__(
        self, backup: Backup, ctx: JobContext, options: DeepOptions, walked: Callable[[], Any]
    ) -> None:
        self.backup = backup
        self.ctx = ctx
        self.options = options
        self.side: DataSide | None = None
        self._walked = walked
        self._stack: ExitStack | None = None

    @cached_property
    def outcome(self) -> DeepOutcome:
        """Loads and looks. Errors: `Cancelled` alone (`GaveWay` is one); everything else is in the outcome."""
        import contextlib

        from pymongo.errors import PyMongoError

        from services.archive.model import ArchiveError
        from services.mongo.failures import translated

        walked = self._walked()
        nowhere = Place(where=None)
        if isinstance(walked, Exception):
            return DeepOutcome(
                place=nowhere,
                skipped="the database part could not be read to its end, so there is nothing to load",
                next="See what the check `archive` found.",
            )
        place = nowhere
        try:
            contents = self._contents(walked)
            place = self._place(contents)
            if place.where is None:
                return DeepOutcome(place=place, skipped=place.reason, next=place.next)
            self._stack = contextlib.ExitStack()
            target = self._target(contents, place)
            try:
                loaded = self._load(contents, place, target)
            finally:
                # Whatever it found, or failed with, is void when the copies or the server were taken away.
                target.confirm()
            return DeepOutcome(place=place, loaded=loaded)
        except Cancelled:
            raise
        except ArchiveError as error:
            return DeepOutcome(place=place, damaged=error.what, next=error.next)
        except Refused as error:
            return DeepOutcome(place=place, skipped=f"{error.what} {error.cause}".strip(), next=error.next)
        except QuillkeepError as error:
            return DeepOutcome(place=place, unknown=f"{error.what} {error.cause}".strip(), next=error.next)
        except PyMongoError as error:
            told = translated("Loading the backup", error)
            return DeepOutcome(place=place, unknown=f"{told.what} {told.cause}", next=told.next)
        except OSError as error:
            return DeepOutcome(
                place=place, unknown=f"a file could not be read or written: {error.strerror or error}"
            )

    def close(self) -> None:
        """Leaves nothing behind; calling it again does nothing."""
        stack, self._stack, self.side = self._stack, None, None
        if stack is not None:
            stack.close()

    def _contents(self, walked: Walked) -> list[DatabaseContents]:
        """Every database of the backup, ready to be loaded, from the pass that was made."""
        from services.archive.source import open_dump
        from services.passphrase import key_of
        from services.recovery.contents import DatabaseContents, databases_of, foreign_entries, read_contents

        backup, limits = self.backup, self.ctx.profile.limits
        assert backup.database_path is not None
        if backup.kind == "quillkeep":
            own = read_contents(
                backup,
                limits=limits,
                from_database=None,
                target_database="",
                check=self.ctx.check,
                advance=lambda amount: None,
                sole=True,
                key=key_of(self.ctx.profile),
            )
            return [own]
        source = open_dump(backup.database_path, limits=limits, key=key_of(self.ctx.profile))
        return [
            DatabaseContents(
                source=source,
                database=database,
                collections=foreign_entries(walked, database),
                server_version=walked.prelude.server_version,
                identity=walked.sha256 or "",
                proof="content" if source.sums else "structure",
            )
            for database in databases_of(walked.prelude, walked.collections)
        ]

    def _place(self, contents: list[DatabaseContents]) -> Place:
        """The place with its room looked at; the live server only as far as it was confirmed."""
        sizes = [one.index_bytes for one in contents]
        place = choose(
            self.ctx.profile,
            self.ctx.paths,
            self.options,
            encrypted=self.backup.encrypted is not None,
            data_bytes=sum(one.bytes for one in contents),
            index_bytes=sum(size for size in sizes if size is not None) if None not in sizes else None,
        )
        if place.where == "live" and not self.options.confirmed:
            return Place(
                where=None,
                reason=f"{place.reason}; loading aside in the live server was not confirmed".lstrip("; "),
                next=f"{place.next} Or confirm loading aside in the live server with --yes.".lstrip(),
            )
        return place

    def _load(self, contents: list[DatabaseContents], place: Place, target: Target) -> Loaded:
        from services.deep.inspect import inspect
        from services.deep.load import DatabaseLoad
        from services.jobs.giving_way import comment_of

        ctx = self.ctx
        collections = sum(len(one.collections) for one in contents)
        ctx.log(f"Loading {self.backup.id} into {place.words}; nothing live is touched.")
        phase = ctx.phase("loading for the deep check", total=sum(one.bytes for one in contents))
        loads: list[DatabaseLoad] = []
        validators = 0
        first = 0
        for one in contents:
            load = DatabaseLoad(target, one, job=ctx.job, first=first)
            first += 2 * len(one.collections)
            loads.append(load)
            load.run(advance=phase.advance, log=ctx.log)
        phase.finish()
        phase = ctx.phase("inspecting what was loaded", total=collections, unit="collections")
        for load in loads:
            validators += inspect(load, comment_of(ctx.job))
            phase.advance(len(load.contents.collections))
        phase.finish()
        self.side = self._side(loads, target)
        return _summed(loads, target, contents, validators)

    def _target(self, contents: list[DatabaseContents], place: Place) -> Target:
        from services.jobs.events import DEEP

        assert self._stack is not None
        self.ctx.checkpoint(DEEP, where=place.where)
        if place.where == "embedded":
            from services.deep.embedded import EmbeddedTarget
            from services.deep.scratch import sweep

            for words in sweep(self.ctx.paths):
                self.ctx.log(words, "warning")
            options = {
                key
                for one in contents
                for entry in one.collections.values()
                for key in entry.metadata().get("options") or {}
            }
            embedded = EmbeddedTarget(
                self.ctx, Path(place.folder), replica_set=bool(options & REPLICA_OPTIONS)
            )
            self._stack.callback(embedded.close)
            return embedded
        if self.backup.encrypted is not None:
            self.ctx.log(
                "Its documents lie on the live server's disk meanwhile, as the live ones do.", "warning"
            )
        return self._aside(contents)

    def _aside(self, contents: list[DatabaseContents]) -> Target:
        from services.deep.aside import AsideTarget, assert_room, refuse_cluster
        from services.jobs.giving_way import clear_registered
        from services.jobs.registered import Registration
        from services.recovery.session import open_session

        assert self._stack is not None
        ctx = self.ctx
        session: Session = self._stack.enter_context(open_session(ctx.profile, writing=True, ctx=ctx))
        refuse_cluster(session)
        clear_registered(session.database, job=ctx.job, cancel=False, log=ctx.log)
        registration = Registration.enter(session.database, job=ctx.job, verb="verify", clock=ctx.clock)
        aside = AsideTarget(ctx, session, registration)
        self._stack.callback(aside.close)
        # Only now: a database without any document says nothing of its disk to a user who may not ask admin.
        assert_room(session, contents)
        return aside

    def _side(self, loads: list[DatabaseLoad], target: Target) -> DataSide | None:
        """The copy of the application's database: the profile's by name, else the largest."""
        from services.deep.side import LoadedSide

        wanted = self.ctx.profile.mongo.database if self.ctx.profile.mongo else ""
        named = [load for load in loads if load.contents.database == wanted]
        chosen = named or sorted(loads, key=lambda load: load.contents.bytes)[-1:]
        return LoadedSide(self.backup.id, chosen[0], target) if chosen else None


def _summed(
    loads: list[DatabaseLoad], target: Target, contents: list[DatabaseContents], validators: int
) -> Loaded:
    copies = [copy for load in loads for copy in load.copies.values() if copy.created]
    proofs = [copy.proof for copy in copies if copy.proof is not None]
    left_out = [name for load in loads for name in load.left_out]
    return Loaded(
        server_version=target.version,
        backup_version=next((one.server_version for one in contents if one.server_version), ""),
        collections=len(copies),
        documents=sum(proof.documents for proof in proofs),
        bytes=sum(proof.bytes for proof in proofs),
        indexes=sum(len(proof.indexes) for proof in proofs),
        views=sum(len(load.views) for load in loads),
        validators=validators,
        problems=tuple(problem for load in loads for problem in load.problems),
        not_validated=target.not_validated,
        left_out=tuple(left_out),
        why_left_out=target.series if left_out else "",
    )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else ""
