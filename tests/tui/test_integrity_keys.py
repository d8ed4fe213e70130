"""Integrity's keys: what each starts and what it asks first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.catalog.scan import Catalog
from services.operations.verify_model import VerifyPlan
from services.pairs.model import PairsPlan
from services.profile import Profile
from services.validating.model import ValidatePlan
from tests.tui.archives_support import PROD, row, told
from tests.tui.integrity_support import SOME, answer, integrity, journal, on, phase, seen, shown
from tests.tui_support import run
from tui.screens import integrity_actions

BACKUP = "quilltap_20261122_021400"


@pytest.mark.parametrize(
    ("key", "seconds"), [("1", 600.0), ("enter", 600.0), ("2", 1800.0), ("a", 2_592_000.0)]
)
def test_the_oldest_first_for_a_time(key: str, seconds: float) -> None:
    async def test() -> None:
        detail = f"{BACKUP} in backups (1 of 8)"
        manager, backend = integrity(journals={"verify": journal("verify", *phase(detail, 7))})
        async with manager as console:
            await shown(console)
            await console.press("V")
            await console.until("3 were never verified. It begins with quilltap_20261122_021400.")
            await console.press("escape")
            assert not backend.started
            await console.press("V", key)
            await console.until("▶ verify 7%")
            assert backend.started[0][1] == VerifyPlan(oldest_first=True, seconds=seconds)

    run(test())


@pytest.mark.parametrize(
    ("keys", "verbs"),
    [
        (("l", "a"), ["pairs", "validate", "pepper-check"]),
        (("l", "enter"), ["pairs", "validate", "pepper-check"]),
        (("v", "p"), ["pairs"]),
        (("l", "d"), ["pairs"]),
        (("l", "v"), ["validate"]),
        (("l", "k"), ["pepper-check"]),
        (("l", "escape"), []),
        (("l", "F", "enter"), []),
        (("l", "F", "n"), []),
        (("l", "F", "y"), ["validate"]),
    ],
)
def test_the_live_checks(keys: tuple[str, ...], verbs: list[str]) -> None:
    async def test() -> None:
        manager, backend = integrity(
            journals={verb: journal(verb) for verb in ("pairs", "validate", "pepper-check")}
        )
        async with manager as console:
            await shown(console)
            await console.press(*keys)
            await console.until(lambda: len(backend.started) == len(verbs))
            assert [verb for verb, *_ in backend.started] == verbs
            if "d" in keys:
                assert backend.started[0][1] == PairsPlan(depth="deep")
            if "F" in keys and verbs:
                assert backend.started[0][1] == ValidatePlan(full=True)
            if verbs:
                await console.until("▶ runs")

    run(test())


def test_a_full_validation_says_its_price_first() -> None:
    async def test() -> None:
        manager, _ = integrity()
        async with manager as console:
            await shown(console)
            await console.press("l", "F")
            await console.until("Validate every collection of quilltap in full?")
            assert "half a minute" in console.text

    run(test())


def test_without_a_database_the_live_checks_say_why() -> None:
    async def test() -> None:
        manager, backend = integrity(profile=Profile(name="p", locations=PROD.locations))
        async with manager as console:
            await shown(console)
            await console.press("l")
            await told(console, "No database is configured")
            assert not backend.started

    run(test())


def test_read_only_checks_all_the_same() -> None:
    async def test() -> None:
        manager, backend = integrity(profile=msgspec.structs.replace(PROD, read_only=True))
        async with manager as console:
            await shown(console)
            await console.press("l", "p")
            await console.until(lambda: backend.started)
            assert backend.started[0][2].read_only

    run(test())


def test_restore_opens_the_wizard_on_what_has_the_good_version(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        manager, _ = integrity()
        async with manager as console:
            opened: list[Any] = []

            async def open_restore(*, backup: str = "", collections: tuple[str, ...] = ()) -> None:
                opened.append((backup, collections))

            async def open_objects(app: Any, backup: str) -> None:
                opened.append((backup, "objects alone"))

            monkeypatch.setattr(console.app, "open_restore", open_restore)
            monkeypatch.setattr(integrity_actions, "open_objects", open_objects)
            await shown(console)
            await console.press("R")
            assert opened == [("quilltap_20261121_021400", "objects alone")]
            await console.press("down", "R")
            assert opened[-1] == (BACKUP, ())
            await console.press("down", "down", "R")
            await told(console, "old/backup-20261117.gz is not good: 2 Archives opens the wizard")
            assert len(opened) == 2
            await console.press("home", "enter", "down", "R")
            assert opened[-1] == ("quilltap_20261121_021400", "objects alone") and len(opened) == 3
            await console.press("end", "up", "R")
            assert opened[-1] == ("quilltap_20261121_021400", ("chats", "chat_messages"))

    run(test())


def test_the_wizard_takes_the_objects_alone() -> None:
    async def test() -> None:
        manager, backend = integrity()
        backend._looks["catalog"] = Catalog(backups=tuple(one.backup for one in SOME.backups))
        async with manager as console:
            console.app.look_at("catalog")
            await shown(console)
            await console.until(lambda: console.app.store.catalog.value is not None)
            await console.press("R")
            await console.until("[3 Restore]")
            request = console.app.screen.state.request  # type: ignore[attr-defined]
            assert (request.backup, request.only, request.collections) == (
                "quilltap_20261121_021400",
                "objects",
                (),
            )

    run(test())


def test_another_backup_takes_the_place_of_a_wizard_that_nothing_was_entered_in() -> None:
    async def test() -> None:
        manager, backend = integrity()
        backend._looks["catalog"] = Catalog(backups=tuple(one.backup for one in SOME.backups))
        async with manager as console:
            console.app.look_at("catalog")
            await shown(console)
            await console.until(lambda: console.app.store.catalog.value is not None)
            await console.press("R")
            await console.until("[3 Restore]")
            await console.press("escape", "4")
            await console.until("[4 Integrity]")
            await console.press("down", "R")
            await console.until("[3 Restore]")
            state = console.app.screen.state  # type: ignore[attr-defined]
            assert (state.step, state.request.backup, state.only) == ("backup", BACKUP, None)

    run(test())


@pytest.mark.parametrize(("key", "form"), [("s", "md"), ("j", "json")])
def test_what_is_shown_is_saved(key: str, form: str, tmp_path: Path) -> None:
    async def test() -> None:
        manager, _ = integrity()
        async with manager as console:
            await shown(console)
            await console.press("f", key)
            await console.until("Save to which file?")
            assert f"quillkeep-integrity-20261122_031400.{form}" in console.text
            field = console.app.screen.query_one("#path")
            field.value = str(tmp_path / f"saved.{form}")  # type: ignore[attr-defined]
            await console.press("enter")
            await told(console, "Saved as")

    run(test())
    path = tmp_path / f"saved.{form}"
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    if form == "json":
        document = json.loads(text)
        assert [one["id"] for one in document["backups"]] == ["quilltap_20261120_021400"]
        assert document["backups"][0]["checks"]["objects"] == "fail"
        assert document["live"][0]["findings"][0]["good_in"] == "quilltap_20261121_021400"
    else:
        assert "| `quilltap_20261120_021400` | `backups` | ok | ok | fail | never | warn |" in text
        assert "- **fail** `objects`, 2026-11-20 03:14 UTC, full: `3_photo.png: another sha256`" in text
        assert "such as `users/u1/IMAGE/1_a.png`, `users/u1/IMAGE/2_b.png`" in text
    assert "hunter22" not in text


def test_the_checks_of_one_backup() -> None:
    async def test() -> None:
        manager, _ = integrity()
        async with manager as console:
            await on(console, "quilltap_20261120_021400")
            await console.press("enter")
            await console.until("✗ fail    objects")
            await console.until(" ✗ fail objects: 3_photo.png: another sha256")
            assert "When: 2026-11-20 03:14 UTC, 2d ago, in a full verify, job 20261120_020000" in console.text
            assert "Next: Do something about objects." in console.text
            assert "· none    deep-load" in console.text
            await console.press("enter")
            await console.until(lambda: type(console.app.screen).__name__ == "TextModal")
            await console.press("escape", "end")
            await console.until("it never ran on this backup")
            await console.press("a")
            await console.until("# Integrity of `quilltap_20261120_021400`")
            await console.press("escape", "slash")
            await console.type("pairs")
            await console.until("1 of 9 shown")
            await console.press("escape", "escape")
            await console.until("8 backups")

    run(test())


def test_another_deployment_leaves_nothing_of_the_last_one() -> None:
    async def test() -> None:
        manager, backend = integrity(answer(seen(row(0))))
        async with manager as console:
            await shown(console, 2)
            await console.press("down", "enter")
            await console.until("deep-load")
            backend._looks["integrity"] = answer(live=())
            console.app.store.set_profile(msgspec.structs.replace(PROD, name="other"))
            await console.until("No backups yet")
            assert BACKUP not in console.text

    run(test())
