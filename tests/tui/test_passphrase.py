"""The console asks for the passphrase of an encrypted backup: masked, tried at once, kept for the session alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from services.looking.opening import OpeningAnswer, OpeningRequest
from services.paths import Paths
from services.profile import Location, Profile
from services.redact import redact
from tests.support import FIXTURE_PASSPHRASE, FIXTURES
from tests.tui.archives_support import archives, catalog, row, told
from tests.tui_support import Console, opened, run

LOCKED = catalog(row(0, encrypted="gpg"), row(1))
CLOSED = OpeningAnswer(
    why="no-passphrase", what="It is encrypted with gpg, and no passphrase is known.", next=""
)
WRONG = OpeningAnswer(
    why="passphrase", what="It does not open: wrong passphrase or option.", next="Try again."
)


def machine(opens: Any) -> Any:
    """Archives with an encrypted backup first; `opens` is how the look answers."""
    return archives({"catalog": LOCKED, "opening": opens})


async def listed(console: Console) -> None:
    """Until the backups are there."""
    await console.until("2 backups, newest first")


async def asked(console: Console) -> None:
    """Up to the masked line."""
    await listed(console)
    await console.press("v", "enter")
    await console.until("Its passphrase?")


def test_it_is_asked_for_tried_and_kept() -> None:
    seen: list[OpeningRequest] = []
    answers = [CLOSED, WRONG, OpeningAnswer(), OpeningAnswer()]

    def opens(request: OpeningRequest) -> OpeningAnswer:
        seen.append(request)
        return answers[len(seen) - 1]

    async def test() -> None:
        manager, backend = machine(opens)
        async with manager as console:
            await asked(console)
            assert backend.started == []
            await console.type("wrong one")
            assert "wrong one" not in console.text and console.app.screen.query_one(Input).password
            await console.press("enter")
            await console.until("wrong passphrase or option")
            assert backend.started == []
            await console.press("ctrl+u")
            await console.type("right one")
            await console.press("enter")
            await console.until(lambda: backend.started)
            verb, _, profile = backend.started[0]
            assert verb == "verify" and profile.passphrase.reveal() == "right one"
            assert "right one" not in redact("it is: right one.") and "right one" not in console.text
            await listed(console)
            await console.press("v", "enter")
            await console.until(lambda: len(backend.started) == 2)
            assert len(seen) == 4 and seen[0].backup == LOCKED.backups[0]

    run(test())


def test_escape_begins_nothing_and_an_empty_one_is_said() -> None:
    async def test() -> None:
        manager, backend = machine(CLOSED)
        async with manager as console:
            await asked(console)
            await console.press("enter")
            await console.until("An empty passphrase opens nothing.")
            await console.press("escape")
            await told(console, "no passphrase was given")
            assert backend.started == []
            await console.press("down", "v", "enter")
            await console.until(lambda: backend.started)

    run(test())


@pytest.mark.parametrize("why", ["public-key", "no-gpg", "form"])
def test_what_no_passphrase_opens_is_left_to_the_job_to_say(why: str) -> None:
    async def test() -> None:
        manager, backend = machine(OpeningAnswer(why=why, what="It needs something else."))
        async with manager as console:
            await listed(console)
            await console.press("v", "enter")
            await console.until(lambda: backend.started)
            assert "Its passphrase?" not in console.text

    run(test())


def test_on_a_real_backup_the_job_gets_it(tmp_path: Path) -> None:
    """The look tries the file's first bytes in a child process; the job's verdict is that of the plain twin."""
    location = tmp_path / "backups"
    location.mkdir(mode=0o700)
    shutil.copy(FIXTURES / "quilltap-20261101.gz.gpg", location)
    profile = Profile(locations=(Location(name="disk", path=str(location)),))

    async def test() -> None:
        async with opened(profile, Paths(tmp_path / "state"), mode="archives", size=(120, 40)) as console:
            await console.until("quilltap-20261101.gz.gpg")
            await console.press("v", "enter")
            await console.until("Its passphrase?")
            await console.type("wrong")
            await console.press("enter")
            await console.until("wrong passphrase or option")
            await console.press("ctrl+u")
            await console.type(FIXTURE_PASSPHRASE)
            await console.press("enter")
            await console.until(lambda: console.app.store.profile.passphrase is not None)
            await told(console, "ended")
            assert FIXTURE_PASSPHRASE not in console.text

    run(test())
    journals = list((tmp_path / "state").rglob("*"))
    assert journals
    for path in journals:
        if path.is_file():
            assert FIXTURE_PASSPHRASE.encode() not in path.read_bytes(), path
