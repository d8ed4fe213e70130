"""Which backup has a value whole that does not open live: this very value, opened there by the same pepper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from services.archive.elements import NotBson
from services.errors import Cancelled, QuillkeepError
from services.pepper.trial import USERS_TRIED, Trial
from services.pepper.values import FIELDS, PLACES
from services.pepper.vault import DAMAGED, FAILED, OPENED, Held, Vault

if TYPE_CHECKING:
    from services.catalog.model import Backup
    from services.reading.side import DataSide
    from services.secret import Secret

MAX_SOUGHT = 1_000
"""Values that are looked for in backups."""
_LEFT = (
    "SELECT n, place, held, owner, seen FROM vals WHERE state IN (?, ?)"
    " AND n NOT IN (SELECT n FROM whole) ORDER BY n LIMIT ?"
)


_Name = tuple[int, str]
"""A place and an id."""


class Looked(msgspec.Struct, frozen=True):
    """The backups that were read, the newest first, and sentences on those that could not be."""

    backups: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class _Wanted(msgspec.Struct, frozen=True):
    n: int
    owner: bytes
    seen: bytes


def find_whole(
    vault: Vault,
    pepper: Secret,
    backups: Sequence[Backup],
    *,
    open_backup: Callable[[Backup], DataSide],
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> Looked:
    """Notes in a vault whose values were tried which backup opens those that did not open, or are damaged.

    A value is known by its place and its document's id, or its `_id` where it lost that. Bytes are counted by
    `advance`. `Cancelled` is raised.
    """
    looked: list[str] = []
    problems: list[str] = []
    for backup in backups:
        wanted = _wanted(vault)
        if not wanted:
            break
        try:
            with vault.anew() as there:
                open_backup(backup).read(FIELDS, there.add, check=check, advance=advance)
                _leave(there, frozenset(wanted))
                Trial(there, pepper, users=USERS_TRIED, check=check).run()
                _note(vault, there, wanted, len(looked))
        except Cancelled:
            raise
        except (QuillkeepError, NotBson, OSError) as error:
            problems.append(f"{backup.id} could not be looked into: {error}")
            continue
        looked.append(backup.id)
    return Looked(tuple(looked), tuple(problems))


def _wanted(vault: Vault) -> dict[_Name, list[_Wanted]]:
    found: dict[_Name, list[_Wanted]] = {}
    for n, place, held, owner, seen in vault.rows(_LEFT, FAILED, DAMAGED, MAX_SOUGHT):
        one = _Wanted(n, vault.mark_of(owner), seen)
        for name in _names(place, vault.open_held(held)):
            found.setdefault(name, []).append(one)
    return found


def _names(place: int, held: Held) -> set[_Name]:
    """By what a value is known in any copy of its document."""
    return {(place, name) for name in (held.id, held.own) if name not in ("", "?")}


def _leave(there: Vault, wanted: frozenset[_Name]) -> None:
    """Nothing else of the backup costs a key derivation."""
    others = [
        (n,)
        for n, place, held in there.rows("SELECT n, place, held FROM vals")
        if not _names(place, there.open_held(held)) & wanted
    ]
    there.database.executemany("DELETE FROM vals WHERE n = ?", others)


def _note(vault: Vault, there: Vault, wanted: dict[_Name, list[_Wanted]], at: int) -> None:
    rows = there.rows("SELECT place, held, owner, opener, seen FROM vals WHERE state = ?", OPENED)
    for place, held, owner, opener, seen in rows:
        collection = PLACES[place].partition(".")[0]
        names = _names(place, there.open_held(held))
        for one in {one for name in names for one in wanted.get(name, ())}:
            restored = collection
            if (one.seen, one.owner) == (seen, there.mark_of(owner)):
                # Not a byte of it is another one: what is gone is the user with whose id it opens.
                mark = there.mark_of(opener)
                if vault.one("SELECT count(*) FROM users WHERE mark = ? AND there", mark):
                    continue
                restored = "users"
            vault.database.execute("INSERT OR IGNORE INTO whole VALUES (?, ?, ?)", (one.n, at, restored))
