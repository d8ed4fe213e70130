"""The matrix of checks: for each a data set or artefact that fails exactly it, and one that passes.

Modules of `tests/matrix/` fill `CASES`; `tests/services/test_checks_matrix.py` imports them all, runs every
case, and fails for a registered check that has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.checks.model import CheckResult


@dataclass(frozen=True)
class Bench:
    """What a case works with: an empty folder of its own, and the fixtures of conftest.py by name."""

    folder: Path
    request: pytest.FixtureRequest

    def fixture(self, name: str) -> Any:
        """A fixture's value: `mongod`, `weed`, `client`, `database`, `bucket`, ..."""
        return self.request.getfixturevalue(name)


@dataclass(frozen=True)
class Shown:
    """All results of the run, and the words that must stand in what the failing check says."""

    results: Sequence[CheckResult]
    place: str


@dataclass(frozen=True)
class Case:
    """`failing` ends the check, and no other, with something else than `ok`; `passing` ends it `ok`.

    `also` names checks that cannot but end with it.
    """

    failing: Callable[[Bench], Shown]
    passing: Callable[[Bench], Sequence[CheckResult]]
    also: frozenset[str] = frozenset()


CASES: dict[str, Case] = {}
"""By the check's name."""
