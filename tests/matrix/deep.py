"""Deep checks: archives that only a server finds fault with, loaded into an embedded one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.checks.model import CheckResult
from tests.checks_matrix import CASES, Bench, Case, Shown
from tests.deep_support import DEEP, FAULTS, PEOPLE, write_archive
from tests.matrix.backup_files import folder_of, results_of

_FAILING = {
    "deep-load": "a collation the server lacks",
    "deep-indexes": "an index that cannot be built",
    "deep-compare": "a capped collection too small for its documents",
    "deep-documents": "two documents of one _id",
    "deep-validate": "a validator that refuses",
}


def _faulty(name: str) -> Callable[[Bench], Shown]:
    def failing(bench: Bench) -> Shown:
        made = write_archive(folder_of(bench) / "made.gz", {"faulty": FAULTS[name][2], "others": PEOPLE})
        return Shown(results_of(bench, made.name, "deep"), "faulty")

    return failing


def _whole(bench: Bench) -> Sequence[CheckResult]:
    made = write_archive(folder_of(bench) / "made.gz", {"others": PEOPLE})
    return results_of(bench, made.name, "deep")


for _check in DEEP:
    CASES[_check] = Case(failing=_faulty(_FAILING[_check]), passing=_whole)
