"""Whether a backup is ours: made from this profile's deployment, on this server or on one it replaces.

Database, bucket and prefix must be the profile's, and one of three marks must agree: the pepper's
key-check, the replica set, or the host. A loopback address means another server on every machine, so
as a mark it (and the replica set behind it) needs the same machine-id; the pepper needs nothing else,
which is how the backups of a lost server are found by the empty one that replaces it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import parse_qsl

from services.catalog.head import ManifestHead
from services.profile import Profile
from services.secret import Secret

KeyCheck = Callable[[Secret, bytes], str]


class Deployment:
    """The profile's marks, worked out once per scan; each distinct salt costs one key derivation."""

    def __init__(
        self, profile: Profile, *, machine_id: str | None = None, key_check: KeyCheck | None = None
    ) -> None:
        self.database = profile.mongo.database if profile.mongo else None
        self.bucket = profile.bucket.bucket if profile.bucket else None
        self.prefix = profile.bucket.prefix if profile.bucket else None
        self.hosts: frozenset[str] = frozenset()
        self.replica_set: str | None = None
        if profile.mongo:
            self.hosts, self.replica_set = _uri_marks(profile.mongo.uri)
        self._pepper = profile.pepper
        self._machine_id = machine_id
        self._key_check = key_check
        self._checks: dict[str, str] = {}

    @property
    def machine_id(self) -> str:
        """This machine's id as the manifests hold it, empty when there is none."""
        if self._machine_id is None:
            self._machine_id = _this_machine()
        return self._machine_id

    def other(self, head: ManifestHead) -> str:
        """Empty when the backup is ours, else whose it is and by what that is known."""
        if self.database is None and self.bucket is None:
            return "no database and no bucket is configured, so nothing is known to be ours"
        differing = self._differing(head)
        if differing:
            return differing
        if self._same_place(head) or self._same_pepper(head):
            return ""
        return (
            f"made from {head.host or 'an unnamed host'}"
            f"{f' (replica set {head.replica_set})' if head.replica_set else ''}, which is not this deployment's, "
            f"and {self._pepper_words(head)}"
        )

    def _differing(self, head: ManifestHead) -> str:
        pairs = [
            ("database", head.database, self.database if "database" in head.parts or head.database else None),
            ("bucket", head.bucket, self.bucket if "objects" in head.parts or head.bucket else None),
            ("prefix", head.prefix, self.prefix if "objects" in head.parts or head.bucket else None),
        ]
        for what, theirs, mine in pairs:
            if mine is not None and theirs != mine:
                return f"its {what} is {theirs or 'none'!r}, this deployment's is {mine or 'none'!r}"
        return ""

    def _same_place(self, head: ManifestHead) -> bool:
        hosts = _hosts(head.host)
        here = bool(head.machine_id) and head.machine_id == self.machine_id
        loopback = any(is_loopback(host) for host in hosts)
        if loopback and not here:
            return False
        if head.replica_set and head.replica_set == self.replica_set:
            return True
        return bool(hosts & self.hosts)

    def _same_pepper(self, head: ManifestHead) -> bool:
        entry = head.pepper
        if entry is None or self._pepper is None or (entry.tried and not entry.opened):
            return False
        check = self._checks.get(entry.salt)
        if check is None:
            check = self._checks[entry.salt] = self._compute(self._pepper, entry.salt)
        return check == entry.check

    def _compute(self, pepper: Secret, salt: str) -> str:
        try:
            raw = bytes.fromhex(salt)
        except ValueError:
            raw = salt.encode()
        if self._key_check is None:
            from services.quilltap import key_check

            self._key_check = key_check
        return self._key_check(pepper, raw)

    def _pepper_words(self, head: ManifestHead) -> str:
        if head.pepper is None:
            return "it holds no check of the pepper"
        if head.pepper.tried and not head.pepper.opened:
            return "its check of the pepper is unproven"
        if self._pepper is None:
            return "no pepper is configured to compare"
        return "its pepper is another one"


def is_loopback(host: str) -> bool:
    """Whether `host` or `host:port` means another server on every machine."""
    name = host.rpartition(":")[0] if host.count(":") == 1 or host.startswith("[") else host
    name = name.strip("[]").lower()
    return name in ("localhost", "::1", "0.0.0.0", "") or name.startswith(("127.", "%2f", "/"))


@lru_cache(maxsize=1024)
def _hosts(text: str) -> frozenset[str]:
    return frozenset(_with_port(host) for host in text.lower().split(",") if host.strip())


def _with_port(host: str) -> str:
    host = host.strip()
    if is_loopback(host):
        port = host.rpartition(":")[2]
        return f"localhost:{port if port.isdigit() else '27017'}"
    if host.startswith("["):
        return host if "]:" in host else f"{host}:27017"
    return host if ":" in host or host.endswith(".sock") else f"{host}:27017"


def _uri_marks(uri: Secret) -> tuple[frozenset[str], str | None]:
    rest = uri.reveal().partition("://")[2]
    authority, _, tail = rest.partition("/")
    if not tail:
        authority, _, query = authority.partition("?")
    else:
        query = tail.partition("?")[2]
    hosts = authority.rpartition("@")[2]
    options = {name.lower(): value for name, value in parse_qsl(query)}
    return _hosts(hosts), options.get("replicaset")


def _this_machine() -> str:
    from services.jobs.host import this_host

    return this_host().machine_id
