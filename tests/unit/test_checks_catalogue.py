"""The catalogue of checks: how they register, in which order they run, and that its page is up to date."""

from __future__ import annotations

import subprocess
import sys

import pytest

from services.checks.all import all_checks, backup_checks, live_checks
from services.checks.model import (
    CHECKS,
    DEPTHS,
    Check,
    CheckResult,
    Outcome,
    check,
    in_order,
    run_check,
    verdict,
    verdict_of_data,
    verdict_of_part,
)
from services.verifying.page import PAGE, page
from tests.support import ROOT


def entry(name: str) -> Check:
    return next(one for one in all_checks() if one.name == name)


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / PAGE).read_text() == page(), "run `make docs`"
    for one in all_checks():
        assert f"`{one.name}`" in page()


def test_every_check_says_what_it_is_for() -> None:
    for one in all_checks():
        assert one.says.endswith("."), one.name
        assert one.cost and one.reads and one.evidence and one.next, one.name
        assert one.covered_by == "" or entry(one.covered_by).decides == one.decides
        assert one.decides == "data" or one.subject == "backup"


def test_the_order_is_by_depth_and_what_is_decided_and_the_same_in_every_process() -> None:
    depths = [DEPTHS.index(one.depth) for one in backup_checks()]
    assert depths == sorted(depths)
    for depth in DEPTHS:
        data = [one.decides == "data" for one in backup_checks() if one.depth == depth]
        assert data == sorted(data)
    code = "from services.checks.all import all_checks; print([one.name for one in all_checks()])"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert told.strip() == str([one.name for one in all_checks()])


def test_every_check_is_of_a_backup_or_live_or_both() -> None:
    both = {one.name for one in backup_checks()} & {one.name for one in live_checks()}
    assert (
        both
        == {one.name for one in all_checks() if one.subject == "both"}
        == {"pairs", "pepper", "references"}
    )
    assert len(backup_checks()) + len(live_checks()) == len(all_checks()) + len(both)


def test_finding_the_checks_loads_no_driver() -> None:
    code = """
import sys
from services.checks.all import all_checks
all_checks()
print([name for name in ("pymongo", "bson", "boto3", "obstore", "textual", "cryptography") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def registered(name: str, module: str, **more: object) -> None:
    def run(evidence: object) -> Outcome | None:
        """Something holds."""
        return Outcome("ok", "it does")

    run.__module__ = module
    fields = {
        "subject": "backup",
        "decides": "backup",
        "depth": "quick",
        "cost": "c",
        "reads": "r",
        "evidence": "e",
    }
    check(name, **{**fields, **more})(run)  # type: ignore[arg-type]


def test_a_name_is_taken_once_and_live_data_decides_no_backup() -> None:
    with pytest.raises(ValueError, match="registered in"):
        registered("archive", "elsewhere")
    for subject in ("live", "both"):
        with pytest.raises(ValueError, match="cannot decide"):
            registered("new-one", "elsewhere", subject=subject)
    with pytest.raises(ValueError, match="no docstring"):
        check("new-one", subject="backup", decides="data", depth="quick", cost="c", reads="r", evidence="e")(
            lambda evidence: None
        )
    assert "new-one" not in CHECKS


def test_text_of_others_is_printable_and_the_next_step_is_always_there() -> None:
    odd = Check(
        name="odd",
        subject="backup",
        decides="data",
        depth="quick",
        cost="",
        reads="",
        evidence="",
        next="Do this.",
        says="",
        covered_by="",
        module="",
        run=lambda evidence: Outcome("fail", "a\x1b[2Jb", findings=("c\nd",)),
    )
    found = run_check(odd, None)
    assert found is not None
    assert (found.detail, found.findings, found.next) == (r"a\x1b[2Jb", (r"c\x0ad",), "Do this.")


def result(status: str, decides: str) -> CheckResult:
    return CheckResult(name="x", status=status, detail="", decides=decides)  # type: ignore[arg-type]


def test_the_data_never_decides() -> None:
    results = [result("ok", "database"), result("fail", "data"), result("warn", "objects")]
    assert verdict(results) == "warn" and verdict_of_data(results) == "fail"
    assert verdict_of_part(results, "database") == "ok" and verdict_of_part(results, "objects") == "warn"
    assert verdict([]) == "skipped" and verdict_of_data(results[:1]) is None
    assert verdict([*results, result("skipped", "backup")]) == "skipped"


def test_the_order_of_depths_comes_first() -> None:
    names = [one.name for one in in_order(reversed(all_checks()))]
    assert sorted(names) == sorted(one.name for one in all_checks())
    assert names.index("manifest") < names.index("archive") < names.index("deep-load")
