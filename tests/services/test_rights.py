"""Users with few rights, connections that fail, and who may still write: each in its own words."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from services.demo.ports import free_ports
from services.demo.servers import Mongod
from services.errors import NOTHING_TOUCHED, QuillkeepError, Refused
from services.mongo.connect import DatabaseUnreachable, connect
from services.operations.plan import plan
from services.operations.release import ReleasePlan, release
from services.operations.rollback import RollbackPlan, rollback
from services.operations.verify import VerifyPlan, verify
from services.profile import AppControl, MongoTarget
from services.recovery.request import PlanResult, RestoreRequest
from services.secret import Secret
from tests.services.restore_support import ours, picture
from tests.services.swap_support import Deployment, deployed, eventually, fill

READ_WRITE = ("readWrite",)
ADMIN = ("readWrite", "dbAdmin")
ALL = ("writers", "possible-loss", "rejected-documents")


@pytest.fixture
def deployment(mongod_auth: Mongod, tmp_path: Path) -> Iterator[Deployment]:
    """A database of two words, and `backup` of the older one, made by root."""
    with deployed(mongod_auth, tmp_path) as made:
        fill(made.db)
        yield made


def coming_as(deployment: Deployment, *roles: str | dict[str, str]) -> Deployment:
    """The same deployment as a user of these roles on its database."""
    uri = deployment.server.create_user(f"u{secrets.token_hex(4)}", roles, database=deployment.name)
    return deployment.as_user(uri)


def planned(deployment: Deployment, backup: str) -> PlanResult:
    return plan(RestoreRequest(backup=backup, only="database"), deployment.context())


def risks(result: PlanResult) -> dict[str, str]:
    return {risk.word: risk.detail for risk in result.risks}


@pytest.mark.parametrize("roles", [ADMIN, READ_WRITE], ids=["readWrite+dbAdmin", "readWrite"])
def test_backup_restore_rollback_and_release(deployment: Deployment, roles: tuple[str, ...]) -> None:
    user = coming_as(deployment, *roles)
    made = user.backup()
    assert verify(VerifyPlan(backup=made), user.context()).status == "ok"
    then = picture(user.db)
    fill(user.db, word="now")
    now = picture(user.db)
    result = user.restore(made, allow=ALL)
    assert picture(user.db) == then
    back = rollback(RollbackPlan(job=result.job, allow=ALL), user.context())
    assert picture(user.db) == now
    assert release(ReleasePlan(job=back.job), user.context()).released
    assert not ours(user.db)


def test_an_old_row_that_the_validator_rejects(deployment: Deployment) -> None:
    """Only then does readWrite not do, and the role that is missing is named; dbAdmin is enough beside it."""
    db = deployment.db
    db.command({"collMod": "chats", "validator": {"n": {"$lt": 100}}})
    made = deployment.backup()
    fill(db, word="now")
    before = picture(db)
    poor = coming_as(deployment, *READ_WRITE)
    with pytest.raises(Refused) as refused:
        poor.restore(made, allow=ALL)
    words = str(refused.value)
    assert "validator" in refused.value.what
    assert "dbAdmin" in refused.value.next and deployment.name in refused.value.next
    assert "Live data is as it was" in words
    assert picture(db) == before and not ours(db)
    others = poor.restore(made, allow=ALL, collections=("characters",))
    assert others.collections["characters"].documents == 300
    rich = coming_as(deployment, *ADMIN)
    assert rich.restore(made, allow=ALL, collections=("chats",)).collections["chats"].documents == 300


def test_a_clustered_collection_that_expires_needs_collmod(deployment: Deployment) -> None:
    """Its copy must not expire while it waits: refused before anything is touched, naming the role."""
    db = deployment.db
    db.create_collection(
        "tickets", clusteredIndex={"key": {"_id": 1}, "unique": True}, expireAfterSeconds=3600
    )
    db["tickets"].insert_many([{"_id": n} for n in range(20)])
    made = deployment.backup()
    db["tickets"].insert_one({"_id": 99})
    before = picture(db)
    poor = coming_as(deployment, *READ_WRITE)
    refusals = planned(poor, made).refusals
    assert len(refusals) == 1 and "tickets" in refusals[0] and "dbAdmin" in refusals[0]
    with pytest.raises(Refused) as refused:
        poor.restore(made, allow=ALL)
    assert refused.value.what == refusals[0]
    assert picture(db) == before and not ours(db)
    poor.restore(made, allow=ALL, collections=("characters",))
    rich = coming_as(deployment, *ADMIN)
    result = rich.restore(made, allow=ALL, collections=("tickets",))
    with pytest.raises(Refused, match="dbAdmin"):
        rollback(RollbackPlan(job=result.job, allow=ALL), poor.context())
    rollback(RollbackPlan(job=result.job, allow=ALL), rich.context())
    assert picture(db)["tickets"] == before["tickets"]


@pytest.mark.parametrize("role", ["read", "restore"])
def test_too_few_rights_are_refused_by_the_role_that_is_missing(deployment: Deployment, role: str) -> None:
    made = deployment.backup()
    fill(deployment.db, word="now")
    result = deployment.restore(made)
    before = picture(deployment.db)
    held = ours(deployment.db)
    granted: str | dict[str, str] = "read" if role == "read" else {"role": "restore", "db": "admin"}
    user = coming_as(deployment, granted)
    attempts: dict[str, Callable[[], Any]] = {
        "restore": lambda: user.restore(made, allow=ALL),
        "rollback": lambda: rollback(RollbackPlan(job=result.job, allow=ALL), user.context()),
        "release": lambda: release(ReleasePlan(job=result.job), user.context()),
        "finish": lambda: user.finish(result.job),
    }
    for verb, attempt in attempts.items():
        with pytest.raises(Refused) as refused:
            attempt()
        words = refused.value
        assert f"readWrite on {deployment.name}" in str(words) or (
            f'{{role: "readWrite", db: "{deployment.name}"}}' in str(words)
        ), (verb, str(words))
        assert words.touched == NOTHING_TOUCHED, verb
    if role == "read":
        assert any("readWrite" in words for words in planned(user, made).refusals)
    else:
        with pytest.raises(Refused, match="Grant it the role readWrite"):
            planned(user, made)
    assert picture(deployment.db) == before
    assert ours(deployment.db) == held


def test_writers_that_cannot_be_seen_are_a_risk(deployment: Deployment) -> None:
    made = deployment.backup()
    poor = coming_as(deployment, *READ_WRITE)
    assert "cannot be told" in risks(planned(poor, made))["writers"]
    assert "collMod" in risks(planned(poor, made))["possible-loss"]
    rich = coming_as(deployment, *ADMIN)
    assert "cannot be told" in risks(planned(rich, made))["writers"]
    assert "possible-loss" not in risks(planned(rich, made))
    with pytest.raises(Refused) as refused:
        rich.restore(made, allow=())
    assert "--allow writers" in refused.value.next and refused.value.touched == NOTHING_TOUCHED


def test_a_user_who_sees_everybody(deployment: Deployment) -> None:
    """Names who is connected; and once nobody is, that is the proof."""
    made = deployment.backup()
    seeing = coming_as(deployment, *READ_WRITE, {"role": "clusterMonitor", "db": "admin"})
    with deployment.server.client(appname="quilltap-app") as application:
        application.admin.command("ping")
        found = risks(planned(seeing, made))
        assert "quilltap-app" in found["writers"] and "possible-loss" in found
    # The tests' own connections are foreign clients too; the server forgets them a moment after they end.
    deployment.client.close()
    eventually(lambda: not planned(seeing, made).risks, "nobody else is connected")
    assert any("nobody else is connected" in words for words in planned(seeing, made).facts)
    assert seeing.restore(made, allow=()).collections


def test_the_applications_status_proves_it(deployment: Deployment, tmp_path: Path) -> None:
    """Stopped by its own commands and started again, without any risk, whoever else is connected."""
    made = deployment.backup()
    flag = tmp_path / "running"
    flag.touch()
    app = AppControl(stop=f"rm {flag}", start=f"touch {flag}", status=f"test -e {flag}")
    user = coming_as(deployment, *READ_WRITE)
    user.profile = replace(user.profile, app=app)
    assert not risks(planned(user, made))
    seen: list[bool] = []
    user.restore(made, lambda event: seen.append(flag.exists()), allow=())
    assert seen[0] and seen[-1] and not all(seen)
    stuck = replace(app, stop="true", status="true")
    user.profile = replace(user.profile, app=replace(stuck, stop=None))
    assert "the application is running" in risks(planned(user, made))["writers"]


def test_a_health_url_that_refuses_proves_it(deployment: Deployment) -> None:
    made = deployment.backup()
    port = free_ports(1)[0]
    user = coming_as(deployment, *READ_WRITE)
    user.profile = replace(user.profile, health_url=f"http://127.0.0.1:{port}/api/health")
    result = planned(user, made)
    assert not risks(result)
    assert any("health URL refuses" in words for words in result.facts)
    with socket.create_server(("127.0.0.1", port)) as listening:
        listening.settimeout(5)
        assert listening.getsockname()[1] == port


def failure(uri: str, database: str = "quilltap") -> DatabaseUnreachable:
    with pytest.raises(DatabaseUnreachable) as failed:
        connect(MongoTarget(uri=Secret(uri), database=database)).close()
    assert failed.value.touched == NOTHING_TOUCHED and failed.value.next
    return failed.value


def short(uri: str) -> str:
    """The same with little patience."""
    return uri + ("&" if "?" in uri else "?") + "serverSelectionTimeoutMS=500&connectTimeoutMS=500"


def test_every_failed_connection_has_its_own_words(mongod_auth: Mongod) -> None:
    host = f"127.0.0.1:{mongod_auth.port}"
    password = failure(mongod_auth.uri_for("root", "not-the-password"))
    assert password.what == f"MongoDB at {host} refused the user name or password."
    assert "authSource" in password.next and "not-the-password" not in str(password)
    nobody = failure(mongod_auth.uri_for())
    assert "wants a user" in nobody.what and "MONGODB_URI" in nobody.next
    port = free_ports(1)[0]
    refused = failure(short(f"mongodb://127.0.0.1:{port}/"))
    assert (
        refused.what == f"Quillkeep could not reach the database at 127.0.0.1:{port}: nothing listens there."
    )
    unknown = failure(short("mongodb://no-such-host.invalid:27017/"))
    assert "no-such-host.invalid" in unknown.what and "host name is not known" in unknown.what
    assert "MONGODB_URI" in unknown.next
    nameless = failure(short("mongodb+srv://no-such-host.invalid/"))
    assert "mongodb+srv" in nameless.what and "DNS" in str(nameless)
    assert "mongodb://" in nameless.next
    tls = failure(short(mongod_auth.uri + "&tls=true"))
    assert "TLS" in tls.what
    wrong = failure("mongodb://127.0.0.1:27017/?nonsense==")
    assert "cannot be understood" in wrong.what and "MONGODB_URI" in wrong.next


def test_a_wrong_replica_set_name_is_told_apart(mongod_rs: Mongod) -> None:
    wrong = failure(short(f"mongodb://127.0.0.1:{mongod_rs.port}/?replicaSet=other"))
    assert "replica set that the URI names" in wrong.what and "replicaSet=" in wrong.next


def test_a_wrong_database_name_is_named(deployment: Deployment) -> None:
    """A backup of a database that is not there names it, and those that are."""
    assert deployment.profile.mongo is not None
    deployment.profile = replace(
        deployment.profile, mongo=replace(deployment.profile.mongo, database=f"{deployment.name}_wrong")
    )
    with pytest.raises(QuillkeepError) as failed:
        deployment.backup()
    assert f"The database {deployment.name}_wrong has no collections" in failed.value.what
    assert deployment.name in failed.value.cause and "MONGODB_DATABASE" in failed.value.next
