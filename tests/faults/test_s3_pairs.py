"""The pair check against an S3 server that fails: throttled, forbidden, torn, gone in the middle, with keys no server keeps.

The raw server is needed since no real one fails on demand; SeaweedFS also rewrites odd keys itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.database import Database

from services.demo.servers import Mongod
from services.operations import pairs as operation
from services.profile import Profile
from tests.faults.s3server import Fault, FaultyS3
from tests.services.pairs_support import USER, kinds, looked, row_of
from tests.support import RecordingContext, make_profile

Contexts = Callable[..., RecordingContext]
ODD = (
    "/lead",
    "trail/",
    "a//b",
    "a/../b",
    "tab\tnewline\n",
    "back\\slash",
    "ключ/海/🦭",
    "per%2Fcent",
    "\x7f",
)


@pytest.fixture
def s3() -> Iterator[FaultyS3]:
    server = FaultyS3()
    yield server
    server.stop()


@pytest.fixture
def deployed(s3: FaultyS3, mongod: Mongod, database: str, db: Database[Any]) -> Profile:
    """Six uploads, and one under every odd key."""
    for number, key in enumerate([*(f"users/{USER}/IMAGE/{n}" for n in range(6)), *ODD]):
        body = bytes([number]) * (number + 1)
        s3.put(key, body, content_type="image/png", x_amz_meta_sha256=hashlib.sha256(body).hexdigest())
        db.files.insert_one(row_of(key, body))
    return make_profile(mongod.uri, database, s3.target())


def test_every_key_is_compared_exactly(deployed: Profile, make_context: Contexts) -> None:
    for depth in ("shallow", "heads", "deep"):
        result = looked(make_context(deployed), depth=depth)
        assert (result.status, result.findings, result.rows) == ("ok", (), 6 + len(ODD))


def test_missing_odd_keys_are_named(deployed: Profile, s3: FaultyS3, make_context: Contexts) -> None:
    for key in ODD:
        del s3.objects[key]
    result = looked(make_context(deployed))
    assert set(result.missing) == set(ODD)
    assert (result.orphans, result.moved) == ((), ())


def test_throttling_is_waited_out(deployed: Profile, s3: FaultyS3, make_context: Contexts) -> None:
    s3.faults += [
        Fault(method="HEAD", key=None, status=503, code="SlowDown", times=12),
        Fault(method="GET", key="", status=503, code="SlowDown", times=2),
        Fault(method="GET", key=f"users/{USER}/IMAGE/3", cut=1, times=1),
    ]
    result = looked(make_context(deployed), depth="deep")
    assert (result.status, result.findings) == ("ok", ())


def test_what_may_not_be_read_is_unknown_and_the_rest_is_told(
    deployed: Profile, s3: FaultyS3, make_context: Contexts
) -> None:
    denied, altered = f"users/{USER}/IMAGE/1", f"users/{USER}/IMAGE/2"
    for method in ("HEAD", "GET"):
        s3.faults.append(Fault(method=method, key=denied, status=403, code="AccessDenied"))
    s3.faults.append(Fault(key=altered, flip=0))
    result = looked(make_context(deployed), depth="deep")
    assert kinds(result) == {"altered-object": 1, "unread-object": 1}
    assert (result.status, result.counts) == ("fail", {"altered": 1, "unread": 1})
    assert [one.key for one in result.mismatched] == [altered]
    s3.faults.pop()
    result = looked(make_context(deployed), depth="heads")
    assert (result.status, kinds(result)) == ("unknown", {"unread-object": 1})
    assert result.findings[0].examples == (denied,)


def test_a_row_whose_object_may_not_be_looked_at_again_is_not_called_missing(
    deployed: Profile, s3: FaultyS3, db: Database[Any], make_context: Contexts
) -> None:
    """The listing lacks it, and the second look is denied: nobody knows."""
    db.files.insert_one(row_of("nowhere", b"x"))
    s3.faults.append(Fault(method="HEAD", key="nowhere", status=403, code="AccessDenied"))
    result = looked(make_context(deployed))
    assert (result.status, result.missing, kinds(result)) == ("unknown", (), {"unread-object": 1})


@pytest.mark.parametrize(("method", "depth"), [("GET", "shallow"), ("HEAD", "heads"), ("GET", "deep")])
def test_a_server_that_goes_away_ends_in_unknown(
    deployed: Profile,
    s3: FaultyS3,
    make_context: Contexts,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    depth: str,
) -> None:
    # The patience is a minute; what is tested is what is said when it has run out.
    monkeypatch.setattr(operation, "PATIENCE_SECONDS", 1.0)
    key = "" if depth == "shallow" else None
    s3.faults.append(Fault(method=method, key=key, status=500))
    if depth == "deep":
        s3.faults[:] = [Fault(key=f"users/{USER}/IMAGE/{n}", status=500) for n in range(6)]
    result = looked(make_context(deployed), depth=depth)
    assert result.status == "unknown"
    assert (result.missing, result.mismatched) == ((), ())
