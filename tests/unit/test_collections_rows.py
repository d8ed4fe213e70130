"""What a change against a backup says in at most fifteen cells."""

from __future__ import annotations

import pytest

from services.looking.collections_view import Change
from tui.screens.collections_rows import change_told, change_words
from widgets.glyphs import Glyphs


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(), ""),
        (Change(word="grew", documents=12), "+12 grew"),
        (Change(word="shrank", documents=-60, loud=True), "! -60 shrank"),
        (Change(word="shrank", documents=-12_345_678, loud=True), "! -12,345,678"),
        (Change(word="same count", documents=0), "same count"),
        (Change(word="same count", documents=0, bytes=15_500_000), "+15.5 MB"),
        (Change(word="same count", documents=0, bytes=-15_500_000, loud=True), "! -15.5 MB less"),
        (Change(word="same count", documents=0, bytes=-999_900_000, loud=True), "! -999.9 MB"),
        (Change(word="grew", documents=12, bytes=15_500_000), "+12 grew"),
        (Change(word="same count", documents=0, loud=True), "! less data"),
        (Change(word="grew", documents=3, loud=True), "! +3 less data"),
        (Change(word="gone", loud=True), "! gone"),
        (Change(word="gone"), "gone"),
        (Change(word="kind", loud=True), "! other kind"),
        (Change(word="not counted"), "not known"),
        (Change(word="no backup"), "no backup"),
    ],
)
def test_words(change: Change, words: str) -> None:
    assert change_words(change, Glyphs(utf8=False)) == words
    assert len(words) <= 15


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(word="same count", documents=0), "same count"),
        (Change(word="same count", documents=0, bytes=15_500_000), "same count, +15.5 MB"),
        (Change(word="same count", documents=0, bytes=-4_100, loud=True), "! same count, -4.1 kB"),
        (Change(word="grew", documents=12, bytes=900), "+12 grew, +900 B"),
        (Change(word="gone", loud=True), "! gone"),
    ],
)
def test_words_with_bytes(change: Change, words: str) -> None:
    assert change_told(change, Glyphs(utf8=False)) == words


def test_what_nobody_knows_and_what_is_nowhere() -> None:
    assert change_words(Change(word="new"), Glyphs(), known=False) == "new, unknown"
    assert change_words(Change(word="new"), Glyphs()) == "new"
    assert change_words(Change(), Glyphs(), absent=True) == "not there"
