"""Checks of the data in a backup."""

from __future__ import annotations

from collections.abc import Callable

from services.profile import BucketTarget
from services.secret import Secret
from tests.checks_matrix import CASES, Bench, Case, Shown
from tests.fabric import DOCUMENTS, OBJECTS, make_backup, rows_of
from tests.matrix.backup_files import KEY, bad_foreign, folder_of, foreign, results_of, whole
from tests.support import FIXTURE_PEPPER

CASES["pepper"] = Case(
    failing=bad_foreign(
        "quilltap-20261101.gz",
        "none of 8 encrypted values",
        pepper=Secret("another pepper, of more than 32 characters"),
    ),
    passing=foreign("quilltap-20261101.gz", pepper=Secret(FIXTURE_PEPPER), bucket=BucketTarget()),
)


def _without(key: str) -> Callable[[Bench], Shown]:
    def failing(bench: Bench) -> Shown:
        rows = {"users": DOCUMENTS["users"], "files": rows_of(OBJECTS)}
        less = {name: data for name, data in OBJECTS.items() if name != key}
        made = make_backup(folder_of(bench), documents=rows, objects=less)
        return Shown(results_of(bench, made.id), key)

    return failing


CASES["pairs"] = Case(failing=_without(KEY), passing=whole())
