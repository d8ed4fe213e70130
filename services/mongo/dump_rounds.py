"""Reading again what was written meanwhile, until nothing moves or the rounds are used up."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from services.catalog.manifest import Consistency, Member
from services.errors import QuillkeepError
from services.mongo.connect import LiveCollection
from services.mongo.counters import Mark, collection_stats
from services.mongo.dump_members import ArchiveWriter
from services.mongo.dump_model import Dump, finished, write_prelude
from services.mongo.dump_parts import Part
from services.mongo.indexes import Described, describe, storage_name, storage_uuid

if TYPE_CHECKING:
    from services.mongo.dump import Dumper

ROUNDS = 3
"""How often what moved is read again."""
REBUILT = "-rebuilt"
SETTLE_SECONDS = 0.02
"""Between taking counters and reading: a write that was counted but not yet visible becomes visible."""


class Rounds:
    """A dump by write counters: consistent when no collection was written from before its reading to the end."""

    def __init__(self, dumper: Dumper, lost: str) -> None:
        self._dumper = dumper
        self._lost = lost
        self._parts: dict[str, Part] = {}
        self._described: dict[str, Described] = {}
        self._reread: set[str] = set()

    def run(self) -> Dump:
        """Reads everything, then up to three times what moved."""
        dumper = self._dumper
        listed = dumper.listing()
        described = dumper.described(listed, dumper.selected(listed))
        prelude = dumper.begin(described)
        self._read(described)
        moved, unread = self._moved()
        rebuild = False
        for number in range(ROUNDS):
            if not moved and not unread:
                break
            names = sorted(moved | unread)
            dumper.hooks.log(
                f"Reading again what was written meanwhile, round {number + 1}: {', '.join(names)}"
            )
            self._reread |= moved | unread
            rebuild = True
            listed = dumper.listing()
            wanted = dumper.selected(listed)
            again = {live: name for live, name in wanted.items() if name in names}
            self._forget(set(wanted.values()))
            self._read(dumper.described(listed, again))
            moved, unread = self._moved()
        self._demand_whole(moved)
        parts = list(self._parts.values())
        leading = [prelude]
        if rebuild or len(parts) != len(described):
            leading = self._rebuild(parts)
        else:
            dumper.writer.close()
        consistency, detail = self._worth(moved | unread)
        return finished(dumper.writer.offset, leading, parts, consistency, self._lost + detail)

    def _read(self, described: list[Described]) -> None:
        time.sleep(SETTLE_SECONDS)
        for part in self._dumper.one_pass(described, None):
            self._parts[part.described.name] = part
            self._described[part.described.name] = part.described

    def _forget(self, wanted: set[str]) -> None:
        for name in [name for name in self._parts if name not in wanted]:
            del self._parts[name]
            del self._described[name]

    def _moved(self) -> tuple[set[str], set[str]]:
        """(written, dropped or made anew since; not read at all yet), by dumped name."""
        dumper = self._dumper
        listed = dumper.listing()
        wanted = dumper.selected(listed)
        moved = {name for name in self._parts if name not in set(wanted.values())}
        unread = {name for name in wanted.values() if name not in self._parts}
        for live, name in wanted.items():
            if name in self._parts and not self._still(listed[live], listed, self._parts[name]):
                moved.add(name)
        return moved, unread

    def _still(self, live: LiveCollection, listed: dict[str, LiveCollection], part: Part) -> bool:
        described = part.described
        if part.broken is not None or live.kind != described.kind:
            return False
        database = self._dumper.database
        if live.kind == "view":
            return describe(database, live, listed, name=described.name).metadata == described.metadata
        stats = collection_stats(database, storage_name(live) or live.name)
        now = Mark(uuid=storage_uuid(live.name, listed), writes=stats.writes)
        if not described.mark.still(now):
            return False
        if self._dumper.short(part, None):
            part.broken = f"{described.name}: the server gave fewer documents than it counts"
            return False
        return True

    def _demand_whole(self, moved: set[str]) -> None:
        """A copy that was cut short is an error; one that is merely older than the last write is not."""
        broken = [part.broken for part in self._parts.values() if part.broken is not None]
        if broken:
            raise QuillkeepError(
                "A collection could not be read to its end in any round.",
                cause="; ".join(broken),
                next="Run the backup again when the database is quieter, or with --stop-app.",
            )
        for name in sorted(moved):
            self._dumper.hooks.log(f"{name} was still being written when the dump ended.")

    def _rebuild(self, parts: list[Part]) -> list[Member]:
        """Writes the file anew from a fresh prelude and the good ranges, in the place of the old one."""
        dumper = self._dumper
        source = dumper.writer
        rebuilt = dumper.path.with_name(dumper.path.name + REBUILT)
        target = ArchiveWriter(rebuilt, before_write=dumper.hooks.before_write)
        try:
            described = [part.described for part in parts]
            prelude = write_prelude(target, described, dumper.info, dumper.request)
            for part in parts:
                dumper.hooks.check()
                part.members = target.copy_members(source.fileno(), part.members)
            target.close()
            os.replace(rebuilt, dumper.path)
        except BaseException:
            target.close()
            rebuilt.unlink(missing_ok=True)
            raise
        source.close()
        dumper.writer = target
        return [prelude]

    def _worth(self, moving: set[str]) -> tuple[Consistency, str]:
        if moving:
            return "none", "kept being written, dropped or created: " + ", ".join(sorted(moving))
        again = f"; read again: {', '.join(sorted(self._reread))}" if self._reread else ""
        if self._dumper.request.app_stopped:
            return "app-stopped", "the application was proven stopped and nothing was written" + again
        return "quiet", "nothing was written from before each collection's reading to the end" + again
