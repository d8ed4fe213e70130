"""How the checks of the data put several findings into one sentence."""

from __future__ import annotations

from services.checks.all import all_checks
from services.checks.data import references
from services.checks.model import Outcome
from services.errors import QuillkeepError
from services.findings import Finding, FindingStatus
from services.pairs.model import PairsResult
from services.pepper.model import PepperResult
from services.references.model import ReferencesResult


class Told:
    """Evidence of references alone."""

    pairs: PairsResult | QuillkeepError | None = None
    pepper: PepperResult | QuillkeepError | None = None

    def __init__(self, *findings: Finding) -> None:
        self.references: ReferencesResult | QuillkeepError | None = ReferencesResult(
            status=findings[0].status, findings=findings
        )


def outcome(*findings: Finding) -> Outcome:
    found = references(Told(*findings))
    assert found is not None
    return found


def finding(what: str, *examples: str, count: int = 1, status: FindingStatus = "fail") -> Finding:
    return Finding(kind="k", status=status, what=what, examples=examples, count=count)


def test_one_finding_is_its_own_sentence() -> None:
    assert outcome(finding("Chats are gone.")).detail == "Chats are gone."
    assert outcome(finding("The chat a is gone.", "a")).detail == "The chat a is gone."
    assert outcome(finding("A chat is gone.", "c1")).detail == "A chat is gone: c1"


def test_several_go_on_without_a_full_stop_between() -> None:
    first, other = finding("None of them are there."), finding("Another.")
    assert outcome(first, other).detail == "None of them are there; and 1 more finding"
    assert outcome(first, *[other] * 7).detail == "None of them are there; and 7 more findings"
    cut = finding("Its row says 01ab...")
    assert outcome(cut, other).detail == "Its row says 01ab...; and 1 more finding"
    assert outcome(finding("Gone.", "a"), other).detail == "Gone: a; and 1 more finding"


def test_examples_and_those_that_are_not_shown_are_all_of_them() -> None:
    assert outcome(finding("Gone.", "a", "b", count=2)).detail == "Gone: a, b"
    assert outcome(finding("Gone.", "a", "b", count=4)).detail == "Gone: a, b and 2 more"
    assert outcome(finding("Gone.", *"abcd", count=1_004)).detail == "Gone: a, b, c and 1,001 more"


def test_no_sentence_of_a_check_ends_twice() -> None:
    for one in all_checks():
        for text in (one.says, one.next):
            assert ".;" not in text and ".." not in text.replace("...", ""), one.name
