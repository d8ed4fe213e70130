"""What the keys of Collections start and open, and what they refuse, on a recorded machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual import events

from services.jobs.events import AnyEvent, Finished, PhaseStarted, Progress
from services.jobs.listing import JobSummary
from services.validating.model import ValidatePlan
from tests.pictures import collections_answers as answers
from tests.pictures import recording
from tests.pictures.rest import press
from tests.pictures.scenes_backups import READ_ONLY
from tests.tui.collections_support import NOW, broken, collections, line, names
from tests.tui_support import run
from tui.screens.collection_detail import CollectionDetailScreen
from tui.screens.collections import CollectionsScreen
from tui.screens.compare_documents import CompareDocumentsScreen
from tui.screens.documents import DocumentsScreen
from tui.screens.restore.wizard import RestoreScreen
from tui.screens.text import SaveModal
from widgets.inventory_table import InventoryTable


def test_filters_and_severity() -> None:
    async def test() -> None:
        manager, _ = collections(broken())
        async with manager as console:
            await console.until("broken: chats")
            await press(console.pilot, "f")
            assert names(console) == ["chats", "files", "memories", "tags", "chat_messages", "users"]
            assert "with findings (f)" in console.text
            await press(console.pilot, "f")
            assert names(console) == ["chats", "files", "memories", "tags"]
            await press(console.pilot, "slash")
            await console.type("mem")
            assert names(console) == ["memories"]
            await press(console.pilot, "enter", "escape")
            assert len(names(console)) == 19, "Escape shows all again"
            await press(console.pilot, "slash")
            await console.type("character")
            assert "chats" in names(console), "words of findings are found too"
            await press(console.pilot, "escape", "slash")
            await console.type("zzz")
            await console.until("Nothing here has these words.")
        manager, _ = collections()
        async with manager as console:
            await console.until("Nothing found")
            await press(console.pilot, "f")
            await console.until("Nothing here: with findings only.")

    run(test())


def finished(status: str = "warn", **result: Any) -> Finished:
    document = {"status": status, "warnings": [], "summary": "18 collections; 2 findings", **result}
    return Finished(at=NOW, status=status, exit_code=3, result=document)


def test_validate_says_what_it_locks_and_only_y_starts_it() -> None:
    async def test() -> None:
        manager, backend = collections(broken(), journals={"validate": [finished()]})
        async with manager as console:
            await console.until("broken: chats")
            for key in ("enter", "n", "escape"):
                await press(console.pilot, "v")
                await console.until("Validate chats?")
                assert "It locks the collection" in " ".join(console.text.replace("│", " ").split())
                assert "> q quick" in console.text
                await press(console.pilot, key)
                assert backend.started == []
            await press(console.pilot, "v", "f")
            assert "> f full" in console.text and "the full one, as a job" in console.text
            await press(console.pilot, "y")
            await console.until(lambda: backend.started)
            await press(console.pilot, "V", "q", "y")
            await console.until(lambda: len(backend.started) == 2)
            assert [(verb, plan) for verb, plan, _ in backend.started] == [
                ("validate", ValidatePlan(collections=("chats",), full=True)),
                ("validate", ValidatePlan(collections=(), full=False)),
            ]
            await console.until(
                lambda: any("ended warn: 18 collections" in one.message for one in console.app._notifications)
            )

    run(test())


def test_what_is_typed_ahead_goes_to_the_question() -> None:
    async def test() -> None:
        manager, backend = collections()
        async with manager as console:
            await console.until("Nothing found")
            for key in ("v", "c", "d", "R"):
                console.app.post_message(events.Key(key, key))
            await console.until("Validate accounts?")
            await press(console.pilot, "escape")
            assert backend.started == [] and isinstance(console.app.screen, CollectionsScreen)

    run(test())


def test_a_validation_is_watched_and_goes_on_when_left() -> None:
    going: list[AnyEvent] = [
        PhaseStarted(at=NOW, phase="server", detail="validating chat_messages", total=100),
        Progress(at=NOW, phase="server", done=42, total=100, detail="validating chat_messages"),
    ]

    async def test() -> None:
        manager, backend = collections(journals={"validate": going})
        async with manager as console:
            await console.until("Nothing found")
            await press(console.pilot, "v", "y")
            await console.until("▶ validating: validating chat_messages 42%; 18 live")
            assert "▶ running" in await line(console, "accounts") and "running" not in await line(
                console, "api_keys"
            )
            await press(console.pilot, "2", "5")
            await console.until("▶ running")
            assert backend.cancelled == [] and len(backend.started) == 1

    run(test())


def test_a_validation_that_somebody_else_began_is_said() -> None:
    async def test() -> None:
        running = JobSummary(
            id="20261123_131900", verb="validate", state="running", started=NOW, progress=0.4
        )
        manager, backend = collections(jobs=[running])
        async with manager as console:
            await console.until("▶ validating (job 20261123_131900) 40%; 18 live")
            backend._jobs = [replace(running, state="succeeded", finished=NOW)]
            console.app.look_at_jobs()
            await console.until(lambda: "validating" not in console.text)

    run(test())


def test_jobs_of_others_are_heard_of() -> None:
    asked: list[str] = []

    def counting(name: str, answer: Any) -> Callable[[Any], Any]:
        def look(_: Any) -> Any:
            asked.append(name)
            return answer

        return look

    def summary(job: str, verb: str) -> JobSummary:
        return JobSummary(id=job, verb=verb, state="succeeded", started=NOW, finished=NOW)

    async def test() -> None:
        looks = {
            "collections": counting("live", answers.live_answer()),
            "collections_held": counting("held", answers.held_answer()),
        }
        manager, backend = collections(looks, jobs=[summary("1", "validate")])
        async with manager as console:
            await console.until("Nothing found")
            assert sorted(asked) == ["held", "live"]
            for job, verb, expected in (
                ("2", "pairs", ["held"]),
                ("3", "restore", ["held", "live"]),
                ("4", "diff", []),
            ):
                asked.clear()
                backend._jobs = [*backend._jobs, summary(job, verb)]
                console.app.look_at_jobs()
                await console.until(
                    lambda job=job: any(one.id == job for one in console.app.store.jobs.value or ())
                )
                await asyncio.sleep(0.1)
                await console.pilot.pause()
                assert sorted(asked) == expected, verb
            asked.clear()
            await press(console.pilot, "r")
            await console.until(lambda: sorted(asked) == ["held", "live"])

    run(test())


def test_keys_open_what_they_name() -> None:
    async def test() -> None:
        manager, backend = collections(broken())
        async with manager as console:
            await console.until("broken: chats")
            for key, kind in (
                ("enter", CollectionDetailScreen),
                ("d", DocumentsScreen),
                ("c", CompareDocumentsScreen),
            ):
                await press(console.pilot, key)
                await console.until(lambda kind=kind: isinstance(console.app.screen, kind))
                await press(console.pilot, "escape")
            assert isinstance(console.app.screen, CollectionsScreen)
            plan = backend.started[0][1]
            assert (plan.a, plan.b, plan.collections, plan.alone) == (  # type: ignore[attr-defined]
                "quilltap_20261123_020000",
                "live",
                ("chats",),
                True,
            )
            copied: list[str] = []
            console.app.copy_to_clipboard = copied.append
            await press(console.pilot, "y")
            assert copied == ["chats"]
            await press(console.pilot, "s")
            saving = console.app.screen
            assert isinstance(saving, SaveModal)
            assert "| `memories` | live | 1,204 | 3,912 | ! -2,708 shrank, -" in saving._text
            assert (
                "good in `quilltap_20261122_020000`" in saving._text
                and "2 files have no object" in saving._text
            )
            await press(console.pilot, "escape", "down", "down", "down", "d")
            await console.until(
                lambda: any("not live any more" in one.message for one in console.app._notifications)
            )

    run(test())


@pytest.mark.parametrize("profile", [recording.PROFILE, READ_ONLY], ids=["may-write", "read-only"])
def test_restore_opens_the_wizard_on_exactly_what_brings_it_back(profile: Any) -> None:
    async def test() -> None:
        for row, backup, wanted in (
            ("chats", "quilltap_20261123_020000", ("chats",)),
            ("memories", "quilltap_20261123_020000", ("memories",)),
            ("files", "quilltap_20261123_020000", ()),
        ):
            looks = {
                **broken(),
                "contents": recording.look("contents"),
                "preflight": recording.look("preflight"),
            }
            manager, backend = collections(
                {**looks, "live": recording.look("live"), "bucket": recording.look("bucket")}, profile=profile
            )
            async with manager as console:
                await console.until("broken: chats")
                await console.until(lambda: console.app.store.catalog.value is not None)
                console.app.screen.query_one(InventoryTable).go_to(row)
                await press(console.pilot, "R")
                await console.until(lambda: isinstance(console.app.screen, RestoreScreen))
                wizard = console.app.screen
                assert isinstance(wizard, RestoreScreen)
                assert wizard.state.backup is not None and wizard.state.backup.id == backup
                assert wizard.state.collections == wanted
                assert wizard.state.only == (None if wanted else "objects")
                assert backend.started == []

    run(test())
