"""A backup's database loaded for a look: the restore's own loader, which goes on past what a server refuses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from services.archive.model import Buffer
from services.catalog.naming import printable
from services.deep.model import MAX_EXAMPLES, Problem
from services.deep.target import Target
from services.deep.waiting import watched
from services.errors import QuillkeepError
from services.mongo.aside import Incoming, Proof
from services.mongo.commands import CommandFailed, run
from services.mongo.insert import Rejected
from services.mongo.load import Loader
from services.mongo.specs import build_spec, create_options, is_ttl
from services.recovery.contents import CollectionContents, DatabaseContents
from services.recovery.steps import compare_stream, incoming_of

if TYPE_CHECKING:
    from pymongo.database import Database

VALIDATOR = "the collection's validator"
"""The reason `services.mongo.insert` gives for documents that a validator refuses."""


class RefusedDocuments(Rejected):
    """Documents the server would not take: counted and named by `_id`, never written to a disk."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"))
        self.examples: dict[tuple[str, str], list[str]] = {}

    def add(self, collection: str, document: Buffer, why: str) -> None:
        """Counts one document."""
        with self._lock:
            self.count += 1
            by_reason = self.reasons.setdefault(collection, {})
            by_reason[why] = by_reason.get(why, 0) + 1
            examples = self.examples.setdefault((collection, why), [])
            if len(examples) < MAX_EXAMPLES:
                examples.append(_id_of(document))

    def forget(self, collection: str) -> None:
        """Before a collection is loaded again."""
        super().forget(collection)
        with self._lock:
            for key in [key for key in self.examples if key[0] == collection]:
                del self.examples[key]


def _id_of(document: Buffer) -> str:
    """A document's `_id` in words."""
    from bson.errors import InvalidBSON
    from bson.raw_bson import RawBSONDocument

    try:
        return printable(str(RawBSONDocument(bytes(document)).get("_id", "without _id")))[:100]
    except InvalidBSON:
        return "one that cannot be decoded"


class Copy:
    """One collection of the backup and its copy in the target."""

    def __init__(self, entry: CollectionContents, incoming: Incoming, database: Database[Any]) -> None:
        self.entry = entry
        self.incoming = incoming
        self.database = database
        self.created = True
        self.proof: Proof | None = None
        self.refused_indexes: set[str] = set()


class DatabaseLoad:
    """Loads one database of a backup into a target; `problems` gathers what a server would not do."""

    def __init__(self, target: Target, contents: DatabaseContents, *, job: str, first: int) -> None:
        self.target = target
        self.contents = contents
        self.job = job
        self.database = target.database(contents.database)
        self.copies: dict[str, Copy] = {}
        self.views: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.refused = RefusedDocuments()
        self._lock = threading.Lock()
        self._told: set[tuple[str, str]] = set()
        names = sorted(contents.collections)
        self.ordinals = {name: first + number for number, name in enumerate(names)}

    @property
    def aside(self) -> dict[str, str]:
        """{name: where its copy is} of everything that was created."""
        found = {name: copy.incoming.target for name, copy in self.copies.items() if copy.created}
        return found | self.views

    def run(self, *, advance: Callable[[int], None], log: Callable[[str], None]) -> None:
        """Collections, then views. Errors as `Loader`, for what is not the backup's fault."""
        entries = self.contents.collections
        self._check_series()
        for name in sorted(entries):
            if entries[name].kind == "view" or name in self._left_out:
                continue
            incoming = self._incoming(entries[name])
            self.copies[name] = Copy(entries[name], incoming, self.database)
        if self.copies:
            self._load(advance, log)
        self._try_expiry()
        for name in sorted(entries):
            if entries[name].kind == "view":
                self.target.watch()
                self._view(name, entries[name])

    def _check_series(self) -> None:
        series = [name for name, entry in self.contents.collections.items() if entry.kind == "timeseries"]
        self._left_out = set(series) if self.target.series else set()

    @property
    def left_out(self) -> list[str]:
        """Time series that this user may not load."""
        return sorted(self._left_out)

    def _incoming(self, entry: CollectionContents) -> Incoming:
        made = incoming_of(entry, self.target.name_of(self.ordinals[entry.name], entry.name))
        return replace(made, metadata=self.target.metadata(made.metadata))

    def _load(self, advance: Callable[[int], None], log: Callable[[str], None]) -> None:
        loader = Loader(
            self.target.fast,
            self.database,
            self.contents.source,
            [copy.incoming for copy in self.copies.values()],
            job=self.job,
            bypass=self.target.bypass,
            guard=self.target.guard,
            rejected=self.refused,
            check=self.target.watch,
            advance=advance,
            proven=lambda amount: None,
            log=log,
            failed=self._failed,
        )
        # A thread left behind could go on writing: only a server of our own may be left like that.
        proofs = watched(loader.run, self.target.watch) if self.target.own else loader.run()
        for name, copy in self.copies.items():
            copy.proof = proofs.get(name)
            if copy.created:
                compare_stream(copy.entry, loader)

    def _failed(self, incoming: Incoming, step: str, error: QuillkeepError) -> None:
        # Before it the server names the build and the copy, by numbers that mean nothing to anybody.
        cause = (error.cause or error.what).rpartition(" :: caused by :: ")[2]
        copy = self.copies[incoming.name]
        if step == "create":
            copy.created = False
            self.tell("create", incoming.name, f"cannot be created: {cause}")
        elif step == "content":
            self.tell("compare", incoming.name, _differs(error))
        else:
            copy.refused_indexes.add(step.removeprefix("index "))
            self.tell("index", incoming.name, f"{step} cannot be built: {cause}")

    def tell(
        self, step: Any, collection: str, what: str, *, count: int = 1, examples: tuple[str, ...] = ()
    ) -> None:
        """Adds a problem, once."""
        with self._lock:
            if (collection, what) not in self._told:
                self._told.add((collection, what))
                self.problems.append(
                    Problem(step=step, collection=collection, what=what, count=count, examples=examples)
                )

    def add_to(self, collection: str, begins: str, words: str, count: int, examples: tuple[str, ...]) -> None:
        """Adds to a problem that was told before, known by its first words."""
        for place, problem in enumerate(self.problems):
            if problem.collection == collection and problem.what.startswith(begins):
                self.problems[place] = replace(
                    problem, what=f"{problem.what}; {words}", count=count, examples=examples
                )

    def _try_expiry(self) -> None:
        """What was changed so that nothing expires is tried as it is on an empty collection of its own."""
        for name, copy in self.copies.items():
            metadata = copy.entry.metadata()
            if not copy.created or self.target.metadata(metadata) == metadata:
                continue
            self.target.watch()
            number = len(self.contents.collections) + self.ordinals[name]
            trial = self.target.name_of(number, name)
            options = {
                key: value for key, value in (metadata.get("options") or {}).items() if key != "validator"
            }
            indexes = [build_spec(dict(index)) for index in metadata.get("indexes") or [] if is_ttl(index)]
            try:
                run(self.database, {"create": trial, **create_options(options, None)}, f"create {name}")
                if indexes:
                    command = {
                        "createIndexes": trial,
                        "indexes": indexes,
                        "ignoreUnknownIndexOptions": True,
                    }
                    run(self.database, command, f"build the TTL indexes of {name}")
            except CommandFailed as error:
                if error.unknown:
                    raise
                self.tell("index", name, f"its expiry is refused: {error.cause}")
            run(self.database, {"drop": trial}, f"drop the trial of {name}")

    def _view(self, name: str, entry: CollectionContents) -> None:
        options = create_options(entry.metadata().get("options") or {}, None)
        target = self.target.name_of(self.ordinals[name], name)
        source = options.get("viewOn")
        if target != name and source in self.copies:
            options["viewOn"] = self.copies[source].incoming.target
        try:
            run(self.database, {"create": target, **options}, f"create {name}")
        except CommandFailed as error:
            if error.unknown:
                raise
            self.tell("create", name, f"the view cannot be created: {error.cause}")
        else:
            self.views[name] = target


def _differs(error: QuillkeepError) -> str:
    return error.what.removeprefix("The loaded copy of ")
