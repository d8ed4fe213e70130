"""The database part of a backup as a side that can be read, ours by its members, a foreign one in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from services.archive.model import Block
from services.reading.side import Take

if TYPE_CHECKING:
    from services.recovery.contents import DatabaseContents


class BackupSide:
    """What `services.recovery.contents.read_contents` opened, read again as often as is asked."""

    live = False

    def __init__(self, name: str, contents: DatabaseContents) -> None:
        self.name = name
        self.database = contents.database
        self._contents = contents

    def collections(self) -> dict[str, str]:
        """As `DataSide.collections`."""
        return {name: entry.kind for name, entry in self._contents.collections.items()}

    def read(
        self,
        wanted: Mapping[str, Sequence[str]],
        take: Take,
        *,
        check: Callable[[], None],
        advance: Callable[[int], None],
    ) -> None:
        """As `DataSide.read`; always whole documents."""
        names = {
            entry.stream: name
            for name, entry in self._contents.collections.items()
            if name in wanted and entry.kind != "view"
        }
        if not names:
            return
        source = self._contents.source
        done = 0
        for item in source.read(list(names)):
            check()
            if isinstance(item, Block) and item.namespace in names:
                take(names[item.namespace], item.data)
            if (now := source.bytes_read()) > done:
                advance(now - done)
                done = now
