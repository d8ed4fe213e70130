"""What a validation is asked for and what it answers; light enough for a front end."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.catalog.model import CheckStatus
from services.checks.model import CheckResult
from services.findings import Finding
from services.references.model import Leftover


class ValidatePlan(msgspec.Struct, frozen=True, kw_only=True):
    """`collections` are names, empty for all; `full` runs the server's own full validation, which locks."""

    collections: tuple[str, ...] = ()
    full: bool = False


class IndexSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An index of a live collection; `state` compares it with the newest good backup's."""

    name: str
    keys: str = ""
    state: Literal["same", "not in backup", "differs", "only in backup", "not compared"] = "not compared"


class CollectionValidated(msgspec.Struct, frozen=True, kw_only=True):
    """One collection; `server` is how the server's own validation ended, with its words in `findings`.

    `backup_documents` is the newest good backup's count, `before` that of the one before; None where unknown.
    """

    name: str
    status: CheckStatus
    kind: str = "collection"
    known: bool = True
    """Whether it is one of the application's; another one is reported as unknown, never as wrong."""
    server: CheckStatus = "skipped"
    documents: int = 0
    bytes: int = 0
    indexes: int = 0
    index_list: tuple[IndexSeen, ...] = ()
    largest: int = 0
    """Bytes of the largest document."""
    backup_documents: int | None = None
    before: int | None = None
    findings: tuple[Finding, ...] = ()


class ValidateResult(msgspec.Struct, frozen=True, kw_only=True):
    """The `validate` document. `references` are findings between collections, `backup` the newest good one
    it was compared with, empty when there is none; `checks` are all that ran, `leftovers` what the application
    itself leaves dangling: facts, no findings."""

    status: CheckStatus
    warnings: tuple[str, ...] = ()
    database: str = ""
    full: bool = False
    collections: tuple[CollectionValidated, ...] = ()
    references: tuple[Finding, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    backup: str = ""
    before: str = ""
    summary: str = ""
