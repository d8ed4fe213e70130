"""What the look before a restore asks, by the rules the plan itself refuses by."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import humanize
import pymongo
from pymongo.errors import PyMongoError

from services.catalog.model import Backup, CheckStatus
from services.errors import QuillkeepError, Refused
from services.looking.preflight import PreflightAnswer, PreflightCheck, PreflightRequest
from services.mongo.commands import server_words
from services.mongo.connect import host_of, list_live
from services.mongo.space import Space, space_for
from services.names import is_ours
from services.passphrase import key_of
from services.profile import Profile
from services.recovery import guards
from services.recovery.contents import DatabaseContents, read_contents
from services.recovery.request import RestoreRequest, Row
from services.recovery.rows import action_for, selected_names
from services.recovery.session import Session, open_session
from services.recovery.writers import Writers, look

CONNECT_SECONDS = 5.0
"""How long the server may take to let us in."""
ASK_SECONDS = 8.0
"""How long the server may take over everything else."""
APP_SECONDS = 5.0
"""How long the application's status command or health URL is waited for."""
LATER = "The plan tells it, when it has read the whole dump."


def ask(asked: PreflightRequest, profile: Profile) -> PreflightAnswer:
    """The answer of `services.looking.preflight.look`."""
    checks = list(_of_database(asked, profile))
    checks += _of_backup(asked.backup)
    return PreflightAnswer(checks=tuple(checks))


def _of_backup(backup: Backup) -> Iterator[PreflightCheck]:
    risks, words = guards.deployment(backup)
    for risk in risks:
        yield PreflightCheck(
            name="deployment",
            status="warn",
            detail=f"The backup is another deployment's: {risk.detail}.",
            next="The plan asks for this as a risk of its own.",
        )
    for word in words:
        yield PreflightCheck(name="deployment", status="warn", detail=word)


def _of_database(asked: PreflightRequest, profile: Profile) -> Iterator[PreflightCheck]:
    request = asked.request
    try:
        with ExitStack() as stack:
            with pymongo.timeout(CONNECT_SECONDS):
                session = stack.enter_context(open_session(profile, request.to_database))
            server = session.server
            kind = "replica set" if server.replica_set else "sharded" if server.mongos else "standalone"
            yield _check("connection", "ok", f"MongoDB {server.version} at {server.host} answers ({kind}).")
            with pymongo.timeout(ASK_SECONDS):
                yield from _of_session(asked, profile, session)
    except Refused as refused:
        name = "rights" if profile.mongo is not None else "connection"
        yield _check(name, "fail", refused.what, refused.next)
    except QuillkeepError as error:
        next = f"{error.next} A restore needs the database running.".strip()
        yield _check("connection", "fail", f"{error.what} {error.cause}".strip(), next)
    except PyMongoError as error:
        host = host_of(profile.mongo) if profile.mongo else ""
        yield _check(
            "connection",
            "unknown",
            f"MongoDB at {host} stopped answering: {server_words(error)}",
            "Look again.",
        )


def _of_session(asked: PreflightRequest, profile: Profile, session: Session) -> Iterator[PreflightCheck]:
    request, backup = asked.request, asked.backup
    contents, trouble = _contents(asked, profile, session)
    if trouble is not None:
        yield trouble
    live = list_live(session.database)
    rows: list[Row] = []
    if contents is not None:
        try:
            names = selected_names(contents, request)
        except Refused as refused:
            names = []
            yield _check("collections", "fail", refused.what, refused.next)
        rows = [
            Row(
                name=name,
                live=None,
                backup=None,
                content="not compared yet",
                action=action_for(live.get(name), contents.collections[name].kind, request),
                kind=contents.collections[name].kind,
            )
            for name in names
            if not is_ours(name)
        ]
    missing = guards.rights(session, rows, live)
    if missing:
        yield _check("rights", "fail", missing[0], "Run that line in mongosh as an administrator.")
    else:
        user = session.rights.user
        yield _check("rights", "ok", f"The user {user} may." if user else "The server asks for no user.")
    yield from _space(request, contents, rows, session)
    refused_names = [*guards.names(session, rows), *guards.kinds(session, rows, request)]
    if refused_names:
        more = f" And {len(refused_names) - 1} more." if len(refused_names) > 1 else ""
        yield _check(
            "collections", "fail", f"{refused_names[0]}{more}", "Go back and choose other collections."
        )
    yield from _versions(session, contents)
    waiting = guards.unfinished(session)
    held = guards.locked(session)
    if waiting:
        yield _check("other restores", "fail", waiting[0], "Finish or undo it first.")
    elif held:
        yield _check("other restores", "fail", held[0], "Wait for it, or see `quillkeep unlock`.")
    else:
        yield _check("other restores", "ok", "Nobody else restores, and none was interrupted.")
    yield _writers(profile, session, application=request.to_database is None)
    yield from _pepper(profile, contents, backup)


def _contents(
    asked: PreflightRequest, profile: Profile, session: Session
) -> tuple[DatabaseContents | None, PreflightCheck | None]:
    """The database part of a backup of ours; a foreign one would have to be read to its end."""
    backup, request = asked.backup, asked.request
    if request.only == "objects" or backup.database_path is None or backup.kind != "quillkeep":
        return None, None
    try:
        return read_contents(
            backup,
            limits=profile.limits,
            from_database=request.from_database,
            target_database=session.database.name,
            check=lambda: None,
            advance=lambda _: None,
            key=key_of(profile),
        ), None
    except QuillkeepError as error:
        return None, _check("backup", "fail", f"{error.what} {error.cause}".strip(), error.next)
    except OSError as error:
        return None, _check(
            "backup",
            "fail",
            f"Its manifest cannot be read: {error.strerror}.",
            "Choose another backup, or check the disk it lies on.",
        )


def _space(
    request: RestoreRequest, contents: DatabaseContents | None, rows: list[Row], session: Session
) -> Iterator[PreflightCheck]:
    if request.only == "objects":
        return
    if contents is None:
        yield _check("space", "skipped", f"How much it needs is not known yet. {LATER}")
        return
    chosen = [contents.collections[row.name] for row in rows]
    sizes = [entry.index_bytes for entry in chosen]
    known = [size for size in sizes if size is not None]
    found = space_for(
        session.database,
        data_bytes=0 if request.in_place else sum(entry.bytes for entry in chosen),
        index_bytes=sum(known) if len(known) == len(sizes) else None,
        replica_set=session.server.replica_set is not None,
    )
    yield _space_check(found)


def _space_check(found: Space) -> PreflightCheck:
    refusals, risks = guards.space(found)
    words = f"{guards.space_words(found)[0].upper()}{guards.space_words(found)[1:]}."
    if refusals:
        short = humanize.naturalsize(found.needed - (found.free or 0), binary=True)
        return _check(
            "space",
            "fail",
            f"{words} {short} too little: a full disk would take the server down.",
            "Release rollback copies, free space, or restore fewer collections.",
        )
    if risks:
        return _check("space", "warn", words, "The plan asks for this as the risk `unknown-space`.")
    return _check("space", "ok", words)


def _versions(session: Session, contents: DatabaseContents | None) -> Iterator[PreflightCheck]:
    if contents is None:
        return
    words = guards.versions(session, contents)
    if words:
        yield _check("server version", "warn", words[0])
    elif contents.server_version:
        yield _check(
            "server version",
            "ok",
            f"The backup is from MongoDB {contents.server_version}, this is {session.server.version}.",
        )
    for risk in guards.weak_guard(session):
        yield _check(
            "server version", "warn", f"{risk.detail}.", f"The plan asks for the risk `{risk.word}`."
        )


def _writers(profile: Profile, session: Session, *, application: bool) -> PreflightCheck:
    """The application is asked in a thread that is left behind: its status command may hang."""
    found: list[Writers] = []
    trouble: list[Exception] = []

    def run() -> None:
        try:
            found.append(look(profile, session, is_application=application))
        except (QuillkeepError, PyMongoError, OSError) as error:
            trouble.append(error)

    thread = threading.Thread(target=run, name="application", daemon=True)
    thread.start()
    thread.join(APP_SECONDS)
    if not found:
        why = f" ({server_words(trouble[0])})" if trouble and isinstance(trouble[0], PyMongoError) else ""
        return _check(
            "application",
            "unknown",
            f"Whether the application runs was not told in {APP_SECONDS:.0f} s{why}.",
            "Try the profile's app.status command or health_url by hand.",
        )
    writers = found[0]
    risks, words = guards.writers(writers, session, profile)
    if writers.stopped:
        return _check("application", "ok", f"Nobody writes: {writers.how}. {' '.join(words)}".strip())
    if risks:
        return _check(
            "application",
            "warn",
            f"{writers.detail[0].upper()}{writers.detail[1:]}.",
            "Stop the application now (only it, not MongoDB), or the plan asks for the risk `writers`.",
        )
    return _check("application", "ok", " ".join(words))


def _pepper(profile: Profile, contents: DatabaseContents | None, backup: Backup) -> Iterator[PreflightCheck]:
    if contents is None:
        return
    facts, warnings = guards.pepper(profile, contents.manifest)
    if warnings:
        yield _check("pepper", "warn", warnings[0])
    elif facts:
        yield _check("pepper", "ok", facts[0])
    else:
        yield _check("pepper", "skipped", f"{backup.id} holds no check of the pepper.")


def _check(name: str, status: CheckStatus, detail: str, next: str = "") -> PreflightCheck:
    return PreflightCheck(name=name, status=status, detail=detail, next=next)
