"""An S3 server that fails in every way seen: what a snapshot and a restore make of it."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.errors import QuillkeepError, Refused
from services.objects.bucket import open_bucket
from services.objects.clients import build_clients
from services.objects.failures import BucketForbidden, BucketUnreachable
from services.objects.manifest import read_lines
from services.objects.patience import Patience
from services.objects.restore import plan_objects, undo_objects
from services.objects.snapshot import Snapshot
from services.objects.source import open_objects
from services.profile import BucketTarget
from services.secret import Secret
from tests.faults.s3server import Fault, FaultyS3, Stored
from tests.services.objects_support import contents, opened, paths, put, snapshot

BAD = "users/u/IMAGE/bad.png"
DATA = bytes(range(256)) * 400


@pytest.fixture
def s3() -> Iterator[FaultyS3]:
    server = FaultyS3()
    for number in range(6):
        server.put(f"users/u/IMAGE/{number}.png", DATA[number:], content_type="image/png")
    server.put(BAD, DATA, content_type="image/png")
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(key=BAD, status=403, code="AccessDenied"), "403"),
        (Fault(key=BAD, status=500), "the server fails on it"),
        (Fault(key=BAD, short=1000), "its bytes end early"),
        (Fault(key=BAD, flip=50_000), "not those of its ETag"),
    ],
)
def test_an_unreadable_object_is_missing_with_its_reason_and_the_others_are_there(
    s3: FaultyS3, location: Path, fault: Fault, why: str
) -> None:
    s3.faults.append(fault)
    store = opened(s3.target())
    result = snapshot(store, location)
    assert [missing.key for missing in result.missing] == [BAD]
    assert why in result.missing[0].why
    assert result.count == 6
    folder, lines = paths(location, "1")
    assert not (folder / BAD).exists()
    assert {line.key: line.missing for line in read_lines(lines)}[BAD] == result.missing[0].why
    accepted = snapshot(store, location, "2", previous="1", lost=frozenset((BAD,)))
    assert (accepted.missing, accepted.lost, accepted.linked) == ((), (BAD,), 6)
    s3.faults.clear()
    healed = snapshot(store, location, "3", previous="2", lost=frozenset((BAD,)))
    assert (healed.count, healed.lost) == (7, ())


def test_a_server_that_lists_but_gives_nothing_is_not_many_missing_objects(
    s3: FaultyS3, location: Path
) -> None:
    for number in range(60):
        s3.put(f"users/v/{number}", b"data")
        s3.faults.append(Fault(key=f"users/v/{number}", status=500))
    for number in range(6):
        del s3.objects[f"users/u/IMAGE/{number}.png"]
    s3.faults.append(Fault(key=BAD, status=500))
    patience = Patience(outage=30, single=0.1, alone=0.1, pause=0.05)
    with pytest.raises(BucketUnreachable):
        snapshot(open_bucket(s3.target(), patience=patience), location, threads=32)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(key=BAD, flip=10, times=1),
        Fault(key=BAD, short=10, times=1),
        Fault(key=BAD, cut=60_000, times=1),
        Fault(key=BAD, cut=0, times=2),
        Fault(key=BAD, status=503, code="SlowDown", times=4),
    ],
)
def test_a_passing_fault_is_ridden_out(s3: FaultyS3, location: Path, fault: Fault) -> None:
    s3.faults.append(fault)
    result = snapshot(open_bucket(s3.target(), patience=Patience(pause=0.05)), location)
    assert (result.count, result.missing) == (7, ())
    assert (paths(location, "1")[0] / BAD).read_bytes() == DATA


def test_an_outage_of_everything_is_waited_for_and_said(s3: FaultyS3, location: Path) -> None:
    for method in ("GET", "HEAD"):
        s3.faults.append(Fault(method=method, lasts=3.0, status=503, code="ServiceUnavailable"))
    said: list[str] = []
    store = open_bucket(
        s3.target(), patience=Patience(outage=20, pause=0.1, longest_pause=0.2), say=said.append
    )
    assert snapshot(store, location).count == 7
    assert any("has not been answering for" in text for text in said)
    assert any("answers again after" in text for text in said)


def test_an_outage_beyond_patience_ends_the_snapshot_and_marks_nothing_missing(
    s3: FaultyS3, location: Path
) -> None:
    store = opened(s3.target())
    folder, lines = paths(location, "1")
    taking = Snapshot(store, folder, lines)
    taking.first_pass()
    s3.put("users/late", b"late")
    s3.faults.append(Fault(status=503))
    with pytest.raises(BucketUnreachable, match=r"does not answer.*quillkeep doctor"):
        taking.second_pass()
    taking.discard()
    assert list(location.iterdir()) == []


def test_a_listing_that_is_refused_or_cut(s3: FaultyS3, location: Path) -> None:
    s3.faults.append(Fault(key="", status=403, code="AccessDenied"))
    with pytest.raises(BucketForbidden, match="Give the keys list, get and put"):
        snapshot(opened(s3.target()), location)
    s3.faults[:] = [Fault(key="", short=100, times=1)]
    assert snapshot(opened(s3.target()), location, "2").count == 7


def test_gone_between_listing_and_reading_is_no_error(s3: FaultyS3, location: Path) -> None:
    s3.faults.append(Fault(key=BAD, status=404, code="NoSuchKey"))
    result = snapshot(opened(s3.target()), location)
    assert (result.count, result.missing) == (6, ())
    assert result.vanished >= 1
    assert BAD not in [line.key for line in read_lines(paths(location, "1")[1])]


def test_replaced_between_listing_and_reading_is_read_as_it_is_now(s3: FaultyS3, location: Path) -> None:
    store = opened(s3.target())
    folder, lines = paths(location, "1")
    taking = Snapshot(store, folder, lines)
    listing = store.list
    stale = next(info for info in store.list() if info.key == BAD)
    s3.put(BAD, b"newer")
    store.list = lambda: iter([stale])  # type: ignore[method-assign]
    taking.first_pass()
    store.list = listing  # type: ignore[method-assign]
    taking.second_pass()
    assert taking.finish().count == 7
    assert (folder / BAD).read_bytes() == b"newer"


def test_a_slow_server_is_waited_for(s3: FaultyS3, location: Path) -> None:
    s3.faults.append(Fault(key=BAD, pause=0.15))
    assert snapshot(opened(s3.target()), location).missing == ()


def test_bytes_that_contradict_their_own_sha256_are_stored_and_named(s3: FaultyS3, location: Path) -> None:
    s3.put(BAD, DATA, x_amz_meta_sha256=hashlib.sha256(b"something else").hexdigest())
    result = snapshot(opened(s3.target()), location)
    assert (result.contradicting, result.missing, result.count) == ((BAD,), (), 7)
    assert (paths(location, "1")[0] / BAD).read_bytes() == DATA
    s3.faults.append(Fault(key=BAD, flip=3))
    again = snapshot(opened(s3.target()), location, "2")
    assert (again.contradicting, [missing.key for missing in again.missing]) == ((), [BAD])


def test_an_etag_that_is_no_md5_is_believed_when_the_server_encrypts(s3: FaultyS3, location: Path) -> None:
    headers = {"x-amz-server-side-encryption": "aws:kms"}
    s3.objects[BAD] = Stored(DATA, headers, f'"{"0" * 32}"')
    assert snapshot(opened(s3.target()), location).missing == ()


def test_metadata_that_only_one_client_can_read(s3: FaultyS3, location: Path) -> None:
    s3.put(BAD, DATA, x_amz_meta_filename="Übersicht 日本.png")
    assert snapshot(opened(s3.target()), location).missing == ()
    line = next(line for line in read_lines(paths(location, "1")[1]) if line.key == BAD)
    assert line.metadata == {"filename": "Übersicht 日本.png"}


def test_a_replaced_object_that_cannot_be_copied_is_left_unless_loss_is_allowed(
    s3: FaultyS3, location: Path
) -> None:
    store = opened(s3.target())
    snapshot(store, location)
    s3.put(BAD, b"changed")
    s3.faults.append(Fault(method="PUT", key="__quillkeep_old_j1/1", status=403, code="AccessDenied"))
    source = open_objects(paths(location, "1")[0])
    plan = plan_objects(store, source)
    result = put(store, plan, source)
    assert [named.key for named in result.left] == [BAD] and "AccessDenied" in result.left[0].why
    assert s3.objects[BAD].data == b"changed"
    result = put(store, plan, source, allow_possible_loss=True)
    assert (result.without_copy, result.put) == ((BAD,), 1)
    assert s3.objects[BAD].data == DATA
    assert [named.why for named in undo_objects(store, result.placements).failed] == [
        "it was replaced without a copy"
    ]


def test_an_upload_that_the_server_stores_wrongly_is_tried_again_then_named(
    s3: FaultyS3, location: Path
) -> None:
    store = opened(s3.target())
    snapshot(store, location)
    source = open_objects(paths(location, "1")[0])
    del s3.objects[BAD]
    s3.faults.append(Fault(method="PUT", key=BAD, flip=0, times=1))
    assert put(store, plan_objects(store, source), source).put == 1
    assert s3.objects[BAD].data == DATA
    del s3.objects[BAD]
    s3.faults.append(Fault(method="PUT", key=BAD, flip=0))
    result = put(store, plan_objects(store, source), source)
    assert [named.key for named in result.failed] == [BAD]
    s3.faults[:] = [Fault(method="PUT", key=BAD, status=503, times=5)]
    assert (
        put(open_bucket(s3.target(), patience=Patience(pause=0.05)), plan_objects(store, source), source).put
        == 1
    )


def test_a_server_lost_while_putting_can_be_undone_from_the_journal(s3: FaultyS3, location: Path) -> None:
    store = opened(s3.target())
    snapshot(store, location)
    for number in range(6):
        s3.put(f"users/u/IMAGE/{number}.png", b"changed")
    before = contents(store)
    source = open_objects(paths(location, "1")[0])
    journal = []

    def then_fail(placements: list) -> None:  # type: ignore[type-arg]
        journal.extend(placements)
        s3.faults.append(Fault(method="PUT", key="users/u/IMAGE/3.png", status=500))
        s3.faults.append(Fault(method="PUT", key="users/u/IMAGE/4.png", status=403, code="AccessDenied"))

    try:
        result = put(store, plan_objects(store, source), source, journal=then_fail)
    except QuillkeepError as error:
        assert "does not answer" in error.what
    else:
        assert {named.key for named in result.failed} == {"users/u/IMAGE/3.png", "users/u/IMAGE/4.png"}
    assert contents(store) != before
    s3.faults.clear()
    undone = undo_objects(store, journal)
    assert (undone.put_back, undone.failed) == (6, ())
    assert contents(store) == before


def test_only_the_time_differs_costs_one_head_and_links(s3: FaultyS3, location: Path) -> None:
    store = opened(s3.target())
    snapshot(store, location)
    s3.objects[BAD].modified += timedelta(hours=1)
    s3.objects["users/u/IMAGE/0.png"].modified += timedelta(hours=1)
    s3.objects["users/u/IMAGE/0.png"].headers["content-type"] = "image/gif"
    s3.requests.clear()
    result = snapshot(store, location, "2", previous="1")
    assert (result.linked, result.fetched) == (6, 1)
    assert s3.count("HEAD", BAD) == 1 and s3.count("GET", BAD) == 0
    assert snapshot(store, location, "3", previous="2").linked == 7


def test_https_with_its_own_authority(location: Path, tmp_path: Path) -> None:
    authority, context = _authority(tmp_path)
    server = FaultyS3(context)
    try:
        server.put("a", b"1")
        server.put("b//c", b"2")
        trusting = opened(msgspec.structs.replace(server.target(), ca_file=str(authority)))
        assert contents(trusting) == {"a": b"1", "b//c": b"2"}
        with pytest.raises(BucketUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
            opened(server.target()).require()
        with pytest.raises(Refused, match="CA file"):
            opened(msgspec.structs.replace(server.target(), ca_file="/no/such/file"))
    finally:
        server.stop()


def _authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A CA's certificate file, and a server certificate of it for 127.0.0.1."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test's authority")])
    now = datetime.now(UTC)

    def certificate(subject: x509.Name, public: ec.EllipticCurvePublicKey, ca: bool) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .sign(ca_key, hashes.SHA256())
        )

    pem = serialization.Encoding.PEM
    authority, server = folder / "ca.pem", folder / "server.pem"
    authority.write_bytes(certificate(name, ca_key.public_key(), True).public_bytes(pem))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    server.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate(subject, key.public_key(), False).public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)
    return authority, context


def test_virtual_hosted_style_names_the_bucket_in_the_host(
    s3: FaultyS3, location: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", s3.endpoint)
    monkeypatch.setenv("http_proxy", s3.endpoint)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    s3.put("odd//key", b"odd")
    target = msgspec.structs.replace(s3.target(), endpoint="http://s3.example.test", path_style=False)
    assert snapshot(opened(target), location).count == 8


def test_aws_proper_is_not_redirected_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    keys = {"access_key": Secret("AKIAEXAMPLE"), "secret_key": Secret("secretsecret")}
    for region, style, expected in (
        ("eu-central-1", True, "https://s3.eu-central-1.amazonaws.com"),
        ("cn-north-1", True, "https://s3.cn-north-1.amazonaws.com.cn"),
        ("eu-central-1", False, "https://b.s3.eu-central-1.amazonaws.com"),
    ):
        clients = build_clients(BucketTarget(bucket="b", region=region, path_style=style, **keys))
        assert clients.down.config["endpoint"] == expected
        assert clients.up.config["endpoint"] == expected
        assert clients.exact.meta.endpoint_url == expected.replace("//b.", "//")
    with pytest.raises(Refused, match="No S3 keys are set for http"):
        build_clients(BucketTarget(bucket="b", endpoint="http://127.0.0.1:9"))
