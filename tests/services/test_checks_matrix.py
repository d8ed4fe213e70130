"""The matrix of checks: each fails on what it is for, alone and by name, and passes on what is whole."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import tests.matrix as package
from services.checks.all import all_checks
from services.checks.model import CheckResult
from tests.checks_matrix import CASES, Bench

for _module in sorted(found.name for found in pkgutil.iter_modules(package.__path__)):
    importlib.import_module(f"{package.__name__}.{_module}")

NAMES = [entry.name for entry in all_checks()]


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    return Bench(tmp_path, request)


def test_every_check_has_its_case() -> None:
    assert sorted(CASES) == sorted(NAMES)


def words(result: CheckResult) -> str:
    return "\n".join(
        [
            result.detail,
            *result.findings,
            *(text for one in result.found for text in (one.what, one.collection, one.user, *one.examples)),
        ]
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_fails_alone_and_names_the_place(bench: Bench, name: str) -> None:
    shown = CASES[name].failing(bench)
    odd = {one.name: one for one in shown.results if one.status in ("fail", "warn", "unknown")}
    told = {one.name: f"{one.status}: {one.detail}" for one in shown.results}
    assert name in odd, told
    assert set(odd) - {name} <= CASES[name].also, told
    assert shown.place in words(odd[name]), words(odd[name])
    assert odd[name].next, told


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_passes_what_is_whole(bench: Bench, name: str) -> None:
    results = {one.name: one for one in CASES[name].passing(bench)}
    assert name in results, sorted(results)
    assert results[name].status == "ok", results[name]
    assert results[name].detail
    assert not [one for one in results.values() if one.status in ("fail", "unknown")], results
