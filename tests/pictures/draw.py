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


async def draw(scene: Scene, size: tuple[int, int]) -> str:
    """One picture; ids that differ from run to run are made the same."""
    app = scene.app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await scene.lead(pilot)
        return _UNIQUE.sub("terminal-", app.export_screenshot(title="Quillkeep", simplify=True))


def main() -> None:
    """Draws them all anew; one that is no longer drawn goes."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    FOLDER.mkdir(exist_ok=True)
    drawn = set()
    for scene in SCENES:
        for size in scene.sizes:
            if scene.no_color:
                os.environ["NO_COLOR"] = "1"
            path = FOLDER / f"{scene.name}-{size[0]}x{size[1]}.svg"
            path.write_text(asyncio.run(draw(scene, size)))
            os.environ.pop("NO_COLOR", None)
            drawn.add(path)
    for path in FOLDER.glob("*.svg"):
        if path not in drawn:
            path.unlink()
    print(f"{len(drawn)} pictures in {FOLDER.name}/", file=sys.stderr)


if __name__ == "__main__":
    main()
