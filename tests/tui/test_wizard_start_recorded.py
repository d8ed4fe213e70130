"""The wizard's first half where a real machine would be too slow or too kind: hostile names, thousands of rows, the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from services.errors import QuillkeepError
from services.jobs.events import Finished
from services.jobs.listing import JobSummary
from services.looking.bucket import BucketAnswer
from services.looking.live import LiveAnswer, SwapSeen
from services.looking.preflight import PreflightAnswer, PreflightCheck
from tests.recorded import NOW, RecordedBackend, Silent
from tests.tui.wizard_start_support import (
    RECORDED,
    at_step,
    flat,
    recorded,
    recorded_backup,
    to_step,
    until_said,
)
from tests.tui_support import opened, run
from tui.screens.restore.model import WizardState, needs_attention
from tui.screens.restore.wizard import RestoreScreen
from widgets.glyphs import Glyphs

VERIFIED = {
    "verify": [Finished(at=NOW, status="ok", exit_code=0, result={"checks": [{"name": "a", "status": "ok"}]})]
}
HOSTILE = [
    "[/x] [bold red]markup",
    "esc\x1b[31m\x1b]0;title\x07ape",
    "two\nlines\tand\ttabs",
    "\u202ertl\u200f mark",
    "e\u0301\u0301\u0301 combining",
    "\u6f22\u5b57" * 20,
    "n" * 255,
    "$collection {braces} %s",
]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_hostile_names_move_nothing_and_are_no_markup(size: tuple[int, int]) -> None:
    async def test() -> None:
        id = "nas/[/x]\x1b[31m" + "y" * 200
        backups = (
            recorded_backup(),
            recorded_backup(
                id, kind="archive", ours=False, good_parts=(), problem="[/y] \x1b]0;z\x07", created_by="mtime"
            ),
        )
        backend = recorded(HOSTILE, live=HOSTILE[1:], backups=backups, journals=VERIFIED)
        async with opened(RECORDED, backend, mode="restore", size=size) as console:
            await until_said(console, "fits what is seen")
            assert "[/x] [bold red]markup" in console.text
            await to_step(console, 2)
            await until_said(console, "56 documents")
            await console.press("end")
            await console.press("enter")
            assert "Not this one." in flat(console)
            await console.press("home", "enter")
            await until_said(console, "missing live")
            await console.press("tab", "down", "space", "down", "down", "space")
            await console.press("enter")
            await until_said(console, "can be restored")
            for line in console.text.splitlines():
                assert line.isprintable(), repr(line)

    run(test())


def test_two_thousand_collections_are_one_list() -> None:
    names = [f"collection_{number:04}" for number in range(2_000)]

    async def test() -> None:
        backend = recorded(names, live=names[:-1], journals=VERIFIED)
        async with opened(RECORDED, backend, mode="restore") as console:
            await to_step(console, 3)
            await until_said(console, "1 of 2000 taken")
            await console.press("tab", "end", "space", "pageup", "space", "home")
            assert "3 of 2000 taken" in console.text
            assert "missing live" in console.line("collection_1999")

    run(test())


def test_a_silent_machine_says_what_it_waits_for_and_since_when() -> None:
    async def test() -> None:
        looks = {"live": Silent, "bucket": Silent, "catalog": Silent}
        async with opened(RECORDED, recorded(["a"], looks=looks), mode="restore") as console:
            since = f"since {NOW.astimezone():%H:%M:%S}"
            await console.until(f"looking at the database {since}")
            assert f"looking at the bucket {since}" in console.text
            await console.press("enter")
            await until_said(console, f"looking for backups {since}")
            await console.press("enter")
            assert at_step(console, 2)

    run(test())


def test_checks_wait_say_since_when_and_can_be_skipped_only_twice_said() -> None:
    async def test() -> None:
        backend = recorded(["chats"], looks={"preflight": Silent})
        async with opened(RECORDED, backend, mode="restore") as console:
            await to_step(console, 4)
            await until_said(console, f"asked since {NOW.astimezone():%H:%M:%S}")
            await until_said(console, "Being verified")
            await console.press("enter")
            assert at_step(console, 4)
            for answer in ("n", "enter", "escape"):
                await console.press("k")
                await until_said(console, "Go on without verifying the backup?")
                await console.press(answer)
                assert "Being verified" in flat(console)
            assert backend.cancelled == []
            await console.press("k", "y")
            await until_said(console, "Not verified here, as you said.")
            await console.until(lambda: backend.cancelled == ["20261122_031400"])
            await console.press("enter")
            assert at_step(console, 4)

    run(test())


def test_a_running_verification_is_read_again_after_a_step_back() -> None:
    async def test() -> None:
        backend = recorded(["chats"])
        async with opened(RECORDED, backend, mode="restore") as console:
            await to_step(console, 4)
            await until_said(console, "Being verified")
            await console.press("escape")
            await console.until(lambda: at_step(console, 3))
            await console.press("enter")
            await until_said(console, "Being verified")
            assert [verb for verb, _, _ in backend.started] == ["verify"]

    run(test())


def test_every_failure_shows_its_next_step_and_r_asks_again() -> None:
    asked = []

    def answer(request: Any) -> PreflightAnswer:
        asked.append(request)
        status: Any = "fail" if len(asked) == 1 else "ok"
        check = PreflightCheck(
            name="rights",
            status=status,
            detail="The user app@admin may not insert.",
            next='db.grantRolesToUser("app")',
        )
        return PreflightAnswer(checks=(check,))

    async def test() -> None:
        backend = recorded(["chats"], looks={"preflight": answer}, journals=VERIFIED)
        async with opened(RECORDED, backend, mode="restore") as console:
            await to_step_four(console)
            await until_said(console, "one thing holds the restore back")
            assert 'db.grantRolesToUser("app")' in console.text
            await console.press("enter")
            assert at_step(console, 4)
            await console.press("r")
            await until_said(console, "it can be restored")
            assert len(asked) == 2 and asked[0].request.backup == "quilltap_20261122_020000"

    async def to_step_four(console: Any) -> None:
        await to_step(console, 3)
        await console.press("enter")

    run(test())


def test_read_only_turned_on_in_the_middle_holds_the_restore_back() -> None:
    async def test() -> None:
        async with opened(RECORDED, recorded(["chats"], journals=VERIFIED), mode="restore") as console:
            await to_step(console, 4)
            await until_said(console, "it can be restored")
            console.app.store.make_read_only()
            await until_said(console, "fail READ-ONLY")
            await console.press("enter")
            assert at_step(console, 4)

    run(test())


def test_begin_takes_a_backup_and_an_open_wizard_is_kept() -> None:
    other = recorded_backup("quilltap_20261121_020000", created=datetime(2026, 11, 21, 2, tzinfo=UTC))

    async def test() -> None:
        backend = recorded(["chats", "users"], backups=(recorded_backup(), other), journals=VERIFIED)
        async with opened(RECORDED, backend, mode="restore") as console:
            await until_said(console, "nothing is missing")
            wizard = console.app.screen
            assert isinstance(wizard, RestoreScreen) and not wizard.wizard_open()
            await console.app.open_restore(backup=other.id, collections=("users",))
            await console.until(lambda: at_step(console, 2))
            await console.until(lambda: "Sat 21 Nov" in console.line("> "))
            assert wizard.wizard_open()
            await console.press("enter")
            await until_said(console, "1 of 2 taken")
            await console.app.open_restore(backup="quilltap_20261122_020000")
            await until_said(console, "This restore was open already")
            assert at_step(console, 3)

    run(test())


def test_starting_over_asks_first_and_the_first_step_has_nothing_to_forget() -> None:
    async def test() -> None:
        async with opened(RECORDED, recorded(["chats"]), mode="restore") as console:
            await until_said(console, "nothing is missing")
            await console.press("ctrl+n")
            assert "Start this restore over?" not in console.text
            await to_step(console, 3)
            for answer in ("n", "enter", "escape"):
                await console.press("ctrl+n")
                await until_said(console, "Start this restore over?")
                await console.press(answer)
                assert at_step(console, 3)
            await console.press("ctrl+n", "y")
            await console.until(lambda: at_step(console, 1))
            assert console.app.screen.state.backup is None  # type: ignore[attr-defined]

    run(test())


def test_leaving_the_mode_keeps_what_was_entered() -> None:
    async def test() -> None:
        async with opened(RECORDED, recorded(["chats"]), mode="restore") as console:
            await to_step(console, 3)
            await console.press("down")
            await console.press("6", "3")
            await console.until(lambda: at_step(console, 3))
            assert "(*) Only the objects" in console.text

    run(test())


def lost(**changed: Any) -> JobSummary:
    """A restore that died with its way on."""
    given: dict[str, Any] = {
        "id": "20261122_025900",
        "verb": "restore",
        "state": "lost",
        "started": NOW - timedelta(minutes=15),
        "profile": "prod",
        "way_on": ("quillkeep restore --finish 20261122_025900", "quillkeep rollback 20261122_025900"),
    }
    return JobSummary(**{**given, **changed})


SWAP = SwapSeen(
    job="20261122_025900",
    verb="restore",
    state="unfinished",
    backup="quilltap_20261122_020000",
    started=NOW - timedelta(minutes=15),
    way_on=("quillkeep restore --finish 20261122_025900", "quillkeep rollback 20261122_025900"),
)
LIVE = LiveAnswer(server="db", version="6.0.5", topology="standalone", database="quilltap", collections=())


def test_the_console_opens_on_an_interrupted_restore() -> None:
    async def test() -> None:
        backend = recorded(["chats"], jobs=[lost()], looks={"live": replace(LIVE, swaps=(SWAP,))})
        async with opened(RECORDED, backend, mode="jobs") as console:
            await console.until("[3 Restore]")
            await until_said(console, "interrupted")
            await console.press("escape")
            await until_said(console, "What happened?")

    run(test())


def test_no_screen_is_taken_away_from_somebody_at_the_keys() -> None:
    async def test() -> None:
        backend = recorded(["chats"], looks={"live": QuillkeepError("The database does not answer.")})
        async with opened(RECORDED, backend, mode="jobs") as console:
            await console.press("down")
            backend._jobs.append(lost())
            console.app.look_at_jobs()
            await console.until(lambda: needs_attention(console.app.store))
            await console.pilot.pause(0.2)
            assert "[6 Jobs]" in console.text, console.text

    run(test())


@pytest.mark.parametrize(
    ("jobs", "live", "waits"),
    [
        ([lost()], None, True),
        ([lost(way_on=())], None, False),
        ([lost(profile="other")], None, False),
        ([lost(verb="backup")], None, False),
        ([lost(id="20261122_030500", verb="finish", state="succeeded", way_on=()), lost()], None, False),
        ([lost()], LIVE, False),
        ([lost()], replace(LIVE, swaps=(SWAP,)), True),
        ([], replace(LIVE, swaps=(SWAP,)), True),
        ([], replace(LIVE, swaps=(replace(SWAP, working="20261122_025900"),)), False),
        ([lost(state="running", way_on=())], replace(LIVE, swaps=(SWAP,)), False),
        ([], replace(LIVE, swaps=(replace(SWAP, state="holds copies"),)), False),
        ([lost()], replace(LIVE, swaps=(replace(SWAP, state="loading", app_stopped=True),)), True),
    ],
)
def test_what_counts_as_interrupted(jobs: list[JobSummary], live: LiveAnswer | None, waits: bool) -> None:
    from tui.store import Store

    down = QuillkeepError("The database does not answer.")
    backend = RecordedBackend(jobs=jobs, looks={"live": live if live is not None else down})
    store = Store(backend, RECORDED)

    async def ask() -> None:
        await store.refresh_jobs()
        await store.refresh("live")

    run(ask())
    assert needs_attention(store) is waits


def test_a_restore_that_runs_is_adopted() -> None:
    async def test() -> None:
        job = lost(state="running", way_on=())
        async with opened(RECORDED, recorded(["chats"], jobs=[job]), mode="restore") as console:
            await console.until(lambda: at_step(console, 7))
            state = console.app.screen.state  # type: ignore[attr-defined]
            assert (state.job, state.verb, state.folder) == (
                job.id,
                "restore",
                Path("/var/lib/quillkeep/jobs/20261122_025900"),
            )
            assert "15 min of 30" in console.text
            await console.press("ctrl+n")
            assert at_step(console, 7)

    run(test())


def test_ascii_terminals_get_ascii_alone() -> None:
    async def test() -> None:
        backend = recorded(["chats", "users"], live=["chats"], journals=VERIFIED)
        async with opened(RECORDED, backend, mode="restore", glyphs=Glyphs(utf8=False)) as console:
            await until_said(console, "fits what is seen")
            for number in (1, 2, 3, 4):
                await to_step_from(console, number)
                assert console.text.isascii(), console.text

    async def to_step_from(console: Any, number: int) -> None:
        if number > 1:
            await console.press("enter")
        await console.until(lambda: at_step(console, number))
        if number == 4:
            await until_said(console, "can be restored")

    run(test())


def test_the_stopwatch_counts_phases_and_stands_at_the_end() -> None:
    state = WizardState(opened=NOW)
    state.enter("backup", NOW + timedelta(minutes=2))
    state.enter("what", NOW + timedelta(minutes=3))
    state.enter("checks", NOW + timedelta(minutes=5))
    later = NOW + timedelta(minutes=9)
    assert state.minutes(later) == 9
    assert dict(state.phase_minutes(later)) == {
        "detection": 2,
        "access": 3,
        "preparation": 4,
        "restore": None,
        "verification": None,
    }
    state.enter("what", later)
    assert dict(state.phase_minutes(later + timedelta(minutes=1)))["access"] == 4
    state.ended = later
    assert state.minutes(later + timedelta(hours=5)) == 9


def test_what_is_gone_of_both_parts_is_preselected_together() -> None:
    """Collections and bucket in one restore, and nothing of what is still there."""

    async def test() -> None:
        names = ["chats", "characters", "users", "memories", "tags"]
        empty = BucketAnswer(bucket="quilltap-files", endpoint="s3", objects=0, bytes=0, whole=True)
        there = [name for name in names if name != "characters"]
        backend = recorded(names, live=there, journals=VERIFIED, looks={"bucket": empty})
        async with opened(RECORDED, backend, mode="restore") as console:
            await until_said(console, "The objects too (bucket: 0 objects now, the backup has 63)")
            assert "Every other collection stays." in flat(console)
            await to_step(console, 3)
            assert "(*) Chosen collections and the objects" in console.line("> ")
            await until_said(console, "1 of 5 taken")
            assert "[x] objects from any backup" in console.text
            await console.press("enter")
            await console.until(lambda: at_step(console, 4))
            wizard = console.app.screen
            assert isinstance(wizard, RestoreScreen)
            request = wizard.state.request
            assert (request.collections, request.with_objects) == (("characters",), True)
            assert (request.only, request.objects_from) == (None, "any")

    run(test())


def test_an_id_in_two_locations_is_asked_for_by_its_path() -> None:
    twin = recorded_backup(location="usb", folder=Path("/usb"), manifest_path=Path("/usb/twin.json"))

    async def test() -> None:
        backend = recorded(["chats"], backups=(recorded_backup(), twin), journals=VERIFIED)
        async with opened(RECORDED, backend, mode="restore") as console:
            await until_said(console, "nothing is missing")
            await console.app.open_restore(backup="/usb/twin.json")
            wizard = console.app.screen
            assert isinstance(wizard, RestoreScreen)
            await console.until(lambda: at_step(console, 2))
            assert wizard.state.backup is not None and wizard.state.backup.location == "usb"
            assert wizard.state.request.backup == "/usb/twin.json"

    run(test())


def test_backups_of_the_same_minute_are_told_apart_by_their_seconds() -> None:
    async def test() -> None:
        backups = tuple(
            recorded_backup(f"quilltap_20261122_{at:%H%M%S}", created=at)
            for at in (
                datetime(2026, 11, 22, 2, 0, 47, tzinfo=UTC),
                datetime(2026, 11, 22, 2, 0, 5, tzinfo=UTC),
                datetime(2026, 11, 21, 2, 0, 9, tzinfo=UTC),
            )
        )
        async with opened(RECORDED, recorded(["chats"], backups=backups), mode="restore") as console:
            await to_step(console, 2)
            await until_said(console, "Proposed:")
            assert "22 Nov 02:00:47" in console.text and "22 Nov 02:00:05" in console.text
            assert "21 Nov 02:00 " in console.text and "02:00:09" not in console.text

    run(test())
