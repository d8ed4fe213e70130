"""The question before a verify: quick, full, deep, and what a deep one in the live server asks first."""

from __future__ import annotations

from typing import Any

import pytest

from services.errors import QuillkeepError
from services.looking.deep_place import DeepPlaceAnswer, DeepPlaceRequest
from services.operations.verify_model import VerifyPlan
from tests.recorded import Silent
from tests.tui.archives_support import SOME, archives, listed
from tests.tui_support import run

ID = "quilltap_20261122_021400"
EMBEDDED = DeepPlaceAnswer(
    where="embedded", words="an embedded server with its data in /var/lib/quillkeep/deep"
)
LIVE = DeepPlaceAnswer(
    where="live", words="db.example:27017, database quilltap", reason="there is no embedded server here"
)
NOWHERE = DeepPlaceAnswer(
    where=None, reason="there is no embedded server here; this profile is READ-ONLY", next="Install it."
)


def console(answer: Any) -> Any:
    return archives({"catalog": SOME, "deep_place": answer})


def started(backend: Any) -> list[Any]:
    return [plan for verb, plan, _ in backend.started if verb == "verify"]


def test_deep_in_an_embedded_server_starts_at_once() -> None:
    asked: list[DeepPlaceRequest] = []

    def answer(request: DeepPlaceRequest) -> DeepPlaceAnswer:
        asked.append(request)
        return EMBEDDED

    async def test() -> None:
        manager, backend = console(answer)
        async with manager as shown:
            await listed(shown)
            await shown.press("v")
            await shown.until("loaded into a server")
            await shown.press("d")
            await shown.until(lambda: started(backend))
            assert started(backend) == [VerifyPlan(backup=ID, depth="deep")]
            assert asked == [DeepPlaceRequest(encrypted=False)]

    run(test())


@pytest.mark.parametrize("key", ["n", "enter", "escape", "q", "f", "d"])
def test_the_live_server_is_asked_for_and_only_y_says_yes(key: str) -> None:
    async def test() -> None:
        manager, backend = console(LIVE)
        async with manager as shown:
            await listed(shown)
            await shown.press("v", "d")
            await shown.until("aside in the live server?")
            assert "db.example:27017, database quilltap" in shown.text
            assert "Why there: there is no embedded server" in shown.text and "f Full" not in shown.text
            await shown.press(key)
            if key in ("q", "f", "d"):
                await shown.until("aside in the live server?")
                await shown.press("y")
                await shown.until(lambda: started(backend))
                assert started(backend) == [VerifyPlan(backup=ID, depth="deep", confirmed=True)]
            else:
                await shown.until(lambda: type(shown.app.screen).__name__ == "ArchivesScreen")
                assert not started(backend)

    run(test())


def test_without_a_place_it_says_why_and_the_others_still_work() -> None:
    async def test() -> None:
        manager, backend = console(NOWHERE)
        async with manager as shown:
            await listed(shown)
            await shown.press("v", "d")
            await shown.until("cannot run here")
            assert "READ-ONLY" in shown.text and "Install it." in shown.text
            await shown.press("f")
            await shown.until(lambda: started(backend))
            assert started(backend) == [VerifyPlan(backup=ID, depth="full")]

    run(test())


def test_a_look_that_fails_or_hangs_starts_nothing() -> None:
    async def test() -> None:
        manager, backend = console(QuillkeepError("This machine did not answer in 15 s."))
        async with manager as shown:
            await listed(shown)
            await shown.press("v", "d")
            await shown.until("did not answer")
            assert not started(backend)
        manager, backend = console(Silent)
        async with manager as shown:
            await listed(shown)
            await shown.press("v", "d")
            await shown.until("Looking where it can run")
            await shown.press("y", "enter")
            assert not started(backend)
            await shown.press("escape")
            assert not started(backend)

    run(test())
