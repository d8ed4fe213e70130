"""What the pair check is asked for and what it answers; light enough for a front end."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.catalog.model import CheckStatus
from services.findings import Finding

LIVE = "live"
MAX_LISTED = 1_000
"""Keys of each list in the document; all of them are in the file beside the job."""

PairsDepth = Literal["shallow", "heads", "deep"]


class PairsPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` is `live` or a backup, `objects` the other side's, empty for the same one.

    `shallow` compares listings, `heads` the content type and the metadata's sha256 too, `deep` every byte
    with `files.sha256`.
    """

    rows: str = LIVE
    objects: str = ""
    depth: PairsDepth = "shallow"


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """A row and its object that do not belong together as they are."""

    key: str
    why: str


class BrokenFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose object is missing or altered: its row's id, its owner (users.id and name), its own name.

    `used` says in words where the application uses it, `good_in` which backup has its bytes.
    """

    key: str
    id: str
    what: Literal["missing", "altered"]
    why: str = ""
    user: str = ""
    user_name: str = ""
    name: str = ""
    used: tuple[str, ...] = ()
    good_in: str = ""


class PairsResult(msgspec.Struct, frozen=True, kw_only=True):
    """The `pairs` document. The lists hold at most `MAX_LISTED` each, `counts` how many there are of each.

    `missing` are keys of rows without an object, `orphans` objects without a row, `outside` ids of rows
    without an `s3Key`, `moved` what changed while it was looked at. `good_in` maps missing and altered keys
    (of those listed) to the newest backup that has the object. `full_list` is the path of a JSON-lines file
    of everything, empty when the lists are whole. `files` tells more of the missing and altered ones that
    are listed. `notes` are facts that are no fault.
    """

    status: CheckStatus
    warnings: tuple[str, ...] = ()
    depth: PairsDepth = "shallow"
    rows_of: str = LIVE
    objects_of: str = LIVE
    rows: int = 0
    objects: int = 0
    missing: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    mismatched: tuple[Mismatch, ...] = ()
    outside: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    counts: dict[str, int] = {}
    good_in: dict[str, str] = {}
    findings: tuple[Finding, ...] = ()
    files: tuple[BrokenFile, ...] = ()
    notes: tuple[str, ...] = ()
    full_list: str = ""
    summary: str = ""
