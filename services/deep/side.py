"""What a deep run loaded, as a side that can be read as long as it is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from services.deep.load import DatabaseLoad
from services.deep.target import Target
from services.reading.live import LiveSide
from services.reading.side import Take


class LoadedSide:
    """The copies of one database, under the application's names; a read ends when they have to go."""

    live = False

    def __init__(self, name: str, load: DatabaseLoad, target: Target) -> None:
        self.name = name
        self.database = load.contents.database
        self._target = target
        self._inner = LiveSide(load.database, name=name, aside=load.aside)

    def collections(self) -> dict[str, str]:
        """As `DataSide.collections`."""
        found = self._inner.collections()
        self._target.confirm()
        return found

    def read(
        self,
        wanted: Mapping[str, Sequence[str]],
        take: Take,
        *,
        check: Callable[[], None],
        advance: Callable[[int], None],
    ) -> None:
        """As `DataSide.read`; raises `GaveWay` when another job needs the database."""

        def both() -> None:
            check()
            self._target.watch()

        try:
            self._inner.read(wanted, take, check=both, advance=advance)
        finally:
            # A collection that was dropped under the read ends it early, without an error.
            self._target.confirm()
