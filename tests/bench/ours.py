"""Our command as an admin runs it, measured, with the phases its job wrote into the journal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from services.jobs.events import Finished, PhaseStarted, Progress, Started
from services.jobs.journal import read_events
from tests.bench.measure import CommandFailedHere, measure
from tests.bench.model import Sample
from tests.support import ROOT

GOOD = (0, 3)
"""Exit codes: ok, and ok with warnings."""
COMMAND = [sys.executable, "-m", "tui"]


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A run of our command: its sample, its job if it was one, its JSON document."""

    sample: Sample
    job: str
    document: dict[str, Any]

    def phase(self, name: str) -> Sample:
        """One phase as a sample of its own; the memory is that of the whole command."""
        seconds = sum(taken for phase, taken in self.sample.phases if phase == name)
        if not seconds:
            raise CommandFailedHere(f"Job {self.job} wrote no phase {name!r} into its journal.")
        return Sample(wall=seconds, rss=self.sample.rss)


def run_ours(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    folder: Path,
    servers: Sequence[int] = (),
) -> Ran:
    """Runs one verb with `--json`. Raises `CommandFailedHere` unless it ends well."""
    state = Path(environment["QUILLKEEP_STATE_DIR"]) / "jobs"
    before = set(state.iterdir()) if state.exists() else set()
    measured = measure(
        [*COMMAND, *arguments, "--json"], environment, folder=folder, cwd=ROOT, servers=servers, accept=GOOD
    )
    document: dict[str, Any] = msgspec.json.decode(measured.output)
    made = sorted(set(state.iterdir()) - before) if state.exists() else []
    if not made:
        return Ran(sample=measured.sample, job="", document=document)
    phases = _phases(made[-1], measured.begun, measured.ended)
    return Ran(sample=replace(measured.sample, phases=phases), job=made[-1].name, document=document)


def _phases(folder: Path, begun: float, ended: float) -> tuple[tuple[str, float], ...]:
    """Seconds from mark to mark: the command's start, the job's first line, its phases, its last line, the end.

    A phase ends with its last progress, which is its final count; what was done before the next one began
    stands by itself.
    """
    marks = [("start of the command and the job", begun)]
    counted: Progress | None = None
    for event in read_events(folder):
        if isinstance(event, Progress):
            counted = event
        if not isinstance(event, Started | PhaseStarted | Finished):
            continue
        if counted is not None:
            marks.append((f"after {counted.phase}", counted.at.timestamp()))
            counted = None
        if isinstance(event, Started):
            marks.append(("before the first phase", event.at.timestamp()))
        elif isinstance(event, PhaseStarted):
            marks.append((event.phase, event.at.timestamp()))
        else:
            marks.append(("end of the job and the command", event.at.timestamp()))
    ends = [at for _, at in marks[1:]] + [ended]
    return tuple((name, round(end - at, 4)) for (name, at), end in zip(marks, ends, strict=True))
