"""Journals as operations: whole, torn, unknown, forbidden, and read only when they changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from services.errors import QuillkeepError
from services.history import read
from services.history.export import to_json, to_markdown
from services.history.read import Known, asked_of, read_history
from services.history.trends import trends_of
from services.jobs.journal import JOURNAL
from services.paths import Paths
from tests.fabric import as_nobody, open_folder
from tests.journals import BACKUP_RESULT, JOB, finished, log, mark, phase, progress, started, write

BACKUP = [
    started(plan={"only": None, "reason": "before an upgrade", "exclude": [], "purpose": "backup"}),
    log("Something usual."),
    phase("dump", 2, total=100),
    *(progress("dump", 2 + number / 4, number, total=100) for number in range(100)),
    phase("prove", 30),
    log("Something odd.", 31, "warning"),
    finished(40, "warnings", 3, **{**BACKUP_RESULT, "warnings": ["Something odd."]}),
]


def test_who_when_where_how_long_and_what(tmp_path: Path) -> None:
    write(tmp_path / "jobs" / JOB, BACKUP)
    one = read_history(Paths(tmp_path)).operations[0]
    assert (one.id, one.verb, one.state, one.user, one.host, one.profile) == (
        JOB,
        "backup",
        "warnings",
        "quill",
        "vm7",
        "prod",
    )
    assert (one.seconds, one.bytes, one.rate) == (40.0, 10_001_000, 250_025.0)
    assert one.asked == "reason before an upgrade"
    assert one.warnings == ("Something odd.",)
    assert [(span.name, span.seconds, span.done) for span in one.phases] == [
        ("dump", 28.0, 99),
        ("prove", 10.0, None),
    ]


def test_nothing_was_done_yet(tmp_path: Path) -> None:
    assert read_history(Paths(tmp_path / "none")).operations == ()


def test_torn_lines_and_unknown_events_are_left_out(tmp_path: Path) -> None:
    folder = write(tmp_path / "jobs" / JOB, BACKUP[:3])
    with open(folder / JOURNAL, "ab") as stream:
        stream.write(b'{"event":"from-the-future","at":"2026-11-22T03:00:00Z"}\n\xff\xfe\n{"event":"prog')
    one = read_history(Paths(tmp_path)).operations[0]
    assert one.state == "lost"
    assert "no manifest" in one.changed
    assert [span.name for span in one.phases] == ["dump"]


def test_a_journal_without_its_first_line(tmp_path: Path) -> None:
    write(tmp_path / "jobs" / "20200101_000000", [], torn=b'{"event":"star')
    (tmp_path / "jobs" / "20200101_000001").mkdir()
    first, second = read_history(Paths(tmp_path)).operations
    assert {first.state, second.state} <= {"lost", "running"}


def test_what_may_not_be_read_is_counted_by_name() -> None:
    with open_folder() as state:
        (state / "jobs").mkdir(mode=0o755)
        os.chmod(state / "jobs", 0o755)
        os.chmod(write(state / "jobs" / JOB, BACKUP), 0o700 if os.geteuid() == 0 else 0)
        with as_nobody():
            history = read_history(Paths(state))
        assert (history.operations, history.forbidden) == ((), (JOB,))
        os.chmod(state / "jobs", 0o700 if os.geteuid() == 0 else 0)
        with as_nobody(), pytest.raises(QuillkeepError, match="No permission to read the jobs"):
            read_history(Paths(state))
        os.chmod(state / "jobs", 0o755)
        os.chmod(state / "jobs" / JOB, 0o755)


def test_a_journal_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    folder = write(tmp_path / "jobs" / JOB, BACKUP)
    known: Known = {}
    first = read_history(Paths(tmp_path), known).operations[0]
    assert read_history(Paths(tmp_path), known).operations[0] is first
    with open(folder / JOURNAL, "ab") as stream:
        stream.write(b"\n")
    again = read_history(Paths(tmp_path), known).operations[0]
    assert again is not first
    assert again == first
    (folder / JOURNAL).unlink()
    folder.rmdir()
    assert read_history(Paths(tmp_path), known).operations == ()
    assert known == {}


def test_a_lost_job_is_looked_at_again(tmp_path: Path) -> None:
    write(tmp_path / "jobs" / JOB, BACKUP[:3])
    known: Known = {}
    read_history(Paths(tmp_path), known)
    assert known == {}


def test_a_huge_journal_is_read_at_its_ends(tmp_path: Path) -> None:
    folder = write(tmp_path / "jobs" / JOB, BACKUP[:3])
    line = b'{"event":"log","at":"2026-11-22T03:00:05Z","level":"info","text":"' + b"x" * 1_000_000 + b'"}\n'
    with open(folder / JOURNAL, "ab") as stream:
        stream.write(line * 4)
        stream.write(
            b'{"event":"finished","at":"2026-11-22T03:00:40Z","status":"ok","exit_code":0,"result":{}}\n'
        )
    one = read.read_operation(folder, whole=3_000_000)
    assert (one.partial, one.state, one.seconds) == (True, "succeeded", 40.0)


def test_a_restore_counts_what_it_loaded(tmp_path: Path) -> None:
    write(
        tmp_path / "jobs" / JOB,
        [
            started("restore", plan={"request": {"backup": "latest", "exact": True}, "allow": ["writers"]}),
            phase("loading aside", 1, total=500),
            progress("loading aside", 5, 500, total=500),
            mark("renaming", 6, job=JOB),
            phase("swapping", 6, total=2, unit="collections"),
            finished(
                10, job=JOB, collections={"a": {"documents": 3}}, objects={"put": 1, "kept": 2, "bytes": 100}
            ),
        ],
    )
    one = read_history(Paths(tmp_path)).operations[0]
    assert (one.bytes, one.rate) == (600, 60.0)
    assert one.asked == "backup latest, exact, allow writers"


def test_trends_hold_what_ended_well_oldest_first(tmp_path: Path) -> None:
    for number, status in enumerate(("ok", "failed", "warnings")):
        job = f"2026112{number}_030000"
        write(
            tmp_path / "jobs" / job,
            [
                started(job=job),
                finished(10 + number, status, {"ok": 0, "warnings": 3}.get(status, 1), **BACKUP_RESULT),
            ],
        )
    series = {one.title: one for one in trends_of(read_history(Paths(tmp_path)).operations)}
    assert [value for _, value in series["Backups: duration"].points] == [10.0, 12.0]
    assert series["Restores: duration"].points == ()
    assert len(series) == 5


def test_exports_hold_no_markup_and_no_secret(tmp_path: Path) -> None:
    hostile = "a|b `c` [x](http://root:geheim12@h/) <img>\x1b[31m\nline"
    write(
        tmp_path / "jobs" / JOB,
        [
            started("verify", user="[/red]", host="h|h"),
            phase(hostile, 1),
            finished(2, "failed", 1, error={"what": hostile, "cause": "", "touched": "", "next": "Go on."}),
        ],
    )
    operations = read_history(Paths(tmp_path)).operations
    text = to_markdown(operations)
    assert "geheim12" not in text + to_json(operations)
    assert "\x1b" not in text
    assert "\\|" in text
    assert "<img>" not in text
    document = json.loads(to_json(operations))
    assert document["status"] == "ok"
    assert document["operations"][0]["id"] == JOB


def test_asked_leaves_defaults_out() -> None:
    assert asked_of({"only": "database", "exclude": ["a", "b"], "stop_app": True, "location": None}) == (
        "only database, exclude a, b, stop app"
    )
