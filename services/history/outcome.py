"""A job's result in words: what it changed, in counts; its warnings; its error's four sentences; the way on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from services.history.words import amount, clean, size
from services.operations.restore_model import aside_words

PARTS = ("what", "cause", "touched", "next")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`changed` is one line; `facts` are (label, text); `documents` and `bytes` are None where it has none.

    `bytes` is what the operation moved or made: of a backup the uncompressed documents and the objects.
    """

    changed: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    error: dict[str, str] | None = None
    way_on: tuple[str, ...] = ()
    documents: int | None = None
    bytes: int | None = None


def outcome_of(verb: str, job: str, result: Mapping[str, Any]) -> Outcome:
    """What the result of a finished job says; never raises for what it holds, whatever version wrote it."""
    warnings = tuple(clean(text) for text in _texts(result.get("warnings")))
    error = result.get("error")
    if isinstance(error, Mapping):
        told = {part: clean(str(error.get(part) or "")) for part in PARTS}
        return Outcome(changed=told["touched"] or told["what"], warnings=warnings, error=told)
    told_of = _TELLERS.get(verb, _tell_anything)(job, result)
    return msgspec.structs.replace(
        told_of,
        changed=clean(told_of.changed),
        facts=tuple((clean(label), clean(text)) for label, text in told_of.facts),
        warnings=warnings,
    )


def _tell_backup(job: str, result: Mapping[str, Any]) -> Outcome:
    facts: list[tuple[str, str]] = []
    words = []
    documents = total = None
    database = result.get("database")
    if isinstance(database, Mapping) and isinstance(database.get("collections"), Mapping):
        sums = [one for one in database["collections"].values() if isinstance(one, Mapping)]
        documents = sum(_number(one.get("documents")) for one in sums)
        total = sum(_number(one.get("bytes")) for one in sums)
        words.append(amount(documents, "documents"))
        facts.append(
            (
                "Database",
                f"{amount(len(sums), 'collections')}, {amount(documents, 'documents')}, {size(total)}",
            )
        )
    objects = result.get("objects")
    if isinstance(objects, Mapping):
        count, held = _number(objects.get("count")), _number(objects.get("bytes"))
        total = (total or 0) + held
        words.append(amount(count, "objects"))
        fetched, linked = _number(objects.get("fetched")), _number(objects.get("linked"))
        facts.append(
            ("Objects", f"{amount(count, 'objects')}, {size(held)} ({fetched:,} fetched, {linked:,} linked)")
        )
        lost = _texts(objects.get("missing"))
        if lost:
            facts.append(("Missing", f"{amount(len(lost), 'objects')}: {', '.join(lost[:3])}"))
    consistency = result.get("consistency")
    if consistency:
        detail = result.get("consistency_detail")
        facts.append(("Consistency", f"{consistency}: {detail}" if detail else str(consistency)))
    name = str(result.get("id") or "")
    suspicious = _texts(result.get("suspicious"))
    for why in suspicious:
        facts.append(("Suspicious", why))
    if suspicious:
        # Never as the way on: after a loss it would make the loss the newest good backup.
        facts.append(("If meant", f"quillkeep accept {name}. If data was lost, restore an older one."))
    if result.get("path"):
        facts.append(("Manifest", str(result["path"])))
    changed = f"made {name}: {', '.join(words)}" if words else f"made {name}"
    return Outcome(changed=changed, facts=tuple(facts), documents=documents, bytes=total)


def _tell_restore(job: str, result: Mapping[str, Any]) -> Outcome:
    facts: list[tuple[str, str]] = []
    words = []
    documents = moved = None
    collections = result.get("collections")
    if isinstance(collections, Mapping):
        live = [one for one in collections.values() if isinstance(one, Mapping)]
        documents = sum(_number(one.get("documents")) for one in live)
        text = f"{amount(len(live), 'collections')}, {amount(documents, 'documents')}"
        if live:
            words.append(f"{text} live")
            facts.append(("Live now", text))
    aside = result.get("set_aside")
    if isinstance(aside, Mapping) and aside:
        gone = aside_words({str(name): _number(count) for name, count in aside.items()})
        facts.append(("Set aside", f"{gone}: not live any more, kept as rollback copies"))
    objects = result.get("objects")
    if isinstance(objects, Mapping):
        put, kept = _number(objects.get("put")), _number(objects.get("kept"))
        moved = _number(objects.get("bytes"))
        words.append(f"{amount(put, 'objects')} put")
        facts.append(("Objects", f"{put:,} put, {kept:,} kept as they were"))
    if result.get("backup"):
        facts.insert(0, ("From", str(result["backup"])))
    proof = result.get("pairs")
    if isinstance(proof, Mapping) and proof.get("detail"):
        facts.append(("Rows against objects", f"{proof.get('status')}: {proof['detail']}"))
    for fact in _texts(result.get("facts")):
        facts.append(("Fact", fact))
    name = str(result.get("job") or job)
    way_on: tuple[str, ...] = ()
    if result.get("rollback_until"):
        facts.append(("Rollback copies", f"kept at least until {_minute(str(result['rollback_until']))}"))
        way_on = (f"quillkeep rollback {name}", f"quillkeep release {name}")
    return Outcome(
        changed=str(result.get("summary") or ", ".join(words) or "no collection went live"),
        facts=tuple(facts),
        documents=documents,
        bytes=moved,
        way_on=way_on,
    )


def _tell_verify(job: str, result: Mapping[str, Any]) -> Outcome:
    checks = [one for one in _list(result.get("checks")) if isinstance(one, Mapping)]
    counted: dict[str, int] = {}
    for one in checks:
        counted[str(one.get("status"))] = counted.get(str(one.get("status")), 0) + 1
    said = ", ".join(f"{count} {word}" for word, count in sorted(counted.items()))
    facts = [("Backup", str(result.get("id") or "")), ("Checks", said or "none")]
    facts += [
        (
            str(one.get("status")),
            " ".join(str(one[key]) for key in ("name", "detail", "next") if one.get(key)),
        )
        for one in checks
        if one.get("status") not in ("ok", "skipped")
    ]
    if "verified" in result:
        # Several, the oldest first: one entry of `checks` is one backup.
        return Outcome(
            changed=str(result.get("summary") or ""), facts=(("Backups", said or "none"), *facts[2:])
        )
    return Outcome(
        changed=f"checked {result.get('id') or ''} ({result.get('depth') or 'full'}): {said or 'no checks'}",
        facts=tuple(facts),
    )


def _tell_pairs(job: str, result: Mapping[str, Any]) -> Outcome:
    rows, objects = str(result.get("rows_of") or ""), str(result.get("objects_of") or "")
    facts = [
        ("Compared", f"rows of {rows} with objects of {objects}, {result.get('depth') or ''}".strip(", "))
    ]
    for one in _list(result.get("findings")):
        if isinstance(one, Mapping):
            words = " ".join(str(one[key]) for key in ("what", "next") if one.get(key))
            facts.append((str(one.get("status")), words))
    facts += [("Note", note) for note in _texts(result.get("notes"))]
    if result.get("full_list"):
        facts.append(("All of them", str(result["full_list"])))
    return Outcome(changed=str(result.get("summary") or ""), facts=tuple(facts))


def _tell_release(job: str, result: Mapping[str, Any]) -> Outcome:
    rows = [one for one in _list(result.get("collections")) if isinstance(one, Mapping)]
    freed = _number(result.get("bytes"))
    done = "released" if result.get("released", True) else "would release"
    return Outcome(
        changed=f"{done} the copies of {result.get('job') or ''}: {size(freed)}",
        facts=(
            ("Collections", amount(len(rows), "copies")),
            ("Documents", f"{sum(_number(row.get('only_here')) for row in rows):,} existed nowhere else"),
            ("Objects", amount(_number(result.get("objects")), "copies")),
        ),
        bytes=freed,
    )


def _tell_plan(job: str, result: Mapping[str, Any]) -> Outcome:
    rows = _list(result.get("collections"))
    refusals = _texts(result.get("refusals"))
    risks = [str(one.get("word")) for one in _list(result.get("risks")) if isinstance(one, Mapping)]
    return Outcome(
        changed=f"planned {result.get('backup') or ''}; changed nothing",
        facts=(
            ("Collections", amount(len(rows), "rows")),
            ("Risks", ", ".join(risks) or "none"),
            *(("Refused", why) for why in refusals),
        ),
    )


def _tell_anything(job: str, result: Mapping[str, Any]) -> Outcome:
    facts = tuple(
        (key.replace("_", " ").capitalize(), str(value))
        for key, value in result.items()
        if isinstance(value, str | int | float) and key not in ("status", "summary", "job") and value != ""
    )
    given = result.get("summary") or result.get("id") or ""
    return Outcome(changed=str(given), facts=facts)


_TELLERS = {
    "backup": _tell_backup,
    "restore": _tell_restore,
    "rollback": _tell_restore,
    "finish": _tell_restore,
    "verify": _tell_verify,
    "pairs": _tell_pairs,
    "release": _tell_release,
    "plan": _tell_plan,
    "rollback-plan": _tell_plan,
}


def _minute(text: str) -> str:
    """An RFC 3339 time to the minute; anything else as it is."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return text


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in _list(value))
