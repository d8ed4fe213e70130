"""What a rollback's plan says of real data, in the command's words and in the console's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from services.demo.servers import Mongod
from services.operations.restore_model import RollbackPlan
from services.operations.rollback import rollback_plan
from tests.services.swap_support import Deployment, deployed, fill
from tui.present_plan import plan_lines
from tui.screens.restore.plan_rows import plan_rows, verdict
from tui.terminal import Terminal
from widgets.glyphs import Glyphs

GLYPHS = Glyphs(utf8=False)


@pytest.fixture
def restored(mongod: Mongod, tmp_path: Path) -> Iterator[tuple[Deployment, str]]:
    """A restore that replaced other data, and its job."""
    with deployed(mongod, tmp_path) as made:
        fill(made.db)
        backup = made.backup()
        fill(made.db, documents=40, word="now")
        yield made, made.restore(backup).job


def said(restored: tuple[Deployment, str]) -> tuple[list[str], list[str]]:
    """The plan's lines in the command, and in the console with its verdict first."""
    deployment, job = restored
    plan = msgspec.to_builtins(rollback_plan(RollbackPlan(job=job), deployment.context()))
    command = plan_lines(plan, Terminal(utf8=False, width=100), back=True)
    rows = plan_rows(plan, GLYPHS, 80, unfolded=False, back=True)
    return command, [verdict(plan, GLYPHS, back=True).text, *(line.text for line in rows)]


def line_of(lines: list[str], name: str) -> list[str]:
    """The words of a collection's row."""
    return next(line.split() for line in lines if line.startswith(f"{name} "))


def test_nothing_was_written_since(restored: tuple[Deployment, str]) -> None:
    command, console = said(restored)
    for line in (*command, *console):
        assert "same" not in line, "the copy that comes back is other data"
    assert "3 collections lose at least 780 documents from view; set aside, not lost" in console[0]
    for name in ("characters", "chats", "memories"):
        assert line_of(command, name)[1:] == ["300", "->", "40", "as", "restored", "replace"]
        words = line_of(console, name)
        assert words[1:5] == ["300", "->", "40", "no"], words


def test_what_was_written_and_dropped_since_is_told_by_name(restored: tuple[Deployment, str]) -> None:
    restored[0].db["chats"].insert_one({"_id": "later"})
    restored[0].db.drop_collection("memories")
    command, console = said(restored)
    assert "2 collections lose at least 521 documents from view; set aside, not lost" in console[0]
    assert line_of(command, "chats")[1:6] == ["301", "->", "40", "written", "since"]
    assert "dropped since" in " ".join(line_of(command, "memories"))
    assert line_of(console, "chats")[1:5] == ["301", "->", "40", "yes"]
    assert "dropped" in line_of(console, "memories")
    assert line_of(console, "characters")[4] == "no"
    for line in (*command, *console):
        assert "same" not in line and "loses" not in line
