"""Archives by keyboard: the inventory from recorded catalogs, its states, its order, its words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len

from services.catalog.scan import LocationProblem
from services.errors import QuillkeepError
from tests.recorded import NOW, Silent
from tests.tui.archives_support import (
    NASTY,
    PROD,
    SOME,
    archives,
    catalog,
    cursor,
    foreign,
    listed,
    row,
    shown,
    told,
)
from tests.tui_support import run
from tui.screens.archives_rows import columns_for
from widgets.glyphs import Glyphs
from widgets.inventory_table import GUTTER, fit_cell


def test_every_backup_says_what_it_is() -> None:
    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await console.until(
                "10 backups (1 foreign, 1 of other deployments), newest first, looked 03:14 UTC"
            )
            assert "1h db+obj 600.0 MB ✓ good         ✓ own" in console.line("quilltap_20261122")
            assert "! suspicious" in console.line("quilltap_20261121_021400 ")
            assert "✓ full  pinned" in console.line("quilltap_20261120_021400 ")
            assert "✗ incomplete" in console.line("quilltap_20261119_021400 ")
            assert "✗ damaged      ✗ full" in console.line("quilltap_20261118_021400 ")
            assert "? not verified · never foreign" in console.line("old/backup")
            assert "others'" in console.line("quilltap_20261116")
            assert "? unreadable" in console.line("quilltap_20261115")
            assert "gpg" in console.line("quilltap_20261114")
            assert "safety" in console.line("quilltap_20261113")
            await console.press("down")
            assert "! suspicious: chats fell by 60%" in console.text
            await console.press("end")
            assert cursor(console) == "quilltap_20261113_021400"
            await console.press("home", "pagedown")
            assert cursor(console) == "quilltap_20261113_021400"
            await console.press("pageup")
            assert cursor(console) == "quilltap_20261122_021400"

    run(test())


def test_wide_and_ascii() -> None:
    async def test() -> None:
        manager, _ = archives(size=(180, 40), glyphs=Glyphs(utf8=False))
        async with manager as console:
            await listed(console)
            heading = console.line("CONSISTENCY")
            assert all(word in heading for word in ("LOCATION", "CHECKED", "PARTS"))
            await console.press("down", "down")
            assert "+ full 24h ago" in console.text
            assert "yes: no rule deletes" in console.text
            assert console.text.isascii(), {char for char in console.text if not char.isascii()}

    run(test())


def test_filter_as_you_type() -> None:
    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await listed(console)
            await console.press("slash")
            await console.type("susp")
            await console.until("1 of 10 shown")
            assert shown(console) == ["quilltap_20261121_021400"]
            await console.press("escape")
            assert len(shown(console)) == 10 and "shown" not in console.text
            for words, count in (("nas gpg", 1), ("20261119", 1), ("good", 5)):
                await console.press("slash")
                await console.type(words)
                assert len(shown(console)) == count, words
                await console.press("escape")
            await console.press("slash")
            await console.type("zzz")
            await console.until("No backup matches")
            await console.press("enter")
            assert "Escape shows all of them again" in console.text
            await console.press("escape")
            assert len(shown(console)) == 10
            await console.press("slash", "p", "i", "n", "enter")
            assert cursor(console) == "quilltap_20261120_021400"

    run(test())


def test_sort_keeps_the_cursor_on_its_backup() -> None:
    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await listed(console)
            await console.press("down", "down", "o")
            await console.until("largest first")
            assert (
                shown(console)[0] == "quilltap_20261113_021400"
                and cursor(console) == "quilltap_20261120_021400"
            )
            await console.press("o")
            await console.until("by location")
            assert shown(console)[-1] == "quilltap_20261114_021400"
            await console.press("o")
            await console.until("worst verdict first")
            assert shown(console)[:2] == ["quilltap_20261119_021400", "quilltap_20261118_021400"]
            await console.press("o")
            await console.until("newest first")

    run(test())


def test_go_to_an_id_or_a_date() -> None:
    places = (
        ("2026-11-17", "old/backup-20261117.gz"),
        ("quilltap_20261114", "quilltap_20261114_021400"),
        ("old", "old/backup-20261117.gz"),
        ("2026-11-18", "quilltap_20261118_021400"),
        ("2027", "quilltap_20261122_021400"),
        ("2020", "quilltap_20261122_021400"),
        ("qq", "quilltap_20261122_021400"),
    )

    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await listed(console)
            for typed, lands in places:
                await console.press("g")
                await console.type(typed)
                await console.press("enter")
                assert cursor(console) == lands, typed
                assert "Go to" not in console.text
            await console.press("down", "g", "escape")
            assert cursor(console) == "quilltap_20261121_021400" and "Go to" not in console.text

    run(test())


@pytest.mark.parametrize("width", range(60, 250, 5))
def test_columns_fit_and_never_cut_our_ids(width: int) -> None:
    columns = columns_for(width)
    assert sum(column.width or 7 for column in columns) + len(columns) - 1 + GUTTER <= width
    assert columns[0].width >= 24 and {"VERDICT", "AGE", "SIZE"} <= {column.title for column in columns}


def test_waiting_says_for_what_and_since_when() -> None:
    async def test() -> None:
        manager, _ = archives({"catalog": Silent})
        async with manager as console:
            await console.until("Looking at /backups/quilltap and 1 more since 03:14:00 UTC.")
            assert "No backups" not in console.text and "0 backups" not in console.text
            await console.press("enter", "v", "slash", "o", "d", "p", "g")
            assert "Looking at" in console.text

    run(test())


def test_no_backups_yet_names_the_key() -> None:
    async def test() -> None:
        manager, _ = archives({"catalog": catalog()})
        async with manager as console:
            await console.until("No backups yet in /backups/quilltap and 1 more.")
            assert "b makes the first one" in console.text
            await console.press("v")
            await told(console, "No backup is selected.")

    run(test())


def test_what_cannot_be_read_is_never_none() -> None:
    problem = LocationProblem(location="nas", path="/mnt/nas/quilltap", problem="no permission to read it")

    async def test() -> None:
        manager, _ = archives({"catalog": catalog(problems=(problem,))})
        async with manager as console:
            await console.until("? nas: no permission to read it: /mnt/nas/quilltap")
            assert "No backup can be seen" in console.text and "No backups yet" not in console.text
        dead = QuillkeepError(
            "The folder of the backups did not answer in 10 s.", next="Check that it is mounted."
        )
        manager, _ = archives({"catalog": dead})
        async with manager as console:
            await console.until("The folder of the backups did not answer in 10 s.")
            assert "Check that it is mounted." in console.text and "No backups yet" not in console.text
        manager, _ = archives({"catalog": catalog()}, profile=msgspec.structs.replace(PROD, locations=()))
        async with manager as console:
            await console.until("No folder for backups is configured.")
            await console.press("b")
            assert "BACKUP_DIR" in console.text

    run(test())


def test_an_old_answer_stays_while_a_new_one_is_awaited() -> None:
    answers: list[Any] = [SOME, QuillkeepError("The folder did not answer.", next="Look again.")]

    async def test() -> None:
        manager, _ = archives({"catalog": lambda request: answers.pop(0)})
        async with manager as console:
            await listed(console)
            await console.press("r")
            await console.until("The folder did not answer.")
            assert len(shown(console)) == 10

    run(test())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_hostile_names_are_text(size: tuple[int, int]) -> None:
    names = NASTY if size[0] == 80 else NASTY[:4]
    rows = [foreign(number, name) for number, name in enumerate(names)]
    rows.append(row(20, reason="[/x]\x1b[2J", problem="[bold]\x07bad\u202e", parts=(), complete=False))
    problem = LocationProblem(location="[/]\x1b", path="/x/\n[/red]", problem="no permission to read it")

    async def test() -> None:
        show = QuillkeepError("[/x]\x1b[31m could not be read", cause="[/y]", next="[z]")
        manager, _ = archives({"catalog": catalog(*rows, problems=(problem,)), "show": show}, size=size)
        async with manager as console:
            await listed(console, len(rows))
            for number in range(len(rows)):
                assert not any(char in console.text for char in "\x1b\x07\u202e\t")
                await console.press("enter")
                await console.until("could not be read")
                if number < 2:
                    await console.press(
                        "right", "right", "right", "right", "right", "escape", "v", "escape", "y"
                    )
                else:
                    await console.press("escape")
                assert not any(char in console.text for char in "\x1b\x07\u202e\t")
                await console.press("down")

    run(test())


def test_ten_thousand_rows() -> None:
    backups = [
        row(0, id=f"quilltap_{number:08d}_000000", created=NOW - timedelta(hours=number))
        for number in range(10_000)
    ]

    async def test() -> None:
        manager, _ = archives({"catalog": catalog(*backups)})
        async with manager as console:
            await listed(console, 10_000)
            assert "10,000 backups" in console.text
            await console.press("end")
            assert cursor(console) == "quilltap_00009999_000000"
            assert "> quilltap_00009999_000000" in console.text
            await console.press("pageup", "pagedown", "up", "o", "o", "o", "o")
            assert cursor(console) == "quilltap_00009998_000000"
            await console.press("slash", "0", "9", "9", "9", "9")
            await console.until("1 of 10,000 shown")
            await console.press("escape")
            assert cursor(console) == "quilltap_00009999_000000"

    run(test())


def test_cells_are_cut_with_an_ellipsis_by_what_they_take() -> None:
    assert fit_cell("abc", 5) == "abc  " and fit_cell("abc", 5, right=True) == "  abc"
    assert fit_cell("abcdef", 4) == "abc~" and fit_cell("abcdef", 1) == "~"
    for text in ("漢字漢字", "a漢字", "e\u0301" * 9, "🙂🙂🙂"):
        for width in range(1, 9):
            assert cell_len(fit_cell(text, width)) == width, (text, width)
