"""What plans say of objects and of loss in every case, and the clock of an incident of more than one restore."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tui.screens.restore.check_rows import result_row
from tui.screens.restore.model import WizardState
from tui.screens.restore.plan_rows import plan_rows, verdict
from widgets.glyphs import Glyphs

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def _row(name: str, live: int | None, copy: int | None, action: str) -> dict[str, Any]:
    return {"name": name, "live": live, "backup": copy, "action": action, "content": "as restored"}


@pytest.mark.parametrize(
    ("objects", "back", "words"),
    [
        (None, False, "Objects: not part of this"),
        ({"put": 88, "keep": 0, "only_live": 0, "bytes": 1}, False, "Objects: 88 to put"),
        ({"put": 0, "keep": 3, "only_live": 0, "bytes": 0}, False, "Objects: 0 to put, 3 to keep"),
        (
            {"put": 2, "only_live": 88, "bytes": 1},
            True,
            "2 that were replaced come back; 88 that were added stay",
        ),
    ],
)
def test_a_plan_speaks_of_objects_in_every_case(objects: Any, back: bool, words: str) -> None:
    lines = plan_rows({"collections": [], "objects": objects}, Glyphs(), 120, unfolded=False, back=back)
    assert words in "\n".join(line.text for line in lines)


def test_a_rollback_shows_first_what_it_takes_from_view() -> None:
    plan = {"collections": [_row("accounts", 1, 1, "replace"), _row("characters", 40, None, "set aside")]}
    lines = [line.text for line in plan_rows(plan, Glyphs(), 100, unfolded=False, back=True)]
    assert lines[1].startswith("characters") and "set aside (40)" in lines[1]
    assert "1 collection loses at least 40 documents from view" in verdict(plan, Glyphs(), back=True).text


def test_the_clock_of_an_incident_goes_on_in_its_next_restore() -> None:
    state = WizardState(opened=NOW, step="done", result={"status": "ok"}, ended=NOW + timedelta(minutes=4))
    later = NOW + timedelta(minutes=6)
    assert state.finished and state.stands and state.minutes(later) == 4
    state.still = ("bucket: 0 objects now, the backup has 88",)
    assert not state.stands and state.minutes(later) == 6, "something is still missing"
    following = state.anew(later)
    assert not following.touched and following.minutes(NOW + timedelta(minutes=9)) == 9


def test_a_verify_of_a_whole_backup_with_damaged_data_says_so() -> None:
    pairs = {"name": "pairs", "status": "fail", "detail": "3 files have no object", "next": "Look for them."}
    checks = [{"name": "archive", "status": "ok", "detail": "read"}, pairs]
    row = result_row({"status": "warn", "verdict": "ok", "data": "fail", "checks": checks})
    assert (row.status, row.next) == ("warn", "Look for them.")
    assert "Every byte proven" in row.detail and "3 files have no object" in row.detail
    whole = result_row({"status": "ok", "verdict": "ok", "checks": checks[:1]})
    assert whole.status == "ok" and "1 check" in whole.detail
