"""The trash by keyboard: what lies there, its commands, and the way back of one backup."""

from __future__ import annotations

from typing import Any

from services.looking.trash import TrashAnswer
from tests.tui.archives_support import SOME, archives, listed, told
from tests.tui_support import run
from tui.screens.trash import TrashModal


def _entry(number: int, state: str = "trashed") -> dict[str, Any]:
    id = f"quilltap_2026111{number}_021400"
    return {
        "id": id,
        "key": f"backups/{id}~1",
        "entry": f"{id}~1",
        "location": "backups",
        "state": state,
        "bytes": 1_000_000,
        "deleted": "2026-11-21T10:00:00+00:00",
    }


def _look(*rows: dict[str, Any], warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"catalog": SOME, "trash": TrashAnswer(document={"trash": list(rows), "warnings": list(warnings)})}


def test_the_trash_is_found_from_the_list_and_brings_a_backup_back() -> None:
    async def test() -> None:
        manager, backend = archives(_look(_entry(5), _entry(4)))
        async with manager as console:
            await listed(console)
            for key in ("d delete", "c compare", "t trash", "p pin", "l with live"):
                assert key in console.text
            await console.press("t")
            await console.until("2 deleted backups")
            await console.until("quillkeep trash restore quilltap_20261115_021400")
            assert "quillkeep trash empty" in console.text
            await console.press("y")
            await told(console, "quillkeep trash restore quilltap_20261115_021400")
            await console.press("escape")
            assert not backend.started
            await console.press("t")
            await console.until("2 deleted backups")
            await console.press("down", "enter")
            await console.until(lambda: bool(backend.started))
            verb, plan, _ = backend.started[0]
            assert (verb, plan.entry) == ("trash-restore", "backups/quilltap_20261114_021400~1")

    run(test())


def test_nothing_in_it_and_half_gone_ones() -> None:
    async def test() -> None:
        manager, _ = archives(_look())
        async with manager as console:
            await listed(console)
            await console.press("t")
            await console.until("The trash is empty.")
            await console.press("enter")
            assert isinstance(console.app.screen, TrashModal)
        manager, backend = archives(_look(_entry(5, "emptying"), warnings=("nas cannot be read.",)))
        async with manager as console:
            await listed(console)
            await console.press("t")
            await console.until("nas cannot be read.")
            await console.press("enter")
            await console.until("half gone: it cannot come back")
            assert not backend.started

    run(test())
