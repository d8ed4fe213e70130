"""What Health says of the newest checks of the live data."""

from __future__ import annotations

from services.jobs.listing import JobSummary, checks_live
from services.status.assess import assess
from tests.status_support import NOW, PROFILE, job, looks


def test_broken_live_data_wants_attention_until_looked_at_again_or_replaced() -> None:
    found = job("validate", "failed", 3, exit_code=1, checked_live=True, summary="18 collections; 2 findings")
    whole = job("validate", "succeeded", 1, exit_code=0, checked_live=True)
    restored = job("restore", "succeeded", 2, exit_code=0)

    def told(*jobs: JobSummary) -> list[str]:
        status = assess(PROFILE, looks(jobs=jobs), NOW)
        return [one.what for one in status.findings if one.remedy == "integrity"]

    assert told(found) == ["The last `validate` found live data broken (2 h ago)."]
    assert assess(PROFILE, looks(jobs=(found,)), NOW).status == "WARNING"
    assert not told(whole, found)
    assert not told(restored, found)
    assert not told(job("validate", "failed", 1, exit_code=1, checked_live=False)), "it came to no verdict"
    planned = job("restore", "succeeded", 2, exit_code=0, only_looked=True)
    assert told(planned, found), "a plan replaced nothing"
    pairs = job("pairs", "failed", 1, exit_code=1, checked_live=True)
    assert len(told(pairs, found)) == 2


def test_only_a_look_at_all_that_is_live_counts() -> None:
    assert checks_live("validate", {"collections": []})
    assert not checks_live("validate", {"collections": ["chats"]})
    assert checks_live("pairs", {"rows": "live", "objects": "", "depth": "shallow"})
    assert not checks_live("pairs", {"rows": "quilltap_20261101_020000"})
    assert not checks_live("pairs", {"rows": "live", "objects": "quilltap_20261101_020000"})
    assert checks_live("pepper-check", {"target": "live", "candidates": []})
    assert not checks_live("pepper-check", {"target": "live", "candidates": [{"label": "x"}]})
    assert not checks_live("verify", {"backup": "latest"})
