"""The rows of every screen in any width: what goes first, what never goes, and nothing that does not fit."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.content import Content

from tui.ascii_filter import AsciiFilter, UncolouredFilter, ascii_of
from widgets.glyphs import Glyphs
from widgets.key_names import key_name
from widgets.key_value import aligned
from widgets.keys_row import Shown
from widgets.keys_row import fit as fit_keys
from widgets.modes_row import ModeWord
from widgets.modes_row import fit as fit_modes
from widgets.target_bar import TargetFacts, fit
from widgets.text import cells, cut

WIDTHS = range(60, 121)
LONG = TargetFacts(
    kind="PROD",
    profile="production-europe",
    database="quilltap",
    host="mongo-1.internal.example.org:27018,mongo-2.internal.example.org:27018",
    bucket="quilltap-files",
    read_only=True,
    jobs=2,
)
HOSTILE = LONG._replace(profile="[/x]\x1b[31m\n", host="\u202ehost\x07", bucket="日本語のバケツ")
WIDE = LONG._replace(
    profile="プロダクション環境", database="データベース", host="ホスト名の長い名前です.example.org"
)
LONGEST = LONG._replace(database="d" * 63)


@pytest.mark.parametrize("facts", [LONG, HOSTILE, WIDE, LONGEST])
@pytest.mark.parametrize("utf8", [True, False])
def test_target_bar_fits_and_keeps_what_matters(facts: TargetFacts, utf8: bool) -> None:
    for width in WIDTHS:
        line = fit(facts, width, Glyphs(utf8))
        assert line.cell_length <= width, width
        assert "PROD" in line.plain and "READ-ONLY" in line.plain and "2 jobs" in line.plain, width
        assert facts.database[:8] in line.plain
        assert "\x1b" not in line.plain and "\n" not in line.plain and "\u202e" not in line.plain
        if not utf8 and facts is LONG:
            assert line.plain.isascii()


def test_target_bar_leaves_out_bucket_then_host_then_profile() -> None:
    seen = []
    for width in range(200, 20, -1):
        text = fit(LONG, width, Glyphs()).plain
        state = ("bucket" in text, LONG.host in text, "mongo" in text, LONG.profile in text)
        if not seen or seen[-1] != state:
            seen.append(state)
    assert seen == [
        (True, True, True, True),
        (False, True, True, True),
        (False, False, True, True),
        (False, False, False, True),
        (False, False, False, False),
    ]
    assert "quilltap" in fit(LONG, 40, Glyphs()).plain


def test_a_shortened_name_ends_in_an_ellipsis() -> None:
    assert "…" in fit(LONGEST, 60, Glyphs()).plain
    assert "~" in fit(LONGEST, 60, Glyphs(utf8=False)).plain


def test_modes_row_keeps_the_current_title() -> None:
    words = [ModeWord(str(at), "Restore" if at == 3 else "Something", f"m{at}") for at in range(1, 9)]
    for width in WIDTHS:
        row = fit_modes(words, "m3", width, "ctrl+q Quit")
        assert row.cell_length <= width
        assert "[3 Restore]" in row.plain
        assert all(str(at) in row.plain for at in range(1, 9))


def test_all_eight_modes_stand_in_80_columns() -> None:
    titles = ("Health", "Archives", "Restore", "Integrity", "Collections", "Jobs", "History", "Settings")
    words = [ModeWord(str(at), title, title.lower()) for at, title in enumerate(titles, 1)]
    for word in words:
        row = fit_modes(words, word.name, 80, "ctrl+q Quit").plain
        assert f"[{word.key} {word.title}]" in row
        cut = [one.title for one in words if one.title not in row]
        assert cut in (["Collections"], ["Archives", "Integrity"]), "the longest of the others give way"
        assert all(f"{one.key} {one.title[:4]}" in row for one in words)
    assert fit_modes(words, "jobs", 99, "ctrl+q Quit").plain.endswith("ctrl+q Quit")


def test_keys_row_tells_by_an_ellipsis_what_does_not_fit() -> None:
    keys = [Shown(letter, "Do something long") for letter in "abcdefgh"]
    always = [Shown("?", "Help"), Shown("ctrl+p", "All")]
    for width in WIDTHS:
        row = fit_keys(keys, always, width)
        assert row.cell_length <= width
        assert row.plain.rstrip().endswith("ctrl+p All")
        assert "…" in row.plain
    assert "…" not in fit_keys(keys[:2], always, 80).plain
    assert "(b Two)" in fit_keys([Shown("b", "Two", enabled=False)], always, 80).plain


def test_aligned_values_wrap_in_their_column() -> None:
    lines = [line.plain for line in aligned([("Cause", "word " * 30), ("Next", "one")], 40)]
    assert all(Content(line).cell_length <= 40 for line in lines)
    assert lines[1].startswith("       word")
    assert lines[-1] == "Next   one"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("question_mark", "?"),
        ("slash", "/"),
        ("escape", "esc"),
        ("enter", "enter"),
        ("up", "up"),
        ("ctrl+p", "ctrl+p"),
        ("L", "L"),
        ("plus", "+"),
    ],
)
def test_keys_have_the_names_of_keyboards(key: str, name: str) -> None:
    assert key_name(key) == name


def test_ascii_keeps_the_width() -> None:
    for text in ("┌─┐│└┘├┤┼", "▁▂▃▄▅▆▇█", "…→✓✗▶⊘", "日本語", "e\u0301", "⠿⣿", "╭╮╰╯", "é"):
        drawn = ascii_of(text)
        assert drawn.isascii()
        assert len(drawn) == Content(text).cell_length
    assert ascii_of("┌─┐│") == "+-+|"
    assert ascii_of("▁▂▃▄▅▆▇█") == "_.-=+*##"


def test_filters_leave_ascii_and_reverse_alone() -> None:
    black = Color.parse("black")
    (segment,) = AsciiFilter().apply([Segment("a┼b", Style(bold=True))], black)
    assert segment.text == "a+b" and segment.style == Style(bold=True)
    (marked,) = UncolouredFilter().apply([Segment("x", Style(color="red", bgcolor="blue"))], black)
    assert marked.style is not None and marked.style.reverse
    assert marked.style.color is not None and marked.style.color.is_default
    (plain,) = UncolouredFilter().apply([Segment("x", Style(color="red", bold=True))], black)
    assert plain.style is not None and plain.style.bold and not plain.style.reverse


def test_cut_counts_columns() -> None:
    for text in ("日本語のバケツの名前", "plain and long enough to be cut", "e\u0301" * 30):
        for width in range(1, 30):
            assert cells(cut(text, width)) <= width
    assert cut("short", 10) == "short"
