"""`python -m tests.pictures.record_integrity`: checks and damages the demo's backups and live data, and keeps what
the machine answered, beside what `record` keeps and with a clock of its own."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from services.catalog import layout
from services.demo.breaking import BreakName
from services.demo.console import RunningDemo
from services.jobs.journal import follow_events
from services.looking.integrity import IntegrityRequest
from services.operations.verify_model import VerifyPlan
from services.pairs.model import PairsPlan
from services.pepper.model import PepperPlan
from services.validating.model import ValidatePlan
from tests.pictures.record import Recorder
from tests.pictures.recording import FOLDER


def record(say: Any) -> None:
    """All of it, in half a minute."""
    with RunningDemo(say=say) as demo:
        recorder = Recorder(demo)
        ids = [one.id for one in recorder.machine.look("catalog", demo.profile).backups if one.ours]
        folder = Path(demo.profile.locations[0].path)
        _check_live(recorder)
        recorder.run("verify", VerifyPlan(backup=ids[1]), "integrity-verify")
        _run(recorder, "verify", VerifyPlan(backup=ids[2], depth="deep"))
        _run(recorder, "verify", VerifyPlan(backup=ids[3], depth="quick"))
        _flip(folder / layout.archive_name(ids[4]))
        _run(recorder, "verify", VerifyPlan(backup=ids[4]))
        _own_copy(folder / layout.objects_name(ids[5]))
        _run(recorder, "verify", VerifyPlan(backup=ids[5]))
        recorder.look("integrity")
        for kept, id in (("archive", ids[4]), ("object", ids[5]), ("deep", ids[2])):
            recorder.look("integrity", f"integrity-{kept}", IntegrityRequest(backup=id))
        breaks: tuple[BreakName, ...] = ("drop", "empty")
        for name in breaks:
            say(demo.do(name))
        _check_live(recorder)
        recorder.look("integrity", "integrity-damaged")
        when = recorder.machine.now() + timedelta(minutes=1)
        text = when.replace(second=0).isoformat(timespec="seconds")
        (FOLDER / "when-integrity.json").write_text(f'"{text}"\n')


def _check_live(recorder: Recorder) -> None:
    _run(recorder, "pairs", PairsPlan())
    _run(recorder, "validate", ValidatePlan())
    _run(recorder, "pepper-check", PepperPlan())


def _run(recorder: Recorder, verb: str, plan: msgspec.Struct) -> None:
    """A job to its end; what it leaves is what the look tells."""
    started = recorder.machine.start_job(verb, plan, recorder.profile)
    for _ in follow_events(started.folder):
        pass


def _flip(path: Path) -> None:
    """One bit in the middle of a file."""
    path.chmod(0o600)
    with open(path, "r+b") as stream:
        stream.seek(path.stat().st_size // 2)
        byte = stream.read(1)[0]
        stream.seek(-1, 1)
        stream.write(bytes([byte ^ 0x10]))


def _own_copy(folder: Path) -> None:
    """A damaged copy in place of a linked object file, so that no other snapshot shares the damage."""
    victim = next(path for path in sorted(folder.rglob("*")) if path.is_file())
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0x10
    victim.unlink()
    victim.write_bytes(bytes(data))


if __name__ == "__main__":
    record(lambda line: print(line, file=sys.stderr))
