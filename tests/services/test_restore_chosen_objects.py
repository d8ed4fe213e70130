"""Chosen collections and the whole bucket's objects in one restore: there, back, refused, and ended half way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo.database import Database

from services.demo.servers import Mongod
from services.errors import Refused, UsageProblem
from services.mongo.record import read_record
from services.objects.bucket import Bucket, open_bucket
from services.objects.keys import Headers
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.finish import finish
from services.operations.plan import plan
from services.operations.restore import restore
from services.operations.restore_model import FinishPlan, RestorePlan
from services.profile import Profile
from services.recovery.request import PlanResult, RestoreRequest
from tests.services.command_support import Command, environment
from tests.services.restore_support import Picture, job_id, ours, picture, run_restore, run_rollback
from tests.services.swap_support import Hook, Interrupted, at_checkpoint, at_phase, interrupt
from tests.services.test_restore_objects import contents, leftovers
from tests.support import make_context

CHOSEN = ("characters", "chats")
DELETED, REPLACED, SAME = range(3), range(3, 5), range(5, 9)
Objects = dict[str, tuple[str, str | None]]


def key_of(number: int) -> str:
    return f"users/u1/files/{number}.png"


def put(bucket: Bucket, key: str, data: bytes) -> None:
    bucket.put(key, data, size=len(data), headers=Headers(content_type="image/png"))


class Case:
    """A backup, and live data that differs from it in chosen and other collections and in the bucket."""

    def __init__(self, profile: Profile, db: Database[Any], state: Path) -> None:
        assert profile.bucket is not None
        self.profile, self.db, self.state = profile, db, state
        self.bucket = open_bucket(profile.bucket)
        for name in ("characters", "chats", "memories", "tags"):
            db[name].insert_many([{"_id": f"{name}{n}", "n": n} for n in range(40)])
            db[name].create_index("n")
        for number in (*DELETED, *REPLACED, *SAME):
            put(self.bucket, key_of(number), b"then" * (number + 1))
        self.then, self.objects_then = self.seen()
        made = backup(BackupPlan(), make_context(profile, state, job=job_id()))
        self.backup = made.id
        db["characters"].drop()
        db["chats"].update_many({}, {"$set": {"n": -1}})
        db["memories"].update_many({}, {"$set": {"n": -2}})
        db["tags"].drop()
        db["only_live"].insert_one({"_id": 1})
        for number in DELETED:
            self.bucket.delete(key_of(number))
        for number in REPLACED:
            put(self.bucket, key_of(number), b"damaged")
        put(self.bucket, "users/u1/files/only-live.png", b"live")
        self.now, self.objects_now = self.seen()

    def seen(self) -> tuple[Picture, Objects]:
        """What the application sees."""
        return picture(self.db), contents(self.bucket)

    def request(self, **more: Any) -> RestoreRequest:
        return RestoreRequest(backup=self.backup, collections=CHOSEN, with_objects=True, **more)

    def planned(self, request: RestoreRequest | None = None, profile: Profile | None = None) -> PlanResult:
        return plan(
            request or self.request(), make_context(profile or self.profile, self.state, job=job_id())
        )

    def assert_restored(self) -> None:
        """The chosen collections and every object as then; everything else as it was."""
        wanted = {**self.now, **{name: self.then[name] for name in CHOSEN}}
        assert self.seen() == (wanted, {**self.objects_now, **self.objects_then})

    def assert_back(self) -> None:
        """As before the restore; objects that were added may stay."""
        seen, objects = self.seen()
        assert seen == self.now
        assert {key: objects[key] for key in self.objects_now} == self.objects_now
        assert objects.keys() <= self.objects_now.keys() | self.objects_then.keys()


@pytest.fixture
def case(profile: Profile, db: Database[Any], tmp_path: Path) -> Case:
    return Case(profile, db, tmp_path)


@pytest.mark.parametrize("in_place", [False, True], ids=["swap", "in place"])
def test_both_come_back_and_nothing_else_is_touched(case: Case, in_place: bool) -> None:
    result, _ = run_restore(
        case.profile, case.state, case.backup, collections=CHOSEN, with_objects=True, in_place=in_place
    )
    assert set(result.collections) == set(CHOSEN) and result.objects is not None
    assert (result.objects.put, result.objects.replaced) == (len(DELETED) + len(REPLACED), len(REPLACED))
    assert result.objects.kept == len(SAME)
    case.assert_restored()
    back = run_rollback(case.profile, case.state, result.job)
    case.assert_back()
    run_rollback(case.profile, case.state, back.job)
    case.assert_restored()


def test_the_plan_counts_the_objects_and_so_does_its_fingerprint(case: Case) -> None:
    both = case.planned()
    assert both.objects is not None
    counted = (both.objects.put, both.objects.keep, both.objects.only_live)
    assert counted == (len(DELETED) + len(REPLACED), len(SAME), 1)
    assert {row.name for row in both.collections if row.action in ("create", "replace")} == set(CHOSEN)
    alone = case.planned(replace(case.request(), with_objects=False))
    assert alone.objects is None and alone.fingerprint != both.fingerprint
    assert case.planned().fingerprint == both.fingerprint
    ctx = make_context(case.profile, case.state, job=job_id())
    with pytest.raises(Refused, match="plan"):
        restore(RestorePlan(request=case.request(), allow=("writers",), fingerprint=alone.fingerprint), ctx)
    assert case.seen() == (case.now, case.objects_now)
    ctx = make_context(case.profile, case.state, job=job_id())
    restore(RestorePlan(request=case.request(), allow=("writers",), fingerprint=both.fingerprint), ctx)
    case.assert_restored()


def test_without_objects_the_bucket_is_left_alone(case: Case) -> None:
    result, _ = run_restore(case.profile, case.state, case.backup, collections=CHOSEN)
    assert result.objects is None and contents(case.bucket) == case.objects_now


def test_no_bucket_is_configured(case: Case) -> None:
    unconfigured = replace(case.profile, bucket=None)
    for attempt in (
        lambda: case.planned(profile=unconfigured),
        lambda: run_restore(unconfigured, case.state, case.backup, collections=CHOSEN, with_objects=True),
    ):
        with pytest.raises(Refused, match="No bucket is configured") as refused:
            attempt()
        assert "S3_BUCKET" in refused.value.next
    assert case.seen() == (case.now, case.objects_now) and not ours(case.db)


def test_a_backup_without_objects_is_refused_by_name(case: Case) -> None:
    made = backup(BackupPlan(only="database"), make_context(case.profile, case.state, job=job_id()))
    with pytest.raises(Refused) as refused:
        run_restore(case.profile, case.state, made.id, collections=("chats",), with_objects=True)
    assert f"{made.id} has no objects part" in refused.value.what
    assert case.seen() == (case.now, case.objects_now) and not ours(case.db)


def test_latest_is_the_newest_that_has_both(case: Case) -> None:
    backup(BackupPlan(only="database"), make_context(case.profile, case.state, job=job_id()))
    assert case.planned(replace(case.request(), backup="latest")).backup == case.backup


def test_a_collection_that_the_backup_lacks_touches_no_object(case: Case) -> None:
    with pytest.raises(Refused, match="only_live"):
        run_restore(case.profile, case.state, case.backup, collections=("only_live",), with_objects=True)
    assert case.seen() == (case.now, case.objects_now) and not leftovers(case.bucket)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"collections": ()}, "need the collections"),
        ({"only": "database"}, "--only database and --with-objects exclude each other"),
        ({"only": "objects"}, "--only objects and --with-objects exclude each other"),
        ({"to_database": "elsewhere"}, "the objects would go to the live bucket"),
    ],
    ids=["alone", "only database", "only objects", "elsewhere"],
)
def test_what_contradicts_itself_is_said(case: Case, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        case.planned(replace(case.request(), **more))


HALF_WAY: dict[str, Callable[[], Hook]] = {
    "objects put, not recorded": lambda: at_phase("proving objects", interrupt),
    "before the first rename": lambda: at_checkpoint("renaming", interrupt),
}


@pytest.mark.parametrize("moment", HALF_WAY)
@pytest.mark.parametrize("way", ["finish", "rollback"])
def test_ended_after_the_objects_it_goes_on_or_back(
    case: Case, moment: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = died(case, HALF_WAY[moment](), monkeypatch)
    record = read_record(case.db, job)
    assert record is not None and record.request["with_objects"] is True
    assert record.request["collections"] == list(CHOSEN)
    assert picture(case.db) == case.now, "no rename was sent"
    if way == "rollback":
        run_rollback(case.profile, case.state, job)
        case.assert_back()
        assert not ours(case.db) and not leftovers(case.bucket)
        return
    case.bucket.delete(key_of(0))
    result = finish(FinishPlan(job=job), make_context(case.profile, case.state, job=job_id()))
    assert set(result.collections) == set(CHOSEN)
    if moment == "objects put, not recorded":
        assert result.objects is not None and result.objects.put == 1, "done again: what was lost meanwhile"
        case.assert_restored()
    run_rollback(case.profile, case.state, job)
    assert picture(case.db) == case.now
    objects = contents(case.bucket)
    assert {key: objects[key] for key in case.objects_now} == case.objects_now


def died(case: Case, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a restore that ended there without a chance to back out."""
    from services.operations.restore import RestoreRun

    ctx = make_context(case.profile, case.state, job=job_id())
    report = ctx.report

    def reporting(event: Any) -> None:
        report(event)
        hook(event)

    ctx.report = reporting
    with monkeypatch.context() as patched:
        # A dead process backs nothing out.
        patched.setattr(RestoreRun, "_back_out", lambda *_: None)
        with pytest.raises(Interrupted):
            restore(RestorePlan(request=case.request(), allow=("writers",)), ctx)
    return ctx.job


def test_the_command_says_what_it_needs(mongod: Mongod, location: Path, tmp_path: Path) -> None:
    command = Command(environment(tmp_path, mongod.uri, "quilltap", location))
    for arguments in (("plan", "latest"), ("restore", "latest", "--yes")):
        error = command.failure(*arguments, "--with-objects", code=2)
        assert "need the collections" in error["what"] and "--collections A,B" in error["next"]
    error = command.failure(
        "plan", "latest", "--collections", "a", "--only", "objects", "--with-objects", code=2
    )
    assert "exclude each other" in error["what"]
    assert not list(tmp_path.glob("state/jobs/*")), "no job was begun for it"
