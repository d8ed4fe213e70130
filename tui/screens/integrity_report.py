"""What Integrity shows, as a file to keep: Markdown or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from services.catalog.listing import moment as rfc3339
from services.catalog.listing import row as as_document
from services.catalog.model import Backup
from services.catalog.naming import printable
from services.findings import Finding
from services.looking.integrity import CheckSeen, IntegrityAnswer, LiveSeen
from services.profile import Profile
from tui.present_catalog import condition
from tui.screens.archives_rows import moment
from tui.screens.integrity_rows import GROUPS, STATUS, TITLES, Entry, Matrix, applies, worst_first
from widgets.text import escape

Form = Literal["md", "json"]


def report(
    answer: IntegrityAnswer, shown: Sequence[Entry], profile: Profile, now: datetime, form: Form
) -> str:
    """The rows shown, each with what did not end ok; `form` is `md` or `json`."""
    document = document_of(answer, shown, profile, now)
    if form == "json":
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return markdown_of(document)


def document_of(
    answer: IntegrityAnswer, shown: Sequence[Entry], profile: Profile, now: datetime
) -> dict[str, Any]:
    """The matrix as plain data; times RFC 3339 UTC, a group that does not apply is left out."""
    matrix = Matrix(answer)
    backups = []
    for entry in shown:
        if entry.backup is None:
            continue
        seen = entry.backup
        status, why = condition(as_document(seen.backup))
        backups.append(
            {
                "id": printable(seen.backup.id),
                "location": printable(seen.backup.location),
                "created": rfc3339(seen.backup.created),
                "status": status,
                "verdict": printable(why),
                "verified": rfc3339(seen.looked_at) if seen.looked_at else None,
                "proven": rfc3339(seen.proven_at) if seen.proven_at else None,
                "groups": {
                    TITLES[group].lower(): _word(matrix.letter(seen, group))
                    for group in GROUPS
                    if applies(group, seen)
                },
                "checks": {
                    name: STATUS[letter]
                    for name, letter in zip(answer.names, seen.states, strict=False)
                    if letter != "-"
                },
                "findings": [_check(check) for check in seen.wrong],
                "more_findings": seen.more_wrong,
            }
        )
    live = answer.live if any(entry.backup is None for entry in shown) else ()
    return {
        "at": rfc3339(now),
        "profile": profile.name or "",
        "database": profile.mongo.database if profile.mongo else "",
        "bucket": profile.bucket.bucket if profile.bucket else "",
        "unread": [printable(problem.sentence) for problem in answer.problems]
        + ([printable(answer.live_problem)] if answer.live_problem else []),
        "live": [_live(one) for one in worst_first(live)],
        "backups": backups,
    }


def _word(letter: str) -> str:
    return "only quick" if letter == "p" else "never" if letter == "-" else STATUS[letter]


def _check(check: CheckSeen) -> dict[str, Any]:
    given: dict[str, Any] = msgspec.to_builtins(check)
    return {**given, "at": rfc3339(check.at)}


def _live(one: LiveSeen) -> dict[str, Any]:
    return {
        "check": one.verb,
        "status": one.status if one.at else "never",
        "at": rfc3339(one.at) if one.at else None,
        "job": one.job,
        "depth": one.depth,
        "summary": one.summary,
        "replaced_since": rfc3339(one.replaced_at) if one.replaced_at else None,
        "tried": one.tried,
        "told": list(one.told),
        "findings": [msgspec.to_builtins(finding) for finding in one.findings],
        "more_findings": one.more_findings,
    }


def markdown_of(document: dict[str, Any]) -> str:
    """The document as Markdown; every name is a code span, so that nothing in it is markup."""
    lines = ["# Integrity", "", f"{_when(document['at'])}, profile {code(document['profile'] or '-')}, "]
    lines[-1] += f"database {code(document['database'] or '-')}, bucket {code(document['bucket'] or '-')}"
    lines += ["", *(f"- not read: {code(text)}" for text in document["unread"])]
    for one in document["live"]:
        lines += _live_markdown(one)
    if document["backups"]:
        titles = [TITLES[group].lower() for group in GROUPS]
        lines += ["", "## Backups", "", f"| backup | location | {' | '.join(titles)} | verified | verdict |"]
        lines.append("| --- " * (len(titles) + 4) + "|")
        for row in document["backups"]:
            groups = [row["groups"].get(title, "") for title in titles]
            verified = _when(row["verified"]) if row["verified"] else "never"
            cells = [code(row["id"]), code(row["location"]), *groups, verified, code(row["verdict"])]
            lines.append(f"| {' | '.join(cells)} |")
    for row in document["backups"]:
        if row["findings"]:
            lines += ["", f"### {code(row['id'])}", ""]
            for check in row["findings"]:
                lines += _check_markdown(check)
            lines += [f"- and {row['more_findings']:,} more"] if row["more_findings"] else []
    return "\n".join(lines) + "\n"


def one_report(
    backup: Backup | None, answer: IntegrityAnswer | None, live: Sequence[LiveSeen], now: datetime, form: Form
) -> str:
    """Every check of one backup, or of the live data without one, as Markdown or JSON."""
    if backup is None:
        document: dict[str, Any] = {"at": rfc3339(now), "live": [_live(one) for one in worst_first(live)]}
    else:
        seen = answer.backups[0] if answer and answer.backups else None
        status, why = condition(as_document(backup))
        document = {
            "at": rfc3339(now),
            "id": printable(backup.id),
            "location": printable(backup.location),
            "status": status,
            "verdict": printable(why),
            "unread": [printable(text) for text in (seen.unreadable if seen else ())],
            "checks": [_check(check) for check in (seen.checks if seen else ())],
        }
    if form == "json":
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    lines = [f"# Integrity of {code(document.get('id', 'live'))}", "", _when(document["at"])]
    if backup is not None:
        lines += ["", f"**{document['status']}**: {code(document['verdict'])}", ""]
        lines += [f"- notes: {code(text)}" for text in document["unread"]]
        for check in document["checks"]:
            lines += _check_markdown(check)
    else:
        for one in document["live"]:
            lines += _live_markdown(one)
    return "\n".join(lines) + "\n"


def _check_markdown(check: dict[str, Any]) -> list[str]:
    detail = f": {code(check['detail'])}" if check.get("detail") else ""
    depth = check.get("depth", "full")
    lines = [f"- **{check['status']}** {code(check['name'])}, {_when(check['at'])}, {depth}{detail}"]
    lines += [f"  - since: {code(check['since'])}"] if check.get("since") else []
    lines += [f"  - next: {code(check['next'])}"] if check.get("next") else []
    for given in check.get("found", ()):
        lines += [f"  {line}" for line in finding_markdown(msgspec.convert(given, Finding))]
    return lines


def _live_markdown(one: dict[str, Any]) -> list[str]:
    when = f"{_when(one['at'])}, job {code(one['job'])}" if one["at"] else "no run is known"
    said = f": {code(one['summary'])}" if one["summary"] else ""
    lines = ["", f"## live: {one['check']}: {one['status']}", ""]
    lines.append(f"{when}{said}")
    if one["replaced_since"]:
        lines.append(f"- a restore put other data in place {_when(one['replaced_since'])}")
    lines += [f"- tried since, without a verdict: {code(one['tried'])}"] if one["tried"] else []
    for given in one["findings"]:
        lines += finding_markdown(msgspec.convert(given, Finding))
    lines += [f"- {code(text)}" for text in one["told"]]
    lines += [f"- and {one['more_findings']:,} more"] if one["more_findings"] else []
    return lines


def finding_markdown(finding: Finding) -> list[str]:
    """One finding as a list entry."""
    where = f" in {code(finding.collection)}" if finding.collection else ""
    times = f" ({finding.count:,})" if finding.count > 1 else ""
    lines = [f"- **{finding.status}**{where}{times}: {code(finding.what)}"]
    lines += [f"  - such as {', '.join(map(code, finding.examples))}"] if finding.examples else []
    lines += [f"  - good in {code(finding.good_in)}"] if finding.good_in else []
    lines += [f"  - next: {code(finding.next)}"] if finding.next else []
    return lines


def code(text: str) -> str:
    """A code span that nothing in the text can end."""
    return "`" + escape(text).replace("`", "'").replace("|", "\\|") + "`"


def _when(at: str) -> str:
    return moment(at)
