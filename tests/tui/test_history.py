"""History: rows, detail, timeline, trends, export; read from real journals."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from textual.widgets import Input

from services.errors import QuillkeepError
from services.history.model import History, Operation
from services.paths import Paths
from services.profile import Profile
from tests.journals import (
    BACKUP_RESULT,
    BEGAN,
    JOB,
    finished,
    log,
    mark,
    phase,
    progress,
    started,
    write,
)
from tests.recorded import RecordedBackend
from tests.tui_support import Console, opened, run
from tui.screens.history import HistoryScreen
from tui.screens.history_detail import ExportModal, HistoryDetailScreen, TrendsScreen
from tui.screens.job import JobScreen
from widgets.glyphs import Glyphs
from widgets.inventory_table import InventoryTable

PROFILE = Profile(name="prod")
RESTORE = "20261122_020000"


def state(folder: Path) -> Paths:
    """Two backups and a restore."""
    for number in (1, 2):
        job = f"2026112{number}_030000"
        events = [
            started(job=job),
            phase("dump", 1, total=100),
            progress("dump", 8, 100, total=100),
            finished(10 * number, **BACKUP_RESULT),
        ]
        write(folder / "jobs" / job, events)
    restore = [
        started("restore", RESTORE, plan={"request": {"backup": "latest"}, "allow": ["writers"]}),
        log("Restoring."),
        phase("loading aside", 1, total=800_000),
        progress("loading aside", 7, 800_000, total=800_000),
        mark("renaming", 8, job=RESTORE),
        phase("swapping", 8, detail="2 collections", total=2, unit="collections"),
        phase("proving what is live", 9),
        finished(
            10,
            job=RESTORE,
            backup="quilltap_20261121_030000",
            collections={"a": {"documents": 5}, "b": {"documents": 7}},
            rollback_until="2026-11-25T03:00:00+00:00",
        ),
    ]
    write(folder / "jobs" / RESTORE, restore)
    return Paths(folder)


async def shown(console: Console) -> InventoryTable:
    await console.until("operations since")
    return console.app.screen.query_one(InventoryTable)


def test_every_operation_newest_first(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(PROFILE, state(tmp_path), mode="history") as console:
            table = await shown(console)
            assert [row.key for row in table.rows] == [JOB, RESTORE, "20261121_030000"]
            assert "3 operations since 2026-11-22" in console.text
            assert "✓ succeeded" in console.line("restore")
            assert "10 s" in console.line("restore")
            assert "quill@vm7, job 20261122_030000, profile prod" in console.text

    run(test())


def test_wide_terminals_say_who_and_how_much(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(PROFILE, state(tmp_path), mode="history", size=(120, 40)) as console:
            await shown(console)
            assert "quill@vm7" in console.line("restore")
            assert "800 kB" in console.line("restore")

    run(test())


def test_a_restore_has_its_timeline_and_result(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(PROFILE, state(tmp_path), mode="history") as console:
            await shown(console)
            await console.press("down", "enter")
            await console.until(lambda: isinstance(console.app.screen, HistoryDetailScreen))
            await console.until(f"✓ succeeded  restore {RESTORE}")
            assert "Changed      2 collections, 12 documents live" in console.text
            assert f"Then         quillkeep rollback {RESTORE}" in console.text
            assert "Timeline: 9 s" in console.text
            loading, swapping = console.line("loading aside"), console.line("swapping")
            assert "7 s" in loading
            assert "800 kB" in loading
            assert loading.count("█") > 5 * swapping.count("█") > 0
            assert loading.index("█") < swapping.index("█")
            assert "Asked        backup latest, allow writers" in console.text
            await console.press("escape")
            assert isinstance(console.app.screen, HistoryScreen)

    run(test())


def test_the_log_of_an_operation(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(PROFILE, state(tmp_path), mode="history") as console:
            await shown(console)
            await console.press("down", "enter", "l")
            await console.until(lambda: isinstance(console.app.screen, JobScreen))
            await console.until("Restoring.")
            await console.press("escape")
            assert isinstance(console.app.screen, HistoryDetailScreen)
            await console.press("y")
            assert f"## restore {RESTORE}" in console.app.clipboard

    run(test())


def test_trends_as_plots_of_text(tmp_path: Path) -> None:
    async def test() -> None:
        for glyphs in (Glyphs(), Glyphs(utf8=False)):
            async with opened(
                PROFILE, RecordedBackend(history=_trend()), mode="history", glyphs=glyphs
            ) as console:
                await shown(console)
                await console.press("t")
                await console.until("Backups: size: newest 30 MB, least 10 MB, most 30 MB (3 points)")
                assert isinstance(console.app.screen, TrendsScreen)
                assert "30 MB" in console.text
                assert "2026-11-21" in console.text
                assert glyphs.utf8 or console.text.isascii()
                await console.press("y")
                assert "Restores: rate" in console.app.clipboard
                first = console.app.clipboard
                await console.press("escape", "t")
                await console.until("Backups: duration")
                await console.press("y")
                assert console.app.clipboard == first
                await console.press("end")
                assert "Nothing was measured yet." in console.text

    run(test())


def _trend() -> History:
    return History(
        operations=tuple(
            Operation(
                id=f"2026112{number}_030000",
                verb="backup",
                state="succeeded",
                started=BEGAN.replace(day=20 + number),
                seconds=10.0 * number,
                bytes=10_000_000 * number,
                rate=1_000_000.0,
                exit_code=0,
            )
            for number in (3, 2, 1)
        )
    )


def test_export_asks_for_form_and_path_and_never_overwrites(tmp_path: Path) -> None:
    async def test() -> None:
        target = tmp_path / "history.json"
        target.write_text("mine")
        async with opened(PROFILE, state(tmp_path), mode="history") as console:
            await shown(console)
            await console.press("e")
            await console.until("Export these 3 operations as which form?")
            await console.press("enter", "y", "escape")
            assert isinstance(console.app.screen, HistoryScreen)
            await console.press("e", "j")
            await console.until("Save to which file?")
            console.app.screen.query_one(Input).value = str(target)
            await console.press("enter")
            await console.until("exists already, and is not overwritten")
            assert target.read_text() == "mine"
            fresh = tmp_path / "other.json"
            console.app.screen.query_one(Input).value = str(fresh)
            await console.press("enter")
            await console.until(fresh.exists)
            await console.until("Saved as")
            assert len(json.loads(fresh.read_text())["operations"]) == 3
            assert stat.S_IMODE(fresh.stat().st_mode) == 0o600

    run(test())


def test_export_takes_what_the_filter_shows(tmp_path: Path) -> None:
    async def test() -> None:
        target = tmp_path / "restore.md"
        async with opened(PROFILE, state(tmp_path), mode="history") as console:
            await shown(console)
            await console.press("slash")
            await console.type("restore 2026-11-22")
            await console.until("1 of 3 shown")
            await console.press("enter", "e")
            await console.until("Export this operation as which form?")
            assert isinstance(console.app.screen, ExportModal)
            await console.press("m")
            await console.until("Save to which file?")
            console.app.screen.query_one(Input).value = str(target)
            await console.press("enter")
            await console.until(target.exists)
            text = target.read_text()
            assert f"## restore {RESTORE}" in text
            assert "| loading aside | 7 s | 800 kB |" in text
            await console.press("escape")
            await console.until("3 operations since")

    run(test())


def test_nothing_was_done_yet(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(PROFILE, Paths(tmp_path / "none"), mode="history") as console:
            await console.until("Nothing was done yet.")
            assert console.app.focused is not None
            await console.press("enter", "t", "e", "y", "s", "slash", "escape")
            assert "Nothing was done yet." in console.text
            screen = console.app.screen
            assert isinstance(screen, HistoryScreen)
            assert screen.why_disabled("export") == "There is no operation yet."

    run(test())


def test_no_permission_is_never_no_history() -> None:
    async def test() -> None:
        class Forbidden(RecordedBackend):
            """The state folder of somebody else."""

            def history(self) -> History:
                raise QuillkeepError("No permission to read the jobs in /x.", next="Run as root.")

        async with opened(PROFILE, Forbidden(), mode="history") as console:
            await console.until("No permission to read the jobs in /x.")
            assert "What was done is not known." in console.text
            assert "Nothing was done" not in console.text

        some = RecordedBackend(
            history=History(operations=_trend().operations, forbidden=("20261101_000000",))
        )
        async with opened(PROFILE, some, mode="history") as console:
            await console.until("no permission to read 1 more")

    run(test())


def test_looks_again_and_keeps_the_filter_beside_other_modes(tmp_path: Path) -> None:
    async def test() -> None:
        paths = state(tmp_path)
        async with opened(PROFILE, paths, mode="history") as console:
            await shown(console)
            await console.press("slash")
            await console.type("verify")
            await console.until("Nothing here has these words.")
            await console.press("enter", "6", "7")
            job = "20261123_030000"
            write(paths.jobs / job, [started("verify", job), finished(3, id="quilltap_x", checks=[])])
            await console.press("r")
            await console.until("1 of 4 shown")
            assert "checked quilltap_x" in console.text

    run(test())


def test_hostile_journals(tmp_path: Path) -> None:
    async def test() -> None:
        events = [
            started("[/x]", user="[b]\x1b", host="h\n", plan={"k": "mongodb://u:geheim12@h/ [/y]"}),
            phase("漢字[/p]\x1b[2J", 1, detail="d\u202e"),
            finished(
                2, "failed", 1, error={"what": "s3://u:geheim12@h/ \x1b[31m[/red]", "next": "x" * 3_000}
            ),
        ]
        write(tmp_path / "jobs" / JOB, events, torn=b'{"event":"finished')
        for size in ((80, 24), (120, 40)):
            async with opened(
                PROFILE, Paths(tmp_path), mode="history", size=size, glyphs=Glyphs(utf8=False)
            ) as console:
                await console.until("1 operation since")
                assert "geheim12" not in console.text
                await console.press("enter")
                await console.until("Timeline")
                assert "geheim12" not in console.text
                assert "\x1b" not in console.text
                assert "[/red]" in console.text
                assert "cut here: y copies the whole" in console.text

    run(test())


def test_plans_and_dry_runs_are_shown_when_asked_for() -> None:
    async def test() -> None:
        operations = tuple(
            Operation(
                id=f"2026112{number}_020000", verb=verb, state="succeeded", started=BEGAN, only_looked=looked
            )
            for number, (verb, looked) in enumerate([("restore", False), ("plan", True), ("delete", True)])
        )
        backend = RecordedBackend(history=History(operations=operations))
        async with opened(PROFILE, backend, mode="history") as console:
            await console.until("1 operation since")
            assert "2 left out: plans and dry runs (p)" in console.text and "delete" not in console.text
            await console.press("p")
            await console.until("3 operations since")
            assert "left out" not in console.text

    run(test())
