"""What a restore came to, as a Markdown or JSON file for whoever asks afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tui.screens.restore.model import WizardState
from tui.screens.restore.proof_rows import outcome, proof_rows, timing
from tui.screens.restore.run_journal import RunJournal
from tui.target import host_of
from widgets.glyphs import Glyphs

if TYPE_CHECKING:
    from tui.store import Store

CELLS = 110
STILL = "Still missing"
"""How it is said that the restore ended and not everything is back."""


def report_text(state: WizardState, run: RunJournal, store: Store) -> str:
    """Markdown: how it ended, the times, the result, and the log's warnings."""
    plain = Glyphs(utf8=False)
    profile = store.profile
    database = profile.mongo.database if profile.mongo else "no database"
    ended = outcome(state.verb, state.result, plain, renaming=run.renaming).text.partition(" ")[2]
    if state.still:
        ended = f"{STILL}: {'; '.join(state.still)}. {ended}"
    lines = [
        f"# {state.verb.capitalize()} of {profile.name or host_of(profile)}/{database}",
        "",
        f"- {ended}",
        f"- {timing(run)}",
    ]
    if run.started is not None:
        lines.append(f"- by {run.started.user} on {run.started.host}, Quillkeep {run.started.version}")
    if state.result is not None and state.result.get("backup"):
        lines.append(f"- from {state.result['backup']}")
    if state.step in ("proof", "done") and state.verb == "restore":
        lines += ["", "## Recovery time", "", *recovery(state, store)]
    rows = proof_rows(state.verb, state.result, state.plan, run, plain, CELLS)
    lines += [
        "",
        "## Result",
        "",
        "```",
        *(row.text.rstrip() for row in rows),
        "```",
        "",
        "## Log",
        "",
        "```",
    ]
    lines += [f"{entry.at:%H:%M:%S} {entry.level}: {entry.text}" for entry in run.logs]
    return "\n".join([*lines, "```", ""])


def report_json(state: WizardState, run: RunJournal, store: Store) -> str:
    """The job's own document, with its times and the plan it was started from."""
    document: dict[str, Any] = {
        "job": state.job,
        "verb": state.verb,
        "profile": store.profile.name,
        "started": run.started.at.isoformat() if run.started else None,
        "finished": run.finished.at.isoformat() if run.finished else None,
        "result": state.result,
        "plan": state.plan,
        "minutes": state.minutes(store.backend.now()),
        "phases": dict(state.phase_minutes(store.backend.now())),
    }
    return msgspec.json.format(msgspec.json.encode(document)).decode()


def recovery(state: WizardState, store: Store) -> list[str]:
    """The time it took against the target, and by phase."""
    now = store.backend.now()
    minutes, target = state.minutes(now), int(store.profile.rto_minutes)
    held = "within" if minutes <= target else "over"
    if state.still:
        told = f"So far: {minutes} min of the target (RTO) of {target} min, and not everything is back."
    elif state.still is None:
        told = f"The restore ended after {minutes} min; the target (RTO) is {target} min."
    else:
        told = f"Recovery time: {minutes} min, {held} the target (RTO) of {target} min."
    phases = [
        f"{phase} {f'{spent} min' if spent else 'under 1 min'}"
        for phase, spent in state.phase_minutes(now)
        if spent is not None
    ]
    return [
        told,
        f"By phase: {', '.join(phases)}.",
    ]
