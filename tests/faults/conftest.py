"""A server whose commands can be held, and a deployment on it, shared by the tests of one module."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo.servers import Mongod, Weed, start_mongod
from tests.faults.deployment import Deployment


@pytest.fixture(scope="session")
def mongod_held(server_folder: Path) -> Iterator[Mongod]:
    """A standalone with failpoints, which the tests may kill and start again."""
    server = start_mongod(
        server_folder / "held", parameters={"enableTestCommands": "1"}, sweep=(server_folder,)
    )
    yield server
    server.kill()


@pytest.fixture(scope="session")
def killed(mongod_held: Mongod, weed: Weed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The deployment, made once; `deployment` puts it back for each test."""
    target = weed.create_bucket(f"quilltap-kills-{secrets.token_hex(4)}")
    made = Deployment(mongod_held, target, tmp_path_factory.mktemp("kills"))
    yield made
    made.close()


@pytest.fixture
def deployment(killed: Deployment) -> Deployment:
    """The damaged deployment with its one good backup."""
    killed.reset()
    return killed
