"""`python -m tests.bench`: every line of the table against the stock tools, on this machine, now."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from services.errors import QuillkeepError
from tests.bench import report
from tests.bench.bench import Bench, Options
from tests.bench.lines_backup import backup_lines, large_documents_lines
from tests.bench.lines_console import console_lines
from tests.bench.lines_diff import diff_lines
from tests.bench.lines_encrypted import encrypted_lines
from tests.bench.lines_list import list_lines
from tests.bench.lines_memory import memory_lines
from tests.bench.lines_objects import objects_down_lines, objects_up_lines
from tests.bench.lines_pairs import pairs_lines
from tests.bench.lines_pepper import pepper_lines
from tests.bench.lines_references import references_lines
from tests.bench.lines_restore import restore_lines, restore_replica_set_lines
from tests.bench.lines_verify import verify_foreign_lines, verify_lines
from tests.bench.machine import machine_facts, versions
from tests.bench.measure import CommandFailedHere
from tests.bench.model import Line
from tests.bench.peers import CACHE, Peers
from tests.bench.stage import Stage
from tests.support import ROOT

WORK: dict[str, Callable[[Bench], list[Line]]] = {
    "backup": backup_lines,
    "backup-large-documents": large_documents_lines,
    "restore": restore_lines,
    "restore-replica-set": restore_replica_set_lines,
    "verify-foreign": verify_foreign_lines,
    "verify": verify_lines,
    "verify-encrypted": encrypted_lines,
    "pairs": pairs_lines,
    "references": references_lines,
    "pepper": pepper_lines,
    "diff": diff_lines,
    "objects-down": objects_down_lines,
    "objects-restore": objects_up_lines,
    "list": list_lines,
    "console": console_lines,
    "memory": memory_lines,
}
"""What is played, in this order; the memory line last, since its data drives the rest out of the caches."""
ALIASES = {"dump": "backup", "objects-first": "objects-down", "objects-unchanged": "objects-down"}
KEPT = ROOT / "tests" / "bench" / "results"
PASSING = CACHE / "results"
"""Where figures of other sizes than the issue's go: outside version control."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything was measured (with `--strict`: and reached), 1 otherwise, 2 for a wrong option."""
    asked = _parser().parse_args(arguments)
    small, factor = (0.1, asked.memory_factor) if asked.quick else (asked.scale, asked.memory_factor)
    options = Options(runs=asked.runs, scale=asked.scale, memory_scales=(small, small * factor))
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {text}", file=sys.stderr, flush=True)

    lines: list[Line] = []
    failures: dict[str, str] = {}
    peers = Peers(say)
    with Stage(scale=asked.scale, data=asked.data_dir, say=say) as stage:
        machine = machine_facts(stage.folder)
        bench = Bench(stage, peers, options)
        for name in asked.lines:
            try:
                lines += WORK[name](bench)
            except (CommandFailedHere, QuillkeepError, OSError) as error:
                failures[name] = str(error)
                say(f"{name} FAILED: {error}")
    found = {**versions(), **peers.versions()}
    kept = report.keep(
        report.document(lines, options, machine, found, failures),
        asked.results or (KEPT if asked.scale >= 1 else PASSING),
    )
    print(report.table(lines))
    if asked.profile:
        print(f"\nWhere our commands spent their time:\n{report.profiles(lines)}")
    for name, why in failures.items():
        print(f"\n{name} could not be measured: {why}")
    print(f"\nKept in {kept}")
    missed = [line.name for line in lines if line.reached is not True]
    return 1 if failures or (asked.strict and missed) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--lines",
        type=_names,
        default=list(WORK),
        metavar="NAME,...",
        help=f"only these: {', '.join(WORK)}",
    )
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="rounds; figures are medians")
    parser.add_argument("--scale", type=float, default=1.0, metavar="X", help="1 is 432 MB and 3,003 objects")
    parser.add_argument(
        "--data-dir", type=_folder, metavar="DIR", help="keep the filled servers here for next time"
    )
    parser.add_argument("--quick", action="store_true", help="the memory line from scale 0.1 on")
    parser.add_argument("--memory-factor", type=float, default=10.0, metavar="X", help="of the memory line")
    parser.add_argument("--profile", action="store_true", help="print where our time goes, by phase")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a line is not reached")
    parser.add_argument("--results", type=_folder, metavar="DIR", help="where the JSON goes")
    return parser


def _names(text: str) -> list[str]:
    names = [ALIASES.get(name.strip(), name.strip()) for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in WORK]
    if unknown:
        raise argparse.ArgumentTypeError(f"no line {', '.join(unknown)}; there are {', '.join(WORK)}")
    return list(dict.fromkeys(names))


def _folder(text: str) -> Path:
    return Path(text).absolute()


if __name__ == "__main__":
    sys.exit(main())
