"""What a trial found, in figures and words: the verdict, by collection, by user, with ids and never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.catalog.model import CheckStatus
from services.counted import by_number, counted
from services.findings import MAX_EXAMPLES, Finding
from services.pepper.model import NOBODY, CandidateTried, KeyCheck, Opened, PepperResult
from services.pepper.values import PLACES
from services.pepper.vault import DAMAGED, FAILED, LEFT, OPENED, UNTOLD, Vault
from services.pepper.way_back import with_way_back
from services.quilltap.encryption import MINIMUM_PEPPER, key_check

if TYPE_CHECKING:
    from services.catalog.manifest import PepperEntry
    from services.pepper.whole import Looked
    from services.secret import Secret

USERS_SHOWN = 1_000
USERS_FOUND = 50
"""Users with a finding of their own; the rest is counted."""
WORDS = {"api_keys": "API keys", "users.totp": "second factors", "users.backupCodes": "sets of backup codes"}
_FIELD = ("", "(totp)", "(backupCodes)")
TRY_OTHERS = (
    "Set ENCRYPTION_MASTER_PEPPER to the pepper they were stored with; `quillkeep pepper check FILE` tries "
    "the one in another file and changes nothing."
)
_FIGURES = (
    f"count(*), sum(state = {OPENED}), sum(state = {UNTOLD}), sum(state = {DAMAGED})"
    f" FROM vals WHERE state != {LEFT}"
)


def compared(pepper: Secret, entry: PepperEntry | None) -> KeyCheck:
    """The pepper against a manifest's key-check value: no data is needed for it."""
    if entry is None:
        return "none"
    try:
        salt = bytes.fromhex(entry.salt)
    except ValueError:
        return "none"
    return "equal" if key_check(pepper, salt) == entry.check else "differs"


def is_short(pepper: Secret) -> bool:
    """Whether the application would refuse to start with it."""
    return len(pepper.reveal()) < MINIMUM_PEPPER


def result_of(
    vault: Vault,
    *,
    label: str,
    check: KeyCheck,
    entry: PepperEntry | None,
    short: bool,
    looked: Looked | None = None,
) -> PepperResult:
    """The `pepper` document of one pepper, once its trial has run; `looked` says in which backups it was looked."""
    total, opened, untold, damaged = _figures(vault.rows(f"SELECT {_FIGURES}"))
    whole = Opened(opened=opened, total=total, untold=untold, damaged=damaged)
    by_collection = {
        PLACES[row[0]]: _opened(row[1:])
        for row in vault.rows(f"SELECT place, {_FIGURES} GROUP BY place ORDER BY place")
    }
    findings = [*_wrong(vault, whole, label, looked), *_damaged(vault, looked), *_untold(vault, whole)]
    findings += _of_key_check(check, entry, whole, label)
    if short:
        findings.append(
            Finding(
                kind="short-pepper",
                status="warn",
                what=f"{_capital(label)} has fewer than {MINIMUM_PEPPER} characters: the application does not "
                "start with it.",
                next="Look for the whole text; a cut or quoted line is a usual cause.",
            )
        )
    by_user, more = _by_user(vault)
    status = _status(findings, whole, check)
    tried = CandidateTried(
        label=label,
        opened=opened,
        total=total,
        untold=untold,
        damaged=damaged,
        key_check=check,
        short=short,
    )
    return PepperResult(
        status=status,
        opened=opened,
        total=total,
        untold=untold,
        damaged=damaged,
        stored=vault.one("SELECT count(*) FROM vals"),
        by_collection=by_collection,
        by_user=by_user,
        more_users=more,
        label=label,
        key_check=check,
        candidates=(tried,),
        findings=tuple(findings),
        summary=_summary(whole, by_collection, check, label, vault),
        next=next((one.next for one in findings if one.next), ""),
    )


def not_tried(vault: Vault, why: str) -> PepperResult:
    """No pepper to try: what is stored is counted, and nothing is said of it."""
    stored = vault.one("SELECT count(*) FROM vals")
    return PepperResult(
        status="skipped",
        stored=stored,
        total=stored,
        untold=stored,
        summary=f"{why} {counted(stored, 'encrypted values')} {by_number(stored, 'was', 'were')} not tried.",
        next="Set ENCRYPTION_MASTER_PEPPER (or `pepper_file`), or name a file that holds it: "
        "`quillkeep pepper check FILE`.",
    )


def _status(findings: list[Finding], whole: Opened, check: KeyCheck) -> CheckStatus:
    kinds = {one.status for one in findings}
    for status in ("fail", "unknown", "warn"):
        if status in kinds:
            return status
    if not whole.total and check != "equal":
        return "skipped"
    return "ok"


def _figures(rows: Any) -> tuple[int, int, int, int]:
    row = next(iter(rows))
    return int(row[0] or 0), int(row[1] or 0), int(row[2] or 0), int(row[3] or 0)


def _opened(row: tuple[Any, ...]) -> Opened:
    total, opened, untold, damaged = (int(one or 0) for one in row)
    return Opened(opened=opened, total=total, untold=untold, damaged=damaged)


def _by_user(vault: Vault) -> tuple[dict[str, Opened], int]:
    """Users whose values do not open first; those with the most values where all open."""
    query = (
        f"SELECT coalesce(owner, opener) AS user, {_FIGURES} GROUP BY user"
        f" ORDER BY sum(state = {OPENED}) = count(*), count(*) DESC, user LIMIT ?"
    )
    rows = list(vault.rows(query, USERS_SHOWN))
    every = vault.one(
        f"SELECT count(*) FROM (SELECT DISTINCT coalesce(owner, opener) FROM vals WHERE state != {LEFT})"
    )
    return {_name(vault, row[0]): _opened(row[1:]) for row in rows}, every - len(rows)


def _name(vault: Vault, user: int | None) -> str:
    if user is None:
        return NOBODY
    ((sealed,),) = vault.rows("SELECT name FROM users WHERE n = ?", user)
    return vault.open_name(sealed)


def _examples(vault: Vault, where: str, *given: Any) -> tuple[str, ...]:
    query = f"SELECT place, held, why FROM vals WHERE {where} ORDER BY n LIMIT {MAX_EXAMPLES}"
    return tuple(
        " ".join(part for part in (vault.open_held(held).id, _FIELD[place], why) if part)
        for place, held, why in vault.rows(query, *given)
    )


def _wrong(vault: Vault, whole: Opened, label: str, looked: Looked | None) -> list[Finding]:
    if not whole.failed:
        return []
    groups = list(
        vault.rows(
            "SELECT place, owner, count(*) FROM vals WHERE state = ? GROUP BY place, owner"
            " ORDER BY count(*) DESC, place, owner",
            FAILED,
        )
    )
    if not whole.opened:
        tried = whole.total - whole.damaged
        return [
            Finding(
                kind="wrong-pepper",
                status="fail",
                what=f"{_capital(label)} opens none of {counted(tried, 'encrypted values')}"
                + (f" ({whole.untold:,} could not be told)" if whole.untold else "")
                + ": it is not the one they were stored with.",
                count=whole.failed,
                examples=_examples(vault, "state = ?", FAILED),
                next=TRY_OTHERS,
            )
        ]
    found = []
    for place, owner, count in groups[:USERS_FOUND]:
        name = PLACES[place]
        user = "" if owner is None else _name(vault, owner)
        whose = f"of the user {user}" if user else f"that {by_number(count, 'names', 'name')} no user"
        words = counted(count, WORDS[name])
        where = "state = ? AND place = ? AND owner IS ?"
        finding = Finding(
            kind="does-not-open",
            status="fail",
            what=f"{words} {whose} {by_number(count, 'does', 'do')} not open, though the pepper opens others: "
            "stored with another pepper, by another user's id, or changed since.",
            collection=name.partition(".")[0],
            user=user,
            count=count,
            examples=_examples(vault, where, FAILED, place, owner),
            next=TRY_OTHERS,
        )
        if not mostly_wrong(whole):
            finding = with_way_back(finding, name, vault, looked, where, FAILED, place, owner)
        found.append(finding)
    if left := groups[USERS_FOUND:]:
        found.append(
            Finding(
                kind="does-not-open",
                status="fail",
                what=f"And {counted(sum(row[2] for row in left), 'values')} of others do not open.",
                count=sum(row[2] for row in left),
                next=TRY_OTHERS
                if mostly_wrong(whole)
                else "--json names the users; theirs come back likewise.",
            )
        )
    return found


def mostly_wrong(whole: Opened) -> bool:
    """Whether more values do not open than do: then the pepper is what is wrong, else those values are."""
    return whole.failed > whole.opened


def _damaged(vault: Vault, looked: Looked | None) -> list[Finding]:
    found = []
    for place, count in vault.rows(
        "SELECT place, count(*) FROM vals WHERE state = ? GROUP BY place ORDER BY place", DAMAGED
    ):
        name = PLACES[place]
        where = "state = ? AND place = ?"
        examples = _examples(vault, where, DAMAGED, place)
        finding = Finding(
            kind="damaged-value",
            status="fail",
            what=f"{counted(count, WORDS[name])} {by_number(count, 'is', 'are')} damaged, so that no pepper "
            f"opens {by_number(count, 'it', 'them')} ({examples[0]}{'' if count == 1 else ', among others'}).",
            collection=name.partition(".")[0],
            count=count,
            examples=examples,
        )
        found.append(with_way_back(finding, name, vault, looked, where, DAMAGED, place))
    return found


def _untold(vault: Vault, whole: Opened) -> list[Finding]:
    if not whole.untold:
        return []
    return [
        Finding(
            kind="cannot-be-told",
            status="unknown",
            what=f"{counted(whole.untold, 'API keys')} {by_number(whole.untold, 'names', 'name')} no user, and not every user could be tried for "
            f"{by_number(whole.untold, 'it', 'them')}: whether the pepper opens "
            f"{by_number(whole.untold, 'it', 'them')} cannot be told.",
            collection="api_keys",
            count=whole.untold,
            examples=_examples(vault, "state = ?", UNTOLD),
        )
    ]


def _of_key_check(check: KeyCheck, entry: PepperEntry | None, whole: Opened, label: str) -> list[Finding]:
    if check != "differs" or entry is None:
        return []
    if entry.tried and not entry.opened:
        return [
            Finding(
                kind="unproven-key-check",
                status="warn",
                what=f"{_capital(label)} is not the one that was configured when the backup was made; but that one "
                f"opened none of {counted(entry.tried, 'values')} either, so the comparison proves nothing.",
            )
        ]
    proven = whole.total > 0 and whole.opened == whole.total
    return [
        Finding(
            kind="key-check-differs",
            status="warn" if proven else "fail",
            what=f"{_capital(label)} is not the one that was configured when the backup was made"
            + (", though it opens every value." if proven else "."),
            next="" if proven else TRY_OTHERS,
        )
    ]


def _summary(
    whole: Opened, by_collection: dict[str, Opened], check: KeyCheck, label: str, vault: Vault
) -> str:
    parts = []
    if whole.total:
        stored = vault.one("SELECT count(*) FROM vals")
        of = f" tried of {stored:,}" if stored > whole.total else ""
        parts.append(
            f"{label} opens {whole.opened:,} of {counted(whole.total, 'encrypted values')}{of}: "
            + ", ".join(
                f"{one.opened:,} of {one.total:,} {WORDS[name]}" for name, one in by_collection.items()
            )
        )
        parts += [f"{whole.damaged:,} damaged"] if whole.damaged else []
        parts += [f"{whole.untold:,} cannot be told"] if whole.untold else []
    else:
        parts.append("there is no encrypted value")
    if check != "none":
        parts.append(
            "the backup's key-check " + ("is this pepper's" if check == "equal" else "is another pepper's")
        )
    return _capital("; ".join(parts)) + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
