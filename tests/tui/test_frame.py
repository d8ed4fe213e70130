"""The frame: the first frame needs no connection, the modes follow their keys."""

from __future__ import annotations

from services.catalog.scan import Catalog
from services.profile import Profile
from tests.recorded import RecordedBackend, Silent
from tests.tui_support import opened, run


def test_first_frame_waits_for_nothing() -> None:
    async def test() -> None:
        backend = RecordedBackend(looks={"catalog": Silent})
        async with opened(Profile(name="prod"), backend) as console:
            assert "PROD" in console.line("no database")

    run(test())


def test_number_keys_switch_modes() -> None:
    async def test() -> None:
        backend = RecordedBackend(looks={"catalog": Catalog(backups=())})
        async with opened(Profile(name="prod"), backend) as console:
            for key, title in (("2", "Archives"), ("6", "Jobs"), ("1", "Health")):
                await console.press(key)
                assert f"[{key} {title}]" in console.text

    run(test())
