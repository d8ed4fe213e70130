"""One job's screen: what it shows of a journal, its keys, and what cancelling says."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from services.jobs.events import AnyEvent, Checkpoint
from services.jobs.launch import start_job
from services.operations.selftest import SelftestPlan
from services.paths import Paths
from services.profile import Profile
from tests.journals import BACKUP_RESULT, JOB, cancel, finished, log, mark, phase, progress, started
from tests.recorded import RecordedBackend
from tests.tui_support import Console, opened, run
from tui.screens.confirm import YesNoModal
from tui.screens.job import JobScreen
from widgets.glyphs import Glyphs
from widgets.log_tail import LogTail

PROFILE = Profile(name="prod")
RUNNING: list[AnyEvent] = [
    started(),
    phase("prepare", 0.5, detail="looking at the server"),
    log("The backup is quilltap_20261122_030000."),
    phase("dump", 2, detail="reading quilltap", total=400_000_000),
    progress("dump", 10, 100_000_000, total=400_000_000, rate=50e6, eta=6.0),
]
ENDED = [
    *RUNNING,
    finished(40, "warnings", 3, **{**BACKUP_RESULT, "warnings": ["An object was missing."]}),
]
SWAP = [
    started("restore"),
    phase("loading aside", 1, total=100),
    mark("record", job=JOB, state="loading"),
    phase("swapping", 9, detail="2 collections", total=2, unit="collections"),
]
RENAMING: Checkpoint = mark("renaming", 9, job=JOB)


class Journal(RecordedBackend):
    """One job's journal."""

    def __init__(self, events: list[AnyEvent]) -> None:
        super().__init__(journals={JOB: events})
        self.events = events


async def open_job(console: Console) -> JobScreen:
    console.app.open_job(JOB)
    await console.until(lambda: isinstance(console.app.screen, JobScreen))
    screen = console.app.screen
    assert isinstance(screen, JobScreen)
    # The reader hands events over four times a second.
    backend = console.app.store.backend
    assert isinstance(backend, Journal)
    last = backend.events[-1].at
    await console.until(lambda: screen.story.ended or screen.story.last == last)
    await console.pilot.pause()
    return screen


def test_shows_what_runs_as_measured() -> None:
    async def test() -> None:
        async with opened(PROFILE, Journal(RUNNING)) as console:
            await open_job(console)
            assert f"▶ running  backup {JOB}" in console.text
            assert "by quill on vm7, profile prod, since 2026-11-22 03:00:00 UTC, for 14 min" in console.text
            assert "25 %  100 MB of 400 MB  50 MB/s  6 s left" in console.text
            assert "✓ done    prepare: looking at the server  1.5 s" in console.text
            assert "▶ now     dump: reading quilltap" in console.text
            assert isinstance(console.app.focused, LogTail)

    run(test())


def test_unknown_totals_get_neither_bar_nor_time_left() -> None:
    async def test() -> None:
        events = [
            started(),
            phase("counting", 1, unit="objects"),
            progress("counting", 3, 12, unit="objects"),
        ]
        async with opened(PROFILE, Journal(events)) as console:
            await open_job(console)
            line = console.line("12 objects")
            assert line.strip() == "12 objects"
            assert "left" not in console.text

    run(test())


def test_waits_for_the_first_line_and_says_since_when() -> None:
    async def test() -> None:
        async with opened(PROFILE, Journal([])) as console:
            console.app.open_job(JOB)
            await console.until("Waiting for the first line of its journal since 2026-11-22 03:14:00 UTC.")

    run(test())


def test_a_result_in_words_comes_first() -> None:
    async def test() -> None:
        async with opened(PROFILE, Journal(ENDED)) as console:
            screen = await open_job(console)
            await console.until("took 40 s")
            assert f"! warnings  backup {JOB}" in console.text
            assert "made quilltap_20261122_030000: 101 documents, 20 objects" in console.text
            assert "Warning      An object was missing." in console.text
            lines = console.text.splitlines()
            result = next(n for n, line in enumerate(lines) if line.startswith("Result"))
            assert result < next(n for n, line in enumerate(lines) if "done    prepare" in line)
            assert screen.why_disabled("cancel") == "The job has ended."

    run(test())


def test_an_error_has_its_four_sentences() -> None:
    async def test() -> None:
        error = {"what": "It broke.", "cause": "A cause.", "touched": "Nothing was.", "next": "Do this."}
        events = [started("restore"), phase("loading aside", 1), finished(5, "failed", 1, error=error)]
        async with opened(PROFILE, Journal(events)) as console:
            await open_job(console)
            await console.until("✗ failed  restore")
            for text in error.values():
                assert text in console.text
            assert "✗ failed  loading aside" in console.text

    run(test())


def test_a_lost_restore_says_what_it_left_and_how_to_go_on() -> None:
    async def test() -> None:
        class Gone(Journal):
            """A journal whose process is gone: it just ends."""

            def follow(self, folder: Path, *, idle: Callable[[], None]) -> Iterator[AnyEvent]:
                yield from self.events

        async with opened(PROFILE, Gone([*SWAP, RENAMING])) as console:
            screen = await open_job(console)
            await console.until("? lost  restore")
            assert "ended without a result: its process is gone" in console.text
            assert "old and new mixed" in " ".join(console.text.split())
            assert f"quillkeep restore --finish {JOB}" in " ".join(console.text.split())
            assert screen.why_disabled("go_on") == ""
            await console.press("g")
            await console.until("[3 Restore]")

    run(test())


def test_cancel_asks_with_what_it_leaves_and_no_is_the_default() -> None:
    async def test() -> None:
        backend = Journal(RUNNING)
        async with opened(PROFILE, backend) as console:
            await open_job(console)
            for key in ("enter", "n", "escape"):
                await console.press("x")
                await console.until(f"Cancel the backup {JOB}?")
                assert "this backup will not count" in " ".join(console.text.split())
                await console.press(key)
                assert isinstance(console.app.screen, JobScreen)
            await console.press("x", "x")
            assert isinstance(console.app.screen, YesNoModal)
            assert backend.cancelled == []

    run(test())


def test_yes_asks_the_job_and_shows_its_answer_and_nothing_more() -> None:
    async def test() -> None:
        backend = Journal(RUNNING)
        async with opened(PROFILE, backend) as console:
            await open_job(console)
            await console.press("x", "y")
            await console.until("Cancelling: the job stops at the next safe point.")
            assert backend.cancelled == [JOB]
            assert "cancelled" not in console.line(f"backup {JOB}")

    run(test())


def test_too_late_is_an_answer_not_a_question() -> None:
    async def test() -> None:
        backend = Journal([*SWAP, RENAMING])
        async with opened(PROFILE, backend) as console:
            await open_job(console)
            await console.press("x")
            await console.until("Too late to cancel")
            assert isinstance(console.app.screen, JobScreen)
            assert f"quillkeep rollback {JOB}" in console.text
            assert backend.cancelled == []

    run(test())


def test_the_question_follows_the_job() -> None:
    async def test() -> None:
        async with opened(PROFILE, Journal(SWAP)) as console:
            screen = await open_job(console)
            await console.press("x")
            await console.until("beside them is dropped")
            from tui.bridge import JobNews

            screen.post_message(JobNews(JOB, (RENAMING,), ended=False))
            await console.until("Too late to cancel")
            screen.post_message(JobNews(JOB, (finished(20, collections={}),), ended=True))
            await console.until("It has ended meanwhile.")

    run(test())


def test_an_answer_in_the_journal_is_shown() -> None:
    async def test() -> None:
        async with opened(
            PROFILE, Journal([*SWAP, RENAMING, cancel(False, "Too late: finishing.")])
        ) as console:
            await open_job(console)
            await console.until("Too late: finishing.")
            assert "▶ running" in console.text

    run(test())


def test_log_keys() -> None:
    async def test() -> None:
        lines = [
            log(f"line {number:03}", 10 + number, "warning" if number % 50 == 0 else "info")
            for number in range(200)
        ]
        async with opened(PROFILE, Journal([*RUNNING, *lines])) as console:
            await open_job(console)
            await console.until("line 199")
            await console.press("f")
            assert "held; f follows" in console.text
            await console.press("f")
            assert "(following)" in console.text
            await console.press("pageup")
            assert "held; f follows" in console.text
            assert "line 199" not in console.text
            await console.press("home")
            assert "The backup is quilltap" in console.text
            await console.press("up", "down", "end")
            assert "line 199" in console.text
            assert "(following)" in console.text

    run(test())


def test_filter_shows_lines_with_all_words_and_escape_all_of_them() -> None:
    async def test() -> None:
        lines = [
            log(f"line {number}", 10 + number, "warning" if number == 7 else "info") for number in range(20)
        ]
        async with opened(PROFILE, Journal([*RUNNING, *lines])) as console:
            await open_job(console)
            await console.press("slash")
            await console.type("warning line")
            await console.until("1 of 21 lines")
            assert "line 8" not in console.text
            await console.press("enter")
            assert isinstance(console.app.focused, LogTail)
            await console.press("slash", "escape")
            await console.until(" 21 lines")
            await console.press("slash")
            await console.type("nowhere")
            await console.until("0 of 21 lines")
            await console.press("escape")
            assert isinstance(console.app.screen, JobScreen)
            await console.press("escape")
            assert not isinstance(console.app.screen, JobScreen)

    run(test())


def test_copy_and_save(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(PROFILE, Journal(ENDED)) as console:
            await open_job(console)
            await console.until("took 40 s")
            await console.press("y")
            assert "An object was missing." in console.app.clipboard
            assert "dump: reading quilltap: 38 s  100 MB" in console.app.clipboard
            await console.press("s")
            target = tmp_path / "job.txt"
            await console.until("Save to which file?")
            await console.press("ctrl+u")
            console.app.screen.query_one("Input").value = str(target)  # type: ignore[attr-defined]
            await console.press("enter")
            await console.until(target.exists)
            assert "The backup is quilltap_20261122_030000." in target.read_text()
            assert stat.S_IMODE(target.stat().st_mode) == 0o600

    run(test())


def test_hostile_lines_are_shown_and_harmless() -> None:
    async def test() -> None:
        lines = [
            log("[/red] \x1b[31mred\x1b[0m \x07 \u202egpj.exe", 1),
            log("mongodb://root:geheim12@db/ refused; AKIAABCDEFGHIJKLMNOP", 2, "error"),
            log("x" * 10_000, 3),
            log("漢字" * 100 + "é̈" * 50, 4),
        ]
        hostile = [
            started("[/x]\n", user="[b]u", host="\x1b[2J"),
            phase("[/p]\x1b", 1, detail="d\n[/d]"),
            *lines,
        ]
        for glyphs in (Glyphs(), Glyphs(utf8=False)):
            async with opened(PROFILE, Journal(hostile), glyphs=glyphs) as console:
                await open_job(console)
                await console.until("[/red] \\x1b[31mred")
                assert "geheim12" not in console.text
                assert "AKIA" not in console.text
                assert "\x1b" not in console.text
                assert console.line("xxxx").rstrip().endswith(glyphs.ellipsis)
                await console.press("y")
                assert "geheim12" not in console.app.clipboard
                assert "x" * 10_000 in console.app.clipboard

    run(test())


def test_leaving_lets_the_job_go_on_and_stops_reading(tmp_path: Path) -> None:
    async def test() -> None:
        paths = Paths(tmp_path / "state")
        job = await asyncio.to_thread(
            start_job, "selftest", SelftestPlan(steps=400, seconds=0.02), PROFILE, paths
        )
        async with opened(PROFILE, paths) as console:
            console.app.open_job(job.job)
            await console.until("▶ running  selftest")
            await console.until("steps/s")
            await console.press("escape")
            assert not isinstance(console.app.screen, JobScreen)
            console.app.open_job(job.job)
            await console.until("▶ running  selftest")
            await console.press("x")
            await console.until("It only looks")
            await console.press("y")
            await console.until("∅ cancelled  selftest", 30)
            assert "Asked to cancel (SIGTERM)" in console.text

    run(test())


def test_a_journal_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    async def test() -> None:
        paths = Paths(tmp_path / "state")
        (paths.jobs / JOB / "journal.jsonl").mkdir(parents=True)
        async with opened(PROFILE, paths) as console:
            console.app.open_job(JOB)
            await console.until("cannot be read")
            assert "? unknown" in console.text
            assert "lost" not in console.text

    run(test())


def test_a_failed_restore_goes_on_only_where_something_is_left() -> None:
    async def test() -> None:
        for following, why in (
            ("Check mongod, then restore again.", "Only an interrupted restore"),
            (f"`quillkeep restore --finish {JOB}` or `quillkeep rollback {JOB}`", ""),
        ):
            error = {"what": "It broke.", "cause": "", "touched": "", "next": following}
            async with opened(
                PROFILE, Journal([started("restore"), finished(5, "failed", 1, error=error)])
            ) as console:
                screen = await open_job(console)
                await console.until("It broke.")
                assert screen.why_disabled("go_on").startswith(why)
                assert bool(screen.why_disabled("go_on")) == bool(why)

    run(test())


def test_a_long_journal_is_read_to_its_end() -> None:
    async def test() -> None:
        lines = [
            log(f"line {number} of mongodb://u:geheim{number}@h/", 10 + number) for number in range(5_000)
        ]
        async with opened(PROFILE, Journal([started(), *lines])) as console:
            console.app.open_job(JOB)
            await console.until("5,000 lines")
            await console.until("line 4999 of mongodb://***@h/")

    run(test())


def test_leaving_while_a_long_journal_is_read() -> None:
    async def test() -> None:
        lines = [log(f"line {number}", 10 + number) for number in range(5_000)]
        async with opened(PROFILE, Journal([started(), *lines])) as console:
            for pause in (0.0, 0.25, 0.26, 0.27):
                console.app.open_job(JOB)
                await console.pilot.pause(pause)
                await console.press("escape")
                await console.until(lambda: not isinstance(console.app.screen, JobScreen))

    run(test())


def test_wide_terminals_show_the_log_beside() -> None:
    async def test() -> None:
        async with opened(PROFILE, Journal(ENDED), size=(120, 40)) as console:
            await open_job(console)
            await console.until("took 40 s")
            line = console.line("Log (whole)")
            assert line.index("Log (whole)") > 50

    run(test())
