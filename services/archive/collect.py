"""What else is learnt in a pass over a dump: documents of some collections, shown to whoever wants them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from services.archive.model import Buffer, Namespace
from services.errors import Cancelled

SERVERS_OWN = frozenset({"admin", "config", "local", ""})


class Collector(Protocol):
    """Wants the documents of some collections; `add` gets whole raw documents, valid only until it returns."""

    @property
    def wants(self) -> frozenset[str]:
        """Names of collections, as the dump has them."""
        ...

    def add(self, collection: str, data: Buffer) -> None:
        """Some documents, one behind the other, in the dump's order; collections come by turns."""
        ...


class Collecting:
    """Shows the documents of one database to its collectors during a pass.

    Without a name that is the database `choose` finds, `preferred` where there are several, else the first
    whose documents come; `ambiguous` names the others it met then. A collector that raises is shown no more,
    and its error is kept in `failures`: what it looks for is unknown, the pass itself goes on.
    """

    def __init__(
        self, collectors: Sequence[Collector], *, database: str | None = None, preferred: str = ""
    ) -> None:
        self.database = database
        self.ambiguous: set[str] = set()
        self.failures: dict[int, Exception] = {}
        self._preferred = preferred
        self._wanting: dict[str, list[Collector]] = {}
        for collector in collectors:
            for name in collector.wants:
                self._wanting.setdefault(name, []).append(collector)

    def choose(self, databases: Iterable[str]) -> None:
        """The dump says that it holds these databases."""
        known = set(databases) - SERVERS_OWN
        if self.database is not None or not known:
            return
        if self._preferred in known:
            self.database = self._preferred
        elif len(known) == 1:
            (self.database,) = known
        else:
            self.database = ""
            self.ambiguous = known

    def take(self, namespace: Namespace, data: Buffer) -> None:
        """Documents of the pass; `Cancelled` of a collector ends the pass."""
        wanting = self._wanting.get(namespace.collection)
        if wanting is None or namespace.database in SERVERS_OWN:
            return
        if self.database is None:
            self.database = namespace.database
        if namespace.database != self.database:
            self.ambiguous.add(namespace.database)
            return
        for collector in tuple(wanting):
            try:
                collector.add(namespace.collection, data)
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001  the proof of the archive must not end with it
                self.failures[id(collector)] = error
                self._drop(collector)

    def _drop(self, collector: Collector) -> None:
        for wanting in self._wanting.values():
            if collector in wanting:
                wanting.remove(collector)

    def failure_of(self, collector: Collector) -> Exception | None:
        """What ended this collector, if anything did."""
        return self.failures.get(id(collector))
