"""Health by keyboard: the first frame, every state, and every key with what it does and does not do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from services.errors import QuillkeepError
from services.jobs.events import PhaseStarted, Progress
from services.paths import Paths
from services.profile import Profile
from services.status.model import Rates, Sizes
from tests.recorded import NOW, RecordedBackend, Silent
from tests.status_support import (
    PROFILE,
    bucket,
    catalog,
    job,
    live,
    locations,
    made,
    swap,
)
from tests.tui_support import Console, opened, run
from tui.screens.health_list import AttentionList
from tui.screens.restore.wizard import RestoreScreen
from widgets.glyphs import Glyphs


def recorded(*backups: Any, jobs: Any = (), now: Any = NOW, **looks: Any) -> RecordedBackend:
    answers = {
        "catalog": catalog(*(backups or (made(9),))),
        "live": live(),
        "bucket": bucket(),
        "locations": locations(last_backup=made(9).id, last_added=100_000_000),
        "rates": Rates(),
        **looks,
    }
    return RecordedBackend(looks=answers, jobs=list(jobs), now=now)


BAD = {
    "live": live(swaps=(swap(),), app="stopped"),
    "bucket": QuillkeepError("http://s3.example:8333 does not answer.", next="Check S3_ENDPOINT."),
}


async def settled(console: Console, words: str = "Backed up and proven") -> None:
    """Health with everything answered; an interrupted restore opens its own mode first."""
    if "interrupted" in words:
        await console.until("[3 Restore]")
        await console.press("1")
    await console.until(words)
    await console.until(lambda: "waiting since" not in console.text)


async def told(console: Console, words: str) -> None:
    """A notification, which wraps."""
    await console.until(lambda: words in {one.message for one in console.app._notifications})


def test_the_first_frame_waits_for_nothing_and_says_what_it_waits_for() -> None:
    async def test() -> None:
        names = ("catalog", "live", "bucket", "locations", "rates")
        backend = RecordedBackend(looks=dict.fromkeys(names, Silent))
        async with opened(PROFILE, backend) as console:
            assert "LOOKING  Waiting for the folders of the backups." in console.text
            assert "PROD" in console.text
            await console.until("waiting since 03:14:00 UTC: backups, space, database, bucket")
            assert "Nothing needs attention" not in console.text
            assert "never" not in console.line("Restored")
            assert "UNKNOWN" not in console.text
            assert "never" not in console.line("DB backup")

    run(test())


def test_all_is_well() -> None:
    async def test() -> None:
        async with opened(PROFILE, recorded()) as console:
            await settled(console)
            assert console.text.splitlines()[2].startswith("✓ OK  Backed up and proven: database 9 h ago")
            assert "quilltap_20261121_181400, 9 h old, verified 9 h ago" in console.line("DB backup")
            assert "9 h of 24 h" in console.line("RPO")
            assert "not measured yet" in console.line("RTO")
            assert "900 nights" in console.line("Space")
            assert "✓ Sa" in console.line("14 days")
            assert "Nothing needs attention" in console.text

    run(test())


@pytest.mark.parametrize(("hours", "word"), [(30, "! WARNING"), (60, "✗ CRITICAL")])
def test_late_backups(hours: float, word: str) -> None:
    async def test() -> None:
        async with opened(PROFILE, recorded(made(hours))) as console:
            await settled(console, word)
            assert console.text.splitlines()[2].startswith(f"{word}  Database and objects: the newest good")
            assert "Needs attention (1)" in console.text
            assert "Enter starts a backup. Command: quillkeep backup" in console.text

    run(test())


def test_a_dead_database_is_its_own_finding_and_the_rest_works() -> None:
    async def test() -> None:
        dead = QuillkeepError("Quillkeep could not reach the database at db.example.", next="Start it.")
        async with opened(PROFILE, recorded(live=dead)) as console:
            await settled(console, "? UNKNOWN  Quillkeep could not reach the database")
            assert "✓ OK" in console.line("DB backup ")
            assert "900 nights" in console.line("Space")
            await console.press("2")
            assert "[2 Archives]" in console.text

    run(test())


def test_no_backups_and_nothing_configured() -> None:
    async def test() -> None:
        async with opened(PROFILE, recorded(catalog=catalog())) as console:
            await settled(console, "CRITICAL  Database and objects: never backed up.")
            assert "none yet" in console.line("Backup")
        empty = Profile(name="empty")
        broken = QuillkeepError("No database is configured.", next="Set MONGODB_URI.")
        backend = recorded(catalog=catalog(), live=broken, bucket=broken)
        async with opened(empty, backend, mode="health") as console:
            await settled(console, "? UNKNOWN")
            assert "no folder for backups is configured" in console.line("DB backup ")
            await console.press("b")
            await told(console, "No folder for backups is configured: 8 shows the line to write.")
            await console.press("v")
            await told(console, "There is no backup to verify.")

    run(test())


def test_ascii_and_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def test() -> None:
        async with opened(PROFILE, recorded(made(30)), glyphs=Glyphs(utf8=False)) as console:
            await settled(console, "! WARNING")
            assert "[" not in console.line("RPO")
            assert "#" in console.line("RPO")
            assert "+ Fr" in console.line("14 days")
            assert not set("✓✗█░…·▁") & set(console.text)

    run(test())


def test_the_wide_screen_tells_the_whole_finding() -> None:
    async def test() -> None:
        async with opened(PROFILE, recorded(**BAD), size=(120, 40)) as console:
            await settled(console, "was interrupted")
            assert "How the figures are known" in console.text
            assert "f or Enter opens it." in console.text

    run(test())


def test_enter_and_keys_do_what_the_line_says() -> None:
    async def test() -> None:
        async with opened(PROFILE, recorded(**BAD)) as console:
            await settled(console, "CRITICAL  Restore 20261122_020000 was interrupted")
            assert console.app.focused is not None
            assert console.app.focused.id == "health-list"
            assert "chats: old (new one" in console.text
            await console.press("f")
            await console.until("[3 Restore]")
            await console.press("1")
            await console.until("[1 Health]")
            await console.press("enter")
            await console.until("[3 Restore]")

    run(test())


def test_finish_release_and_the_job_are_offered_only_while_there_is_one() -> None:
    async def test() -> None:
        async with opened(PROFILE, recorded()) as console:
            await settled(console)
            keys = console.text.splitlines()[-1]
            assert "Finish" not in keys and "Release" not in keys and "Open job" not in keys
            for key in ("f", "D", "Z", "o"):
                await console.press(key)
                assert "[1 Health]" in console.text

    run(test())


def test_release_opens_on_the_job_that_holds_copies() -> None:
    async def test() -> None:
        held = swap("holds copies", bytes=1_200_000, documents=5, until=NOW + timedelta(hours=71))
        async with opened(PROFILE, recorded(live=live(swaps=(held,)))) as console:
            await settled(console)
            assert "Rollback copies of restore 20261122_020000" in console.text
            await console.press("D")
            await console.until("Release the rollback copies")

    run(test())


def test_read_only_releases_nothing_and_says_why() -> None:
    async def test() -> None:
        held = swap("holds copies", bytes=1_200_000)
        profile = replace(PROFILE, read_only=True)
        backend = recorded(live=live(swaps=(held,)))
        async with opened(profile, backend) as console:
            await settled(console)
            await console.press("D")
            await told(console, "READ-ONLY: rollback copies are not released.")
            assert not backend.started

    run(test())


def test_back_up_asks_and_no_starts_nothing() -> None:
    async def test() -> None:
        backend = recorded(made(60))
        async with opened(PROFILE, backend) as console:
            await settled(console, "CRITICAL")
            for leave in ("escape", "n"):
                await console.press("b")
                await console.until("Back up database quilltap and bucket quilltap-files")
                await console.press(leave)
                await console.until("No backup was started.")
            assert not backend.started
            await console.press("enter")
            await console.until("Back up database quilltap and bucket quilltap-files")
            await console.press("y")
            await console.until(lambda: bool(backend.started))
            assert [verb for verb, _, _ in backend.started] == ["backup"]

    run(test())


def test_verify_takes_the_newest_or_the_line_in_focus() -> None:
    async def test() -> None:
        backend = recorded(made(9, verified=None), made(33))
        async with opened(PROFILE, backend) as console:
            await settled(console)
            await console.press("v")
            await console.until(f"Verify {made(9).id}")
            await console.press("escape")
            assert not backend.started
            await console.press("v")
            await console.until(f"Verify {made(9).id}")
            await console.press("f")
            await console.until(lambda: bool(backend.started))
            verb, plan, _ = backend.started[0]
            assert (verb, getattr(plan, "backup", "")) == ("verify", made(9).id)

    run(test())


def test_enter_on_a_suspicious_backup_opens_it_and_other_lines_their_modes() -> None:
    async def test() -> None:
        odd = made(
            9,
            good_parts=(),
            suspicious=("memories fell by 60 %",),
            not_good={"database": "suspicious", "objects": "suspicious"},
        )
        profile = replace(PROFILE, pepper=None)
        async with opened(profile, recorded(odd, made(20))) as console:
            await settled(console, "is suspicious: memories fell")
            await console.press("enter")
            await console.until(lambda: type(console.app.screen).__name__ == "ArchiveDetailScreen")
            await console.press("escape")
            await console.until("[1 Health]")
            await console.press("end")
            assert "The pepper is not known here" in console.text
            await console.press("enter")
            await console.until("[8 Settings]")

    run(test())


def test_what_was_never_verified_leads_to_integrity() -> None:
    async def test() -> None:
        async with opened(PROFILE, recorded(made(9), made(33, verified=None))) as console:
            await settled(console)
            assert "4 1 older backup of 2 was not verified since made" in console.text
            await console.press("enter")
            await console.until("[4 Integrity]")

    run(test())


def test_enter_on_lost_collections_opens_the_restore_with_them() -> None:
    async def test() -> None:
        rates = Rates(sizes={made(9).id: Sizes(collections={"users": 12, "characters": 40})})
        async with opened(PROFILE, recorded(rates=rates)) as console:
            await settled(console, '! WARNING  The collection "characters" is missing live')
            await console.press("enter")
            await console.until(f"Proposed: {made(9).id}")
            wizard = console.app.screen
            assert isinstance(wizard, RestoreScreen)
            assert wizard.state.collections == ("characters",)

    run(test())


def test_rebound_keys_are_the_ones_that_are_told() -> None:
    async def test() -> None:
        from tui.app import QuillkeepApp
        from tui.store import Store

        store = Store(recorded(made(60)), PROFILE)
        app = QuillkeepApp(store, start_mode="health", keymap={"health.backup": "k"})
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            console = Console(app, pilot)
            await settled(console, "CRITICAL")
            assert "✗ CRITICAL k Database and objects" in console.text
            await console.press("k")
            await console.until("Back up database quilltap")

    run(test())


def test_look_again_asks_everything_once_more() -> None:
    async def test() -> None:
        asked: list[str] = []
        backend = recorded(made(60))
        look = backend.look

        def counted(name: str, *args: Any, **more: Any) -> Any:
            asked.append(name)
            return look(name, *args, **more)

        backend.look = counted  # type: ignore[method-assign]
        async with opened(PROFILE, backend) as console:
            await settled(console, "CRITICAL")
            before = len(asked)
            await console.press("r")
            await console.until(lambda: len(asked) >= before + 5)
            assert {"catalog", "live", "bucket", "locations", "rates"} == set(asked[before:])

    run(test())


def test_copy_and_save(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(PROFILE, recorded(made(60))) as console:
            await settled(console, "CRITICAL")
            await console.press("y")
            await console.until("Copied: the command.")
            assert console.app.clipboard == "quillkeep backup"
            await console.press("s")
            await console.until("quillkeep-status.txt")
            await console.press("escape")
            await console.until("[1 Health]")

    run(test())


def test_a_running_job_is_shown_and_opened(tmp_path: Path) -> None:
    async def test() -> None:
        running = job("backup", "running", 0.1, phase="dump", progress=0.2)
        backend = recorded(jobs=(running,))
        backend._journals[running.id] = [
            PhaseStarted(at=NOW, phase="dump", total=1_000),
            Progress(at=NOW, phase="dump", done=420, total=1_000, rate=1.0, eta=580.0),
        ]
        async with opened(PROFILE, backend) as console:
            await console.until("backup: dump 42%, 9 min left  (o opens it)")
            assert "▶ Running" in console.text
            await console.press("o")
            await console.until(lambda: type(console.app.screen).__name__ == "JobScreen")

    run(test())


def test_the_cursor_stays_on_its_finding_and_the_screen_stays_still() -> None:
    async def test() -> None:
        backend = recorded(made(60), **BAD)
        async with opened(PROFILE, backend) as console:
            await settled(console, "was interrupted")
            findings = console.app.screen.query_one(AttentionList)
            await console.press("down", "down")
            before = findings.focused_finding
            drawn = console.text
            await console.press("r")
            await console.until(lambda: "waiting since" not in console.text)
            assert findings.focused_finding == before
            assert console.text == drawn

    run(test())


@pytest.mark.parametrize(
    ("size", "state"),
    [
        ((80, 24), "well"),
        ((80, 24), "bad"),
        ((80, 24), "waiting"),
        ((120, 40), "bad"),
        ((60, 20), "bad"),
        ((100, 24), "well"),
    ],
)
def test_nothing_is_cut_off_without_an_ellipsis(size: tuple[int, int], state: str) -> None:
    long = QuillkeepError("The server said " + "a long story " * 30 + "end.", next="Do something " * 20)

    async def test() -> None:
        looks = {"well": {}, "bad": {**BAD, "live": long}, "waiting": {"live": Silent}}[state]
        async with opened(PROFILE, recorded(made(60), **looks), size=size) as console:
            await console.until("CRITICAL")
            await console.pilot.pause()
            for line in console.text.splitlines()[2:-1]:
                full = len(line.rstrip()) >= size[0]
                assert not full or line.rstrip()[-1] in "….│)" or "│" in line, line

    run(test())


def test_hostile_names_are_shown_harmless() -> None:
    async def test() -> None:
        evil = "[/x]\x1b[31m\nrm -rf\u202e" + "w" * 200
        held = swap(collections={evil: "old"}, job="20261122_020000")
        broken = QuillkeepError(evil, cause=evil, next=evil)
        async with opened(PROFILE, recorded(live=live(swaps=(held,)), bucket=broken)) as console:
            await settled(console, "was interrupted")
            assert "\x1b" not in console.text
            await console.press("down")
            assert "[/x]" in console.text

    run(test())


def test_on_real_servers(profile: Profile, tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(profile, Paths(tmp_path / "state")) as console:
            await console.until("CRITICAL")
            await console.until(lambda: "waiting since" not in console.text)
            assert "never backed up" in console.line("DB backup")
            assert "free in backups" in console.line("Space")

    run(test())


def test_what_is_wrong_stands_on_top_with_the_cursor_on_it_also_when_it_comes_up_late() -> None:
    async def test() -> None:
        held = swap("holds copies", bytes=1_200_000, documents=5, until=NOW + timedelta(hours=71))
        backend = recorded(made(9, verified=None), live=live(swaps=(held,)))
        async with opened(replace(PROFILE, pepper=None), backend) as console:
            await settled(console)
            findings = console.app.screen.query_one(AttentionList)
            await console.press("end")
            assert findings.focused_finding and findings.focused_finding.status == "OK"
            more = tuple(f"Number {n} cannot be told." for n in range(6))
            backend._looks["live"] = live(swaps=(held,), collections=(), problems=more)
            await console.press("r")
            await console.until("The live database quilltap is empty.")
            await console.until(lambda: findings.highlighted == 0)
            assert findings.focused_finding and findings.focused_finding.status == "WARNING"
            assert findings.scroll_y == 0
            # What has no row is counted.
            assert findings.hidden and f"… {findings.hidden} more" in console.text

    run(test())


def test_a_rollback_is_planned_from_the_note_on_its_copies_and_only_of_the_newest() -> None:
    async def test() -> None:
        newer = swap("holds copies", bytes=1_200_000, documents=5)
        older = replace(
            newer,
            job="20261121_020000",
            started=newer.started - timedelta(days=1),
            way_on=("quillkeep rollback 20261121_020000", "quillkeep release 20261121_020000"),
        )
        async with opened(PROFILE, recorded(live=live(swaps=(newer, older)))) as console:
            await settled(console)
            assert "Z Roll back" in console.text
            await console.press("home")
            await console.until("D drops the copies")
            await console.press("down", "Z")
            await told(
                console, f"A newer one stands on top of {older.job}: roll back restore {newer.job} first."
            )
            await console.press("up", "Z")
            await console.until(f"Rollback of {newer.job}")

    run(test())
