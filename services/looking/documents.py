"""Looks at the documents of one collection: their ids and names, a page at a time, never what they hold."""

from __future__ import annotations

import msgspec

from services.paths import Paths
from services.profile import Profile

PAGE = 100
"""Documents a page has at most."""


class DocumentsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The first page, or the one behind the document `after` (its key).

    `find` is the beginning, or all, of an `_id`, an `id` or a `chatId`; empty for every document.
    """

    collection: str = ""
    find: str = ""
    after: str = ""


class DocumentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One document: `key` is its `_id` as canonical Extended JSON, `id` the same in words.

    `own` is the application's own id (of chat messages the chat's), `name` its name, title or label, cut.
    """

    key: str
    id: str
    own: str = ""
    name: str = ""
    updated: str = ""


class DocumentsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page in the order of `_id`; `more` says that others follow."""

    collection: str
    rows: tuple[DocumentRow, ...] = ()
    more: bool = False


def look(request: DocumentsRequest, profile: Profile, paths: Paths) -> DocumentsAnswer:
    """Reads ids and names of at most `PAGE` documents; takes at most 11 s.

    Errors: `QuillkeepError` without a configured database, for one that does not answer, and where no
    index helps and the time was not enough.
    """
    from services.looking.documents_reading import page

    return page(request, profile)
