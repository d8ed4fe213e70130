"""Answers of the look at integrity for its screen's tests: real checks of the catalogue, invented results."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from services.catalog.model import Backup, CheckStatus
from services.findings import Finding
from services.jobs.events import AnyEvent, PhaseStarted, Progress, Started
from services.looking.integrity import (
    LIVE_VERBS,
    BackupSeen,
    CheckAbout,
    CheckSeen,
    IntegrityAnswer,
    IntegrityRequest,
    LiveSeen,
    RunSeen,
)
from services.profile import Profile
from tests.recorded import NOW, RecordedBackend
from tests.tui.archives_support import PROD, foreign, row
from tests.tui_support import Console, opened
from widgets.inventory_table import InventoryTable

ABOUT = (
    CheckAbout(
        name="manifest", decides="backup", depth="quick", says="It can be read.", reads="the manifest"
    ),
    CheckAbout(name="checksum-file", decides="database", depth="quick", says="It is right.", reads="it"),
    CheckAbout(name="object-sizes", decides="objects", depth="quick", says="All have it.", reads="sizes"),
    CheckAbout(name="archive", decides="database", depth="full", says="It is whole.", reads="every byte"),
    CheckAbout(name="objects", decides="objects", depth="full", says="All are whole.", reads="every object"),
    CheckAbout(name="pairs", decides="data", depth="full", subject="both", says="All pair.", reads="both"),
    CheckAbout(name="pepper", decides="data", depth="full", subject="both", says="It opens.", reads="keys"),
    CheckAbout(
        name="references", decides="data", depth="deep", subject="both", says="All lead.", reads="ids"
    ),
    CheckAbout(name="deep-load", decides="database", depth="deep", says="It loads.", reads="documents"),
)
NAMES = tuple(one.name for one in ABOUT)
_DEPTHS = ("quick", "full", "deep")
_WORST = ("fail", "unknown", "warn", "skipped", "ok")
_LETTER = {"ok": "o", "warn": "w", "fail": "f", "skipped": "s", "unknown": "u"}
MISSING = Finding(
    kind="missing-object",
    status="fail",
    what="2 rows have no object.",
    collection="files",
    user="u1",
    count=2,
    examples=("users/u1/IMAGE/1_a.png", "users/u1/IMAGE/2_b.png"),
    good_in="quilltap_20261121_021400",
    next="Restore them.",
)
DANGLING = Finding(
    kind="dangling-reference",
    status="warn",
    what="1 chat has messages that are gone.",
    collection="chats",
    good_in="quilltap_20261121_021400",
    restore=("chats", "chat_messages"),
)
LIVE = (
    LiveSeen(
        verb="pairs",
        status="fail",
        at=NOW - timedelta(hours=3),
        job="20261122_001400",
        depth="shallow",
        summary="12 rows, 10 objects: 2 missing",
        findings=(MISSING,),
        told=("missing users/u1/IMAGE/1_a.png: a.png, of Ana, used by the avatar of Bo",),
    ),
    LiveSeen(
        verb="validate",
        status="warn",
        at=NOW - timedelta(days=1),
        job="20261121_031400",
        summary="24 collections, 1 finding",
        findings=(DANGLING,),
    ),
    LiveSeen(verb="pepper-check"),
)
NEVER_LIVE = tuple(LiveSeen(verb=verb) for verb in LIVE_VERBS)


def seen(
    backup: Backup,
    depth: str = "",
    days: float = 0.0,
    results: Mapping[str, tuple[CheckStatus, str]] | None = None,
) -> BackupSeen:
    """A backup that was verified at a depth so many days ago; checks without a result ended ok."""
    at, given = NOW - timedelta(days=days), results or {}
    reach = _DEPTHS.index(depth) if depth else -1
    checks = tuple(
        CheckSeen(
            name=one.name,
            status=given.get(one.name, ("ok", ""))[0],
            at=at,
            depth=depth,  # type: ignore[arg-type]
            decides=one.decides,
            detail=given.get(one.name, ("ok", "as it should be"))[1],
            next=f"Do something about {one.name}." if one.name in given else "",
            job="20261120_020000",
        )
        for one in ABOUT
        if _DEPTHS.index(one.depth) <= reach
    )
    states = {check.name: _LETTER[check.status] for check in checks}
    return BackupSeen(
        backup=backup,
        states="".join(states.get(name, "-") for name in NAMES),
        proven_at=at if reach > 0 else None,
        looked_at=at if reach >= 0 else None,
        wrong=tuple(check for check in checks if check.status != "ok"),
        checks=tuple(sorted(checks, key=lambda check: _WORST.index(check.status))),
        runs=(RunSeen(at=at, depth=depth, status="ok"),) if depth else (),  # type: ignore[arg-type]
    )


def answer(*backups: BackupSeen, **other: Any) -> IntegrityAnswer:
    """The whole answer."""
    return IntegrityAnswer(**{"backups": backups, "names": NAMES, "about": ABOUT, "live": LIVE, **other})


SOME = answer(
    seen(row(0)),
    seen(row(1), "full", 0.2),
    seen(row(2), "full", 2, {"objects": ("fail", "3_photo.png: another sha256"), "pairs": ("warn", "1 row")}),
    seen(row(3), "quick", 1),
    seen(row(4), "deep", 9, {"pepper": ("skipped", "no pepper is configured")}),
    seen(row(5), "full", 30, {"archive": ("unknown", "no permission to read it")}),
    seen(foreign(6, "old/backup-20261117.gz")),
    seen(row(7, parts=("objects",), good_parts=("objects",)), "full", 5),
)


def look(given: IntegrityAnswer) -> Any:
    """What the look answers, about all and about one."""

    def asked(request: IntegrityRequest) -> IntegrityAnswer:
        if not request.backup:
            return given
        one = next(one for one in given.backups if one.backup.id == request.backup)
        return msgspec.structs.replace(given, backups=(one,), live=())

    return asked


def integrity(
    given: Any = None,
    *,
    profile: Profile = PROD,
    size: tuple[int, int] = (80, 24),
    glyphs: Any = None,
    **other: Any,
) -> tuple[Any, RecordedBackend]:
    """Integrity on a recorded machine, and that machine."""
    asked = look(SOME) if given is None else look(given) if isinstance(given, IntegrityAnswer) else given
    backend = RecordedBackend(looks={"integrity": asked}, **other)
    return opened(profile, backend, mode="integrity", size=size, glyphs=glyphs), backend


async def shown(console: Console, count: int = 9) -> None:
    """Waits until the matrix has so many rows."""
    await console.until(lambda: len(console.app.screen.query_one(InventoryTable).rows) == count)


def ids(console: Console) -> list[str]:
    """The first cells of the rows, as the table has them."""
    return [one.cells[0] for one in console.app.screen.query_one(InventoryTable).rows]


def cursor(console: Console) -> str:
    """The first cell under the cursor."""
    found = console.app.screen.query_one(InventoryTable).cursor
    return found.cells[0] if found else ""


def journal(verb: str, *events: AnyEvent, plan: dict[str, Any] | None = None) -> list[AnyEvent]:
    """A job that has just begun, and what it has said since."""
    started = Started(
        at=NOW,
        job="20261122_031400",
        verb=verb,
        plan=plan or {},
        profile="prod",
        pid=1,
        process_started="1",
        boot_id="b",
        host="db1",
        machine_id="m",
        user="maren",
        version="0.1.0",
    )
    return [started, *events]


def phase(detail: str, done: int) -> list[AnyEvent]:
    """A phase of 100 bytes, some of them done."""
    return [
        PhaseStarted(at=NOW, phase="verify", detail=detail, total=100),
        Progress(at=NOW, phase="verify", done=done, total=100),
    ]


async def on(console: Console, backup: str) -> None:
    """The cursor on a backup."""
    await shown(console)
    while cursor(console)[1:] != backup[-15:]:
        await console.press("down")
