"""Which names in a dump may become collections, which are left alone, and which are refused.

The rules are the server's own (measured on 6.0.5), stricter where it is not: it would let a plain
collection become `system.buckets.x` or `system.users`.
"""

from __future__ import annotations

from typing import Literal

from services.archive.model import ArchiveError, Namespace
from services.names import MAX_NAMESPACE_BYTES, is_ours

BUCKETS = "system.buckets."
"""Where servers before 8.3 keep the documents of a time series."""
MAX_DATABASE_BYTES = 63
OPLOG = Namespace("", "oplog")
"""What an archive calls the oplog of the time of the dump."""

Use = Literal["load", "buckets", "ours", "users-and-roles", "oplog", "server"]

_SERVER_DATABASES = frozenset({"admin", "config", "local"})
_SERVER_COLLECTIONS = frozenset({"system.profile", "system.views", "system.indexes", "system.namespaces"})
_AUTH_COLLECTIONS = frozenset({"system.users", "system.roles"})


def use_of(namespace: Namespace, *, file: str = "") -> Use:
    """What to do with a namespace of a dump; `ArchiveError` for a name that is not allowed to exist.

    `load`: a collection or view. `buckets`: the documents of a time series, whose declaration the caller
    looks for. `ours`, `users-and-roles`, `oplog`, `server`: recognised, read and checked, never loaded.
    """
    if namespace == OPLOG:
        return "oplog"
    database, collection = namespace.database, namespace.collection
    _check_database(namespace, file)
    if not collection or "\0" in collection:
        raise _bad(namespace, "a collection name without NUL and not empty", file)
    if database == "admin" and collection in _AUTH_COLLECTIONS:
        return "users-and-roles"
    if database in _SERVER_DATABASES:
        return "server"
    if collection.startswith("$admin."):
        return "users-and-roles"
    if "$" in collection:
        raise _bad(namespace, "a collection name without `$`", file)
    if collection.startswith("."):
        raise _bad(namespace, "a collection name that does not begin with a dot", file)
    if collection in _SERVER_COLLECTIONS:
        return "server"
    if collection.startswith(BUCKETS) and len(collection) > len(BUCKETS):
        return "buckets"
    if collection.startswith("system.") and collection != "system.js":
        raise _bad(namespace, "no collection of the server's own", file)
    return "ours" if is_ours(collection) else "load"


def measured_name(namespace: Namespace) -> Namespace | None:
    """The time series whose buckets a namespace holds."""
    if not namespace.collection.startswith(BUCKETS):
        return None
    return Namespace(namespace.database, namespace.collection[len(BUCKETS) :])


def bucket_name(namespace: Namespace) -> Namespace:
    """Where a time series of this name has its documents on servers before 8.3."""
    return Namespace(namespace.database, BUCKETS + namespace.collection)


def too_long(namespace: Namespace) -> bool:
    """Whether the server would refuse the name for its length; another database's name may make it fit."""
    return len(str(namespace).encode()) > MAX_NAMESPACE_BYTES


def _check_database(namespace: Namespace, file: str) -> None:
    database = namespace.database
    if not database or len(database.encode()) > MAX_DATABASE_BYTES:
        raise _bad(namespace, f"a database name of 1 to {MAX_DATABASE_BYTES} bytes", file)
    if any(character in '/\\. "$\0' for character in database):
        raise _bad(namespace, 'a database name without any of / \\ . " $, space and NUL', file)


def _bad(namespace: Namespace, expected: str, file: str) -> ArchiveError:
    shown = printable(str(namespace))
    return ArchiveError(expected, found=f"the name {shown}", namespace=shown, file=file)


def printable(name: str) -> str:
    """A name from a dump as it may stand in a message: control characters escaped, cut to 120 characters."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in name)
    return shown if len(shown) <= 120 else shown[:119] + "…"
