"""Counts read right for one of something, ages for what is just made, and an end that was not well is said first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.counted import by_number, counted
from services.status.model import Moment
from services.status.words import old
from tests.recorded import NOW
from tui.present_status import moment_words
from tui.progress import amount


def test_one_is_not_several() -> None:
    assert counted(1, "collections") == amount(1, "collections") == "1 collection"
    assert counted(2_000, "documents") == "2,000 documents" and counted(0, "backups") == "0 backups"
    assert counted(1, "copies") == "1 copy" and by_number(1, "is", "are") == "is"
    assert counted(1, "sets of backup codes") == "1 set of backup codes"


def test_what_was_just_made_is_not_now_old() -> None:
    assert old(0.001) == "just now" and old(9) == "9 h old"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("failed", "failed just now: restore J, took 3.0 s"),
        ("lost", "ended without a result just now: restore J, took 3.0 s"),
        ("succeeded", "just now: restore J, succeeded, took 3.0 s"),
    ],
)
def test_a_restore_that_failed_does_not_read_as_one(status: str, words: str) -> None:
    moment = Moment(at=NOW - timedelta(seconds=2), subject="restore J", status=status, seconds=3)
    assert moment_words(moment, NOW, "never") == words
