"""What names tell: dates, parts, groups; checksum files; whose backup it is."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from services.catalog.deployment import Deployment, is_loopback
from services.catalog.head import ManifestHead
from services.catalog.manifest import PepperEntry
from services.catalog.naming import candidate, created_of, group_stamp, part_by_name, printable
from services.checks.sidecar import about, parse_sidecar
from services.profile import BucketTarget, MongoTarget, Profile
from services.secret import Secret

SUM = "60f7ba50aeb861deddc9f3c4ad5ef566fa037176ebb29213867d60f89598637d"


@pytest.fixture
def lisbon_summer() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "WST-3"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


@pytest.mark.parametrize(
    ("name", "created", "known_by", "detail"),
    [
        ("quilltap_mongo_20261101_020000.tar.gz", datetime(2026, 10, 31, 23), "name", "local"),
        ("quilltap_mongo_20261101_020000.gz", datetime(2026, 11, 1, 2), "name", "UTC"),
        ("backup-20261101", datetime(2026, 10, 31, 21), "name", "date only"),
        ("quilltap-20261399.gz", datetime(1970, 1, 1), "mtime", "time of change"),
        ("quilltap-mongo.gz", datetime(1970, 1, 1), "mtime", "time of change"),
    ],
)
@pytest.mark.usefixtures("lisbon_summer")
def test_created_and_how_it_is_known(name: str, created: datetime, known_by: str, detail: str) -> None:
    when = created_of(name, 0.0)
    assert when.created == created.replace(tzinfo=UTC)
    assert when.known_by == known_by
    assert detail in when.detail


def test_a_file_time_that_is_no_date_is_said() -> None:
    assert "no date" in created_of("dump.gz", 1e30).detail


def test_names_of_one_run_share_a_stamp_and_dates_do_not() -> None:
    names = (
        "quilltap_mongo_20261101_020000.tar.gz",
        "mongo_20261101_020000",
        "quilltap_s3_20261101_020000.tar.gz",
    )
    assert {group_stamp(name) for name in (*names, "s3_20261101_020000")} == {"20261101_020000"}
    assert group_stamp("quilltap-20261101.gz") is None
    assert group_stamp("s3-backup-20261101") is None


def test_parts_by_name() -> None:
    assert part_by_name("s3-backup-20261101") == "objects"
    assert part_by_name("quilltap_s3_20261101_020000.tar.gz") == "objects"
    assert part_by_name("mongo-backup-20261101") == "database"
    assert part_by_name("quilltap-20261101.gz") is None
    assert part_by_name("ears3x.gz") is None


def test_candidates() -> None:
    assert candidate("quilltap-mongo.gz.gpg") == "named"
    assert candidate("nightly.archive") == "maybe"
    assert candidate("backup.log") == "no"
    assert candidate(".trash.gz") == "no"
    assert candidate("quilltap-20261101.gz.sha256") == "no"


def test_hostile_names_become_printable() -> None:
    assert printable("quilltap\n\x1b[31m.gz") == r"quilltap\x0a\x1b[31m.gz"
    assert printable(os.fsdecode(b"caf\xe9.gz")) == r"caf\xe9.gz"
    assert printable("海の物語.gz") == "海の物語.gz"


@pytest.mark.parametrize(
    "text",
    [
        f"{SUM}  quilltap-mongo.gz\n",
        f"{SUM.upper()} */mnt/old/place/quilltap-mongo.gz\r\n",
        f"\ufeff# made by hand\r\n\r\n{'0' * 64}  other.gz\r\n{SUM}  ./quilltap-mongo.gz\r\n",
        f"SHA256 (quilltap-mongo.gz) = {SUM}\n",
        f"{SUM}\n",
        f"{SUM}  renamed-since.gz\n",
        f"{SUM}  C:\\backups\\quilltap-mongo.gz\r\n",
    ],
)
def test_checksum_files_of_every_hand(text: str) -> None:
    (line,) = about(parse_sidecar(text.encode()), "quilltap-mongo.gz")
    assert (line.algorithm, line.digest) == ("sha256", SUM)


def test_checksum_files_that_say_nothing_of_this_file() -> None:
    assert about(parse_sidecar(b"nonsense\n"), "a.gz") == []
    two = f"{'0' * 64}  b.gz\n{'1' * 64}  c.gz\n".encode()
    assert about(parse_sidecar(two), "a.gz") == []


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "sha384", "sha512"])
def test_checksum_files_of_other_algorithms(algorithm: str) -> None:
    digest = hashlib.new(algorithm, b"x").hexdigest()
    for text in (
        f"{digest}  a.gz\n",
        f"{algorithm.upper()} (a.gz) = {digest}\n",
        f"{algorithm.upper()}(a.gz)= {digest.upper()}\n",
    ):
        (line,) = about(parse_sidecar(text.encode()), "a.gz")
        assert (line.algorithm, line.digest) == (algorithm, digest)


def head(**fields: Any) -> ManifestHead:
    base: dict[str, Any] = {
        "schema": 1,
        "id": "quilltap_20261122_020000",
        "started": datetime(2026, 11, 22, 2, tzinfo=UTC),
        "finished": datetime(2026, 11, 22, 2, tzinfo=UTC),
        "host": "db.example:27017",
        "machine_id": "old-server",
        "database": "quilltap",
        "bucket": "quilltap-files",
        "parts": ("database", "objects"),
    }
    return msgspec.convert({**base, **fields}, ManifestHead)


def deployment(uri: str = "mongodb://db.example/", **more: Any) -> tuple[Deployment, list[bytes]]:
    derived: list[bytes] = []

    def key_check(pepper: Secret, salt: bytes) -> str:
        derived.append(salt)
        return f"{pepper.reveal()}/{salt.hex()}"

    fields: dict[str, Any] = {"mongo": MongoTarget(uri=Secret(uri)), "bucket": BucketTarget(), **more}
    return Deployment(Profile(**fields), machine_id="new-server", key_check=key_check), derived


PEPPER = PepperEntry(salt="aa", check="the pepper of this deployment/aa", opened=3, tried=3)


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://db.example/",
        "mongodb://ana:p%40ss@DB.example:27017/admin?authSource=admin",
        "mongodb://db2.example,db.example:27017/?replicaSet=rs0",
    ],
)
def test_the_same_host_is_ours(uri: str) -> None:
    assert deployment(uri)[0].other(head()) == ""


def test_another_database_bucket_or_prefix_is_not() -> None:
    found, _ = deployment(pepper=Secret("the pepper of this deployment"))
    assert "database" in found.other(head(database="staging", pepper=PEPPER))
    assert "bucket" in found.other(head(bucket="staging-files", pepper=PEPPER))
    assert "prefix" in found.other(head(prefix="tenant-2/", pepper=PEPPER))


def test_a_loopback_host_needs_the_same_machine() -> None:
    here, _ = deployment("mongodb://localhost:27017/?replicaSet=rs0")
    assert here.other(head(host="localhost:27017", machine_id="new-server")) == ""
    assert here.other(head(host="127.0.0.1:27017", machine_id="new-server")) == ""
    assert here.other(head(host="localhost:27017")) != ""
    assert here.other(head(host="localhost:27017", replica_set="rs0")) != ""
    assert here.other(head(host="localhost:27018", machine_id="new-server")) != ""


def test_a_lost_server_is_known_by_the_pepper_whatever_its_name() -> None:
    found, _ = deployment("mongodb://localhost/", pepper=Secret("the pepper of this deployment"))
    assert found.other(head(pepper=PEPPER)) == ""
    assert found.other(head(host="localhost:27017", pepper=PEPPER)) == ""
    other, _ = deployment("mongodb://localhost/", pepper=Secret("another pepper of the same length"))
    assert "pepper is another" in other.other(head(pepper=PEPPER))
    none, _ = deployment("mongodb://localhost/")
    assert "no pepper is configured" in none.other(head(pepper=PEPPER))


def test_a_pepper_that_opened_nothing_proves_nothing() -> None:
    found, _ = deployment("mongodb://localhost/", pepper=Secret("the pepper of this deployment"))
    unproven = PepperEntry(salt="aa", check=PEPPER.check, opened=0, tried=4)
    assert "unproven" in found.other(head(pepper=unproven))
    nothing_to_open = PepperEntry(salt="aa", check=PEPPER.check, opened=0, tried=0)
    assert found.other(head(pepper=nothing_to_open)) == ""


def test_the_replica_set_is_a_mark() -> None:
    found, _ = deployment("mongodb://new.example/?replicaSet=quilltap-prod")
    assert found.other(head(replica_set="quilltap-prod")) == ""
    assert found.other(head(replica_set="rs0")) != ""


def test_one_key_derivation_for_each_salt() -> None:
    found, derived = deployment("mongodb://localhost/", pepper=Secret("the pepper of this deployment"))
    for _ in range(50):
        assert found.other(head(pepper=PEPPER)) == ""
        assert found.other(head(host="localhost:27017", machine_id="new-server")) == ""
    assert derived == [b"\xaa"]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:27017", "[::1]:27017", "127.9.9.9", "%2Ftmp%2Fmongodb-27017.sock"]
)
def test_loopback(host: str) -> None:
    assert is_loopback(host)
    assert not is_loopback("db.example:27017")
