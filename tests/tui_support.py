"""Opens the console for a test, drives it by keys, and reads what stands on the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from textual.pilot import Pilot

from services.paths import Paths
from services.profile import Profile
from tui.app import QuillkeepApp
from tui.backend import Backend, Machine
from tui.store import Store
from widgets.glyphs import Glyphs

T = TypeVar("T")
PATIENCE = 20.0


class Console:
    """An open console: keys go in, the screen's text comes out."""

    def __init__(self, app: QuillkeepApp, pilot: Pilot[int | None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Keys, one after the other, each handled before the next."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Letters as keys; characters with names of their own (`/`, `_`, `-`) included."""
        named = {
            "/": "slash",
            "_": "underscore",
            "-": "minus",
            ".": "full_stop",
            ":": "colon",
            " ": "space",
            "@": "at",
            "[": "left_square_bracket",
        }
        await self.press(*(named.get(char, char) for char in text))

    @property
    def text(self) -> str:
        """The screen as lines of text."""
        return text_of(self.app)

    def line(self, part: str) -> str:
        """The first line that holds `part`, empty when none does."""
        return next((line for line in self.text.splitlines() if part in line), "")

    async def until(self, seen: str | Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Waits until a text stands on the screen, or something holds; shows the screen when it never does."""
        deadline = time.monotonic() + seconds
        holds = (lambda: seen in self.text) if isinstance(seen, str) else seen
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"never seen: {seen}\n{self.text}")
            await self.pilot.pause(0.05)


def text_of(app: QuillkeepApp) -> str:
    """What the compositor would draw, without styles."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


@asynccontextmanager
async def opened(
    profile: Profile,
    backend: Backend | Paths,
    *,
    size: tuple[int, int] = (80, 24),
    mode: str = "health",
    glyphs: Glyphs | None = None,
    app_options: Mapping[str, Any] | None = None,
    **store: Any,
) -> AsyncIterator[Console]:
    """The console on a profile, on this machine (`Paths`) or on a recorded one; more goes to the store."""
    machine = Machine(backend) if isinstance(backend, Paths) else backend
    more = dict(app_options or {})
    app = QuillkeepApp(Store(machine, profile, **store), glyphs=glyphs, start_mode=mode, **more)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield Console(app, pilot)


def run(test: Coroutine[Any, Any, T]) -> T:
    """Runs one asynchronous test."""
    return asyncio.run(test)
