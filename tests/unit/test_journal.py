"""The journal: what is written is read back, whatever a crash did to the last line."""

from __future__ import annotations

import errno
import os
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.errors import QuillkeepError
from services.jobs.events import AnyEvent, Checkpoint, Finished, Log, PhaseStarted, Progress, Started
from services.jobs.host import this_host
from services.jobs.journal import JOURNAL, Journal, follow_events, read_events
from services.jobs.process import ProcessIdentity, boot_id, this_process
from services.redact import remember
from services.secret import Secret

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def log(text: str, level: Any = "info") -> Log:
    return Log(at=NOW, level=level, text=text)


def started(process: ProcessIdentity | None = None) -> Started:
    process = process or this_process()
    return Started(
        at=NOW,
        job="20261122_020000",
        verb="selftest",
        plan={"steps": 3},
        profile=None,
        pid=process.pid,
        process_started=process.started,
        boot_id=process.boot_id,
        host="here",
        machine_id=this_host().machine_id,
        pid_namespace=this_host().pid_namespace,
        user="root",
        version="0",
    )


FINISHED = Finished(at=NOW, status="ok", exit_code=0, result={"status": "ok"})


def test_every_kind_of_event_comes_back_as_it_was(tmp_path: Path) -> None:
    events: list[AnyEvent] = [
        started(),
        PhaseStarted(at=NOW, phase="dump", total=10),
        Progress(at=NOW, phase="dump", done=10, total=10, rate=2.5),
        log("Es ist vorbei – 完了"),
        Checkpoint(at=NOW, name="renaming", data={"uuid": "ab", "n": [1, None]}),
        FINISHED,
    ]
    journal = Journal(tmp_path)
    for event in events:
        journal.write(event)
    journal.close()
    assert read_events(tmp_path) == events


def test_the_file_is_private_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Journal(tmp_path).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / JOURNAL).stat().st_mode) == 0o600


@pytest.mark.parametrize("kept", range(1, 12))
def test_a_torn_last_line_is_left_out_and_the_next_writer_begins_a_line_of_its_own(
    tmp_path: Path, kept: int
) -> None:
    journal = Journal(tmp_path)
    journal.write(log("first"))
    whole = (tmp_path / JOURNAL).stat().st_size
    journal.write(log("second"))
    journal.close()
    os.truncate(tmp_path / JOURNAL, whole + kept)
    assert [event.text for event in read_events(tmp_path) if isinstance(event, Log)] == ["first"]
    other = Journal(tmp_path)
    other.write(log("third"))
    other.close()
    assert [event.text for event in read_events(tmp_path) if isinstance(event, Log)] == ["first", "third"]


def test_kinds_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(log("known"))
    journal.close()
    with open(tmp_path / JOURNAL, "ab") as stream:
        stream.write(b'{"event":"telepathy","at":"2026-11-22T02:00:00Z"}\n')
    assert len(read_events(tmp_path)) == 1


def test_progress_is_written_at_most_four_times_a_second_and_the_last_one_always(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for done in range(1, 1_001):
        journal.write(Progress(at=NOW, phase="dump", done=done, total=1_000))
    journal.write(log("after"))
    journal.close()
    events = read_events(tmp_path)
    progress = [event.done for event in events if isinstance(event, Progress)]
    assert len(progress) <= 4 and progress[-1] == 1_000
    assert isinstance(events[-1], Log)


def test_only_what_must_survive_a_crash_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    journal = Journal(tmp_path)
    counts = []
    for event in (
        started(),
        log("sentence"),
        Progress(at=NOW, phase="p", done=1),
        log("careful", "warning"),
        log("bad", "error"),
        Checkpoint(at=NOW, name="renaming"),
        FINISHED,
    ):
        journal.write(event)
        counts.append(len(synced))
    journal.close()
    assert counts == [1, 1, 1, 2, 3, 4, 5]


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    def write(number: int) -> None:
        for index in range(50):
            journal.write(log(f"{number}-{index}-" + "x" * 5_000))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert len(read_events(tmp_path)) == 200


def test_secrets_are_hidden_and_names_in_checkpoints_stay(tmp_path: Path) -> None:
    remember(Secret("mongodb://ann:correct-horse-battery@db.example/quilltap"))
    journal = Journal(tmp_path)
    journal.write(log("cannot reach mongodb://ann:correct-horse-battery@db.example"))
    key = "users/7/token=abc.png"
    journal.write(Checkpoint(at=NOW, name="replaced", data={"key": key, "was": "correct-horse-battery"}))
    result = {"path": key, "error": {"what": "It said token=abc.", "cause": "correct-horse-battery"}}
    journal.write(Finished(at=NOW, status="failed", exit_code=1, result=result))
    journal.close()
    text = (tmp_path / JOURNAL).read_text()
    assert "correct-horse" not in text and text.count(key) == 2
    assert "It said token=***" in text


def test_a_full_disk_stops_a_checkpoint_and_never_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(tmp_path)
    journal.write(log("first"))
    real = os.write

    def full(handle: int, data: bytes) -> int:
        # What a full file system does: a part of the line fits, the rest does not.
        real(handle, bytes(data)[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    journal.write(log("lost"))
    assert "No space left" in capsys.readouterr().err
    with pytest.raises(QuillkeepError) as caught:
        journal.write(Checkpoint(at=NOW, name="renaming"))
    assert "not begun" in caught.value.touched
    monkeypatch.setattr(os, "write", real)
    journal.write(log("again"))
    journal.close()
    assert [event.text for event in read_events(tmp_path) if isinstance(event, Log)] == ["first", "again"]


def test_a_reader_follows_from_before_the_first_line_to_finished(tmp_path: Path) -> None:
    events = [started(), log("one"), log("two"), FINISHED]

    def write() -> None:
        journal = Journal(tmp_path)
        for event in events:
            journal.write(event)
            pause.wait(0.03)
        journal.close()

    pause = threading.Event()
    writer = threading.Thread(target=write)
    followed = follow_events(tmp_path, process=this_process(), poll=0.01)
    writer.start()
    assert list(followed) == events
    writer.join()


def test_a_reader_leaves_when_the_process_is_gone_without_a_result(tmp_path: Path) -> None:
    gone = ProcessIdentity(pid=this_process().pid, started="1", boot_id=boot_id())
    journal = Journal(tmp_path)
    journal.write(started(gone))
    journal.write(log("last words"))
    journal.close()
    followed = list(follow_events(tmp_path, poll=0.01))
    assert [type(event) for event in followed] == [Started, Log]


def test_no_journal_is_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path) == []
