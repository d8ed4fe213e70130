"""Every picture there is."""

from __future__ import annotations

from tests.pictures import recording
from tests.pictures.scene import Scene
from tests.tui_support import Console


async def settled(console: Console) -> None:
    """As it opens."""
    await console.pilot.pause(0.3)


HEALTH = (Scene("health", settled, jobs=lambda: recording.jobs("healthy")),)

SCENES: tuple[Scene, ...] = (*HEALTH,)
