"""`python -m tests.pictures.draw`: every picture as `screenshots/<name>-<columns>x<rows>.svg`."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time

from tests.pictures.scene import Scene
from tests.pictures.scenes import SCENES
from tests.support import ROOT

FOLDER = ROOT / "screenshots"
_UNIQUE = re.compile(r"\bterminal-\d+-")


def named(scene: Scene, size: tuple[int, int]) -> str:
    """A picture's name."""
    return f"{scene.name}-{size[0]}x{size[1]}"


async def draw(scene: Scene, size: tuple[int, int]) -> str:
    """One picture; ids that differ from run to run are made the same."""
    app = scene.app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await scene.lead(pilot)
        return _UNIQUE.sub("terminal-", app.export_screenshot(simplify=True))


def main(wanted: tuple[str, ...]) -> int:
    """Draws all whose names begin with one of `wanted`; 1 when one could not be drawn. One that no longer exists goes."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    FOLDER.mkdir(exist_ok=True)
    known, failed = set(), 0
    for scene in SCENES:
        for size in scene.sizes:
            path = FOLDER / f"{named(scene, size)}.svg"
            known.add(path)
            if not scene.name.startswith(wanted):
                continue
            if scene.no_color:
                os.environ["NO_COLOR"] = "1"
            try:
                path.write_text(asyncio.run(draw(scene, size)))
            except Exception as error:  # noqa: BLE001 - told, and the others are drawn
                failed += 1
                print(f"{path.name}: {type(error).__name__}: {error}", file=sys.stderr)
            os.environ.pop("NO_COLOR", None)
    for path in FOLDER.glob("*.svg"):
        if path not in known:
            path.unlink()
    print(f"{len(known)} pictures in {FOLDER.name}/, {failed} of them not drawn", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or ("",)))
