"""The compare screen: the running job, the table, folding, every key, and what it says when nothing came of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.errors import QuillkeepError, Refused
from services.jobs.events import AnyEvent, Finished, PhaseStarted, Progress, Started
from services.objects.bucket import open_bucket
from services.objects.keys import Headers
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.diff_model import (
    CollectionDiff,
    DiffPlan,
    DiffResult,
    Held,
    ObjectsDiff,
    ObjectsHeld,
    SideSeen,
)
from services.operations.result import failure_document
from services.paths import Paths
from services.profile import BucketTarget, Profile
from tests.recorded import NOW, RecordedBackend
from tests.support import make_context
from tests.tui_support import Console, opened, run
from tui.screens.archives import ArchivesScreen
from tui.screens.compare import CompareScreen
from tui.screens.job import JobScreen
from tui.screens.text import SaveModal, TextModal
from widgets.glyphs import Glyphs
from widgets.inventory_table import InventoryTable

A = "quilltap_20261120_020000"
NASTY = ("[/x]b[bold", "esc\x1b[31m\x07", "new\nline", "right\u202eleft", "wide漢字" * 20, "n" * 255)


def held(documents: int, content: str = "0123456789abcdef") -> Held:
    return Held(documents=documents, bytes=documents * 1_234, content=content)


def result(**more: Any) -> DiffResult:
    rows = [
        CollectionDiff(name="chats", state="differs", a=held(60), b=held(60, "f" * 16)),
        CollectionDiff(
            name="users",
            state="differs",
            a=held(1_234_567),
            b=held(3),
            detail=("index by_email only in A", "option validator differs"),
        ),
        CollectionDiff(name="gone", state="only in A", a=held(5)),
        CollectionDiff(name="metrics", state="not compared", a=held(5), detail=("B was made without it",)),
        *(CollectionDiff(name=f"same_{n:02}", state="same", a=held(n), b=held(n)) for n in range(12)),
    ]
    fields: dict[str, Any] = {
        "status": "warnings",
        "verdict": "differs",
        "same": False,
        "a": SideSeen(id=A, created="2026-11-20T02:00:00Z", location="backups", database="quilltap"),
        "b": SideSeen(
            id="live",
            live=True,
            created="2026-11-22T03:14:00Z",
            database="quilltap",
            objects="the bucket quilltap-files",
        ),
        "collections": tuple(rows),
        "objects": ObjectsDiff(
            a=ObjectsHeld(count=4_000, bytes=9_000_000),
            b=ObjectsHeld(count=3_990, bytes=8_900_000),
            same=3_957,
            removed=42,
            added=32,
            changed=1,
            examples={
                "removed": tuple(f"users/u-{n:04}/IMAGE/picture.png" for n in range(20)),
                "added": ("users/new/" + "x" * 200,),
                "changed": ("users/u/avatar.png",),
            },
        ),
        "summary": "3 collections differ",
    }
    return DiffResult(**{**fields, **more})


def journal(*events: AnyEvent) -> list[AnyEvent]:
    started = Started(
        at=NOW,
        job="20261122_031400",
        verb="diff",
        plan={},
        profile="prod",
        pid=1,
        process_started="1",
        boot_id="recorded",
        host="nas",
        machine_id="m",
        user="ana",
        version="0",
    )
    return [started, *events]


def finished(document: DiffResult | dict[str, Any]) -> Finished:
    plain = document if isinstance(document, dict) else msgspec.to_builtins(document)
    code = 3 if plain["status"] == "warnings" else 0 if plain["status"] == "ok" else 1
    return Finished(at=NOW + timedelta(seconds=3), status=plain["status"], exit_code=code, result=plain)


def recorded(*events: AnyEvent) -> RecordedBackend:
    return RecordedBackend(journals={"diff": journal(*events)})


async def compare(console: Console, a: str = A, b: str = "live") -> CompareScreen:
    screen = CompareScreen(a, b)
    await console.app.push_screen(screen)
    await console.pilot.pause()
    return screen


def keys(screen: CompareScreen) -> list[str]:
    return [row.key for row in screen.query_one(InventoryTable).rows]


PROFILE = Profile(name="prod")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)])
def test_what_differs_first_and_the_same_folded(size: tuple[int, int]) -> None:
    async def test() -> None:
        backend = recorded(finished(result(warnings=("A is incomplete: x is gone.", "another"))))
        async with opened(PROFILE, backend, size=size, mode="archives") as console:
            screen = await compare(console)
            await console.until("differs:")
            assert isinstance(backend.started[0][1], DiffPlan)
            assert "A  quilltap_20261120_020000, 2026-11-20 02:00 UTC" in console.text
            assert "B  live, 2026-11-22 03:14 UTC" in console.text
            assert "! A is incomplete" in console.text
            assert keys(screen)[:4] == [
                "collection:chats",
                "collection:users",
                "collection:gone",
                "collection:metrics",
            ]
            assert "1,234,567" in console.line("users ")
            assert "same count and bytes, other content" in console.text
            assert not any("same_" in key for key in keys(screen))
            await console.press("down")
            assert "index by_email only in A" in console.text
            assert ("Bytes A" in console.text) == (size[0] >= 120)

    run(test())


def test_folding_objects_and_examples() -> None:
    async def test() -> None:
        async with opened(PROFILE, recorded(finished(result())), mode="archives") as console:
            screen = await compare(console)
            await console.until("differs:")
            assert "differs: 3 of 16 collections differ; 1 not compared; 75 objects differ" in console.text
            assert "Objects: 3,957 same, 1 changed, 42 only in A, 32 only in B" in console.text
            assert "1 object changed" in console.text and "42 objects only in A" in console.text
            await console.press("end")
            assert "3,957 objects are the same" in console.text
            assert "12 collections are the same" in console.text
            assert "A has 4,000 objects" in console.text
            assert "and 37 more" in console.text and "and 31 more" in console.text
            await console.press("up", "enter")
            assert "collection:same_00" in keys(screen)
            await console.press("u")
            assert "collection:same_00" not in keys(screen)
            screen.query_one(InventoryTable).go_to("object:added:0")
            await console.pilot.pause()
            assert console.text.count("…") >= 1, "a cut key ends in an ellipsis"

    run(test())


def test_every_key(tmp_path: Path) -> None:
    async def test() -> None:
        backend = recorded(finished(result()))
        async with opened(PROFILE, backend, mode="archives") as console:
            screen = await compare(console)
            await console.until("differs:")
            copied: list[str] = []
            console.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
            await console.press("y")
            assert "| `chats` | differs |" in copied[0] and "users/u/avatar.png" in copied[0]
            await console.press("s")
            assert isinstance(console.app.screen, SaveModal)
            await console.press("escape")
            for key, part in (("a", "They differ"), ("t", '"verdict": "differs"')):
                await console.press(key)
                assert isinstance(console.app.screen, TextModal) and part in console.app.screen.text
                await console.press("escape")
            await console.press("j")
            assert isinstance(console.app.screen, JobScreen)
            await console.press("escape")
            assert console.app.screen is screen
            await console.press("r")
            await console.until(lambda: len(backend.started) == 2)
            await console.until("differs:")
            await console.press("escape")
            assert isinstance(console.app.screen, ArchivesScreen)

    run(test())


def test_while_it_runs_nothing_is_said_that_is_not_known() -> None:
    async def test() -> None:
        events = (
            PhaseStarted(at=NOW, phase="database", detail="reading quilltap", total=1_000_000),
            Progress(at=NOW, phase="database", done=250_000, total=1_000_000, rate=50_000.0, eta=15.0),
        )
        backend = recorded(*events)
        async with opened(PROFILE, backend, mode="archives") as console:
            screen = await compare(console)
            await console.until("reading quilltap")
            assert "comparing since 03:14 UTC" in console.text and "25 %" in console.text
            assert "differ" not in console.text and "the same" not in console.text
            for action in ("unfold", "text", "copy", "save", "json"):
                assert screen.why_disabled(action) == "There is no result yet."
                assert screen.check_action(action, ()) is None
            assert "still runs" in screen.why_disabled("again")
            await console.press("u", "y", "s", "a", "t", "r", "enter")
            assert console.app.screen is screen and len(backend.started) == 1
            await console.press("escape")
            assert isinstance(console.app.screen, ArchivesScreen) and backend.cancelled == []
            await console.until("The comparison goes on")

    run(test())


def test_what_failed_says_why_and_what_next() -> None:
    async def test() -> None:
        error = QuillkeepError(
            "The database at db.example:27017 does not answer.",
            cause="connection refused",
            next="Start it, then compare again.",
        )
        backend = recorded(finished(failure_document(error)))
        async with opened(PROFILE, backend, mode="archives") as console:
            screen = await compare(console)
            await console.until("does not answer")
            for words in ("connection refused", "Nothing was changed.", "Start it", "r compares again"):
                assert words in console.text
            assert "did not come to a result" in screen.why_disabled("save")
            assert screen.why_disabled("again") == "" and screen.why_disabled("job") == ""

    run(test())


def test_a_job_that_may_not_start() -> None:
    class Refusing(RecordedBackend):
        def start_job(self, verb: str, plan: msgspec.Struct, profile: Profile) -> Any:
            raise Refused("The state folder cannot be written.", next="Check its owner.")

    async def test() -> None:
        async with opened(PROFILE, Refusing(), mode="archives") as console:
            screen = await compare(console)
            await console.until("state folder cannot be written")
            await console.press("escape")
            assert console.app.screen is screen and "There is no result" in console.text
            assert screen.why_disabled("job") and not screen.why_disabled("again")

    run(test())


@pytest.mark.parametrize("utf8", [True, False])
def test_hostile_names(utf8: bool) -> None:
    async def test() -> None:
        rows = tuple(CollectionDiff(name=name, state="differs", a=held(1), b=held(2)) for name in NASTY)
        objects = ObjectsDiff(
            a=ObjectsHeld(count=6),
            b=ObjectsHeld(),
            removed=6,
            examples={"removed": NASTY},
        )
        document = result(
            collections=rows, objects=objects, a=SideSeen(id=NASTY[1], created="2026-11-20T02:00:00Z")
        )
        async with opened(
            PROFILE, recorded(finished(document)), mode="archives", glyphs=Glyphs(utf8)
        ) as console:
            screen = await compare(console, NASTY[0], NASTY[3])
            await console.until("differs:")
            for _ in keys(screen):
                assert "\x1b" not in console.text and "\u202e" not in console.text
                assert utf8 or not set("→✓…─") & set(console.text)
                await console.press("down")
            await console.press("a")
            assert isinstance(console.app.screen, TextModal) and "\x1b" not in console.app.screen.text

    run(test())


def test_thousands_of_collections_are_quick() -> None:
    async def test() -> None:
        rows = tuple(
            CollectionDiff(name=f"c{n:04}", state="differs", a=held(n), b=held(n + 1)) for n in range(2_000)
        )
        async with opened(PROFILE, recorded(finished(result(collections=rows))), mode="archives") as console:
            screen = await compare(console)
            await console.until("differs:")
            assert len(keys(screen)) > 2_000
            await console.press("end", "home", "pagedown")
            assert "c0" in console.text

    run(test())


def test_on_real_servers(profile: Profile, db: Database[Any], bucket: BucketTarget, tmp_path: Path) -> None:
    """From Archives by the keys: a real backup against the live data, changed by one document and one object."""
    db.chats.insert_many([{"_id": number, "title": "t"} for number in range(20)])
    db.users.insert_one({"_id": 1})
    store = open_bucket(bucket)
    for number in range(3):
        store.put(f"users/u/{number}.png", b"x", size=1, headers=Headers())
    paths = Paths(tmp_path / "state")
    backup(BackupPlan(), make_context(profile, paths.state))
    db.chats.update_one({"_id": 7}, {"$set": {"title": "T"}})
    store.delete("users/u/1.png")

    async def test() -> None:
        async with opened(profile, paths, mode="archives") as console:
            await console.until("quilltap_20")
            await console.press("l")
            await console.until(lambda: isinstance(console.app.screen, CompareScreen))
            await console.until("differs:")
            assert "! differs" in console.line("chats") and "same count and bytes" in console.text
            assert "1 object only in A" in console.text and "users/u/1.png" in console.text
            assert "1 collection is the same" in console.text
            assert "2 objects are the same" in console.text

    run(test())
