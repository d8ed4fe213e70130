"""One database that can be read: the same face for live data, data loaded aside, and a backup's archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from services.archive.model import Buffer

Take = Callable[[str, Buffer], None]
"""Is given a collection's name and some of its documents, raw and whole, one behind the other."""


class DataSide(Protocol):
    """Documents of one database by the names its collections have for the application.

    `name` is `live` or the backup's id, `database` the database's name.
    """

    name: str
    database: str
    live: bool

    def collections(self) -> dict[str, str]:
        """{name: kind} with kind `collection`, `view` or `timeseries`; the server's and Quillkeep's own left out."""

    def read(
        self,
        wanted: Mapping[str, Sequence[str]],
        take: Take,
        *,
        check: Callable[[], None],
        advance: Callable[[int], None],
    ) -> None:
        """Gives every document of the wanted collections to `take`, a batch at a time, in bounded memory.

        `wanted` maps names to the field paths that are needed, () for whole documents; a side that cannot
        project gives more than asked. A name that does not exist gives nothing; views are not read.
        Collections come one after another live, in any order and by turns from a backup. What `take` is
        given is valid only until it returns. `check` is called once a batch and may raise, `advance` gets
        the bytes. Ends normally only when everything was read; errors are `QuillkeepError`.
        """
