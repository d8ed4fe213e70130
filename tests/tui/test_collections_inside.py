"""One collection, its documents and one document by keyboard, on recorded answers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from services.errors import QuillkeepError
from services.looking.document import DocumentAnswer, DocumentRequest
from services.looking.documents import DocumentRow, DocumentsAnswer, DocumentsRequest
from tests.pictures import collections_answers as answers
from tests.pictures import recording
from tests.pictures.rest import at_rest, press
from tests.recorded import Silent
from tests.tui.archives_support import NASTY
from tests.tui.collections_support import broken, collections, names
from tests.tui_support import Console, run
from tui.screens.collection_detail import CollectionDetailScreen
from tui.screens.collections import CollectionsScreen
from tui.screens.document import DocumentScreen, verdict_words
from tui.screens.documents import DocumentsScreen
from tui.screens.restore.wizard import RestoreScreen
from tui.screens.text import SaveModal, TextModal
from widgets.glyphs import Glyphs
from widgets.inventory_table import InventoryTable


async def opened_on(console: Console, name: str) -> CollectionDetailScreen:
    await console.until(lambda: name in names(console))
    await at_rest(console.pilot)
    console.app.screen.query_one(InventoryTable).go_to(name)
    await press(console.pilot, "enter")
    screen = console.app.screen
    assert isinstance(screen, CollectionDetailScreen)
    return screen


def test_findings_first_with_evidence_and_the_way_back() -> None:
    async def test() -> None:
        manager, _ = collections(broken())
        async with manager as console:
            await opened_on(console, "chats")
            assert "[Findings 1]" in console.text
            for words in (
                "✗ fail",
                "e.g. 5f1c2d3e-0001",
                "R restores characters from quilltap_20261122_020000",
                "Next: Restore",
            ):
                assert words in console.text
            await press(console.pilot, "enter")
            shown = console.app.screen
            assert isinstance(shown, TextModal) and "Good in:    quilltap_20261122_020000" in shown.text
            await press(console.pilot, "escape", "f", "f")
            assert "No finding is warn." in console.text and "warn only (f)" in console.text
            await press(console.pilot, "f", "f")
            copied: list[str] = []
            console.app.copy_to_clipboard = copied.append
            await press(console.pilot, "y", "s")
            assert "3 chats name" in copied[0]
            saving = console.app.screen
            assert (
                isinstance(saving, SaveModal)
                and "## Findings" in saving._text
                and "`by_name`" in saving._text
            )
            await press(console.pilot, "escape", "R")
            await console.until(lambda: isinstance(console.app.screen, RestoreScreen))
            wizard = console.app.screen
            assert isinstance(wizard, RestoreScreen) and wizard.state.collections == ("characters",)
            await press(console.pilot, "5", "escape")
            assert isinstance(console.app.screen, CollectionsScreen)

    run(test())


def at(wizard: RestoreScreen) -> tuple[str, tuple[str, ...]]:
    return wizard.state.step, wizard.state.collections


def test_another_choice_takes_the_place_of_a_wizard_that_nothing_was_entered_in() -> None:
    async def test() -> None:
        manager, _ = collections(broken())
        async with manager as console:
            await console.until("broken: chats")
            console.app.look_at("catalog")

            async def chosen(name: str) -> RestoreScreen:
                console.app.screen.query_one(InventoryTable).go_to(name)
                await press(console.pilot, "R")
                await console.until(lambda: isinstance(console.app.screen, RestoreScreen))
                await at_rest(console.pilot)
                assert isinstance(console.app.screen, RestoreScreen)
                return console.app.screen

            wizard = await chosen("memories")
            assert at(wizard) == ("backup", ("memories",))
            await press(console.pilot, "escape")
            assert at(wizard) == ("happened", ("memories",))
            await press(console.pilot, "5")
            await chosen("tags")
            assert at(wizard) == ("backup", ("tags",))
            assert wizard.state.backup is not None and "These collections were" in wizard.state.why
            await press(console.pilot, "enter")
            await console.until(lambda: at(wizard) == ("what", ("tags",)))
            await press(console.pilot, "5")
            await chosen("memories")
            assert at(wizard) == ("what", ("tags",)), "the admin took it"
            assert any(
                "what you chose now was not taken" in one.message for one in console.app._notifications
            )

    run(test())


def test_sections_of_a_collection() -> None:
    async def test() -> None:
        manager, _ = collections(broken())
        async with manager as console:
            await opened_on(console, "memories")
            assert "[Summary]" in console.text and "! -2,708 shrank, -" in console.text
            assert "█▁  7 good backups, then live" in console.text, "the trend ends in a fall"
            await press(console.pilot, "right")
            assert "Nobody has looked: it was never validated." in console.text
            await press(console.pilot, "tab")
            assert "[Indexes 3]" in console.text
            for words in ("✓ same", "! differs", "! not in backup"):
                assert words in console.text
            await press(console.pilot, "enter", "left", "escape")
            await opened_on(console, "sessions")
            await press(console.pilot, "right")
            assert "replaced by a restore" in console.text
            await press(console.pilot, "escape")
            await opened_on(console, "tags")
            assert "gone" in console.text and "[Summary]" in console.text
            await press(console.pilot, "left")
            assert "! only in backup" in console.text

    run(test())


def test_another_deployment_closes_what_is_open() -> None:
    async def test() -> None:
        manager, _ = collections(broken())
        async with manager as console:
            await opened_on(console, "chats")
            console.app.store.make_read_only()
            await at_rest(console.pilot)
            assert isinstance(console.app.screen, CollectionDetailScreen)
            console.app.store.set_profile(replace(recording.PROFILE, name="other"))
            await console.until(lambda: isinstance(console.app.screen, CollectionsScreen))
            await at_rest(console.pilot)
            await press(console.pilot, "d")
            assert isinstance(console.app.screen, DocumentsScreen)
            console.app.store.set_profile(recording.PROFILE)
            await console.until(lambda: isinstance(console.app.screen, CollectionsScreen))

    run(test())


async def documents(console: Console) -> DocumentsScreen:
    await console.until(lambda: bool(names(console)))
    await at_rest(console.pilot)
    console.app.screen.query_one(InventoryTable).go_to("chats")
    await press(console.pilot, "d")
    screen = console.app.screen
    assert isinstance(screen, DocumentsScreen)
    return screen


def test_documents_come_a_page_at_a_time_and_by_id() -> None:
    asked: list[DocumentsRequest] = []

    def look(request: DocumentsRequest) -> DocumentsAnswer:
        asked.append(request)
        return answers.documents_answer(request)

    async def test() -> None:
        manager, _ = collections({"documents": look})
        async with manager as console:
            await documents(console)
            assert "chats   100 documents, more follow" in console.text
            assert (
                "_id 000000000000000000000000" in console.text
                and "The lighthouse at Cabo Raso" in console.text
            )
            await press(console.pilot, "end")
            assert (
                len(names(console)) == 131
                and "131 documents" in console.text
                and "follow" not in console.text
            )
            assert asked[-1].after and len(asked) == 2
            await press(console.pilot, "end")
            assert len(asked) == 2, "the end is the end"
            await press(console.pilot, "slash", *"-0042-", "enter")
            assert asked[-1].find == "-0042-" and len(names(console)) == 1
            assert "ids that begin with -0042-" in console.text
            await press(console.pilot, "escape")
            assert len(names(console)) == 100
            await press(console.pilot, "slash", "z", "z", "enter")
            assert "No _id, id or chatId begins with zz." in console.text
            screen = console.app.screen
            assert isinstance(screen, DocumentsScreen) and screen.why_disabled("copy")
            await press(console.pilot, "escape", "r", "y", "escape")
            assert isinstance(console.app.screen, CollectionsScreen)

    run(test())


def test_documents_that_cannot_be_read_or_are_none() -> None:
    async def test() -> None:
        down = QuillkeepError("Reading chats failed.", cause="Refused.", next="Look again.")
        manager, _ = collections({"documents": down})
        async with manager as console:
            await documents(console)
            assert (
                "Which documents there are is not known." in console.text
                and "Reading chats failed." in console.text
            )
        manager, _ = collections({"documents": DocumentsAnswer(collection="chats")})
        async with manager as console:
            await documents(console)
            assert "The collection holds no document." in console.text
        manager, _ = collections({"documents": Silent})
        async with manager as console:
            await documents(console)
            assert "Reading the first documents." in console.text and "Since 13:20:00 UTC." in console.text

    run(test())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_one_document_beside_the_backup(size: tuple[int, int]) -> None:
    asked: list[DocumentRequest] = []

    def look(request: DocumentRequest) -> DocumentAnswer:
        asked.append(request)
        return answers.document_answer(request)

    async def test() -> None:
        manager, _ = collections({"document": look}, size=size)
        async with manager as console:
            await documents(console)
            await press(console.pilot, "enter")
            screen = console.app.screen
            assert isinstance(screen, DocumentScreen)
            assert (
                'title: "The lighthouse at Cabo Raso"' in console.text
                and "apiKey: (not shown)" in console.text
            )
            assert "Differences" not in console.text and screen.why_disabled("section")
            await press(console.pilot, "b")
            assert asked[-1].backup == "quilltap_20261123_020000"
            assert "differs: 3 fields are not as in quilltap_20261123_020000." in console.text
            assert "[Differences 3]" in console.text and "the values differ" in console.text
            assert 'backup  "The lighthouse at Cabo da Roca"' in console.text
            await press(console.pilot, "right")
            wide = size[0] >= 120
            assert ("Cabo da Roca" in console.text) == wide and "Cabo Raso" in console.text
            await press(console.pilot, "right")
            assert "Cabo da Roca" in console.text
            await press(console.pilot, "r")
            assert asked[-1].backup, "what was read beside it is read again"
            copied: list[str] = []
            console.app.copy_to_clipboard = copied.append
            await press(console.pilot, "y", "s")
            assert "Cabo" in copied[0] and isinstance(console.app.screen, SaveModal)
            await press(console.pilot, "escape", "R")
            await console.until(lambda: isinstance(console.app.screen, RestoreScreen))

    run(test())


def test_what_became_of_a_document_in_words() -> None:
    seen = answers.document_answer(DocumentRequest()).live
    backup = "quilltap_20261123_020000"
    for answer, words in (
        (DocumentAnswer(id="1", live=seen, kept=seen, backup=backup), "+ same: it is in"),
        (DocumentAnswer(id="1", live=None, kept=seen, backup=backup), "! gone: it is in"),
        (DocumentAnswer(id="1", live=seen, kept=None, backup=backup), "does not have it"),
        (DocumentAnswer(id="1", backup=backup), "neither live nor in"),
        (
            DocumentAnswer(id="1", kept=seen, backup=backup, problem="No answer."),
            "live is not known: No answer.",
        ),
        (DocumentAnswer(id="1"), "It is not live any more"),
    ):
        assert words in verdict_words(answer, Glyphs(utf8=False))
    assert verdict_words(DocumentAnswer(id="1", live=seen), Glyphs()) == ""


def test_a_backup_that_takes_too_long_names_the_job_that_does_not() -> None:
    slow = QuillkeepError("The document did not answer in 60 s.", next="Look again.")

    def look(request: DocumentRequest) -> DocumentAnswer:
        if request.backup:
            raise slow
        return answers.document_answer(request)

    async def test() -> None:
        manager, _ = collections({"document": look})
        async with manager as console:
            await documents(console)
            await press(console.pilot, "enter", "b")
            text = " ".join(console.text.split())
            assert "did not answer in 60 s." in text and "compares the whole collection as a job" in text
            assert "The lighthouse at Cabo Raso" in text, "what is live stays"

    run(test())


def test_hostile_ids_and_values() -> None:
    def look(request: DocumentsRequest) -> DocumentsAnswer:
        rows = tuple(
            DocumentRow(key=f'{{"_id": {place}}}', id=name, own=name, name=name, updated=name)
            for place, name in enumerate(NASTY)
        )
        return DocumentsAnswer(collection=request.collection, rows=rows)

    def one(request: DocumentRequest) -> DocumentAnswer:
        answer = answers.document_answer(request)
        assert answer.live is not None
        return replace(
            answer,
            id=NASTY[0],
            live=replace(answer.live, lines=NASTY),
            backup=NASTY[1] if request.backup else "",
        )

    async def test() -> None:
        manager, _ = collections({"documents": look, "document": one})
        async with manager as console:
            await documents(console)
            for _ in NASTY[:4]:
                await press(console.pilot, "enter", "b", "right")
                text = console.text
                assert "\x1b" not in text and "\u202e" not in text and "[/red]" in text
                await press(console.pilot, "escape", "down")
            assert isinstance(console.app.screen, DocumentsScreen)

    run(test())
