"""A comparison of one collection by document: recorded results, every key, hostile ids, and real servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.errors import QuillkeepError
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.diff_model import (
    CollectionDiff,
    DiffPlan,
    DiffResult,
    DocumentDiff,
    DocumentsDiff,
    FieldChange,
)
from services.operations.result import failure_document
from services.paths import Paths
from services.profile import Profile
from tests.pictures.rest import press
from tests.recorded import RecordedBackend
from tests.support import make_context
from tests.tui.test_compare import NASTY, PROFILE, A, finished, held, journal, result
from tests.tui_support import Console, opened, run
from tui.screens.archives import ArchivesScreen
from tui.screens.compare import CompareScreen
from tui.screens.compare_documents import CompareDocumentsScreen
from tui.screens.restore.wizard import RestoreScreen
from tui.screens.text import SaveModal, TextModal
from widgets.inventory_table import InventoryTable

FIELDS = (
    FieldChange(path="title", a='"old"', b='"new"'),
    FieldChange(path="passwordHash", secret=True),
    FieldChange(path="tags[2]", kind="added", b='"late"'),
    FieldChange(path="age", kind="type", types="int -> string", a="1", b='"1"'),
)


def documents(*examples: DocumentDiff, **more: Any) -> DiffResult:
    """`chats` differs in these documents."""
    fields: dict[str, Any] = {"added": 1, "removed": 1, "changed": 1, "same": 415, **more}
    row = CollectionDiff(
        name="chats",
        state="differs",
        a=held(417),
        b=held(417, "f" * 16),
        documents=DocumentsDiff(examples=examples, **fields),
    )
    return result(collections=(row,), objects=None)


SOME = (
    DocumentDiff(id='{"$oid": "5f1c"}', own_id="chat-1", state="changed", fields=FIELDS, more_fields=2),
    DocumentDiff(id='{"$oid": "5f1d"}', state="added"),
    DocumentDiff(id='{"$oid": "5f1e"}', state="removed", note="It was written while it was compared."),
)


def recorded(*answers: Any) -> RecordedBackend:
    return RecordedBackend(journals={"diff": journal(*(finished(one) for one in answers))})


async def compare(console: Console, a: str = A, b: str = "live") -> CompareDocumentsScreen:
    screen = CompareDocumentsScreen(a, b, "chats")
    await console.app.push_screen(screen)
    await press(console.pilot)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_counts_ids_and_paths(size: tuple[int, int]) -> None:
    async def test() -> None:
        backend = recorded(documents(*SOME, changed=12))
        async with opened(PROFILE, backend, size=size, mode="archives") as console:
            screen = await compare(console)
            await console.until("1 only live, 1 only backup, 12 changed; 415 the same; 3 shown")
            plan = backend.started[0][1]
            assert plan == DiffPlan(
                a=A, b="live", collections=("chats",), documents=True, values=False, alone=True
            )
            assert "chats:  A quilltap_20261120_020000" in console.text
            line = console.line("chat-1 ")
            assert "! changed" in line and "title, passwordHash" in line
            assert "passwordHash: (its values are never shown)" in console.text
            assert "(Enter)" in console.text
            await press(console.pilot, "down")
            assert "only live:  _id 5f1d" in console.text
            await press(console.pilot, "down")
            assert "It was written while it was compared." in console.text
            assert screen.why_disabled("unknown") == ""

    run(test())


def test_values_are_asked_for_by_a_key_of_their_own() -> None:
    async def test() -> None:
        backend = recorded(documents(*SOME))
        async with opened(PROFILE, backend, mode="archives") as console:
            screen = await compare(console)
            await console.until("the same")
            await press(console.pilot, "v")
            await console.until(lambda: len(backend.started) == 2)
            assert backend.started[1][1] == DiffPlan(
                a=A, b="live", collections=("chats",), documents=True, values=True, alone=True
            )
            await console.until(lambda: screen.why_disabled("values") == "The values are shown already.")
            await console.until('title: backup "old"  live "new"')
            await press(console.pilot, "enter")
            shown = console.app.screen
            assert isinstance(shown, TextModal)
            for words in (
                'backup "old"',
                'live "late"',
                "backup (absent)",
                "age (int -> string)",
                "and 2 fields more",
            ):
                assert words in shown.text, words
            await press(console.pilot, "escape")

    run(test())


def test_values_come_back_to_the_document_that_was_looked_at() -> None:
    async def test() -> None:
        async with opened(PROFILE, recorded(documents(*SOME)), mode="archives") as console:
            screen = await compare(console)
            await console.until("the same")
            await press(console.pilot, "end", "v")
            await console.until(lambda: screen.why_disabled("values") == "The values are shown already.")
            assert "5f1e" in console.line("> ")

    run(test())


def test_every_other_key() -> None:
    async def test() -> None:
        backend = recorded(documents(*SOME))
        async with opened(PROFILE, backend, mode="archives") as console:
            screen = await compare(console)
            await console.until("the same")
            copied: list[str] = []
            console.app.copy_to_clipboard = copied.append  # type: ignore[method-assign,assignment]
            await press(console.pilot, "y", "s")
            assert "# `chats` document by document" in copied[0] and "chat-1" in copied[0]
            saving = console.app.screen
            assert (
                isinstance(saving, SaveModal) and "passwordHash: (its values are never shown)" in saving._text
            )
            await press(console.pilot, "escape", "slash", *"5f1e", "enter")
            assert len(screen.query_one(InventoryTable).rows) == 1
            await press(console.pilot, "escape", "t")
            assert isinstance(console.app.screen, TextModal)
            await press(console.pilot, "escape", "r")
            await console.until(lambda: len(backend.started) == 2)
            await press(console.pilot, "R")
            await console.until(lambda: isinstance(console.app.screen, RestoreScreen))
            await press(console.pilot, "2", "escape")
            assert isinstance(console.app.screen, ArchivesScreen)

    run(test())


def test_the_same_none_and_failed() -> None:
    same = CollectionDiff(name="chats", state="same", a=held(5), b=held(5))
    error = QuillkeepError("The database does not answer.", next="Start it.")
    for answer, words in (
        (result(collections=(same,), objects=None), "same: the same by content"),
        (result(collections=()), "says nothing of this collection"),
        (failure_document(error), "The database does not answer."),
    ):

        async def test(answer: Any = answer, words: str = words) -> None:
            async with opened(PROFILE, recorded(answer), mode="archives") as console:
                screen = await compare(console)
                await console.until(words)
                assert screen.why_disabled("values") and screen.why_disabled("filter")
                await press(console.pilot, "v", "slash", "enter", "escape")
                assert isinstance(console.app.screen, ArchivesScreen)

        run(test())


def test_the_first_look_is_quick_and_d_goes_down() -> None:
    async def test() -> None:
        backend = recorded(result())
        async with opened(PROFILE, backend, mode="archives") as console:
            screen = CompareScreen(A)
            await console.app.push_screen(screen)
            await console.until("differs:")
            assert backend.started[0][1] == DiffPlan(a=A, b="live", documents=False)
            await press(console.pilot, "d")
            inner = console.app.screen
            assert isinstance(inner, CompareDocumentsScreen)
            assert backend.started[1][1].collections == ("chats",)  # type: ignore[attr-defined]
            await press(console.pilot, "escape")
            screen.query_one(InventoryTable).go_to("collection:gone")
            assert "Only one side has it" in screen.why_disabled("documents")
            screen.query_one(InventoryTable).go_to("object:changed:0")
            assert "No collection" in screen.why_disabled("documents")
            screen.query_one(InventoryTable).go_to("collection:users")
            await press(console.pilot, "enter")
            assert isinstance(console.app.screen, CompareDocumentsScreen)

    run(test())


def test_hostile_ids_paths_and_values() -> None:
    async def test() -> None:
        found = tuple(
            DocumentDiff(
                id=name,
                own_id=name,
                state="changed",
                fields=(FieldChange(path=name, a=name, b=name),),
                note=name,
            )
            for name in NASTY
        )
        async with opened(PROFILE, recorded(documents(*found)), mode="archives") as console:
            screen = await compare(console)
            await console.until("the same")
            for _ in NASTY:
                assert "\x1b" not in console.text and "\u202e" not in console.text
                await press(console.pilot, "enter", "escape", "down")
            assert console.app.screen is screen and "\x1b" not in screen.markdown()

    run(test())


def test_on_a_real_server(profile: Profile, db: Database[Any], tmp_path: Path) -> None:
    db["users"].insert_many(
        [{"_id": n, "id": f"u{n}", "name": f"n{n}", "passwordHash": "$2b$one"} for n in range(50)]
    )
    db["tags"].insert_one({"_id": 1})
    state = tmp_path / "state"
    made = backup(BackupPlan(only="database"), make_context(profile, state)).id
    db["users"].update_one({"_id": 7}, {"$set": {"name": "other", "passwordHash": "$2b$two"}})
    db["users"].delete_one({"_id": 8})
    db["users"].insert_one({"_id": 99, "id": "u99"})

    async def test() -> None:
        async with opened(profile, Paths(state), mode="archives") as console:
            screen = CompareDocumentsScreen(made, "live", "users")
            await console.app.push_screen(screen)
            await console.until("1 only live, 1 only backup, 1 changed; 48 the same", seconds=60)
            assert "passwordHash" in console.text and "$2b$" not in console.text
            await console.press("v")
            await console.until('name: backup "n7"  live "other"', seconds=60)
            assert "$2b$" not in console.text and "$2b$" not in screen.markdown()

    run(test())
