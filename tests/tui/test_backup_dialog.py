"""Starting a backup: the reason, the parts, the place, and every key that starts nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.catalog.scan import Catalog
from services.jobs.listing import JobSummary
from services.operations.backup_model import BackupPlan
from services.profile import AppControl, Profile
from tests.recorded import NOW, RecordedBackend
from tests.tui.archives_support import PROD
from tests.tui_support import Console, opened, run
from tui.screens.backup_dialog import BackupModal, ask_and_start_backup

ONE_PLACE = msgspec.structs.replace(PROD, locations=PROD.locations[:1])


def dialog(profile: Profile = ONE_PLACE, **other: Any) -> Any:
    """Archives without backups, on a recorded machine."""
    backend = RecordedBackend(looks={"catalog": Catalog(backups=())}, **other)
    return opened(profile, backend, mode="archives"), backend


async def asked(console: Console) -> None:
    """Presses `b` and waits for the question."""
    await console.until("No backups yet")
    await console.press("b")
    await console.until("Start this backup?")


NOT_YES = (("escape",), ("n",), ("b", "escape"), ("enter", "enter"), ("3", "enter"), ("6", "enter", "n"))


def test_what_is_not_yes_starts_nothing() -> None:
    async def test() -> None:
        manager, backend = dialog()
        async with manager as console:
            for keys in NOT_YES:
                await asked(console)
                await console.press(*keys)
                await console.until(lambda: not isinstance(console.app.screen, BackupModal))
                await console.until(lambda: len(console.app._notifications) > 0)
            assert backend.started == []

    run(test())


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (("y",), "routine"),
        (("2", "y"), "before an upgrade"),
        (("down", "down", "enter", "y"), "before a configuration change"),
        (("4", "y"), "before a deployment"),
        (("5", "y"), "before changing encryption"),
        (("6", "m", "y", "enter", "y"), "my"),
    ],
)
def test_yes_starts_it_with_its_reason(keys: tuple[str, ...], reason: str) -> None:
    async def test() -> None:
        manager, backend = dialog()
        async with manager as console:
            await asked(console)
            await console.press(*keys)
            await console.until(lambda: backend.started)
            verb, plan, profile = backend.started[0]
            assert verb == "backup" and plan == BackupPlan(reason=reason) and profile.name == "prod"
            await console.until("20261122_031400")
            assert type(console.app.screen).__name__ == "JobScreen"

    run(test())


def test_another_reason_has_to_be_typed() -> None:
    async def test() -> None:
        manager, backend = dialog()
        async with manager as console:
            await asked(console)
            await console.press("6", "enter", "y")
            await console.until("Type the reason first")
            assert backend.started == []
            await console.press("x", "enter", "y")
            await console.until(lambda: backend.started)

    run(test())


def test_parts_place_and_application() -> None:
    app = AppControl(stop="stop", start="start", status="status")

    async def test() -> None:
        manager, backend = dialog(msgspec.structs.replace(PROD, app=app))
        async with manager as console:
            await asked(console)
            assert (
                "backups  /backups/quilltap   (o changes it)" in console.text
                and "keeps running" in console.text
            )
            await console.press("p", "o", "a")
            await console.until("database only")
            assert "nas  /mnt/nas/quilltap" in console.text and "is stopped while" in console.text
            await console.press("y")
            await console.until(lambda: backend.started)
            plan = BackupPlan(only="database", reason="routine", location="nas", stop_app=True)
            assert backend.started[0][1] == plan

    run(test())


def test_no_choice_is_offered_where_there_is_none() -> None:
    async def test() -> None:
        profile = msgspec.structs.replace(ONE_PLACE, bucket=None, read_only=True, app=AppControl(stop="stop"))
        manager, backend = dialog(profile)
        async with manager as console:
            await asked(console)
            assert (
                "database only: no bucket is configured" in console.text and "changes it" not in console.text
            )
            assert "READ-ONLY" in console.text
            await console.press("p", "o", "a", "y")
            await console.until(lambda: backend.started)
            assert backend.started[0][1] == BackupPlan(only="database", reason="routine")

    run(test())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mongo": None, "bucket": None}, "Neither a database nor a bucket is configured"),
        ({"locations": ()}, "No folder for backups is configured."),
    ],
)
def test_without_a_source_or_a_place_it_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    async def test() -> None:
        manager, backend = dialog(msgspec.structs.replace(PROD, **changes))
        async with manager as console:
            await ask_and_start_backup(console.app)
            await console.until(words)
            assert "Nothing was started." in console.text
            await console.press("escape")
            assert backend.started == []

    run(test())


def test_one_backup_at_a_time() -> None:
    running = JobSummary(id="20261122_030000", verb="backup", state="running", started=NOW)

    async def test() -> None:
        manager, backend = dialog(jobs=[running])
        async with manager as console:
            await console.until("1 job")
            await console.press("b")
            await console.until("A backup runs already: job 20261122_030000 since 03:14 UTC.")
            await console.press("y")
            assert backend.started == []
            backend._jobs.clear()

    run(test())
