"""A validation that cannot come to its end: a cancel, a server that goes away, files that stay in use."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.demo.servers import Mongod, start_mongod
from services.errors import Cancelled, QuillkeepError
from services.operations.validate import ValidatePlan, validate
from services.secret import Secret
from services.validating import live
from tests.services.swap_support import Deployment, at_phase
from tests.services.validate_support import Validated, only, statuses, validated


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    started = start_mongod(tmp_path_factory.mktemp("goes") / "m", auth=True)
    yield started
    started.kill()


@pytest.fixture
def deployment(server: Mongod, tmp_path: Path) -> Iterator[Validated]:
    with validated(server, tmp_path) as made:
        yield made


@pytest.mark.parametrize("phase", ["server", "documents", "references", "backups"])
def test_a_cancel_ends_it_and_leaves_nothing(deployment: Validated, phase: str) -> None:
    deployment.db.tags.update_one({}, {"$set": {"name": 5}})
    before = deployment.db.list_collection_names()
    held = set(os.listdir("/proc/self/fd"))

    def cancel() -> None:
        ctx.request_cancel()

    ctx = deployment.context(at_phase(phase, cancel))
    with pytest.raises(Cancelled):
        validate(ValidatePlan(), ctx)
    assert sorted(deployment.db.list_collection_names()) == sorted(before)
    assert len(set(os.listdir("/proc/self/fd")) - held) < 3


def test_files_that_stay_in_use_are_unknown_not_well(
    deployment: Validated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user that may not have the server write them out waits for it, and then says what was not looked at."""
    monkeypatch.setattr(live, "CHECKPOINT_SECONDS", 0.5)
    monkeypatch.setattr(live, "AGAIN_SECONDS", 0.2)
    uri = deployment.server.create_user(
        f"u{secrets.token_hex(4)}", ("readWrite", "dbAdmin"), database=deployment.name
    )
    user = deployment.as_user(uri)
    assert isinstance(user, Validated)
    deployment.db.tags.update_many({}, {"$set": {"quickHide": True}})
    result = user.validate("tags", full=True)
    finding = only(result, "tags")
    assert (finding.kind, finding.status, result.status) == ("server-incomplete", "unknown", "unknown")
    assert statuses(result)["shape"] == "ok"
    deployment.client.admin.command("fsync")
    assert user.validate("tags", full=True).status == "ok"


@pytest.mark.parametrize("phase", ["server", "documents", "references"])
def test_a_server_that_goes_away_is_an_error_in_words(
    short_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    """Never a verdict on what was not read to its end, and no waiting for it once a collection."""
    own = start_mongod(short_path / "m")
    # Its database cannot be dropped any more.
    monkeypatch.setattr(Deployment, "close", lambda deployment: None)
    with validated(own, tmp_path) as made:
        assert made.profile.mongo is not None
        uri = Secret(made.profile.mongo.uri.reveal() + "?serverSelectionTimeoutMS=800")
        made.profile = replace(made.profile, mongo=replace(made.profile.mongo, uri=uri))
        began = time.monotonic()
        with pytest.raises(QuillkeepError) as gone:
            made.validate(hooks=(at_phase(phase, own.kill),))
    assert gone.value.what and gone.value.next and "127.0.0.1" in gone.value.cause
    assert time.monotonic() - began < 20
