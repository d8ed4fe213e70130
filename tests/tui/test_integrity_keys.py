"""Integrity's keys: what each starts, what it asks first, and what runs as its journal tells."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.catalog.scan import Catalog
from services.jobs.events import AnyEvent, Finished, Log, PhaseStarted, Progress, Started
from services.operations.verify_model import VerifyPlan
from services.pairs.model import PairsPlan
from services.profile import Profile
from services.validating.model import ValidatePlan
from tests.pictures.rest import at_rest
from tests.recorded import NOW
from tests.tui.archives_support import PROD, row, told
from tests.tui.integrity_support import SOME, answer, cursor, integrity, seen, shown
from tests.tui.terminal import on_terminal
from tests.tui_support import Console, run
from tui.screens import integrity_actions
from widgets.progress_line import ProgressLine

BACKUP = "quilltap_20261122_021400"


def journal(verb: str, *events: AnyEvent, plan: dict[str, Any] | None = None) -> list[AnyEvent]:
    """A job that has just begun, and what it has said since."""
    started = Started(
        at=NOW,
        job="20261122_031400",
        verb=verb,
        plan=plan or {},
        profile="prod",
        pid=1,
        process_started="1",
        boot_id="b",
        host="db1",
        machine_id="m",
        user="maren",
        version="0.1.0",
    )
    return [started, *events]


def phase(detail: str, done: int) -> list[AnyEvent]:
    """A phase of 100 bytes, some of them done."""
    return [
        PhaseStarted(at=NOW, phase="verify", detail=detail, total=100),
        Progress(at=NOW, phase="verify", done=done, total=100),
    ]


async def on(console: Console, backup: str) -> None:
    """The cursor on a backup."""
    await shown(console)
    while cursor(console)[1:] != backup[-15:]:
        await console.press("down")


def test_verify_asks_how_deep_and_its_row_shows_that_it_runs() -> None:
    async def test() -> None:
        said = Log(at=NOW, level="error", text="objects: fail: 3_photo.png: another sha256")
        events = journal("verify", *phase(BACKUP, 40), said)
        manager, backend = integrity(journals={"verify": events})
        async with manager as console:
            await on(console, BACKUP)
            await console.press("v", "escape")
            assert not backend.started
            await console.press("v", "f")
            await console.until("▶ verify 40%")
            assert backend.started[0][:2] == ("verify", VerifyPlan(backup=BACKUP, depth="full"))
            assert "▶ verify 40%: verify (w watches)" in console.text
            await console.press("enter")
            await console.until("another sha256")
            assert "now" in console.line("another sha256")
            # A notice stands over it for a moment.
            assert "▶ verify 40%" in console.app.screen.query_one(ProgressLine)._says
            await console.press("w")
            await console.until(lambda: type(console.app.screen).__name__ == "JobScreen")
            await console.press("escape", "escape", "2", "4")
            await console.until("▶ verify 40%")
            assert not backend.cancelled

    run(test())


def test_the_end_of_a_verify_is_told_and_looked_at() -> None:
    async def test() -> None:
        asked = []

        def look(request: Any) -> Any:
            asked.append(request.backup)
            return SOME

        checks = [{"name": "objects", "status": "fail", "detail": "3_photo.png"}]
        result = {"id": BACKUP, "status": "fail", "checks": checks, "warnings": []}
        end = Finished(at=NOW, status="fail", exit_code=1, result=result)
        manager, _ = integrity(look, journals={"verify": journal("verify", *phase(BACKUP, 100), end)})
        async with manager as console:
            await on(console, BACKUP)
            before = len(asked)
            await console.press("v", "f")
            await told(console, f"Verify of {BACKUP} ended fail: objects: 3_photo.png")
            await console.until(lambda: len(asked) > before)
            assert "▶" not in console.text

    run(test())


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


def test_what_was_begun_elsewhere_is_followed_too() -> None:
    from services.jobs.listing import JobSummary

    job = JobSummary(
        id="20261122_030000",
        verb="verify",
        state="running",
        started=NOW - timedelta(minutes=14),
        profile="prod",
    )

    async def test() -> None:
        manager, _ = integrity(jobs=[job], journals={job.id: journal("verify", *phase(BACKUP, 66))})
        async with manager as console:
            await console.until("▶ verify 66%")

    run(test())


def test_at_rest_it_sends_nothing() -> None:
    async def test() -> None:
        with on_terminal() as terminal:
            manager, _ = integrity()
            async with manager as console:
                await shown(console)
                await at_rest(console.pilot)
                await console.pilot.pause(0.1)
                terminal.take()
                await console.pilot.pause(1.0)
                assert terminal.take() == ""
                await console.press("down")
                await at_rest(console.pilot)
                assert 0 < len(terminal.take().encode()) < 2_000

    run(test())


def test_a_failure_of_what_was_begun_here_is_a_dialog_and_of_others_a_notice() -> None:
    from services.jobs.listing import JobSummary

    error = {"what": "MongoDB does not answer.", "cause": "Refused.", "touched": "", "next": "Start it."}
    end = Finished(at=NOW, status="failed", exit_code=1, result={"error": error})
    other = JobSummary(id="20261122_020000", verb="pairs", state="running", started=NOW, profile="prod")

    async def test() -> None:
        journals = {"pepper-check": journal("pepper-check", end), other.id: journal("pairs", end)}
        manager, _ = integrity(jobs=[other], journals=journals)
        async with manager as console:
            await told(console, "pairs 20261122_020000 ended failed; 6 shows why.")
            await console.press("l", "k")
            await console.until("MongoDB does not answer.")
            assert type(console.app.screen).__name__ == "ProblemModal"

    run(test())
