"""Real servers and fresh places for every test; nothing of the caller's environment or configuration."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from services.demo.servers import Mongod, Weed, scrub_environment, start_mongod, start_weed
from services.profile import BucketTarget, Profile
from tests import support

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database

SKIPPED_FOR_A_TOOL = "peers:"
_home = Path(tempfile.mkdtemp(prefix="quillkeep-tests-home-"))
_skipped: list[tuple[str, str]] = []
_fixtures_before: dict[str, int] = {}

scrub_environment(keep=("QUILLKEEP_PEERS",))
# Under nohup a hangup is ignored, and every child would inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# No configuration file, credential or state of the person running the suite is ever looked at.
for _name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
    os.environ[_name] = str(_home)
os.environ["QUILLKEEP_STATE_DIR"] = str(_home / "state")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: those made afresh in every process would be another test in each."""
    return argname if isinstance(val, bytes) else None


def pytest_sessionstart() -> None:
    """Remembers what lies in tests/fixtures: no test may write there."""
    _fixtures_before.update(_fixtures_now())


def pytest_unconfigure() -> None:
    """Removes the suite's own home folder."""
    shutil.rmtree(_home, ignore_errors=True)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remembers what was skipped, and why."""
    if report.skipped and isinstance(report.longrepr, tuple):
        _skipped.append((report.nodeid, str(report.longrepr[2]).removeprefix("Skipped: ")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names fixtures that changed, and sums up what was skipped."""
    if changed := _changed_fixtures():
        terminalreporter.section("fixtures changed")
        for name in changed:
            terminalreporter.write_line(f"tests/fixtures/{name}")
        terminalreporter.write_line("Tests work on copies of fixtures: one of this run did not.")
    if not _skipped:
        return
    terminalreporter.section("skipped")
    reasons: dict[str, int] = {}
    for _, reason in _skipped:
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")
    if _lacking_in_ci():
        terminalreporter.write_line(
            "This is CI, which has every tool: a test skipped for want of one fails it."
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A fixture that changed fails the run; in CI a test skipped for want of a tool does, too."""
    if (_changed_fixtures() or _lacking_in_ci()) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _fixtures_now() -> dict[str, int]:
    """Every file and folder below tests/fixtures with its size (folders: 0)."""
    return {
        str(path.relative_to(support.FIXTURES)): path.lstat().st_size if path.is_file() else 0
        for path in support.FIXTURES.rglob("*")
    }


def _changed_fixtures() -> list[str]:
    now = _fixtures_now()
    return sorted(
        name for name in _fixtures_before.keys() | now.keys() if _fixtures_before.get(name) != now.get(name)
    )


def _lacking_in_ci() -> bool:
    return bool(os.environ.get("CI")) and any(SKIPPED_FOR_A_TOOL in reason for _, reason in _skipped)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Where the session's servers live; short, since paths of sockets are limited."""
    folder = Path(tempfile.mkdtemp(prefix="quillkeep-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _mongod(folder: Path, name: str, **options: Any) -> Iterator[Mongod]:
    server = start_mongod(folder / name, sweep=(folder,), **options)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def mongod(server_folder: Path) -> Iterator[Mongod]:
    """A standalone."""
    yield from _mongod(server_folder, "standalone")


@pytest.fixture(scope="session")
def mongod_rs(server_folder: Path) -> Iterator[Mongod]:
    """A replica set of one node."""
    yield from _mongod(server_folder, "one-node", replica_set=True)


@pytest.fixture(scope="session")
def mongod_rs3(server_folder: Path) -> Iterator[Mongod]:
    """A replica set of three nodes."""
    yield from _mongod(server_folder, "three-nodes", members=3)


@pytest.fixture(scope="session")
def mongod_auth(server_folder: Path) -> Iterator[Mongod]:
    """A standalone with --auth; `uri` is root's, `create_user` makes others."""
    yield from _mongod(server_folder, "auth", auth=True)


@pytest.fixture(scope="session")
def weed(server_folder: Path) -> Iterator[Weed]:
    """An S3 server."""
    server = start_weed(server_folder / "weed", sweep=(server_folder,))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def client(mongod: Mongod) -> Iterator[MongoClient[Any]]:
    """A pymongo client of the standalone."""
    with mongod.client() as opened:
        yield opened


@pytest.fixture
def database(client: MongoClient[Any]) -> Iterator[str]:
    """The name of a fresh, empty database on the standalone, dropped afterwards."""
    name = f"quilltap_{secrets.token_hex(4)}"
    yield name
    client.drop_database(name)


@pytest.fixture
def db(client: MongoClient[Any], database: str) -> Database[Any]:
    """The fresh database as pymongo sees it."""
    return client[database]


@pytest.fixture
def bucket(weed: Weed) -> Iterator[BucketTarget]:
    """A fresh bucket, deleted with its objects afterwards."""
    target = weed.create_bucket(f"quilltap-{secrets.token_hex(4)}")
    yield target
    if weed.running():
        weed.delete_bucket(target.bucket)


@pytest.fixture
def location(tmp_path: Path) -> Path:
    """An empty folder for backups."""
    folder = tmp_path / "backups"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def profile(mongod: Mongod, database: str, bucket: BucketTarget, location: Path) -> Profile:
    """A deployment of a fresh database, bucket and backup folder."""
    return support.make_profile(mongod.uri, database, bucket, location=location)


@pytest.fixture
def make_context(tmp_path: Path) -> Callable[..., support.RecordingContext]:
    """`make_context(profile)`: a job context whose `events` collects what is reported."""

    def make(profile: Profile, **more: Any) -> support.RecordingContext:
        return support.make_context(profile, tmp_path / "state", **more)

    return make


@pytest.fixture
def short_path() -> Iterator[Path]:
    """An empty folder for servers of the test's own: `tmp_path` can be too long for the sockets in it."""
    folder = Path(tempfile.mkdtemp(prefix="quillkeep-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """tests/fixtures."""
    return support.FIXTURES


@pytest.fixture(scope="session")
def peers() -> Path:
    """The folder of the stock mongodump and mongorestore; skips where there is none."""
    found = {tool: support.find_peer(tool) for tool in support.PEER_TOOLS}
    missing = [tool for tool, path in found.items() if path is None]
    if missing:
        pytest.skip(
            f"{SKIPPED_FOR_A_TOOL} no {' and no '.join(missing)} in QUILLKEEP_PEERS, ../shared/peers or PATH"
        )
    first = found[support.PEER_TOOLS[0]]
    assert first is not None
    return first.parent
