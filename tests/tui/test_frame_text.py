"""Dialogs that show a text or an error: copied, saved as a new private file, never over another one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from services.catalog.scan import Catalog
from services.errors import UsageProblem
from services.profile import Profile
from tests.recorded import RecordedBackend
from tests.tui_support import Console, opened, run
from tui.saving import save_new
from tui.store import Problem

TEXT = "mongorestore --archive=F --gzip\n" + "\n".join(f"line {number}" for number in range(60))


def backend() -> RecordedBackend:
    return RecordedBackend(looks={"catalog": Catalog(backups=())})


async def save_as(console: Console, path: Path) -> None:
    await console.press("s")
    await console.until("Save to which file?")
    await console.press("ctrl+u")
    await console.type(str(path))
    await console.press("enter")


def test_text_is_scrolled_copied_and_saved(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(Profile(name="prod"), backend()) as console:
            console.app.show_text("Stock commands", TEXT, name="commands.sh")
            await console.until("Stock commands")
            assert "PROD" in console.text
            assert "line 59" not in console.text
            await console.press("end")
            assert "line 59" in console.text
            await console.press("y")
            assert console.app.clipboard == TEXT
            target = tmp_path / "commands.sh"
            await save_as(console, target)
            await console.until(target.exists)
            assert target.read_text() == TEXT
            assert stat.S_IMODE(os.stat(target).st_mode) == 0o600
            await console.until("Saved as")
            await console.press("escape")
            assert "Stock commands" not in console.text

    run(test())


def test_saving_never_overwrites(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(Profile(name="prod"), backend()) as console:
            console.app.show_text("Text", "one", name="a.txt")
            await console.until("Text")
            target = tmp_path / "a.txt"
            target.write_text("mine")
            await save_as(console, target)
            await console.until("exists already")
            assert target.read_text() == "mine"
            await console.press("escape", "escape")
            assert "Text" not in console.text

    run(test())


def test_the_proposed_path_is_in_the_home_folder() -> None:
    async def test() -> None:
        async with opened(Profile(name="prod"), backend()) as console:
            console.app.show_text("Text", "one", name="a.txt")
            await console.until("Text")
            await console.press("s")
            await console.until("~/a.txt")

    run(test())


def test_problem_says_its_four_sentences_and_no_secret() -> None:
    async def test() -> None:
        problem = Problem(
            what="The database did not answer.",
            cause="mongodb://admin:s3cr3tpass@db:27017 [/x] refused",
            touched="Nothing was changed.",
            next="Look again with r.",
        )
        async with opened(Profile(name="prod"), backend()) as console:
            console.app.show_problem(problem)
            await console.until("did not answer")
            for word in ("Cause", "Touched", "Next", "[/x]"):
                assert word in console.text
            assert "s3cr3tpass" not in console.text
            await console.press("y")
            assert "s3cr3tpass" not in console.app.clipboard
            assert "Look again" in console.app.clipboard

    run(test())


@pytest.mark.parametrize(
    ("named", "told"), [("", "No file"), ("/tmp", "folder"), ("/nowhere/x", "no folder")]
)
def test_what_cannot_be_a_file_is_said(named: str, told: str) -> None:
    with pytest.raises(UsageProblem, match=told):
        save_new(named, "text")
