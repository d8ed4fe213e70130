"""The server's own `validate` of one collection: what it costs, how it is asked, what its answer means.

The command takes the collection's exclusive lock (MongoDB manual, validate): writes to it wait, and on servers
before 5.0 reads do, too. It is asked with `full` alone and never with anything that repairs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import TYPE_CHECKING, Any

import msgspec

from services.catalog.model import CheckStatus
from services.counted import by_number, counted
from services.errors import QuillkeepError
from services.findings import Finding

if TYPE_CHECKING:
    from pymongo.database import Database

QUICK_RATE, FULL_RATE = 100 << 20, 40 << 20
"""Bytes of documents a second that a slow disk still does; measured in memory: 500 and 450 MiB/s."""
TRIES = 3
LOOK_SECONDS = 0.2
_IN_USE = "transient issue"
"""How the server says that it could not look at a file, since it was in use (6.0)."""
_NOT_COMPLIANT = "not compliant with the collection's schema"


class ServerSaid(msgspec.Struct, frozen=True, kw_only=True):
    """How the server's validation of one collection ended; `gone` when it was dropped meanwhile.

    `in_use`: some of its files could not be looked at, since what was written to them is still in memory.
    """

    status: CheckStatus
    findings: tuple[Finding, ...] = ()
    gone: bool = False
    denied: bool = False
    in_use: bool = False
    seconds: float = 0.0


def cost_words(sizes: Mapping[str, int], *, full: bool) -> str:
    """What the validation of collections of these sizes (bytes) stops, and for how long at most, in a sentence."""
    rate = FULL_RATE if full else QUICK_RATE
    total = sum(sizes.values())
    largest = max(sizes, key=sizes.__getitem__, default="")
    kind = "validate, in full, reads every page of" if full else "validate reads"
    longest = f" ({largest}: {_seconds(sizes[largest] / rate)})" if largest else ""
    return (
        f"MongoDB's own {kind} {counted(len(sizes), 'collections')} of {_mib(total)}, one after another, "
        f"up to {_seconds(total / rate)}. It locks the collection it reads: what is written to that one waits, "
        f"and on servers before 5.0 what is read{longest}."
    )


def _seconds(value: float) -> str:
    if value < 1:
        return "1 s"
    return f"{value:,.0f} s" if value < 120 else f"{value / 60:,.0f} min"


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB"


def ask_server(
    database: Database[Any], name: str, storage: str, *, full: bool, check: Callable[[], None]
) -> ServerSaid:
    """Validates one collection, `storage` being where its documents are; `check` may raise meanwhile.

    A cancel ends the command on the server, too. What the server refused is a status. Errors: `QuillkeepError`
    when the connection broke.
    """
    from pymongo.errors import OperationFailure, PyMongoError

    from services.mongo.commands import NAMESPACE_NOT_FOUND, UNAUTHORIZED, server_words
    from services.mongo.failures import translated

    began = time.monotonic()
    try:
        for attempt in range(TRIES):
            reply = _run(database, {"validate": storage, "full": full}, check)
            if attempt + 1 == TRIES or not _in_use(reply) or not _write_out(database):
                break
    except OperationFailure as error:
        if error.code == NAMESPACE_NOT_FOUND:
            return ServerSaid(status="ok", gone=True)
        if error.code == UNAUTHORIZED:
            return ServerSaid(status="skipped", denied=True)
        return _untold(name, server_words(error))
    except PyMongoError as error:
        # Whoever is not there for one collection is not there for the next.
        raise translated(f"Validating the collection {name}", error) from error
    findings = read_reply(name, reply, full=full)
    return ServerSaid(
        status=_worst(findings),
        findings=tuple(findings),
        in_use=_in_use(reply),
        seconds=round(time.monotonic() - began, 3),
    )


def _worst(findings: Sequence[Finding]) -> CheckStatus:
    statuses = {finding.status for finding in findings}
    for status in ("fail", "unknown", "warn"):
        if status in statuses:
            return status
    return "ok"


def _untold(name: str, words: str) -> ServerSaid:
    finding = Finding(
        kind="server-validate",
        status="unknown",
        what=f"MongoDB's own validate of {name} gave no answer: {words.rstrip('.')}.",
        collection=name,
        next="Look at the server's log, then validate again.",
    )
    return ServerSaid(status="unknown", findings=(finding,))


def _run(database: Database[Any], command: dict[str, Any], check: Callable[[], None]) -> dict[str, Any]:
    session = database.client.start_session(causal_consistency=False)
    asked: Future[dict[str, Any]] = Future()

    def ask() -> None:
        try:
            asked.set_result(dict(database.command(command, session=session)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where it was asked for
            asked.set_exception(error)
        finally:
            session.end_session()

    # Nobody waits for it after a cancel: a server that does not answer does not hold the job.
    threading.Thread(target=ask, name="validate", daemon=True).start()
    while True:
        try:
            return asked.result(timeout=LOOK_SECONDS)
        except NotYet:
            try:
                check()
            except QuillkeepError:
                _stop(database, session.session_id)
                raise


def _stop(database: Database[Any], session: Mapping[str, Any]) -> None:
    """Ends what runs in a session of our own, which every user may."""
    import contextlib

    from pymongo.errors import PyMongoError

    with contextlib.suppress(
        PyMongoError
    ):  # Not stopped, the command ends by itself and its answer is not read.
        database.client.admin.command({"killSessions": [dict(session)]})


def _write_out(database: Database[Any]) -> bool:
    """Has the server write what it holds in memory, so that its files can be looked at; False where it may not."""
    from pymongo.errors import PyMongoError

    try:
        database.client.admin.command("fsync")
    except PyMongoError:
        return False
    return True


def _in_use(reply: Mapping[str, Any]) -> bool:
    return any(_IN_USE in str(text) for text in reply.get("warnings") or ())


def read_reply(name: str, reply: Mapping[str, Any], *, full: bool) -> list[Finding]:
    """What an answer of the command means; nothing for a collection that is whole."""
    findings = []
    broken = _broken_words(reply)
    if broken:
        findings.append(
            Finding(
                kind="server-validate",
                status="fail",
                what=f"MongoDB's own validate says that {name} is not valid: {broken}.",
                collection=name,
                count=max(1, int(reply.get("nInvalidDocuments") or 0)),
            )
        )
    odd = int(reply.get("nNonCompliantDocuments") or 0)
    warnings = [str(text) for text in reply.get("warnings") or ()]
    if odd or any(_NOT_COMPLIANT in text for text in warnings):
        how_many = counted(odd, "documents") if odd else "Documents"
        findings.append(
            Finding(
                kind="rejected-documents",
                status="warn",
                what=f"{how_many} of {name} {by_number(odd, 'does', 'do')} not pass the collection's own validator.",
                collection=name,
                count=max(1, odd),
                next="The server's log names them (id 5363500); correct them or the validator.",
            )
        )
    untold = [text for text in warnings if _IN_USE in text]
    if untold:
        findings.append(
            Finding(
                kind="server-incomplete",
                status="unknown",
                what=f"MongoDB could not look at {counted(len(untold), 'files')} of {name}, which were in use; "
                "its documents and indexes were compared.",
                collection=name,
                count=len(untold),
                next="Stop the application and run `quillkeep validate --full` again."
                if full
                else "Validate again.",
            )
        )
    findings += [
        Finding(
            kind="server-warning",
            status="warn",
            what=f"MongoDB's own validate of {name} warns: {_plain(text)}.",
            collection=name,
        )
        for text in warnings
        if not broken and _IN_USE not in text and _NOT_COMPLIANT not in text
    ]
    return findings


def _broken_words(reply: Mapping[str, Any]) -> str:
    if reply.get("valid", True) and not reply.get("errors"):
        return ""
    words = [_plain(str(text)) for text in (reply.get("errors") or ())[:2]]
    for key, what in (
        ("corruptRecords", "records that cannot be read"),
        ("missingIndexEntries", "documents that an index lacks"),
        ("extraIndexEntries", "index entries without their document"),
    ):
        if reply.get(key):
            words.append(f"{len(reply[key]):,} {what}")
    if reply.get("nInvalidDocuments"):
        words.append(f"{counted(int(reply['nInvalidDocuments']), 'documents')} are no BSON")
    bad = [
        index for index, told in dict(reply.get("indexDetails") or {}).items() if not told.get("valid", True)
    ]
    if bad:
        words.append(f"{by_number(len(bad), 'index', 'indexes')} {', '.join(bad[:5])}")
    return "; ".join(words) or "it gives no reason"


def _plain(text: str) -> str:
    from services.redact import redact

    return redact(text)[:300].rstrip(".")
