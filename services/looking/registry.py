"""Every look: where it is, what it is asked, what it answers, and how long it may take."""

from __future__ import annotations

import importlib
from typing import Any, cast

import msgspec

from services.errors import UsageProblem


class LookEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A module with a request type, an answer type and `look(request, profile, paths) -> answer`.

    Both types are msgspec Structs; importing the module imports no driver. `seconds` is the time limit,
    `what` names what is waited for, for "… did not answer in N s".
    """

    module: str
    request: str
    answer: str
    seconds: float
    what: str


LOOKS: dict[str, LookEntry] = {
    "catalog": LookEntry(
        module="services.looking.catalog",
        request="CatalogRequest",
        answer="Catalog",
        seconds=10.0,
        what="The folder of the backups",
    ),
    "discover": LookEntry(
        module="services.looking.discover",
        request="DiscoverRequest",
        answer="DiscoverAnswer",
        seconds=8.0,
        what="This machine",
    ),
    "live": LookEntry(
        module="services.looking.live",
        request="LiveRequest",
        answer="LiveAnswer",
        seconds=10.0,
        what="The database",
    ),
    "bucket": LookEntry(
        module="services.looking.bucket",
        request="BucketRequest",
        answer="BucketAnswer",
        seconds=15.0,
        what="The bucket",
    ),
    "locations": LookEntry(
        module="services.looking.locations",
        request="LocationsRequest",
        answer="LocationsAnswer",
        seconds=10.0,
        what="The folder of the backups",
    ),
    "rates": LookEntry(
        module="services.looking.rates",
        request="RatesRequest",
        answer="Rates",
        seconds=10.0,
        what="The journals of earlier jobs",
    ),
    "try_out": LookEntry(
        module="services.looking.try_out",
        request="TryRequest",
        answer="TryAnswer",
        seconds=15.0,
        what="What was tried",
    ),
    "show": LookEntry(
        module="services.looking.show",
        request="ShowRequest",
        answer="ShowAnswer",
        seconds=10.0,
        what="The folder of the backup",
    ),
    "contents": LookEntry(
        module="services.looking.contents",
        request="ContentsRequest",
        answer="ContentsAnswer",
        seconds=10.0,
        what="The folder of the backup",
    ),
    "opening": LookEntry(
        module="services.looking.opening",
        request="OpeningRequest",
        answer="OpeningAnswer",
        seconds=20.0,
        what="The encrypted backup",
    ),
    "integrity": LookEntry(
        module="services.looking.integrity",
        request="IntegrityRequest",
        answer="IntegrityAnswer",
        seconds=10.0,
        what="The folder of the backups",
    ),
    "preflight": LookEntry(
        module="services.looking.preflight",
        request="PreflightRequest",
        answer="PreflightAnswer",
        seconds=20.0,
        what="The database",
    ),
    "collections": LookEntry(
        module="services.looking.collections",
        request="CollectionsRequest",
        answer="CollectionsAnswer",
        seconds=12.0,
        what="The database",
    ),
    "collections_held": LookEntry(
        module="services.looking.collections_held",
        request="CollectionsHeldRequest",
        answer="CollectionsHeldAnswer",
        seconds=12.0,
        what="The folder of the backups",
    ),
    "documents": LookEntry(
        module="services.looking.documents",
        request="DocumentsRequest",
        answer="DocumentsAnswer",
        seconds=14.0,
        what="The database",
    ),
    "document": LookEntry(
        module="services.looking.document",
        request="DocumentRequest",
        answer="DocumentAnswer",
        seconds=14.0,
        what="The document",
    ),
    "deep_place": LookEntry(
        module="services.looking.deep_place",
        request="DeepPlaceRequest",
        answer="DeepPlaceAnswer",
        seconds=15.0,
        what="This machine",
    ),
    "trash": LookEntry(
        module="services.looking.trash",
        request="TrashRequest",
        answer="TrashAnswer",
        seconds=10.0,
        what="The folder of the backups",
    ),
}


def entry_of(name: str) -> LookEntry:
    """The entry of a look. Errors: `UsageProblem` for one nobody knows."""
    entry = LOOKS.get(name)
    if entry is None:
        raise UsageProblem(f"There is no look called {name}.", next=f"These are: {', '.join(sorted(LOOKS))}.")
    return entry


def type_of(entry: LookEntry, name: str) -> type[msgspec.Struct]:
    """A type of the look's module by its name."""
    return cast(type[msgspec.Struct], getattr(importlib.import_module(entry.module), name))


def function_of(entry: LookEntry) -> Any:
    """The look's function."""
    return importlib.import_module(entry.module).look
