"""Looks at one document as it is live and, when asked, as the newest good backup has it; secret fields never."""

from __future__ import annotations

import msgspec

from services.paths import Paths
from services.profile import Profile

BACKUP_SECONDS = 60.0
"""How long a backup's collection may be searched before a comparison as a job is the better way."""
MOST_LINES = 4_000
MOST_FIELDS = 200


class DocumentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is the `_id` as canonical Extended JSON; `backup`, a reference, is read beside what is live."""

    collection: str = ""
    key: str = ""
    backup: str = ""


class DocumentSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One document as lines of a tree; `cut` says in words what is left out, `hidden` counts secret fields."""

    bytes: int = 0
    lines: tuple[str, ...] = ()
    cut: str = ""
    hidden: int = 0


class FieldSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A field path and its value live and in the backup as text, None where it is absent or `secret`."""

    path: str
    live: str | None = None
    kept: str | None = None
    secret: bool = False


class DocumentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`live` and `kept` are None where there is no such document, or where `problem` says why it is not known.

    `backup` is the id of what was read beside it, empty when none was; `fields` are those that differ.
    """

    id: str
    live: DocumentSeen | None = None
    kept: DocumentSeen | None = None
    backup: str = ""
    fields: tuple[FieldSeen, ...] = ()
    more_fields: int = 0
    problem: str = ""
    """Why what is live could not be read beside the backup."""


def look(request: DocumentRequest, profile: Profile, paths: Paths) -> DocumentAnswer:
    """Reads one document by its `_id`; of a backup its whole collection, until the document was found.

    Errors: `QuillkeepError` for a database that does not answer (without a backup) or a key that is none;
    `Refused`, `UsageProblem` and `ArchiveError` as a restore's plan has them for a backup.
    """
    from services.looking.document_reading import read

    return read(request, profile, paths)
