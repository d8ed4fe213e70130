"""What a dump is asked for, what it asks of its surroundings, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from services.archive.format import encode_prelude
from services.archive.model import Prelude
from services.catalog.manifest import CollectionEntry, Consistency, Member, ServerWouldChange
from services.mongo.connect import ServerInfo
from services.mongo.dump_members import ArchiveWriter, compressed
from services.mongo.dump_parts import Part
from services.mongo.indexes import Described


class DumpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to dump. `rename` maps live names to the names the archive gives them, and takes only those."""

    database: str
    exclude: tuple[str, ...] = ()
    rename: Mapping[str, str] | None = None
    app_stopped: bool = False
    """Whether the application was proven stopped."""
    tool_version: str = ""


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """What a dump asks of its surroundings; each may be called from any thread but `check` and `log`."""

    check: Callable[[], None]
    """Raises to stop."""
    advance: Callable[[int], None]
    """Uncompressed bytes written to the archive."""
    before_write: Callable[[int], None]
    """Compressed bytes about to be written; raises when there is no room."""
    log: Callable[[str], None]


class Dump(msgspec.Struct, frozen=True, kw_only=True):
    """A finished archive file; `collections` by their names in the archive, time series by their own name."""

    bytes: int
    members: tuple[Member, ...]
    collections: dict[str, CollectionEntry]
    streams: dict[str, str]
    """Name of each collection's documents in the archive (`system.buckets.X` for a time series)."""
    consistency: Consistency
    detail: str
    server_would_change: tuple[ServerWouldChange, ...]


def write_prelude(
    writer: ArchiveWriter, described: list[Described], info: ServerInfo, request: DumpRequest
) -> Member:
    """The archive's first member: versions and every collection's metadata."""
    prelude = Prelude(
        collections=tuple(one.metadata for one in sorted(described, key=lambda one: one.name)),
        server_version=info.version,
        tool_version=request.tool_version,
        concurrent_collections=1,
    )
    return writer.write_member("", compressed(encode_prelude(prelude)))


def finished(
    size: int, leading: list[Member], parts: list[Part], consistency: Consistency, detail: str
) -> Dump:
    """The dump of these parts, which lie in the file in this order after the leading members."""
    return Dump(
        bytes=size,
        members=tuple(leading + [member for part in parts for member in part.members]),
        collections={part.described.name: part.entry() for part in parts},
        streams={part.described.name: part.described.stream for part in parts},
        consistency=consistency,
        detail=detail,
        server_would_change=tuple(quirk for part in parts for quirk in part.quirks),
    )
