"""An encrypted backup in the wizard: asked for where it is verified, then planned from like any other."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.paths import Paths
from services.profile import Profile
from tests.support import FIXTURE_PASSPHRASE, FIXTURES
from tests.tui.wizard_start_support import at_step, flat, to_step, until_said
from tests.tui_support import Console, opened, run


@pytest.fixture
def locked(profile: Profile, db: Database[Any], location: Path) -> Profile:
    """A live database, and an encrypted backup of it by other tools."""
    db["characters"].insert_one({"_id": 1})
    shutil.copy(FIXTURES / "quilltap-20261101.gz.gpg", location / "quilltap-20261101.gz.gpg")
    return profile


async def to_backup(console: Console) -> None:
    """Chooses the encrypted backup."""
    await to_step(console, 2)
    await until_said(console, "no passphrase is known")
    await console.press("enter")
    await console.until("Its passphrase?")


async def to_checks(console: Console) -> None:
    """Goes on with the whole database."""
    await console.until(lambda: at_step(console, 3))
    await until_said(console, "not counted")
    await console.press("enter")
    await until_said(console, "Restore the database quilltap of the backup into")
    await console.press("y")


def test_it_is_asked_for_with_the_choice_and_its_collections_are_known_from_then_on(
    locked: Profile, tmp_path: Path
) -> None:
    async def test() -> None:
        async with opened(locked, Paths(tmp_path / "state"), mode="restore", size=(120, 40)) as console:
            await to_backup(console)
            await console.type("wrong")
            await console.press("enter")
            await until_said(console, "wrong passphrase or option")
            await console.press("ctrl+u")
            await console.type(FIXTURE_PASSPHRASE)
            await console.press("enter")
            await until_said(console, "chat_messages")
            await to_checks(console)
            await until_said(console, "it can be restored")
            assert "every byte read" in flat(console)
            await console.press("enter")
            await console.until(lambda: at_step(console, 5))
            await until_said(console, "characters")
            await until_said(console, "40")
            assert "Its passphrase?" not in console.text and FIXTURE_PASSPHRASE not in console.text

    run(test())


def test_without_an_answer_the_checks_say_that_it_was_not_verified(locked: Profile, tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(locked, Paths(tmp_path / "state"), mode="restore", size=(120, 40)) as console:
            await to_backup(console)
            await console.press("escape")
            await console.until(lambda: at_step(console, 3))
            assert "no passphrase is known" in flat(console)
            await console.press("enter")
            if "Restore the database" in flat(console):
                await console.press("y")
            await console.until("Its passphrase?")
            await console.press("escape")
            await until_said(console, "did not start")
            assert at_step(console, 4)
            await console.press("v")
            await console.until("Its passphrase?")
            await console.press("escape")

    run(test())
