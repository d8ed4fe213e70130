"""MongoDB connection strings, read without the driver: what they name, never what they hide.

Grammar: https://www.mongodb.com/docs/manual/reference/connection-string/
"""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import msgspec

from services.errors import UsageProblem

SCHEMES = ("mongodb", "mongodb+srv")
DEFAULT_PORT = 27017
NOT_APPLICATION_DATA = frozenset({"admin", "local", "config"})
"""Databases of the server itself: in a URI's path they can only mean the authSource."""


class MongoUri(msgspec.Struct, frozen=True, kw_only=True):
    """The readable parts of a connection string; the password is only known to be there."""

    scheme: str
    hosts: tuple[str, ...]
    """`host:port` in lower case, sorted; the bare name for mongodb+srv."""
    username: str | None
    has_password: bool
    path: str
    """The database in the path, unescaped; "" for none."""
    options: dict[str, str]
    """Options by lower-case name; the last of a repeated one."""

    @property
    def database(self) -> str:
        """The database the path names, or "" where it can only be the authSource."""
        return "" if self.path in NOT_APPLICATION_DATA else self.path

    @property
    def direct(self) -> bool:
        """Whether `directConnection=true` keeps the driver on the one host."""
        return self.options.get("directconnection", "").lower() == "true"


def parse_uri(text: str, source: str) -> MongoUri:
    """Takes a connection string apart.

    Errors: `UsageProblem` naming the source and the rule that was broken, never the text itself.
    """
    scheme, separator, rest = text.strip().partition("://")
    if not separator or scheme not in SCHEMES:
        raise _malformed(source, "it must begin with mongodb:// or mongodb+srv://")
    authority, _, query = rest.partition("?")
    authority, _, path = authority.partition("/")
    if "@" not in authority and ("@" in path or ("=" not in query.partition("@")[0] and "@" in query)):
        raise _malformed(
            source, "`/`, `?` and `@` in a user name or password must be written %2F, %3F and %40"
        )
    if "/" in path:
        raise _malformed(source, "what follows the hosts must be one database name")
    credentials, at, hosts = authority.rpartition("@")
    if "@" in credentials:
        raise _malformed(source, "`@` in a user name or password must be written %40")
    username, colon, password = credentials.partition(":")
    if ":" in password:
        raise _malformed(source, "`:` in a user name or password must be written %3A")
    if at and not username and colon:
        raise _malformed(source, "it has a password but no user name")
    for part in (username, password):
        _check_escapes(part, source)
    return MongoUri(
        scheme=scheme,
        hosts=_hosts(hosts, scheme, source),
        username=unquote(username) if at else None,
        has_password=bool(colon),
        path=unquote(path),
        options={name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True)},
    )


def without_credentials(text: str) -> str:
    """The scheme, hosts and path, for a person."""
    scheme, _, rest = text.strip().partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


def _hosts(text: str, scheme: str, source: str) -> tuple[str, ...]:
    hosts = []
    for item in text.split(","):
        host, port = _host_and_port(unquote(item.strip()), source)
        hosts.append(host if scheme == "mongodb+srv" or host.startswith("/") else f"{host}:{port}")
        if scheme == "mongodb+srv" and (":" in item or "," in text):
            raise _malformed(source, "mongodb+srv:// takes one host name without a port")
    return tuple(sorted(hosts))


def _host_and_port(item: str, source: str) -> tuple[str, int]:
    if item.startswith("/"):
        return item, DEFAULT_PORT
    if item.startswith("["):
        host, _, port_text = item.partition("]")
        host, port_text = host + "]", port_text.removeprefix(":")
    else:
        host, _, port_text = item.partition(":")
    if not host or host == "[]":
        raise _malformed(source, "it names no host")
    if not port_text:
        return host.lower(), DEFAULT_PORT
    if not port_text.isascii() or not port_text.isdigit() or not 0 < int(port_text) < 65536:
        raise _malformed(source, "a port must be a number from 1 to 65535")
    return host.lower(), int(port_text)


def _check_escapes(part: str, source: str) -> None:
    pieces = part.split("%")[1:]
    for piece in pieces:
        if len(piece) < 2 or any(digit not in "0123456789abcdefABCDEF" for digit in piece[:2]):
            raise _malformed(source, "`%` in a user name or password must be written %25")


def _malformed(source: str, rule: str) -> UsageProblem:
    return UsageProblem(
        f"The MongoDB URI from {source} cannot be understood: {rule}.",
        next=f"Correct the URI in {source}.",
    )
