"""What the server says of the copies: options and indexes against the backup, validators, its own validate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from services.catalog.naming import printable
from services.counted import counted
from services.deep.duplicates import duplicates
from services.deep.load import VALIDATOR, Copy, DatabaseLoad
from services.deep.model import MAX_EXAMPLES
from services.deep.waiting import watched
from services.mongo.commands import CommandFailed, ask_again, run
from services.mongo.connect import list_live
from services.mongo.specs import build_spec, comparable, comparable_options, missing_indexes, secondary

T = TypeVar("T")
NOT_COMPLIANT = "not compliant with the collection's schema"
"""How validate of 6.0 names documents that the validator refuses; it then leaves the indexes unread."""


def inspect(load: DatabaseLoad, comment: str) -> int:
    """Looks at every copy and tells its problems to the load; gives how many validators were applied.

    `comment` marks long commands in the server. Errors: `CommandFailed` when the server does not answer,
    and what the target's `watch` raises.
    """
    live = _ask(load, lambda: list_live(load.database), "list the collections")
    validators = 0
    for name, copy in load.copies.items():
        if not copy.created:
            continue
        load.target.watch()
        found = live.get(copy.incoming.target)
        if found is None:
            load.tell("compare", name, "vanished after it was loaded")
            continue
        _compare_options(load, copy, found.options)
        _compare_indexes(load, copy)
        _name_duplicates(load, copy, comment)
        refused = 0
        if _refuses(copy.incoming.options):
            validators += 1
            refused = _apply_validator(load, copy, comment)
        if not load.target.not_validated:
            _validate(load, copy, comment, refused)
    _tell_refused(load)
    return validators


def _compare_options(load: DatabaseLoad, copy: Copy, options: dict[str, Any]) -> None:
    wanted = comparable_options(copy.incoming.options)
    held = comparable_options(options)
    if wanted == held:
        return
    keys = sorted(key for key in wanted.keys() | held.keys() if wanted.get(key) != held.get(key))
    load.tell(
        "compare", copy.entry.name, f"the server holds other options than the backup: {', '.join(keys)}"
    )


def _compare_indexes(load: DatabaseLoad, copy: Copy) -> None:
    wanted = [
        index for index in secondary(copy.incoming.indexes) if index.get("name") not in copy.refused_indexes
    ]
    present = _ask(
        load,
        lambda: [dict(index) for index in load.database[copy.incoming.target].list_indexes()],
        f"list the indexes of {copy.entry.name}",
    )
    lacking = missing_indexes(wanted, present)
    if lacking:
        load.tell(
            "compare",
            copy.entry.name,
            f"the server holds other indexes than the backup: {', '.join(lacking)}",
        )
    expected = [comparable(build_spec(index)) for index in wanted]
    more = [str(index.get("name")) for index in secondary(present) if comparable(index) not in expected]
    if more and not lacking:
        load.tell(
            "compare", copy.entry.name, f"the server has indexes that the backup lacks: {', '.join(more)}"
        )


def _name_duplicates(load: DatabaseLoad, copy: Copy, comment: str) -> None:
    """Adds to a unique index that could not be built which documents are in its way."""
    from pymongo.errors import OperationFailure

    target = copy.incoming.target
    for index in copy.incoming.indexes:
        name = str(index.get("name"))
        if not index.get("unique") or name not in copy.refused_indexes:
            continue
        try:
            count, examples = _ask(
                load,
                partial(duplicates, load.database, target, index, comment),
                f"look for what keeps the index {name} from being built",
            )
        except CommandFailed as error:
            if error.unknown or not isinstance(error.__cause__, OperationFailure):
                raise
            continue
        if count:
            words = (
                f"{counted(count, 'values')} {'is' if count == 1 else 'are'} held by more than one document"
            )
            load.add_to(copy.entry.name, f"index {name} ", words, count, tuple(examples))


def _refuses(options: dict[str, Any]) -> bool:
    """Whether a validator would refuse an insert: level `off` and action `warn` do not."""
    return (
        bool(options.get("validator"))
        and options.get("validationLevel", "strict") != "off"
        and options.get("validationAction", "error") == "error"
    )


def _apply_validator(load: DatabaseLoad, copy: Copy, comment: str) -> int:
    """Counts the loaded documents that the validator does not match; -1 where a query cannot tell."""
    from pymongo.errors import OperationFailure

    stages: list[Mapping[str, Any]] = [
        {"$match": {"$nor": [copy.incoming.options["validator"]]}},
        {"$project": {"_id": 1}},
    ]
    holder = load.database[copy.incoming.holder if copy.entry.kind == "timeseries" else copy.incoming.target]

    def look() -> tuple[int, list[str]]:
        count = 0
        examples: list[str] = []
        for document in holder.aggregate(stages, comment=comment):
            count += 1
            if len(examples) < MAX_EXAMPLES:
                examples.append(printable(str(document.get("_id")))[:100])
        return count, examples

    try:
        count, examples = _ask(load, look, f"apply the validator of {copy.entry.name}")
    except CommandFailed as error:
        if error.unknown or not isinstance(error.__cause__, OperationFailure):
            raise
        return -1
    if count:
        load.tell(
            "validate",
            copy.entry.name,
            f"{counted(count, 'documents')} {'is' if count == 1 else 'are'} refused by the collection's own validator",
            count=count,
            examples=tuple(examples),
        )
    return count


def _validate(load: DatabaseLoad, copy: Copy, comment: str, refused: int) -> None:
    name = copy.entry.name

    def once() -> dict[str, Any]:
        command = {"validate": copy.incoming.holder, "comment": comment}
        return run(load.database, command, f"validate {name}")

    reply = watched(once, load.target.watch)
    if not reply.get("valid") and _only_schema(reply):
        if refused <= 0:
            count = int(reply.get("nNonCompliantDocuments") or 0)
            words = counted(count, "documents") if count else "some documents"
            load.tell(
                "validate", name, f"{words} refused by the collection's own validator", count=max(1, count)
            )
        # With the validator off the rest is validated, too: the copy's options were compared before.
        run(load.database, {"collMod": copy.incoming.target, "validationLevel": "off"}, f"validate {name}")
        reply = watched(once, load.target.watch)
    if not reply.get("valid"):
        errors = [str(error) for error in reply.get("errors") or []] or ["it gives no reason"]
        load.tell("validate", name, f"the server's validate finds: {printable('; '.join(errors))[:300]}")


def _only_schema(reply: dict[str, Any]) -> bool:
    errors = [str(error) for error in reply.get("errors") or []]
    return bool(errors) and all(NOT_COMPLIANT in error for error in errors)


def _tell_refused(load: DatabaseLoad) -> None:
    """Documents that the server took no copy of, by reason; the validator's own belong to the validators."""
    for collection, reasons in sorted(load.refused.reasons.items()):
        for why, count in sorted(reasons.items()):
            examples = tuple(load.refused.examples.get((collection, why), ()))
            words = f"{counted(count, 'documents')} {'is' if count == 1 else 'are'} refused"
            if why == VALIDATOR:
                load.tell(
                    "validate",
                    collection,
                    f"{words} by the collection's own validator",
                    count=count,
                    examples=examples,
                )
            else:
                load.tell(
                    "documents", collection, f"{words} by the server ({why})", count=count, examples=examples
                )


def _ask(load: DatabaseLoad, ask: Callable[[], T], what: str) -> T:
    """A read repeated through an election, while the load may still be cancelled or its server found dead."""
    return watched(lambda: ask_again(load.database, ask, what), load.target.watch)
