"""Health's verdict on what is live: restores and jobs, the application, the database, the bucket, losses."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from services.catalog.scan import Catalog
from services.looking.live import CollectionSeen
from services.profile import AppControl
from services.status.model import Rates, Sizes
from tests.status_support import (
    NOW,
    PROFILE,
    TROUBLE,
    bucket,
    found,
    job,
    live,
    looks,
    made,
    of,
    swap,
)


def test_an_interrupted_restore() -> None:
    status = of(looks(live=live(swaps=(swap(),), app="stopped")))
    finding = found(status, "was interrupted")
    assert (finding.status, finding.remedy) == ("CRITICAL", "finish")
    assert finding.next == "quillkeep restore --finish 20261122_020000"
    assert "chats: old (new one waits)" in finding.detail
    assert "quillkeep rollback" in finding.detail


def test_a_restore_that_runs_is_not_interrupted() -> None:
    seen = looks(
        live=live(swaps=(swap(working="20261122_020000"),), app="stopped"),
        jobs=(job("restore", "running", 0.1),),
    )
    assert of(seen).status == "OK"


def test_an_application_that_a_restore_left_stopped() -> None:
    profile = replace(PROFILE, app=AppControl(start="docker compose start app", status="true"))
    status = of(looks(live=live(app="stopped", swaps=(swap("holds copies", app_stopped=True),))), profile)
    finding = found(status, "nobody has started it")
    assert (finding.status, finding.next, finding.remedy) == ("CRITICAL", "quillkeep app start", "start app")


def test_an_application_that_somebody_else_stopped() -> None:
    assert found(of(looks(live=live(app="stopped"))), "application is stopped").status == "WARNING"


def test_an_application_that_may_be_stopped() -> None:
    status = of(looks(live=live(app="unknown", swaps=(swap("holds copies", app_stopped=True),))))
    assert found(status, "may still be stopped").status == "UNKNOWN"


def test_an_application_stopped_by_a_running_backup_is_as_it_should_be() -> None:
    assert of(looks(live=live(app="stopped"), jobs=(job("backup", "running", 0.1),))).status == "OK"


def test_a_lost_backup_that_holds_the_application_stopped() -> None:
    lost = job("backup", "lost", 1, app_stopped=True, way_on=("quillkeep backup",))
    status = of(looks(live=live(app="stopped"), jobs=(lost,)))
    assert found(status, "nobody has started it").status == "CRITICAL"
    assert of(looks(live=live(app="running"), jobs=(lost,))).status == "WARNING"


def test_rollback_copies_are_a_notice_with_size_and_end() -> None:
    until = NOW + timedelta(hours=71)
    held = swap("holds copies", bytes=1_200_000, documents=500, objects=3, until=until, finished=NOW)
    status = of(looks(live=live(swaps=(held,))))
    finding = found(status, "Rollback copies of restore 20261122_020000: 1.2 MB")
    assert (finding.status, finding.remedy) == ("OK", "rollback")
    assert "Wed 25 Nov 02:14 UTC" in finding.what
    assert "500 documents and 3 objects" in finding.detail
    assert status.last_restore is not None
    assert "1.2 MB" in status.last_restore.left


def test_the_database_cannot_be_asked() -> None:
    status = of(looks(live=TROUBLE))
    assert status.status == "UNKNOWN"
    assert "interrupted restore" in found(status, "It is broken").detail
    assert [part.status for part in status.parts] == ["OK", "OK"]


def test_the_bucket_cannot_be_used() -> None:
    status = of(looks(bucket=TROUBLE))
    assert status.status == "WARNING"
    assert found(status, "It is broken").remedy == "look again"


def test_an_empty_live_database_and_bucket() -> None:
    sizes = {made(9).id: Sizes(documents_bytes=10, objects_bytes=10, objects=88)}
    status = of(looks(live=live(collections=()), bucket=bucket(objects=0, bytes=0), rates=Rates(sizes=sizes)))
    assert found(status, "The live database quilltap is empty").remedy == "restore"
    assert found(status, "The live bucket quilltap-files is empty").status == "WARNING"
    assert of(looks(bucket=bucket(objects=0, bytes=0))).status == "OK"


def test_losses_against_the_newest_good_backup() -> None:
    kept = {"users": 12, "memories": 400, "characters": 40, "sessions": 900, "tags": 49, "chats": 100}
    rates = Rates(sizes={made(9).id: Sizes(collections=kept, objects=100)})
    now = {"users": 12, "memories": 279, "tags": 1, "chats": 70}
    seen = tuple(
        CollectionSeen(name=name, kind="collection", documents=held, bytes=1, index_bytes=1, indexes=1)
        for name, held in now.items()
    )
    status = of(looks(live=live(collections=seen), bucket=bucket(objects=69), rates=rates))
    gone = found(status, '"characters" is missing live')
    assert (gone.status, gone.remedy, gone.collections) == ("WARNING", "restore", ("characters",))
    assert gone.next == f"quillkeep plan {made(9).id} --collections characters"
    assert found(status, "121 documents fewer").collections == ("memories",)
    assert found(status, "31 objects fewer").remedy == "restore"
    assert len(status.findings) == 3
    assert (
        of(looks(live=live(collections=seen), rates=rates, jobs=(job("restore", "running", 0.1),))).status
        == "OK"
    )


def test_a_refused_restore_is_not_the_last_restore() -> None:
    restored = job("restore", "succeeded", 2)
    status = of(looks(jobs=(job("restore", "refused", 0.1), restored)))
    assert status.last_restore is not None and status.last_restore.subject == f"restore {restored.id}"


def test_losses_are_seen_on_a_host_whose_journals_know_no_backup() -> None:
    sizes = {made(9).id: Sizes(collections={"characters": 40}, objects=5)}
    catalog = Catalog(backups=(made(9),), sizes=sizes)
    status = of(looks(catalog=catalog, live=live(), bucket=bucket(objects=0, bytes=0), rates=None))
    assert found(status, '"characters" is missing live').remedy == "restore"
    assert found(status, "bucket quilltap-files is empty").remedy == "restore"


def test_lost_jobs() -> None:
    lost = job("verify", "lost", 2, summary="It ended without a result.", way_on=("quillkeep verify",))
    finding = found(of(looks(jobs=(lost,))), "ended without a result")
    assert (finding.status, finding.next, finding.remedy) == ("WARNING", "quillkeep verify", "jobs")
    swapping = job("restore", "lost", 2, way_on=("quillkeep restore --finish 20261122_011400",))
    assert found(of(looks(jobs=(swapping,), live=TROUBLE)), "restore").status in ("CRITICAL", "UNKNOWN")
    assert of(looks(jobs=(swapping,), live=TROUBLE)).status == "CRITICAL"
    rolled = job("rollback", "succeeded", 1)
    assert of(looks(jobs=(rolled, swapping))).status == "OK"


def test_the_database_knows_a_swap_better_than_the_journal() -> None:
    lost = job("restore", "lost", 1.23, id="20261122_020000", way_on=("quillkeep restore --finish X",))
    over = looks(jobs=(lost,), live=live(swaps=(swap("released"),)))
    assert of(over).status == "OK"
    waits = of(looks(jobs=(lost,), live=live(swaps=(swap(),))))
    assert sum("20261122_020000" in finding.what for finding in waits.findings) == 1


def test_jobs_of_another_profile_are_not_told_of() -> None:
    assert of(looks(jobs=(job("backup", "failed", 1, profile="test"),))).status == "OK"


def test_old_failures_are_history() -> None:
    assert of(looks(jobs=(job("verify", "lost", 15 * 24),))).status == "OK"


def test_a_start_that_ended_well_answers_for_an_application_that_a_lost_job_stopped() -> None:
    profile = replace(PROFILE, app=AppControl(start="docker compose start app"))
    lost = job("backup", "lost", 1, app_stopped=True)
    assert found(of(looks(live=live(app="unknown"), jobs=(lost,)), profile), "nobody has started it")
    for state, told in (("failed", True), ("succeeded", False)):
        jobs = (job("app-start", state, 0.5), lost)
        status = of(looks(live=live(app="unknown"), jobs=jobs), profile)
        assert any("nobody has started it" in one.what for one in status.findings) is told


def test_what_live_data_lacks_stands_beside_what_is_critical() -> None:
    broken = made(30, missing=("quilltap_mongo_20261120_211400.gz is gone",), complete=False, good_parts=())
    kept = {"characters": 40, "users": 1}
    sizes = {made(1).id: Sizes(collections=kept, objects=5)}
    users = CollectionSeen(name="users", kind="collection", documents=1, bytes=1, index_bytes=1, indexes=1)
    seen = live(collections=(users,))
    status = of(looks(made(1), broken, live=seen, bucket=bucket(objects=5), rates=Rates(sizes=sizes)))
    assert status.status == "CRITICAL"
    assert status.verdict == "Files are gone of 1 backup; live data lacks characters"
    empty = bucket(objects=0, bytes=0)
    more = of(looks(made(1), broken, live=seen, bucket=empty, rates=Rates(sizes=sizes)))
    assert more.verdict == "Files are gone of 1 backup; live data lacks characters (+1 more)"
    old = of(
        looks(made(60), live=live(collections=(users,)), rates=Rates(sizes={made(60).id: sizes[made(1).id]}))
    )
    assert old.verdict.startswith(
        "Database and objects: the newest good backup is 60 h old; live data lacks characters"
    )
    only = of(looks(made(1), live=seen, bucket=bucket(objects=5), rates=Rates(sizes=sizes)))
    assert only.verdict.startswith('The collection "characters" is missing live')
