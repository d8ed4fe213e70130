"""Before textual is imported: which terminals are refused, what is switched, and what the first frame imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.errors import UsageProblem
from tui.open_console import refuse_dumb_terminal, set_switches
from tui.themes import check_theme, theme_names, usual_theme

ROOT = Path(__file__).resolve().parents[2]
DRIVERS = {"pymongo", "bson", "boto3", "botocore", "obstore", "cryptography"}

FIRST_FRAME = """
import asyncio, json, os, sys
from tui.open_console import set_switches
set_switches(os.environ)
from pathlib import Path
from services.paths import Paths
from services.profile import Profile
from tui.app import QuillkeepApp
from tui.backend import Machine
from tui.store import Store

async def main():
    app = QuillkeepApp(Store(Machine(Paths(Path(sys.argv[1]))), Profile(name="prod")))
    async with app.run_test(size=(80, 24)) as pilot:
        seen = sorted(sys.modules)
        for key in "2367810":
            await pilot.press(key)
        await pilot.pause()
        print(json.dumps([seen, sorted(sys.modules)]))

asyncio.run(main())
"""


@pytest.mark.parametrize("term", ["", "dumb", "unknown"])
def test_a_terminal_that_cannot_draw_is_refused_with_the_verbs(term: str) -> None:
    with pytest.raises(UsageProblem, match="TERM") as caught:
        refuse_dumb_terminal({"TERM": term})
    assert "quillkeep restore" in caught.value.next
    refuse_dumb_terminal({"TERM": "linux"})


def test_switches_keep_what_the_admin_set_and_drop_what_would_leak() -> None:
    environ = {"TEXTUAL_FPS": "30", "TEXTUAL_LOG": "/tmp/x", "TEXTUAL": "devtools,debug"}
    set_switches(environ)
    assert environ["TEXTUAL_FPS"] == "30"
    assert environ["TEXTUAL_ANIMATIONS"] == "none"
    assert "TEXTUAL_LOG" not in environ and "TEXTUAL" not in environ


def test_the_first_frame_imports_no_driver_and_no_markdown(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", FIRST_FRAME, str(tmp_path)],
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
        },
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    first, later = (set(names) for names in json.loads(done.stdout.splitlines()[-1]))
    assert not {name.partition(".")[0] for name in later} & DRIVERS
    assert not first & {"markdown_it", "textual.widgets._markdown", "tui.keymap", "tui.screens.palette"}


def test_themes_are_checked_by_name() -> None:
    assert {"terminal", "high-contrast", "textual-dark"} <= set(theme_names())
    assert check_theme("terminal", "config.toml") == "terminal"
    with pytest.raises(UsageProblem, match=r"nearest one is `high-contrast`") as caught:
        check_theme("hi-contrast", "/etc/quillkeep/config.toml")
    assert "/etc/quillkeep/config.toml" in caught.value.what


@pytest.mark.parametrize(
    ("environ", "theme"),
    [
        ({"TERM": "linux"}, "terminal"),
        ({"TERM": "xterm"}, "terminal"),
        ({"TERM": "screen-256color"}, "textual-dark"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "textual-dark"),
    ],
)
def test_few_colours_are_the_terminals_own(environ: dict[str, str], theme: str) -> None:
    assert usual_theme(environ) == theme


@pytest.mark.parametrize(
    ("environ", "utf8"),
    [
        ({"LANG": "C"}, False),
        ({}, False),
        ({"LC_ALL": "C"}, False),
        ({"LANG": "C.UTF-8"}, True),
        ({"LC_CTYPE": "C.UTF-8"}, True),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, False),
    ],
)
def test_a_locale_that_python_made_up_is_none(environ: dict[str, str], utf8: bool) -> None:
    code = "import sys; from tui.terminal import look_at; print(look_at(sys.stdout).utf8)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm", **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(utf8)
