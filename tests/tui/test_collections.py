"""Collections on recorded answers: what stands first, what is not known, filters, hostile names."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from services.errors import QuillkeepError
from services.looking.collections import CollectionLive
from services.looking.collections_held import CollectionsHeldAnswer
from tests.pictures import collections_answers as answers
from tests.pictures import recording
from tests.pictures.rest import press
from tests.recorded import Silent
from tests.tui.archives_support import NASTY
from tests.tui.collections_support import NOW, broken, collections, line, names
from tests.tui_support import run
from tui.screens.collections import CollectionsScreen
from widgets.glyphs import Glyphs
from widgets.inventory_table import InventoryTable

HANG_SECONDS = 3.0
"""A key that takes so long hangs."""


def test_what_is_broken_stands_first_and_says_the_way_back() -> None:
    async def test() -> None:
        manager, _ = collections(broken())
        async with manager as console:
            await console.until("broken: chats, files; gone: tags; fell: memories")
            assert names(console)[:6] == ["chats", "files", "memories", "tags", "chat_messages", "users"]
            assert "against quilltap_20261123_020000, 11h old" in console.text
            assert "3 chats name characters that do not exist." in console.text
            assert "Enter shows the next step; R restores chats from quilltap_20261123_020000" in console.text
            assert "✗ fail 2h    ✗ 1" in await line(console, "chats")
            memories = await line(console, "memories")
            assert "! -2,708 shrank" in memories and "· never" in memories
            tags = await line(console, "tags")
            assert "! gone" in tags and "ok" not in tags
            assert "R restores it from the newest good backup, quilltap_20261123_020000" in console.text
            assert "? outdated" in await line(console, "sessions")
            for words in ("d documents", "c compare", "f severity", "s save"):
                assert words in console.text

    run(test())


def test_nothing_found_is_said_only_when_somebody_looked() -> None:
    async def test() -> None:
        manager, _ = collections()
        async with manager as console:
            await console.until("✓ Nothing found in 18 collections; the oldest validation is 2h old.")
        held = answers.held_answer(validated={"chats": answers.validation("chats")})
        manager, _ = collections({"collections_held": held})
        async with manager as console:
            await console.until("? Nothing fell or is gone; 17 of 18 not validated yet: V validates all.")
        outdated = {
            name: replace(one, replaced=True) for name, one in answers.held_answer().validated.items()
        }
        manager, _ = collections({"collections_held": answers.held_answer(validated=outdated)})
        async with manager as console:
            await console.until("none validated yet")
            assert "? outdated" in console.text

    run(test())


def test_wide_shows_the_facts_and_ascii_is_ascii() -> None:
    async def test() -> None:
        manager, _ = collections(broken(), size=(200, 40), glyphs=Glyphs(utf8=False))
        async with manager as console:
            await console.until("broken: chats")
            assert "TREND" in console.text and "ON DISK" in console.text and "BEFORE" in console.text
            await press(console.pilot, "down", "down")
            assert "1,204 documents, 1.3 MB" in console.text and "3,912 documents" in console.text
            assert "-2,708 shrank" in console.text and "then live" in console.text
            assert console.text.isascii(), {char for char in console.text if not char.isascii()}

    run(test())


def test_a_dead_database_shows_what_the_newest_backup_holds() -> None:
    async def test() -> None:
        down = QuillkeepError(
            "MongoDB at db1.example.org does not answer.", cause="Refused.", next="Look whether it runs."
        )
        manager, _ = collections({"collections": down})
        async with manager as console:
            await console.until("The database gave no answer")
            assert (
                "IN BACKUP" in console.text
                and "does not answer" in console.text
                and "Look whether" in console.text
            )
            assert "3,912" in await line(console, "memories") and "not read" in await line(
                console, "memories"
            )
            screen = console.app.screen
            assert isinstance(screen, CollectionsScreen)
            for action in ("validate", "documents", "compare"):
                assert "gave no answer" in screen.why_disabled(action)
            assert not screen.why_disabled("restore"), "what is lost can be restored all the same"
        manager, backend = collections({"collections": Silent})
        async with manager as console:
            await console.until(
                "Asking the database since 13:20:00 UTC; so far the newest good backup's rows."
            )
            assert "3,912" in await line(console, "memories")
            await press(console.pilot, "r")
            assert backend.silenced == 1, "one that hangs is not asked twice"

    run(test())


def test_dead_backups_and_nothing_at_all() -> None:
    async def test() -> None:
        dead = QuillkeepError(
            "The folder of the backups did not answer in 12 s.", next="Check that it is mounted."
        )
        manager, _ = collections({"collections_held": dead})
        async with manager as console:
            await console.until("the backups could not be read")
            assert "Check that it is mounted." in console.text and "no backup" in await line(console, "chats")
        empty = CollectionsHeldAnswer(why="There is no backup yet: 2 Archives, then b, makes one.")
        nothing = replace(
            answers.live_answer(),
            collections=(),
            problems=("The database quilltap is empty or does not exist.",),
        )
        manager, _ = collections({"collections": nothing, "collections_held": empty})
        async with manager as console:
            await console.until("There is no backup yet")
            assert (
                "There is no live collection." in console.text
                and "is empty or does not exist" in console.text
            )
            assert names(console) and "not there" in await line(console, "users")
        manager, _ = collections({"collections": dead, "collections_held": dead})
        async with manager as console:
            await console.until("What is live is not known, and no good backup says what was.")
            screen = console.app.screen
            assert isinstance(screen, CollectionsScreen)
            assert (
                screen.why_disabled("filter")
                and screen.why_disabled("save")
                and screen.why_disabled("restore")
            )
            await press(console.pilot, "v", "d", "c", "R", "s", "f", "enter", "y")
            assert console.app.screen is screen
        manager, _ = collections({"collections": Silent, "collections_held": Silent})
        async with manager as console:
            await console.until("Asking the database, and reading what the backups hold.")
            assert "Since 13:20:00 UTC." in console.text

    run(test())


def test_what_no_backup_holds_cannot_be_restored() -> None:
    async def test() -> None:
        manager, _ = collections(broken())
        async with manager as console:
            await console.until("broken: chats")
            console.app.screen.query_one(InventoryTable).go_to("notes_2019")
            await console.pilot.pause()
            screen = console.app.screen
            assert isinstance(screen, CollectionsScreen)
            assert screen.why_disabled("restore") == "No good backup holds it."
            assert "does not hold it" in screen.why_disabled("compare")
            assert "unknown to this version" in console.text and "new, unknown" in await line(
                console, "notes_2019"
            )
            await press(console.pilot, "R")
            assert console.app.screen is screen

    run(test())


def test_another_profile_asks_again_and_shows_nothing_of_the_last() -> None:
    async def test() -> None:
        other = replace(recording.PROFILE, name="other")
        manager, backend = collections(broken())
        async with manager as console:
            await console.until("broken: chats")
            backend._looks["collections"] = answers.live_answer(CollectionLive(name="of_other", documents=1))
            backend._looks["collections_held"] = answers.held_answer()
            console.app.store.set_profile(other)
            await console.until("of_other")
            assert "broken" not in console.text

    run(test())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_hostile_names(size: tuple[int, int]) -> None:
    async def test() -> None:
        odd = tuple(CollectionLive(name=name, documents=3, bytes=9, indexes=()) for name in NASTY)
        found = {
            name: answers.validation(name, replace(answers.DANGLING, what=name, examples=NASTY, good_in=name))
            for name in NASTY
        }
        held = answers.held_answer()
        looks = {
            "collections": answers.live_answer(*odd),
            "collections_held": replace(held, validated={**held.validated, **found}),
        }
        manager, _ = collections(looks, size=size)
        async with manager as console:
            await console.until("broken:")
            for _ in NASTY:
                text = console.text
                assert "\x1b" not in text and "\u202e" not in text
                assert all(cell_len(line) <= size[0] for line in text.splitlines())
                await press(console.pilot, "down")
            for name in NASTY[:3]:
                console.app.screen.query_one(InventoryTable).go_to(name)
                await press(console.pilot, "enter", "enter", "escape", "left", "left", "escape")
            assert isinstance(console.app.screen, CollectionsScreen)
            await press(console.pilot, "s")
            assert "\x1b" not in console.app.screen._text  # type: ignore[attr-defined]

    run(test())


def test_it_stays_still() -> None:
    """Nothing repaints by itself: an hour later the same frame stands there."""

    async def test() -> None:
        manager, backend = collections(broken())
        async with manager as console:
            await console.until("broken: chats")
            before = console.text
            backend._now = NOW + timedelta(hours=1)
            await asyncio.sleep(0.3)
            await console.pilot.pause()
            assert console.text == before

    run(test())


def test_two_thousand_collections_hang_no_key() -> None:
    many = tuple(
        CollectionLive(name=f"c{n:04}", documents=n, bytes=n * 1_000, indexes=(answers.ID_INDEX,))
        for n in range(2_000)
    )

    async def test() -> None:
        manager, _ = collections({"collections": answers.live_answer(*many)})
        async with manager as console:
            await console.until("c0001")
            for key in ("end", "home", "pagedown", "f", "f", "f", "slash", "c", "1", "9", "escape"):
                began = time.process_time()
                await press(console.pilot, key)
                assert time.process_time() - began < HANG_SECONDS, key
            assert len(names(console)) == 2_018

    run(test())
