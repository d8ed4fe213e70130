"""Collections on a recorded machine, for its tests."""

from __future__ import annotations

from typing import Any

from tests.pictures import collections_answers as answers
from tests.pictures import recording
from tests.recorded import RecordedBackend
from tests.tui_support import Console, opened
from widgets.inventory_table import InventoryTable

NOW = recording.now()


def collections(looks: dict[str, Any] | None = None, **more: Any) -> tuple[Any, RecordedBackend]:
    """Collections on a recorded machine."""
    size, glyphs, profile = (
        more.pop("size", (80, 24)),
        more.pop("glyphs", None),
        more.pop("profile", recording.PROFILE),
    )
    every = {"catalog": recording.look("catalog"), **answers.looks(), **(looks or {})}
    backend = RecordedBackend(looks=every, now=NOW, **more)
    return opened(profile, backend, mode="collections", size=size, glyphs=glyphs), backend


def broken() -> dict[str, Any]:
    return answers.looks(answers.broken_live(), answers.broken_held())


def names(console: Console) -> list[str]:
    return [row.key for row in console.app.screen.query_one(InventoryTable).rows]


async def line(console: Console, name: str) -> str:
    """The row of a collection, scrolled to."""
    console.app.screen.query_one(InventoryTable).go_to(name)
    await console.pilot.pause()
    return next(one for one in console.text.splitlines() if one.startswith(f"> {name} "))
