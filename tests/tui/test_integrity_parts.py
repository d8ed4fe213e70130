"""What Integrity makes of journals and answers, without a screen."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.findings import Finding
from services.jobs.events import AnyEvent, Log, PhaseStarted, Progress
from services.looking.integrity import LiveSeen
from services.looking.integrity_findings import told_of
from tests.journals import at, started
from tests.recorded import NOW
from tests.tui.archives_support import PROD, row
from tests.tui.integrity_support import DANGLING, LIVE, MISSING, SOME, answer, look, seen
from tui.screens.integrity_detail_rows import of_backup, of_live
from tui.screens.integrity_list import entries_of
from tui.screens.integrity_report import one_report, report
from tui.screens.integrity_rows import live_letter, worst_first
from tui.screens.integrity_watch import LIVE as LIVE_WORD
from tui.screens.integrity_watch import Watch
from tui.screens.integrity_words import cut_to, finding_lines, live_lines
from widgets.glyphs import Glyphs
from widgets.lines_view import Line

GLYPHS = Glyphs()


def heard(verb: str, plan: dict[str, Any], *events: AnyEvent) -> Watch:
    """A job that said so much."""
    watch = Watch("20261122_030000")
    for event in (started(verb, plan=plan), *events):
        watch.add(event)
    return watch


@pytest.mark.parametrize(
    ("verb", "plan", "subject"),
    [
        ("pairs", {}, LIVE_WORD),
        ("pairs", {"rows": "live", "objects": ""}, LIVE_WORD),
        ("pairs", {"rows": "b1"}, "b1"),
        ("pairs", {"rows": "live", "objects": "b1"}, "b1"),
        ("validate", {"full": True}, LIVE_WORD),
        ("pepper-check", {"target": "b2"}, "b2"),
        ("verify", {"backup": "latest"}, ""),
    ],
)
def test_what_a_job_is_about(verb: str, plan: dict[str, Any], subject: str) -> None:
    assert heard(verb, plan).subject == subject


def test_a_verify_of_several_says_which_one_it_reads() -> None:
    def phase(detail: str) -> PhaseStarted:
        return PhaseStarted(at=at(1), phase="verify", detail=detail, total=10)

    watch = heard("verify", {"oldest_first": True}, phase("old in a box.gz in the nas (2 of 1,200)"))
    assert (watch.subject, watch.turn) == ("old in a box.gz", "2 of 1,200")
    watch.add(phase("quilltap_20261122_020000"))
    assert (watch.subject, watch.turn, watch.share) == ("quilltap_20261122_020000", "", None)
    watch.add(Progress(at=at(2), phase="verify", done=10, total=10))
    assert watch.words == "verify 99%", "it still runs"
    watch.add(Log(at=at(3), level="error", text="objects-sha256: fail: a: b: c"))
    watch.add(Log(at=at(3), level="warning", text="The verdict could not be noted: full"))
    watch.add(Log(at=at(3), level="info", text="Passed over x: y"))
    assert [(one.status, one.name, one.detail) for one in watch.said] == [
        ("fail", "objects-sha256", "a: b: c"),
        ("warn", "", "The verdict could not be noted: full"),
    ]


def test_what_could_not_be_told_is_no_failure_and_a_cancelled_one_never_ran() -> None:
    tried = LiveSeen(verb="pairs", tried_at=NOW, tried="failed: MongoDB does not answer.")
    assert live_letter(tried) == "u"
    assert live_letter(msgspec.structs.replace(tried, tried="cancelled")) == "-"
    assert live_letter(msgspec.structs.replace(LIVE[0], tried_at=NOW, tried="failed: x")) == "f"
    assert live_letter(msgspec.structs.replace(LIVE[0], replaced_at=NOW)) == "x"


def test_a_finding_says_what_brings_it_back_before_its_examples() -> None:
    finding = Finding(
        kind="k",
        status="fail",
        what="3 things are gone.",
        collection="chats",
        user="u1",
        count=3,
        examples=tuple("abcd"),
        good_in="b1",
        next="Do it.",
    )
    lines = [line.text for line in finding_lines(finding, GLYPHS, 60)]
    assert lines[0] == "✗ fail chats, user u1: 3 things are gone."
    assert lines[1:3] == ["good in: b1 (R restores from it)", "next: Do it."]
    assert lines[3:] == ["such as:", "    a", "    b", "    c"]


def test_cut_lines_say_how_many_more() -> None:
    lines = [Line(str(number)) for number in range(9)]
    assert cut_to(lines, 9, GLYPHS) == lines and cut_to(lines, 0, GLYPHS) == lines
    assert [line.text for line in cut_to(lines, 3, GLYPHS)] == ["0", "1", "… 7 more lines: Enter shows them"]


def test_a_check_that_never_ran_is_listed_unless_a_run_reached_its_depth() -> None:
    def names(given: Any) -> list[str]:
        return [
            one.row.cells[1] for one in of_backup(answer(given), NOW, GLYPHS) if "none" in one.row.cells[0]
        ]

    assert names(seen(row(0), "full", 1)) == ["references", "deep-load"]
    assert names(seen(row(0), "deep", 1)) == []
    assert "pairs" not in names(seen(row(0, parts=("database",)))), "what it does not have is not missing"


def test_reports_of_one_row() -> None:
    one = look(SOME)(msgspec.structs.replace(look_request(), backup="quilltap_20261120_021400"))
    backup = one.backups[0].backup
    document = json.loads(one_report(backup, one, (), NOW, "json"))
    assert [check["status"] for check in document["checks"]][:2] == ["fail", "warn"]
    text = one_report(backup, one, (), NOW, "md")
    assert "- **fail** `objects`" in text and "  - next: `Do something about objects.`" in text
    live = one_report(None, None, LIVE, NOW + timedelta(days=1), "md")
    assert "## live: pepper-check: never" in live and "`missing users/u1/IMAGE/1_a.png" in live
    assert len(of_live(LIVE, NOW, GLYPHS)) == 5


def look_request() -> Any:
    from services.looking.integrity import IntegrityRequest

    return IntegrityRequest()


def test_names_are_no_markup_in_a_report() -> None:
    odd = seen(row(0, id="a`|[x](http://e)`\n# b"), "full", 1, {"archive": ("fail", "`` | <b>")})
    text = report(answer(odd), entries_of(answer(odd), NOW, GLYPHS), PROD, NOW, "md")
    for line in text.splitlines():
        assert line.count("`") % 2 == 0, line
    assert "\n# b" not in text.replace("\\n", "")


def test_the_worst_live_check_stands_first_and_what_is_outdated_last() -> None:
    pairs, validate, pepper = LIVE
    broken = msgspec.structs.replace(validate, status="fail")
    warned = msgspec.structs.replace(pairs, status="warn")
    assert [one.verb for one in worst_first((warned, broken, pepper))] == [
        "validate",
        "pairs",
        "pepper-check",
    ]
    outdated = msgspec.structs.replace(pairs, replaced_at=NOW)
    assert [one.verb for one in worst_first((outdated, validate, pepper))][-1] == "pairs"
    lines = [line.text for line in live_lines((warned, broken, pepper), NOW, GLYPHS, 70)]
    assert lines[1].startswith("✗ fail validate"), lines
    both = msgspec.structs.replace(validate, status="fail")
    lines = [line.text for line in live_lines((pairs, both, pepper), NOW, GLYPHS, 90)]
    assert [line[:6] for line in lines[1:4]] == ["✗ fail"] * 3 and "validate" in lines[2], lines
    assert lines[3].startswith("✗ fail files, user u1: 2 rows") and "pepper-check" in lines[-1]
    assert of_live((warned, broken, pepper), NOW, GLYPHS)[0].row.cells[1] == "validate"
    assert of_live((outdated, validate, pepper), NOW, GLYPHS)[-2].row.cells[1] == "pairs"
    document = json.loads(one_report(None, None, (warned, broken, pepper), NOW, "json"))
    assert document["live"][0]["check"] == "validate"


def test_faults_stand_before_facts() -> None:
    told = told_of(
        {
            "leftovers": [
                {"collection": "chats", "documents": 1, "path": "tags", "why": "as it is"},
                {"collection": "chats", "documents": 66, "path": "tags", "why": "as it is"},
            ],
            "next": "Do it.",
        }
    )
    assert told == [
        "Next: Do it.",
        "No fault: 1 document of chats names what was deleted (tags): as it is",
        "No fault: 66 documents of chats name what was deleted (tags): as it is",
    ]
    one = msgspec.structs.replace(LIVE[1], findings=(MISSING, *[DANGLING] * 4), told=tuple(told))
    lines = [line.text for line in of_live((one,), NOW, GLYPHS)[0].lines(100)]
    assert lines.index("✗ fail 2 rows have no object.") < lines.index(told[1])
    assert "and 2 more findings, below it in the list" in lines
