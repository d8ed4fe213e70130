"""One pepper tried on every value of a vault: owners first, then every user within a bound.

A user's key costs 100,000 rounds of PBKDF2, which OpenSSL computes without Python's lock: threads use every
core (measured on two: 24 ms a user on one thread, 12.6 ms on two). A try of AES-GCM costs 0.75 µs.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from services.pepper.vault import FAILED, OPENED, OWNERS_TRIED, PENDING, UNTOLD, Vault
from services.quilltap.encryption import ITERATIONS, KEY_BYTES
from services.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

USERS_TRIED = 5_000
"""Users tried for a value that names none: about a minute on two cores."""
USERS_PROBED = 25
"""The same for a probe, which must not hold up what it is part of."""
MAX_TRIES = 20_000_000
"""Tries of values without an owner in all, about 15 s; beyond that fewer users are tried for each."""
AHEAD = 512
"""Keys derived ahead of the tries."""
AT_ONCE = 256
"""Users whose keys are held for a pass over the values without an owner."""
PAGE = 1_000
KEPT_KEYS = 20_000
"""Derived keys that are kept for the second pass; 32 bytes each."""


def _nothing() -> None:
    """Nobody cancels."""


def _uncounted(_: int) -> None:
    """Nobody counts."""


class Trial:
    """Tries one pepper; afterwards the vault's values say what became of each."""

    def __init__(
        self,
        vault: Vault,
        pepper: Secret,
        *,
        users: int = USERS_TRIED,
        check: Callable[[], None] = _nothing,
        advance: Callable[[int], None] = _uncounted,
    ) -> None:
        self._vault = vault
        self._pepper = pepper.reveal().encode("utf-8", "surrogatepass")
        self._limit = users
        self._check = check
        self._advance = advance
        self._keys: dict[int, bytes] = {}
        self._pool = ThreadPoolExecutor(min(8, len(os.sched_getaffinity(0))), thread_name_prefix="pbkdf2")

    def run(self) -> None:
        """Errors: what `check` raises; then nothing of what was found may be used."""
        try:
            self._with_owners()
            self._with_everybody()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def _with_owners(self) -> None:
        """Every user who owns values, by the document or by the profiles that name a key."""
        owners = self._vault.rows(
            "SELECT n, name FROM users WHERE n IN (SELECT owner FROM vals WHERE state = ?)"
            " OR n IN (SELECT votes.user FROM votes JOIN vals ON vals.key = votes.key WHERE vals.state = ?"
            " AND vals.owner IS NULL) ORDER BY n",
            PENDING,
            PENDING,
        )
        for user, cipher in self._ciphers(owners):
            self._check()
            mine = self._vault.rows("SELECT n, held FROM vals WHERE owner = ? AND state = ?", user, PENDING)
            for value, held in list(mine):
                self._try(value, held, ((user, cipher),), FAILED)
            named = self._vault.rows(
                "SELECT vals.n, vals.held FROM votes JOIN vals ON vals.key = votes.key WHERE votes.user = ?"
                " AND vals.owner IS NULL AND vals.state = ? AND (SELECT count(*) FROM votes AS more"
                " WHERE more.key = votes.key AND more.votes > votes.votes) < ?",
                user,
                PENDING,
                OWNERS_TRIED,
            )
            for value, held in list(named):
                self._try(value, held, ((user, cipher),), PENDING)

    def _with_everybody(self) -> None:
        """What is left names no user: all of them are tried, as many as the bound allows."""
        vault = self._vault
        left = vault.one("SELECT count(*) FROM vals WHERE state = ?", PENDING)
        known = vault.one("SELECT count(*) FROM users")
        if not left:
            return
        bound = min(self._limit, max(USERS_PROBED, MAX_TRIES // left))
        users = vault.rows("SELECT n, name FROM users ORDER BY there DESC, n LIMIT ?", bound)
        several: list[tuple[int, AESGCM]] = []
        for one in self._ciphers(users):
            several.append(one)
            if len(several) == AT_ONCE:
                self._pass(several)
                several = []
        if several:
            self._pass(several)
        # Without any user in the data there is nobody whose key could be told wrong.
        every = 0 < known <= bound and bool(vault.one("SELECT count(*) FROM users WHERE there"))
        vault.database.execute(
            "UPDATE vals SET state = ? WHERE state = ?", (FAILED if every else UNTOLD, PENDING)
        )

    def _pass(self, several: list[tuple[int, AESGCM]]) -> None:
        last = 0
        while page := list(
            self._vault.rows(
                "SELECT n, held FROM vals WHERE state = ? AND n > ? ORDER BY n LIMIT ?", PENDING, last, PAGE
            )
        ):
            for value, held in page:
                self._check()
                self._try(value, held, several, PENDING)
            last = page[-1][0]

    def _try(self, value: int, sealed: bytes, ciphers: Iterable[tuple[int, AESGCM]], otherwise: int) -> None:
        from cryptography.exceptions import InvalidTag

        held = self._vault.open_held(sealed)
        state, opener = otherwise, None
        for user, cipher in ciphers:
            try:
                cipher.decrypt(held.iv, held.sealed, None)
            except InvalidTag:
                continue
            state, opener = OPENED, user
            break
        if state != PENDING:
            self._vault.database.execute(
                "UPDATE vals SET state = ?, opener = ? WHERE n = ?", (state, opener, value)
            )

    def _ciphers(self, users: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, AESGCM]]:
        """(user, cipher) in the order of `users`; keys are derived ahead, in threads."""
        waiting: deque[tuple[int, bytes | Future[bytes]]] = deque()
        for user, sealed in users:
            kept = self._keys.get(user)
            waiting.append((user, kept or self._pool.submit(self._derive, self._vault.open_name(sealed))))
            if len(waiting) >= AHEAD:
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[int, bytes | Future[bytes]]]) -> tuple[int, AESGCM]:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        user, found = waiting.popleft()
        if isinstance(found, bytes):
            return user, AESGCM(found)
        while True:
            self._check()
            try:
                key = found.result(timeout=0.25)
                break
            except TimeoutError:
                continue
        self._advance(1)
        if len(self._keys) < KEPT_KEYS:
            self._keys[user] = key
        return user, AESGCM(key)

    def _derive(self, user: str) -> bytes:
        return hashlib.pbkdf2_hmac("sha256", user.encode(), self._pepper, ITERATIONS, KEY_BYTES)
