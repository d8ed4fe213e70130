"""The wizard's words: what is seen proposes what happened, times are read back, steps and minutes fit their row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from services.catalog.model import Backup, Verified
from services.catalog.scan import Catalog
from services.looking.bucket import BucketAnswer
from services.looking.contents import CollectionHeld, ContentsAnswer
from services.looking.live import CollectionSeen, LiveAnswer
from tests.tui.wizard_start_support import RECORDED, recorded_backup
from tui.screens.restore import evidence
from tui.screens.restore.choosing import MOST, Proposal, listed, propose, warnings_on, why_unusable
from tui.screens.restore.happened import taken, why_of
from tui.screens.restore.model import STEPS, WizardState
from tui.screens.restore.scope import scope_of
from tui.screens.restore.symptoms import symptom_of
from tui.screens.restore.times import ago, both, clock, read_time, span
from tui.store import Problem
from widgets import stepper, stopwatch
from widgets.glyphs import Glyphs
from widgets.stopwatch import Elapsed

NOW = datetime(2026, 11, 22, 3, 14, tzinfo=UTC)
RICH, PLAIN = Glyphs(), Glyphs(utf8=False)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is an hour ahead of UTC."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def live(**counts: int) -> LiveAnswer:
    return LiveAnswer(
        server="db",
        version="6.0.5",
        topology="standalone",
        database="quilltap",
        collections=tuple(
            CollectionSeen(name=name, kind="collection", documents=n, bytes=n, index_bytes=1, indexes=1)
            for name, n in counts.items()
        ),
    )


def held(objects: int | None = None, **counts: int) -> ContentsAnswer:
    return ContentsAnswer(
        id="b",
        collections=tuple(CollectionHeld(name=name, documents=n) for name, n in counts.items()),
        objects=objects,
    )


BACKUP = held(chats=200, users=3, characters=20, memories=900, tags=5, sessions=8)


@pytest.mark.parametrize(
    ("now", "symptom", "missing", "fewer"),
    [
        (live(chats=200, users=3, characters=20, memories=900, tags=5, sessions=8), "", (), ()),
        (live(chats=900, users=3, characters=21, memories=900, tags=5), "", (), ()),
        (live(chats=199, users=3, characters=20, memories=900, tags=5), "", (), ("chats",)),
        (live(chats=100, users=3, characters=20, memories=900, tags=5), "data", (), ("chats",)),
        (live(chats=200, users=3, memories=900, tags=5), "collection", ("characters",), ()),
        (live(chats=0, users=3, memories=900, tags=5), "data", ("characters",), ("chats",)),
        (live(chats=200, users=3), "database", ("characters", "memories", "tags"), ()),
        (live(), "database", ("chats", "users", "characters", "memories", "tags"), ()),
    ],
)
def test_what_the_database_shows_proposes_a_symptom(
    now: LiveAnswer, symptom: str, missing: tuple[str, ...], fewer: tuple[str, ...]
) -> None:
    found = evidence.of_database(now, BACKUP)
    assert (found.symptom, found.missing, found.fewer) == (symptom, missing, fewer)
    assert "sessions" not in str(found)


def test_what_the_bucket_shows_and_both_together() -> None:
    def bucket(objects: int, *, whole: bool = True) -> BucketAnswer:
        return BucketAnswer(bucket="b", endpoint="s3", objects=objects, bytes=1, whole=whole)

    backup = held(63, chats=1)
    empty = evidence.of_bucket(bucket(0), backup)
    assert empty.symptom == "bucket" and "0 objects now, the backup has 63" in empty.findings[0].text
    assert evidence.of_bucket(bucket(40), backup).symptom == "files"
    assert evidence.of_bucket(bucket(62), backup).symptom == ""
    assert evidence.of_bucket(bucket(63), backup).findings == ()
    assert evidence.of_bucket(bucket(10, whole=False), backup).findings == ()
    assert evidence.together(evidence.of_database(live(), backup), empty).symptom == "everything"


def test_a_missing_bucket_is_a_symptom_and_a_wrong_key_is_not() -> None:
    gone = Problem(what="The bucket b does not exist at s3.", next="Make it: aws s3 mb s3://b")
    assert evidence.of_problem(gone, "bucket").symptom == "bucket"
    assert "aws s3 mb" in evidence.of_problem(gone, "bucket").findings[0].text
    assert evidence.of_problem(Problem(what="s3 does not accept the S3 keys."), "bucket").symptom == ""


def test_local_time_and_utc_stand_beside_each_other(berlin: None) -> None:
    assert both(NOW) == "Sun 22 Nov 04:14 CET (22 Nov 03:14 UTC)"
    assert clock(NOW) == "Sun 22 Nov 04:14 (03:14 UTC)"
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert both(late) == "Mon 23 Nov 00:30 CET (22 Nov 23:30 UTC)"


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("02:10", datetime(2026, 11, 22, 1, 10, tzinfo=UTC)),
        ("02:10 UTC", datetime(2026, 11, 22, 2, 10, tzinfo=UTC)),
        ("23:00", datetime(2026, 11, 21, 22, 0, tzinfo=UTC)),
        ("2026-11-20 18:00", datetime(2026, 11, 20, 17, 0, tzinfo=UTC)),
        ("2026-11-20T18:00Z", datetime(2026, 11, 20, 18, 0, tzinfo=UTC)),
        (" 3 h ", NOW - timedelta(hours=3)),
        ("20min", NOW - timedelta(minutes=20)),
        ("2 days ago", NOW - timedelta(days=2)),
        ("25:00", None),
        ("2027-01-01 00:00", None),
        ("2026-13-01 00:00", None),
        ("yesterday", None),
        ("", None),
        ("[/x]", None),
    ],
)
def test_a_typed_time_is_read_as_the_wall_clock_says_it(
    berlin: None, typed: str, moment: datetime | None
) -> None:
    assert read_time(typed, NOW) == moment


def test_lengths_of_time_in_words() -> None:
    assert [span(s) for s in (30, 600, 3_600, 9_000, 26 * 3_600, 5 * 86_400)] == [
        "0 min",
        "10 min",
        "1 h",
        "2 h 30 min",
        "26 h",
        "5 days",
    ]
    assert ago(NOW - timedelta(seconds=20), NOW) == "just now"
    assert "check the clock" in ago(NOW + timedelta(hours=1), NOW)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("glyphs", [RICH, PLAIN])
def test_the_stepper_names_the_current_step_at_every_width(width: int, glyphs: Glyphs) -> None:
    titles = [info.title for info in STEPS]
    for place, title in enumerate(titles):
        line = stepper.fit(titles, place, width, glyphs)
        assert cell_len(line) <= width
        assert f"[{place + 1} {title}]" in line or f"[{place + 1} of 9 {title}]" in line
        assert line.count(glyphs.of("ok")) == place
        assert glyphs.utf8 or line.isascii()
    assert all(title in stepper.fit(titles, 0, 130, glyphs) for title in titles)
    assert stepper.fit(titles, 2, 80, glyphs).endswith(" [3 of 9 What to restore] then Checks")
    assert stepper.fit(titles, 3, 22, glyphs).endswith(" [4 of 9 Checks]")


def test_the_stopwatch_fits_and_says_when_the_time_is_over() -> None:
    phases = (("detection", 2), ("access", 7), ("preparation", 3), ("restore", None), ("verification", None))
    running = Elapsed(12, 30, "preparation", phases)
    assert stopwatch.fit(running, 80, RICH) == " 12 min of 30, 18 left   preparation 3 min"
    wide = stopwatch.fit(running, 120, RICH)
    assert "[preparation 3]" in wide and " restore - " in wide
    over = running._replace(minutes=34)
    assert stopwatch.fit(over, 80, PLAIN).startswith(" ! 34 min of 30, 4 over")
    assert "stopped" in stopwatch.fit(running._replace(stopped=True), 80, RICH)


def test_every_backup_says_what_stands_against_it() -> None:
    state = WizardState(opened=NOW, only="database")
    newest = recorded_backup()
    older = recorded_backup("quilltap_20261120_020000", created=NOW - timedelta(days=2))

    def said(backup: Backup) -> str:
        return "; ".join(warnings_on(backup, state, RECORDED, newest))

    def bad(why: str) -> dict[str, Any]:
        return {"good_parts": (), "not_good": {"database": why}}

    assert said(newest) == ""
    assert said(older).startswith("older: ")
    assert "suspicious: chats fell" in said(
        replace(newest, suspicious=("chats fell by 80 %",), good_parts=())
    )
    assert "incomplete: a.gz" in said(replace(newest, complete=False, missing=("a.gz",)))
    assert "database not good: not proven" in said(replace(newest, **bad("not proven")))
    assert "another deployment's: its bucket" in said(
        replace(newest, ours=False, other_deployment="its bucket is 'x'")
    )
    assert "foreign" in said(replace(newest, kind="archive", ours=False))
    assert "a safety copy" in said(replace(newest, counted=False))
    failed = Verified(at=NOW, status="fail", depth="full", proof="content")
    assert "the full check failed" in said(replace(newest, verified=failed, good_parts=()))
    assert "has no database part" in said(replace(newest, parts=("objects",)))
    state.damage_at = newest.created - timedelta(hours=1)
    assert "made after it happened" in said(newest) and "made after" not in said(older)


def test_what_no_restore_can_be_made_of_is_refused_with_the_way_on() -> None:
    state = WizardState(opened=NOW, only="objects")
    newest = recorded_backup()
    assert why_unusable(newest, state, RECORDED) == ""
    assert why_unusable(replace(newest, encrypted="gpg"), state, RECORDED) == ""
    assert "cannot be read: no permission" in why_unusable(
        replace(newest, problem="no permission"), state, RECORDED
    )
    assert "needs objects" in why_unusable(replace(newest, parts=("database",)), state, RECORDED)


def test_the_proposal_is_good_from_before_the_damage_and_names_what_it_passed_over() -> None:
    state = WizardState(opened=NOW, only="database")
    newest = recorded_backup(good_parts=(), not_good={"database": "not proven"})
    older = recorded_backup("quilltap_20261121_020000", created=NOW - timedelta(days=1))
    before = recorded_backup(
        "quilltap_20261120_020000", created=NOW - timedelta(days=2), reason="before an upgrade"
    )
    catalog = Catalog(backups=(newest, older, before))
    found = propose(state, catalog, RECORDED)
    assert found.backup == older and found.passed_over[0][0] == newest.id
    state.symptom = "upgrade"
    assert propose(state, catalog, RECORDED).backup == before
    state.symptom, state.damage_at = "data", older.created - timedelta(minutes=1)
    assert propose(state, catalog, RECORDED).backup == before
    state.damage_at = before.created
    nothing = propose(state, catalog, RECORDED)
    assert nothing.backup is None and nothing.problem is not None
    many = [recorded_backup(f"quilltap_{n:08}_000000") for n in range(1_000)]
    rows = listed(state, Catalog(backups=tuple(many)), Proposal(before))
    assert len(rows) == MOST + 1 and rows[-1] == before


def _seen(now: LiveAnswer, objects: int) -> evidence.Compared:
    bucket = BucketAnswer(bucket="b", endpoint="s3", objects=objects, bytes=1, whole=True)
    return evidence.together(evidence.of_database(now, BACKUP), evidence.of_bucket(bucket, held(88, chats=1)))


@pytest.mark.parametrize(
    ("objects", "chosen", "only", "collections", "beside"),
    [
        (0, "collection", None, ("memories",), True),
        (40, "collection", None, ("memories",), True),
        (88, "collection", "database", ("memories",), False),
        (87, "collection", "database", ("memories",), False),
        (0, "bucket", None, ("memories",), True),
        (0, "database", None, (), False),
        (0, "everything", None, (), False),
        (88, "files", None, ("memories",), True),
    ],
)
def test_what_is_preselected_covers_everything_seen_and_no_more(
    objects: int, chosen: str, only: str | None, collections: tuple[str, ...], beside: bool
) -> None:
    compared = _seen(live(chats=200, users=3, characters=20, tags=5), objects)
    assert compared.symptom == "collection"
    symptom = symptom_of(chosen)
    assert symptom is not None
    found = taken(symptom, compared)
    assert (found.only, found.collections, found.with_objects) == (only, collections, beside)
    words = why_of(symptom, compared)
    if collections:
        assert "memories" in words
    if beside and symptom.only == "database":
        assert (
            f"bucket: {objects} objects now, the backup has 88" in words
            and "Every other collection stays" in words
        )


def test_objects_of_a_database_mostly_gone_bring_everything() -> None:
    compared = _seen(live(chats=200, users=3), 0)
    assert compared.symptom == "everything"
    symptom = symptom_of("bucket")
    assert symptom is not None and taken(symptom, compared).only is None
    assert "database too" in why_of(symptom, compared)


def test_chosen_collections_and_objects_are_one_request_of_the_wizard() -> None:
    state = WizardState(opened=NOW, collections=("chats",), with_objects=True)
    assert scope_of(state) == "both"
    state.with_objects = False
    assert scope_of(state) == "chosen"
