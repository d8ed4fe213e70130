"""What put an object there that no row points at, where its key or its metadata tells."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from services.pairs.facts import ObjectFacts
from services.pairs.table import PairsTable
from services.quilltap.objects import parse_key

Origin = Literal["upload", "migrated", "guide", "another-program"]

_GUIDE = re.compile(r"users/([^/]+)/(?:files|images)/.+", re.DOTALL)
WORDS: dict[Origin, str] = {
    "upload": "the application's own layout: an upload whose row was never written, or whose row is gone",
    "migrated": "a file from before, by the application's migration: its row points elsewhere or is gone",
    "guide": "the layout that the backup guide names and the application does not use",
    "another-program": "no key of the application's: another program put it there",
}


class Told(msgspec.Struct, frozen=True):
    """Where an object comes from: `user` is the one in its key, `more` what else is known of it."""

    origin: Origin
    user: str = ""
    more: str = ""


def origin_of(
    found: ObjectFacts, prefix: str, table: PairsTable | None, metadata: dict[str, str] | None = None
) -> Told:
    """Reads the key, and the metadata where it is known, and asks the rows of `table` for the same file."""
    parts = parse_key(found.key, prefix)
    if parts is None:
        guide = _GUIDE.match(found.key, len(prefix)) if found.key.startswith(prefix) else None
        if guide is not None:
            return Told("guide", guide.group(1))
        return Told("another-program")
    if parts.migrated:
        if table is None:
            return Told("migrated", parts.user_id)
        key = table.key_of_id(parts.file_id)
        if key is None:
            return Told("migrated", parts.user_id, "there is no row with the id in its key")
        return Told("migrated", parts.user_id, f"the row with the id in its key points at {key or 'nothing'}")
    sha256 = found.sha256 or found.claimed or (metadata or {}).get("sha256", "")
    if sha256 and table is not None and (other := table.row_of_sha256(sha256)):
        return Told("upload", parts.user_id, f"the same bytes belong to the row {other}")
    return Told("upload", parts.user_id)
