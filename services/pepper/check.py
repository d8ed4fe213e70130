"""The pepper check of a database that can be read, and the bounded probe for what gathers values in passing."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from services.counted import counted
from services.pepper.model import CONFIGURED, LIVE, Candidate, CandidateTried, PepperResult
from services.pepper.report import compared, is_short, not_tried, result_of
from services.pepper.trial import USERS_PROBED, USERS_TRIED, Trial
from services.pepper.values import FIELDS, WANTS
from services.pepper.vault import FAILED, LEFT, OPENED, UNTOLD, Vault
from services.quilltap.probe import PROBED_VALUES

if TYPE_CHECKING:
    from services.archive.model import Buffer
    from services.catalog.manifest import PepperEntry
    from services.catalog.model import Backup
    from services.pepper.whole import Looked
    from services.reading.side import DataSide
    from services.secret import Secret

NO_PEPPER = "No pepper is configured."


def _nothing() -> None:
    """Nobody cancels."""


def _uncounted(_: int) -> None:
    """Nobody counts."""


def gather(
    side: DataSide, vault: Vault, *, check: Callable[[], None], advance: Callable[[int], None]
) -> None:
    """Puts every encrypted value of a side into the vault; only the fields it needs are read of what is live."""
    side.read(FIELDS, vault.add, check=check, advance=advance)


def check_peppers(
    vault: Vault,
    candidates: Sequence[Candidate],
    *,
    entry: PepperEntry | None = None,
    target: str = LIVE,
    check: Callable[[], None] = _nothing,
    advance: Callable[[int], None] = _uncounted,
) -> PepperResult:
    """Every candidate tried on every value; the answer is that of the best, with a line for each.

    `entry` is what a backup's manifest says of the pepper. `advance` counts users whose keys were derived.
    Without candidates nothing is tried, and the answer is `skipped`.
    """
    best: PepperResult | None = None
    tried: list[CandidateTried] = []
    for candidate in candidates:
        vault.restart()
        Trial(vault, candidate.pepper, users=USERS_TRIED, check=check, advance=advance).run()
        found = _found(vault, candidate.pepper, candidate.label, entry)
        tried += found.candidates
        if best is None or _rank(found) > _rank(best):
            best = found
    if best is None:
        return _of(not_tried(vault, NO_PEPPER), target)
    return _of(msgspec.structs.replace(best, candidates=tuple(tried)), target)


def check_again(
    earlier: Vault,
    side: DataSide,
    result: PepperResult,
    candidate: Candidate,
    *,
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> PepperResult:
    """A second look at live data before anything is called broken: what changed or went meanwhile is not.

    A key that is there before and after the users were read had its user among them, whatever the application
    did. `earlier` holds the trial of `candidate`, and `result` is what came of it.
    """
    with earlier.anew() as later:
        gather(side, later, check=check, advance=advance)
        moved = earlier.without_moved(later)
    found = _found(earlier, candidate.pepper, candidate.label, None)
    tried = tuple(found.candidates[0] if one.label == candidate.label else one for one in result.candidates)
    note = f" {counted(moved, 'values')} changed or went while they were looked at." if moved else ""
    return msgspec.structs.replace(
        found, target=result.target, candidates=tried, summary=found.summary + note
    )


def probe(
    vault: Vault,
    pepper: Secret | None,
    *,
    entry: PepperEntry | None = None,
    target: str,
    values: int = PROBED_VALUES,
    check: Callable[[], None] = _nothing,
) -> PepperResult:
    """A few values tried with at most `USERS_PROBED` users each: a second or less, whatever the vault holds.

    The key-check of `entry` is compared always. Without a pepper the answer is `skipped`, with the reason.
    """
    if pepper is None:
        return _of(not_tried(vault, NO_PEPPER), target)
    vault.restart()
    vault.sample(values)
    Trial(vault, pepper, users=USERS_PROBED, check=check).run()
    told = vault.one("SELECT count(*) FROM vals WHERE state IN (?, ?)", OPENED, FAILED)
    if told or compared(pepper, entry) == "equal":
        # A probe tries few users: that a value names none of them says nothing of the data.
        vault.database.execute("UPDATE vals SET state = ? WHERE state = ?", (LEFT, UNTOLD))
    return _of(_found(vault, pepper, CONFIGURED, entry), target)


def trace(
    vault: Vault,
    result: PepperResult,
    candidate: Candidate,
    backups: Sequence[Backup],
    *,
    open_backup: Callable[[Backup], DataSide],
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> PepperResult:
    """A result on live data whose findings say which backup has the values whole that no other pepper opens.

    `vault` holds the trial of `candidate`, `backups` are the good ones, the newest first.
    """
    from services.pepper.whole import find_whole

    looked = find_whole(
        vault, candidate.pepper, backups, open_backup=open_backup, check=check, advance=advance
    )
    found = _found(vault, candidate.pepper, candidate.label, None, looked)
    return msgspec.structs.replace(
        result,
        findings=found.findings,
        next=found.next,
        warnings=(*result.warnings, *looked.problems),
    )


def _found(
    vault: Vault, pepper: Secret, label: str, entry: PepperEntry | None, looked: Looked | None = None
) -> PepperResult:
    return result_of(
        vault,
        label=label,
        check=compared(pepper, entry),
        entry=entry,
        short=is_short(pepper),
        looked=looked,
    )


def _of(result: PepperResult, target: str) -> PepperResult:
    """A result of a target, whose next steps look at the same one."""
    if target == LIVE:
        return msgspec.structs.replace(result, target=target)
    check = "quillkeep pepper check FILE"
    there = f"{check} --backup {shlex.quote(target)}"
    return msgspec.structs.replace(
        result,
        target=target,
        findings=tuple(
            msgspec.structs.replace(one, next=one.next.replace(check, there)) for one in result.findings
        ),
        next=result.next.replace(check, there),
    )


def _rank(result: PepperResult) -> tuple[int, bool, bool]:
    return result.opened, result.key_check == "equal", result.status == "ok"


class PepperCollector:
    """Gathers what a probe needs while somebody reads a backup anyhow: `wants`, `add`, then `result` once.

    `add` may be called from any one thread at a time. What it keeps lies sealed in a temporary file.
    """

    wants = WANTS

    def __init__(self) -> None:
        self._vault = Vault()

    def add(self, collection: str, data: Buffer) -> None:
        """Whole raw documents of one of the wanted collections."""
        self._vault.add(collection, data)

    def result(
        self,
        pepper: Secret | None,
        *,
        entry: PepperEntry | None = None,
        target: str,
        check: Callable[[], None] = _nothing,
    ) -> PepperResult:
        """As `probe`; what was gathered is forgotten."""
        try:
            return probe(self._vault, pepper, entry=entry, target=target, check=check)
        finally:
            self._vault.close()
