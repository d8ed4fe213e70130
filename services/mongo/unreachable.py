"""Why no server let us in, each reason in its own words."""

from __future__ import annotations

from services.errors import QuillkeepError
from services.profile import MongoTarget
from services.redact import redact

_AUTHENTICATION_FAILED = 18
_UNAUTHORIZED = 13
_UNKNOWN_HOST = (
    "Name or service not known",
    "nodename nor servname",
    "No address associated",
    "name resolution",
)
_DNS = ("DNS", "dns", "resolution lifetime", "nameserver", "SRV", "dnspython")
_TLS = ("SSL", "TLS", "certificate", "CERTIFICATE")


class DatabaseUnreachable(QuillkeepError):
    """No server answered, or it would not let us in."""


def host_of(target: MongoTarget) -> str:
    """Hosts of a URI without its credentials."""
    rest = target.uri.reveal().partition("://")[2]
    authority = rest.partition("/")[0].partition("?")[0]
    return authority.rpartition("@")[2]


def unreachable(target: MongoTarget, error: Exception) -> DatabaseUnreachable:
    """The error an admin reads when a server did not let us in; `error` is the driver's."""
    host = host_of(target)
    text = redact(
        str(error).split(", Timeout:")[0].split(", full error")[0].split(" (configured timeouts")[0]
    )
    what, next = _words(target, host, getattr(error, "code", None), str(error))
    return DatabaseUnreachable(what, cause=text, next=next)


def _words(target: MongoTarget, host: str, code: object, text: str) -> tuple[str, str]:
    if code == _AUTHENTICATION_FAILED:
        return (
            f"MongoDB at {host} refused the user name or password.",
            "Correct the user, password or authSource in MONGODB_URI, then `quillkeep doctor`.",
        )
    if code == _UNAUTHORIZED:
        return (
            f"MongoDB at {host} wants a user that may read {target.database}.",
            "Put a user with readWrite on this database into MONGODB_URI.",
        )
    lost = f"Quillkeep could not reach the database at {host}"
    if target.uri.reveal().startswith("mongodb+srv:") and any(word in text for word in _DNS):
        return (
            f"{lost}: the DNS gave no servers for this mongodb+srv name.",
            "Check the name and this host's DNS, or name the servers themselves: mongodb://HOST:PORT,HOST:PORT/.",
        )
    if "No replica set members match selector" in text or "replica set name" in text or "set name" in text:
        return (
            f"{lost}: it answers, but not as a primary of the replica set that the URI names.",
            "Check replicaSet= in MONGODB_URI against `rs.status().set`, and that the set has a primary.",
        )
    if any(word in text for word in _UNKNOWN_HOST):
        return (
            f"{lost}: its host name is not known.",
            "Correct the host in MONGODB_URI, or this host's DNS.",
        )
    if "refused" in text:
        return (
            f"{lost}: nothing listens there.",
            "Check that MongoDB runs and that MONGODB_URI names its port; it may listen on another address only.",
        )
    if any(word in text for word in _TLS):
        return (
            f"{lost}: TLS with it failed.",
            "Check tls= and tlsCAFile= in MONGODB_URI against how the server is started.",
        )
    if "URI" in text or "option" in text.lower():
        return ("The MongoDB URI cannot be understood.", "Correct MONGODB_URI, then `quillkeep doctor`.")
    return (
        f"{lost}.",
        "Check that MongoDB runs and that MONGODB_URI names its host and port.",
    )
