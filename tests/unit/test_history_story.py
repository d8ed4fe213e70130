"""A journal told: phases as measured, the log without secrets, how it ended."""

from __future__ import annotations

import pytest

from services.history.outcome import outcome_of
from services.history.story import Story
from services.history.words import amount, clean, duration, size
from services.jobs.events import LOST, RENAMING
from tests.journals import BACKUP_RESULT, JOB, at, cancel, finished, log, mark, phase, progress, started


def test_a_phase_has_a_share_only_of_a_known_total() -> None:
    story = Story([started(), phase("look", 1), progress("look", 2, 7), phase("dump", 3, total=100)])
    look, dump = story.phases
    assert (look.share, look.done, look.seconds()) == (None, 7, 2.0)
    assert (dump.share, dump.seconds(), dump.seconds(at(8))) == (None, None, 5.0)
    story.add(progress("dump", 4, 25, total=100, rate=25.0, eta=3.0))
    assert (dump.share, dump.eta) == (0.25, 3.0)


def test_a_share_never_passes_the_whole() -> None:
    story = Story([started(), phase("dump", 1, total=10), progress("dump", 2, 30, total=10)])
    assert story.phases[0].share == 1.0


def test_progress_of_a_phase_that_never_began_is_left_out() -> None:
    assert Story([started(), progress("nothing", 1, 5)]).phases == []


def test_it_is_cancelled_only_by_its_own_end() -> None:
    story = Story([started(), cancel(True, "Cancelling: the job stops at the next safe point.")])
    assert story.state == "cancelling"
    story.add(finished(9, "cancelled", 143))
    assert story.state == "cancelled"


def test_too_late_goes_on_running() -> None:
    story = Story([started(), mark(RENAMING, job=JOB), cancel(False, "Too late: finishing.")])
    assert story.state == "running"
    assert story.log[-1].text == "Asked to cancel (SIGTERM). Too late: finishing."


def test_without_a_result_it_is_lost_and_says_what_it_left() -> None:
    story = Story([started("restore"), mark(RENAMING, job=JOB), phase("swapping", 4)])
    story.end()
    assert story.state == "lost"
    assert "renam" in story.remains.left
    assert story.remains.way_on == (f"quillkeep restore --finish {JOB}", f"quillkeep rollback {JOB}")
    assert story.phases[0].seconds() == 0.0
    told = Story([started("restore"), mark(LOST, left="The watcher says so.")])
    told.end()
    assert told.remains.left == "The watcher says so."


def test_a_journal_nobody_may_read_is_not_lost() -> None:
    story = Story([log("The journal cannot be read: Permission denied.", level="error")])
    story.end()
    assert story.state == "unknown"


def test_secrets_and_line_breaks_of_a_log_line() -> None:
    story = Story([started(), log("open mongodb://root:hunter22@db/ \n password=geheim12", level="warning")])
    texts = [line.text for line in story.log]
    assert texts == ["open mongodb://***@db/ ", " password=***"]
    assert len(story.warnings) == 2


def test_a_backup_in_words() -> None:
    told = outcome_of("backup", JOB, BACKUP_RESULT)
    assert told.changed == "made quilltap_20261122_030000: 101 documents, 20 objects"
    assert (told.documents, told.bytes) == (101, 10_001_000)
    assert ("Database", "2 collections, 101 documents, 4.0 MB") in told.facts


def test_a_verify_of_several_is_told_as_one() -> None:
    bad = {"name": "quilltap_20261101_020000", "status": "fail", "detail": "objects: k", "next": "Look."}
    result: dict[str, object] = {
        "status": "fail",
        "verified": [{}, {}],
        "checks": [{"name": "quilltap_20261102_020000", "status": "ok", "detail": ""}, bad],
        "summary": "2 backups verified in 3 s, 1 of them damaged",
    }
    told = outcome_of("verify", JOB, result)
    assert told.changed == "2 backups verified in 3 s, 1 of them damaged"
    assert told.facts[0] == ("Backups", "1 fail, 1 ok")
    assert told.facts[1] == ("fail", "quilltap_20261101_020000 objects: k Look.")


def test_a_restore_names_the_ways_on_while_it_holds_copies() -> None:
    result = {"collections": {"a": {"documents": 3}}, "rollback_until": "2026-11-25T03:00:00.5+00:00"}
    told = outcome_of("restore", JOB, result)
    assert told.changed == "1 collection, 3 documents live"
    assert told.way_on == (f"quillkeep rollback {JOB}", f"quillkeep release {JOB}")
    assert ("Rollback copies", "kept at least until 2026-11-25 03:00 UTC") in told.facts
    assert outcome_of("restore", JOB, {"rollback_until": None}).way_on == ()


@pytest.mark.parametrize(
    "result",
    [
        {"database": "x", "objects": 3, "warnings": "no list", "collections": [1, 2], "checks": {"a": 1}},
        {"database": {"collections": {"a": None}}, "collections": {"a": 5}, "suspicious": 7},
        {"rollback_until": "soon", "facts": {"a": 1}, "risks": [1], "error": "text"},
        {},
    ],
)
@pytest.mark.parametrize("verb", ["backup", "restore", "verify", "release", "plan", "unheard-of", ""])
def test_a_result_of_any_shape_is_told(verb: str, result: dict[str, object]) -> None:
    assert outcome_of(verb, JOB, result).error is None


def test_an_error_keeps_its_four_sentences_without_secrets() -> None:
    told = outcome_of(
        "restore", JOB, {"error": {"what": "It ended.", "cause": "s3://k:geheim12@h/ said no.", "next": None}}
    )
    assert told.error == {"what": "It ended.", "cause": "s3://***@h/ said no.", "touched": "", "next": ""}


def test_words() -> None:
    assert [size(n) for n in (0, 999, 1_000, 9_960, 12_345_678, 10**18)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "10 kB",
        "12 MB",
        "1000 PB",
    ]
    assert [duration(s) for s in (0.44, 8, 59.6, 200, 7_500, 273_600)] == [
        "0.4 s",
        "8 s",
        "1 min 0 s",
        "3 min 20 s",
        "2 h 5 min",
        "3 d 4 h",
    ]
    assert amount(1, "collections") == "1 collection"
    assert amount(1_200, "documents") == "1,200 documents"
    assert clean("token") == "token"
