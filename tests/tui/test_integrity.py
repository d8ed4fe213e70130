"""Integrity by keyboard: the matrix from recorded answers, its states, orders, filters and words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.catalog.scan import LocationProblem
from services.errors import QuillkeepError
from tests.recorded import NOW, Silent
from tests.tui.archives_support import NASTY, foreign, row
from tests.tui.integrity_support import (
    ABOUT,
    LIVE,
    NAMES,
    NEVER_LIVE,
    SOME,
    answer,
    cursor,
    ids,
    integrity,
    seen,
    shown,
)
from tests.tui_support import run
from tui.screens.integrity_rows import GROUPS, NARROWEST, Matrix, columns_for, group_of, tail
from widgets.glyphs import Glyphs
from widgets.inventory_table import GUTTER


def test_what_was_never_verified_stands_first_then_the_oldest() -> None:
    async def test() -> None:
        manager, _ = integrity()
        async with manager as console:
            await shown(console)
            assert ids(console) == [
                "live",
                "…20261122_021400",
                "…20261119_021400",
                "…kup-20261117.gz",
                "…20261117_021400",
                "…20261118_021400",
                "…20261115_021400",
                "…20261120_021400",
                "…20261121_021400",
            ]
            assert "8 backups, 3 never verified, 2 failing, looked 03:14 UTC" in console.text
            assert cursor(console) == "live"
            await console.press("o")
            await console.until("newest first")
            assert ids(console)[1:3] == ["…20261122_021400", "…20261121_021400"]
            await console.press("o")
            await console.until("worst first")
            assert ids(console)[1] == "…20261120_021400"

    run(test())


def test_each_cell_is_a_glyph_and_a_word() -> None:
    async def test() -> None:
        manager, _ = integrity()
        async with manager as console:
            await shown(console)
            lines = {one: console.line(one[1:]) for one in ids(console)[1:]}
            assert "· none · none · none · none · none · none never ✓ good" in lines["…20261122_021400"]
            assert "✓ ok   ✗ fail · none ! warn · none ✓ ok   2d    ✓ good" in lines["…20261120_021400"]
            assert "· part · part · none · none · none · none 24h   ✓ good" in lines["…20261119_021400"]
            assert "✓ ok   ✓ ok   ✓ ok   ✓ ok   ✓ ok   – skip 9d" in lines["…20261118_021400"]
            assert "? unkn ✓ ok " in lines["…20261117_021400"]
            # Objects alone: what needs a database stays empty, and is no pass.
            assert lines["…20261115_021400"].split()[1:3] == ["✓", "ok"]
            assert lines["…20261115_021400"].count("ok") == 1
            assert "✗ fail ! warn · none part  ✗ broken" in console.line("live  ")

    run(test())


def test_the_pane_tells_evidence_and_next_step() -> None:
    async def test() -> None:
        manager, _ = integrity()
        async with manager as console:
            await shown(console)
            assert "✗ fail pairs (rows against objects): 12 rows, 10 objects: 2 missing" in console.text
            assert "good in: quilltap_20261121_021400" in console.text
            await console.press("down")
            await console.until("Never verified. Its own read-back proved it")
            await console.press("o", "o", "home", "down")
            await console.until("✗ fail objects: 3_photo.png: another sha256 (full, 2d ago)")
            assert "next: Do something about objects." in console.text

    run(test())


def test_severity_goes_through_its_filters() -> None:
    async def test() -> None:
        manager, _ = integrity()
        async with manager as console:
            await shown(console)
            await console.press("f")
            assert ids(console) == ["live", "…20261120_021400"] and "failing only" in console.text
            await console.press("f")
            assert ids(console) == ["…kup-20261117.gz", "…20261117_021400", "…20261118_021400"]
            assert "warnings, unknown, skipped" in console.text
            await console.press("f")
            assert ids(console) == ["live", "…20261122_021400", "…20261119_021400", "…kup-20261117.gz"]
            await console.press("escape")
            assert len(ids(console)) == 9
            await console.press("slash")
            await console.type("another sha256")
            await console.until("1 of 9 shown")
            await console.press("escape")
            await console.press("slash")
            await console.type("zzz")
            await console.until("Nothing here has the words 'zzz'.")
            await console.press("escape")
            assert len(ids(console)) == 9

    run(test())


def test_an_empty_severity_says_what_that_means() -> None:
    async def test() -> None:
        manager, _ = integrity(answer(seen(row(0), "deep", 1), live=()))
        async with manager as console:
            await shown(console, 2)
            for key, words in (
                ("f", "No check of a backup"),
                ("f", "No check warned"),
                ("f", "verified at least"),
            ):
                await console.press(key)
                assert words in console.text.replace("\n", " ")

    run(test())


def test_without_backups_it_says_what_to_do() -> None:
    async def test() -> None:
        manager, _ = integrity(answer(live=NEVER_LIVE))
        async with manager as console:
            await shown(console, 1)
            assert "No backups yet in /backups/quilltap: 2 then b makes one." in console.text
            assert "unchecked" in console.line("live  ")
            assert "pairs (rows against objects): never, as far as the jobs here tell." in console.text

    run(test())


def test_an_unreachable_location_is_unknown_by_name() -> None:
    async def test() -> None:
        problem = LocationProblem(
            location="nas", path="/mnt/nas/quilltap", problem="no permission to read it"
        )
        manager, _ = integrity(answer(problems=(problem,), live_problem="2 jobs could not be read."))
        async with manager as console:
            await shown(console, 1)
            assert "? nas: no permission to read it: /mnt/nas/quilltap" in console.text
            assert "? live: 2 jobs could not be read." in console.text
            assert "No backup can be seen" in console.text and "No backups yet" not in console.text

    run(test())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Silent, "Looking at /backups/quilltap since 03:14:00 UTC."),
        (QuillkeepError("The folder of the backups did not answer in 10 s."), "did not answer in 10 s"),
    ],
)
def test_before_the_answer_and_without_one(given: Any, words: str) -> None:
    async def test() -> None:
        manager, _ = integrity(given)
        async with manager as console:
            await console.until(words)
            assert "backups," not in console.text
            for key in ("f", "o", "s", "j", "v", "R", "enter", "V"):
                await console.press(key)
            assert type(console.app.screen).__name__ == "IntegrityScreen"

    run(test())


def test_wide_ascii_and_hostile_names() -> None:
    async def test() -> None:
        backups = [
            seen(foreign(at, name), "full", at, {"archive": ("fail", name)}) for at, name in enumerate(NASTY)
        ]
        manager, _ = integrity(answer(*backups), size=(160, 40), glyphs=Glyphs(utf8=False))
        async with manager as console:
            await shown(console, len(NASTY) + 1)
            heading = console.line("FILES")
            assert all(word in heading for word in ("AGE", "DUMP", "WHEN", "LOCATION"))
            for _ in NASTY:
                await console.press("down")
                assert "\x1b" not in console.text
            await console.press("enter")
            await console.until("When:")
            await console.press("escape")

    run(test())


def test_a_narrow_terminal_tells_the_worst_first() -> None:
    async def test() -> None:
        manager, _ = integrity(size=(60, 24))
        async with manager as console:
            await shown(console)
            await console.press("o", "o")
            line = console.line("20261120_021400")
            assert "✗ fail obj ! warn pa" in line and line.rstrip().endswith("✓ good")
            assert "✗ fail pairs ! warn" in console.line("live  ") and "✗ broken" in console.line("live  ")
            await console.press("down", "enter")
            await console.until("✗ fail    objects")

    run(test())


def test_columns_never_lose_a_group() -> None:
    for width in range(60, 240):
        columns = columns_for(width)
        titles = [column.title for column in columns]
        assert titles[-1] in ("VERDICT", "LOCATION")
        if width < NARROWEST:
            assert "CHECKS" in titles
        else:
            assert {"DUMP", "OBJ", "DEEP", "PAIRS", "DATA", "PEPPER"} <= set(titles)
            assert GUTTER + sum(column.width for column in columns) + len(columns) - 1 <= width


def test_every_check_has_a_group_also_one_of_a_later_version() -> None:
    assert {group_of(one.name, one) for one in ABOUT} == set(GROUPS)
    assert group_of("database as a whole", None) == "dump"
    assert group_of("objects as a whole", None) == "objects"
    assert group_of("shared damage", None) == "objects"
    assert group_of("something-new", None) == "files"


def test_a_quick_run_passes_nothing_that_it_did_not_look_at() -> None:
    matrix = Matrix(SOME)
    quick, skipped = SOME.backups[3], SOME.backups[4]
    assert matrix.letter(quick, "objects") == "p" and matrix.letter(quick, "dump") == "-"
    assert matrix.letter(skipped, "pepper") == "s"
    both = msgspec.structs.replace(quick, states=quick.states.replace("o", "f", 1))
    assert matrix.letter(both, "files") == "f"


def test_an_id_loses_its_beginning_never_its_time() -> None:
    assert tail("quilltap_20261122_020000", "…") == "…20261122_020000"
    assert tail("short.gz", "…") == "short.gz"
    assert tail("漢字" * 20, "…").startswith("…") and len(NAMES) == len(ABOUT) and LIVE[0].at < NOW


def test_ten_thousand_backups() -> None:
    async def test() -> None:
        many = answer(*(seen(row(number), "full", number) for number in range(10_000)))
        manager, _ = integrity(many)
        async with manager as console:
            await shown(console, 10_001)
            assert "10,000 backups" in console.text
            await console.press("end", "home", "down")
            await console.press("slash", "2", "0", "2", "5")
            await console.until("of 10,001 shown")

    run(test())
