"""What reaches a terminal: escaped names, status words, tables, plans with the losses on top."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from services.jobs.events import Log, PhaseStarted, Progress
from tui.present_catalog import age, condition, list_lines
from tui.present_checks import verify_lines
from tui.present_plan import plan_lines
from tui.progress import Narrator, duration, phase_text, progress_text
from tui.table import table, width_of
from tui.terminal import Terminal, look_at
from widgets.text import cut, escape

PLAIN = Terminal()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name", "plain name"),
        ("日本語 é", "日本語 é"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("\x9b31m", "\\x9b31m"),
        ("gnp\u202efdp", "gnp\\u202efdp"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\udcff", "\\udcff"),
    ],
)
def test_names_cannot_move_the_cursor(name: str, shown: str) -> None:
    assert escape(name) == shown


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "colour", "utf8"),
    [
        ({"TERM": "xterm", "LANG": "C.UTF-8"}, True, True),
        ({"TERM": "xterm", "LANG": "C.UTF-8", "NO_COLOR": "1"}, False, True),
        ({"TERM": "xterm", "LANG": "C"}, True, False),
        ({"TERM": "xterm", "LANG": "de_DE.ISO-8859-1"}, True, False),
        ({"TERM": "xterm", "LANG": "de_DE.ISO-8859-1", "LC_ALL": "de_DE.utf8"}, True, True),
        ({"TERM": "linux", "LANG": "C.UTF-8"}, True, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_capabilities(environ: dict[str, str], colour: bool, utf8: bool) -> None:
    terminal = look_at(Tty(), environ)
    assert (terminal.colour, terminal.utf8) == (colour, utf8)
    assert ("✓" in terminal.status("ok")) == utf8
    assert "ok" in terminal.status("ok")
    assert not look_at(io.StringIO(), environ).colour


def test_tables_align_wide_letters() -> None:
    lines = table([("a", "1"), ("日本", "22")], right=frozenset({1}))
    assert lines == ["a      1", "日本  22"]
    assert width_of("é") == 1
    assert cut("abcdefghijkl", 8) == "abcd..kl"


def backup(**fields: Any) -> dict[str, Any]:
    return {
        "id": "quilltap_20261122_020000",
        "kind": "quillkeep",
        "created": "2026-11-22T02:00:00Z",
        "created_by": "manifest",
        "parts": ["database"],
        "bytes": 1000,
        "verified": None,
        "problem": "",
        "complete": True,
        "missing": [],
        "suspicious": False,
        "suspicions": [],
        "good": True,
        "why": {},
        "encrypted": False,
        "encrypted_with": None,
        "pinned": False,
        "other_deployment": "",
        "counted": True,
    } | fields


@pytest.mark.parametrize(
    ("fields", "word", "why"),
    [
        ({}, "ok", "good"),
        ({"problem": "no permission", "complete": False}, "unknown", "no permission"),
        ({"complete": False, "missing": ["x.gz is gone"]}, "fail", "incomplete: x.gz is gone"),
        ({"suspicious": True, "suspicions": ["users vanished"]}, "warn", "suspicious: users vanished"),
        (
            {"good": False, "why": {"objects": "2 unreadable"}},
            "warn",
            "objects not good: 2 unreadable",
        ),
        ({"good": False, "kind": "archive"}, "unknown", "not verified"),
        (
            {"verified": {"at": "2026-11-22T03:00:00Z", "status": "fail", "depth": "full"}},
            "fail",
            "full verify failed 2026-11-22 03:00",
        ),
    ],
)
def test_a_backups_condition_is_its_worst_news(fields: dict[str, Any], word: str, why: str) -> None:
    assert condition(backup(**fields)) == (word, why)


def test_list_never_cuts_an_id() -> None:
    rows = [backup(pinned=True), backup(id="x" * 120 + "\x1b", kind="archive", good=False, created_by="name")]
    lines = list_lines(rows, PLAIN, NOW)
    assert "quilltap_20261122_020000" in lines[1] and "good; pinned" in lines[1] and "10h" in lines[1]
    assert "x" * 120 + "\\x1b" in lines[2] and "foreign" in lines[2] and "~2026" in lines[2]
    assert list_lines([], PLAIN, NOW) == ["No backups."]
    assert age("2026-11-20T02:00:00Z", NOW) == "2d"


def test_a_plan_shows_refusals_then_losses_and_folds_what_is_the_same() -> None:
    plan = {
        "refusals": ["Another restore is running."],
        "risks": [{"word": "writers", "detail": "a client is connected"}],
        "warnings": [],
        "collections": [
            {"name": "tags", "live": 7, "backup": 7, "content": "same", "action": "keep"},
            {"name": "new", "live": None, "backup": 3, "content": "only in the backup", "action": "create"},
            {"name": "chats\x1b", "live": 10, "backup": 4, "content": "differs", "action": "replace"},
            {"name": "memories", "live": 500, "backup": 100, "content": "differs", "action": "replace"},
            {"name": "gone", "live": 9, "backup": None, "content": "only live", "action": "set aside"},
        ],
        "objects": {"put": 2, "keep": 1000, "only_live": 1},
        "facts": ["Proof by content."],
    }
    text = plan_lines(plan, PLAIN)
    assert "Another restore is running." in text[0]
    assert "--allow writers" in text[1]
    order = [
        line.split()[0]
        for line in text
        if line.split()[:1] and line.split()[0] in ("memories", "chats\\x1b", "new", "gone")
    ]
    assert order == ["memories", "gone", "chats\\x1b", "new"]
    assert any("loses 400" in line for line in text)
    assert "1 collection is the same by content." in text
    assert not any(line.startswith("tags") for line in text)
    assert "2 to put, 1,000 to keep, 1 only live" in text[-2]
    assert text[-1] == "Proof by content."


def test_checks_show_the_worst_first_with_the_next_step() -> None:
    result = {
        "status": "fail",
        "checks": [
            {"name": "sidecar", "status": "ok", "detail": "", "next": ""},
            {"name": "gzip", "status": "fail", "detail": "CRC differs", "next": "Use another backup."},
        ],
        "collections": {"users": {"documents": 4}},
    }
    lines = verify_lines(result, PLAIN)
    assert "gzip" in lines[0] and "CRC differs" in lines[0]
    assert "next: Use another backup." in lines[1]
    assert "1 collection, 4 documents" in lines


def test_progress_words() -> None:
    event = Progress(at=NOW, phase="dump", done=50, total=200, unit="documents", rate=25.0, eta=6.2)
    assert progress_text(event) == "  dump   25 %  50 documents of 200 documents  25 documents/s  6 s left"
    assert (
        phase_text(PhaseStarted(at=NOW, phase="dump", detail="quilltap", total=2_000_000))
        == "dump: quilltap (2.0 MB)"
    )
    assert [duration(seconds) for seconds in (8, 200, 7500)] == ["8 s", "3 min 20 s", "2 h 5 min"]


def test_a_pipe_gets_one_line_a_phase_and_a_terminal_one_that_is_rewritten(
    capsys: pytest.CaptureFixture[str],
) -> None:
    events = [
        PhaseStarted(at=NOW, phase="dump"),
        Progress(at=NOW, phase="dump", done=1, total=2, unit="documents"),
        Log(at=NOW, level="warning", text="odd \x1b[2J"),
    ]
    pipe = Narrator(PLAIN)
    for event in events:
        pipe.show(event)
    assert capsys.readouterr().err == "dump\n! warning: odd \\x1b[2J\n"
    live = Narrator(Terminal(interactive=True, width=30))
    for event in events:
        live.show(event)
    live.close()
    shown = capsys.readouterr().err
    assert "\r\x1b[K  dump   50 %" in shown
    assert all(width_of(part) < 30 for part in shown.replace("\n", "\r\x1b[K").split("\r\x1b[K"))


def quillkeep(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_without_arguments_and_terminal_the_usage() -> None:
    done = quillkeep()
    assert done.returncode == 2
    assert "Usage: quillkeep" in done.stderr and not done.stdout


@pytest.mark.parametrize(
    "arguments", [("lst",), ("list", "--no-such"), ("show",), ("verify", "--depth", "odd")]
)
def test_usage_errors_are_2_and_one_document(arguments: tuple[str, ...]) -> None:
    import json

    done = quillkeep(*arguments, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["what"]


def test_a_misspelt_verb_names_the_nearest() -> None:
    assert "Did you mean `list`?" in quillkeep("lst").stderr
