"""Checks of the data in a backup."""

from __future__ import annotations

from services.profile import BucketTarget
from services.secret import Secret
from tests.checks_matrix import CASES, Case
from tests.matrix.backup_files import bad_foreign, foreign
from tests.support import FIXTURE_PEPPER

CASES["pepper"] = Case(
    failing=bad_foreign(
        "quilltap-20261101.gz",
        "none of 8 encrypted values",
        pepper=Secret("another pepper, of more than 32 characters"),
    ),
    passing=foreign("quilltap-20261101.gz", pepper=Secret(FIXTURE_PEPPER), bucket=BucketTarget()),
)
