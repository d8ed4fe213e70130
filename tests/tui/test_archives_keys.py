"""What the keys of Archives start, and what they refuse, on a recorded machine."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from textual import events

from services.jobs.events import Finished
from services.jobs.listing import JobSummary
from services.operations.accept import AcceptPlan
from services.operations.pin import PinPlan
from services.operations.verify import VerifyPlan
from tests.recorded import NOW
from tests.tui.archives_support import (
    PROD,
    SOME,
    archives,
    catalog,
    cursor,
    listed,
    row,
    told,
)
from tests.tui_support import run


def test_verify_asks_how_deep() -> None:
    async def test() -> None:
        manager, backend = archives()
        async with manager as console:
            await listed(console)
            await console.press("v")
            await console.until("reads every byte")
            await console.press("escape")
            assert backend.started == []
            await console.press("v", "q")
            await console.until(lambda: backend.started)
            await console.press("v", "enter")
            await console.until(lambda: len(backend.started) == 2)
            plans = [(verb, plan) for verb, plan, _ in backend.started]
            assert plans == [
                ("verify", VerifyPlan(backup="quilltap_20261122_021400", depth="quick")),
                ("verify", VerifyPlan(backup="quilltap_20261122_021400", depth="full")),
            ]

    run(test())


@pytest.mark.parametrize(("key", "modal"), [("v", "DepthModal"), ("d", "DeleteModal"), ("a", "YesNoModal")])
def test_what_is_typed_ahead_never_acts_on_the_list(key: str, modal: str) -> None:
    async def test() -> None:
        manager, backend = archives()
        async with manager as console:
            await listed(console)
            await console.press("down")
            for one in (key, "p", "l", "c"):
                console.app.post_message(events.Key(one, one))
            await console.until(lambda: type(console.app.screen).__name__ == modal)
            await console.press("escape")
            assert not {verb for verb, plan, _ in backend.started if not getattr(plan, "dry_run", False)}
            assert console.app.store.marked is None

    run(test())


def test_an_id_in_two_locations_is_named_by_its_path() -> None:
    async def test() -> None:
        other = row(0, location="nas", manifest_path=PROD_NAS)
        manager, backend = archives({"catalog": catalog(row(0), other)})
        async with manager as console:
            await listed(console, 2)
            await console.press("down", "p")
            await console.until(lambda: backend.started)
            assert backend.started[0][1] == PinPlan(backup=str(PROD_NAS))

    from pathlib import Path

    PROD_NAS = Path("/mnt/nas/quilltap/quilltap_20261122_021400.json")
    run(test())


def test_pin_and_accept() -> None:
    async def test() -> None:
        manager, backend = archives(
            journals={
                "unpin": [
                    Finished(at=NOW, status="ok", exit_code=0, result={"status": "ok", "pinned": False})
                ],
                "accept": [
                    Finished(
                        at=NOW,
                        status="refused",
                        exit_code=4,
                        result={
                            "status": "refused",
                            "error": {"what": "Nothing to accept.", "next": "Look."},
                        },
                    )
                ],
            }
        )
        async with manager as console:
            await listed(console)
            await console.press("a")
            await told(console, "there is nothing to accept")
            assert backend.started == []
            await console.press("down", "a")
            await console.until("Accept quilltap_20261121_021400 as it is?")
            assert "- chats fell by 60%" in console.text
            for key in ("a", "enter"):
                await console.press(key)
            assert backend.started == []
            await console.press("a", "y")
            await console.until("Nothing to accept.")
            await console.press("escape", "down", "p")
            await told(console, "is no longer pinned")
            assert [(verb, plan) for verb, plan, _ in backend.started] == [
                ("accept", AcceptPlan(backup="quilltap_20261121_021400")),
                ("unpin", PinPlan(backup="quilltap_20261120_021400", unpin=True)),
            ]

    run(test())


def test_read_only_greys_delete_and_says_why() -> None:
    async def test() -> None:
        manager, backend = archives(profile=msgspec.structs.replace(PROD, read_only=True))
        async with manager as console:
            await listed(console)
            await console.press("d")
            await told(console, "READ-ONLY: no backup can be deleted.")
            await console.press("enter")
            await console.until("Summary")
            await console.press("d")
            assert backend.started == []

    run(test())


def test_a_pinned_one_is_not_deleted() -> None:
    async def test() -> None:
        manager, backend = archives()
        async with manager as console:
            await listed(console)
            await console.press("down", "down", "d")
            await told(console, "is pinned: p takes the pin away")
            assert backend.started == []

    run(test())


def test_what_runs_is_said_in_the_row_and_its_end_is_looked_for() -> None:
    looked = []

    def look(request: Any) -> Any:
        looked.append(request)
        return SOME

    async def test() -> None:
        job = JobSummary(
            id="20261122_031000",
            verb="verify",
            state="running",
            started=NOW,
            summary="quilltap_20261121_021400",
            progress=0.43,
        )
        manager, backend = archives({"catalog": look}, jobs=[job], size=(120, 30))
        async with manager as console:
            await console.until("verify 43%")
            assert "quilltap_20261121_021400" in console.line("verify 43%")
            before = len(looked)
            backend._jobs.clear()
            console.app.look_at_jobs()
            await console.until(lambda: len(looked) > before)
            await console.until(lambda: "verify 43%" not in console.text)

    run(test())


def test_copy_gives_the_id() -> None:
    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await listed(console)
            await console.press("down", "y")
            assert console.app.clipboard == "quilltap_20261121_021400"

    run(test())


def test_leaving_the_mode_loses_nothing() -> None:
    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await listed(console)
            await console.press("o", "slash", "g", "o", "o", "d", "enter", "down")
            where = cursor(console)
            await console.press("1", "2")
            assert (
                cursor(console) == where
                and "5 of 10 shown" in console.text
                and "largest first" in console.text
            )

    run(test())


def test_whoever_was_elsewhere_finds_the_id_in_focus_and_not_the_button() -> None:
    async def test() -> None:
        told_first = {"status": "ok", "files": ["a"], "frees": {"bytes": 5, "shared": 0}, "dry_run": True}
        dry = Finished(at=NOW, status="ok", exit_code=0, result=told_first)
        manager, backend = archives(journals={"delete": [dry]})
        async with manager as console:
            await listed(console)
            await console.press("down", "d")
            await console.until("Type quilltap_20261121_021400 to confirm")
            await console.type("quilltap_20261121_021400")
            await console.press("enter")
            await console.until("Enter does it")
            await console.press("ctrl+p")
            await console.until("Type a part of an action")
            await console.press("escape", "enter")
            assert "Enter does it" not in console.text
            assert all(plan.dry_run for verb, plan, _ in backend.started if verb == "delete")

    run(test())
