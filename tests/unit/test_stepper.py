"""The row of steps: what ended badly keeps its own glyph, and nothing is called a proof without one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tui.screens.restore.model import STEPS, WizardState, place_of, titles_of, troubled_step
from widgets.glyphs import Glyphs
from widgets.stepper import fit


@pytest.mark.parametrize(
    ("status", "row"),
    [
        ("ok", "✓ [8 of 9 Proof]"),
        ("warnings", "✓ [8 of 9 Proof]"),
        ("failed", "✗ [8 of 9 Outcome]"),
        ("refused", "⊘ [8 of 9 Outcome]"),
        ("cancelled", "∅ [8 of 9 Outcome]"),
        ("lost", "? [8 of 9 Outcome]"),
    ],
)
def test_the_stepper_shows_how_the_restore_ended(status: str, row: str) -> None:
    state = WizardState(opened=datetime(2026, 11, 22, tzinfo=UTC), step="proof", result={"status": status})
    shown = fit(titles_of(state), place_of("proof"), 50, Glyphs(), troubled_step(state))
    assert row in shown and shown.startswith(" ✓✓✓✓✓✓")
    wide = fit(titles_of(state), place_of("proof"), 200, Glyphs(), troubled_step(state))
    assert ("Proof" in wide) == (status in ("ok", "warnings"))


def test_while_it_runs_the_steps_have_their_own_words() -> None:
    state = WizardState(opened=datetime(2026, 11, 22, tzinfo=UTC), step="running")
    assert titles_of(state) == tuple(info.title for info in STEPS) and troubled_step(state) is None
