"""A nearly full disk under the location and under mongod: refused, or ended cleanly with mongod still up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.demo.servers import Mongod, Weed, start_mongod
from services.jobs.launch import start_job
from services.mongo.record import read_records
from services.operations.backup_model import BackupPlan
from services.profile import Location
from tests.faults.deployment import Deployment, Job


class Disk:
    """A tmpfs whose size may be changed while it is used; sizes as mount(8) takes them."""

    def __init__(self, folder: Path, size: str) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._mount("-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs")

    def resize(self, size: str) -> None:
        """No byte is written for it: what is free is only what the file system says."""
        self._mount("-o", f"remount,size={size}")

    def free(self) -> int:
        """Bytes."""
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def used(self) -> int:
        """Bytes."""
        state = os.statvfs(self.folder)
        return (state.f_blocks - state.f_bfree) * state.f_frsize

    def close(self) -> None:
        """Unmounts it."""
        subprocess.run(["umount", "-l", str(self.folder)], check=True)

    def _mount(self, *arguments: str) -> None:
        done = subprocess.run(
            ["mount", *arguments, str(self.folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk", "64m")
    yield made
    made.close()


def test_a_nearly_full_location(deployment: Deployment, disk: Disk) -> None:
    profile = replace(deployment.profile, locations=(Location(name="small", path=str(disk.folder)),))

    def start() -> Job:
        return Job(start_job("backup", BackupPlan(), profile, deployment.paths))

    assert start().wait().status in ("ok", "warnings")
    before = {path.name: path.stat().st_size for path in disk.folder.iterdir()}
    disk.resize("6m")
    refused = start()
    error = refused.error()
    assert refused.wait().exit_code == 4 and "Too little space" in error["what"], error
    assert str(disk.folder) in error["what"] and "Free space there" in error["next"]
    disk.resize("64m")
    with deployment.held("find", namespace="quilltap_kills.characters", late=True, ms=900) as held:
        job = start()
        held.wait()
        disk.resize("6m")
    error = job.error()
    assert job.wait().exit_code == 1 and "became full" in error["what"], error
    assert "removed; earlier backups are as they were" in error["touched"]
    assert {path.name: path.stat().st_size for path in disk.folder.iterdir()} == before
    deployment.assert_whole(old=True)


@pytest.fixture
def on_small_disk(
    server_folder: Path, weed: Weed, tmp_path: Path
) -> Iterator[tuple[Deployment, Mongod, Disk]]:
    disk = Disk(server_folder / "small-disk", "900m")
    try:
        server = start_mongod(disk.folder, parameters={"enableTestCommands": "1"})
        try:
            made = Deployment(server, weed.create_bucket("quilltap-small-disk"), tmp_path)
            yield made, server, disk
            made.close()
        finally:
            server.kill()
    finally:
        disk.close()


def test_a_nearly_full_disk_under_mongod(on_small_disk: tuple[Deployment, Mongod, Disk]) -> None:
    deployment, server, disk = on_small_disk
    refused = deployment.start()
    error = refused.error()
    assert refused.wait().exit_code == 4 and "Too little space" in error["what"], error
    assert "would take the server down" in error["what"] and "release" in error["what"]
    assert deployment.ours() <= {"__quillkeep_jobs"} and server.running()
    deployment.assert_whole(old=True)
    disk.resize("4g")
    with deployment.held("insert", skip=1, late=True, ms=1500) as held:
        job = deployment.start()
        held.wait()
        disk.resize(str(disk.used() + (500 << 20)))
    error = job.error()
    assert job.wait().exit_code == 1 and "nearly full" in error["what"], error
    assert "Live data is as it was." in error["touched"]
    assert server.running() and not read_records(deployment.db)
    assert deployment.ours() <= {"__quillkeep_jobs"} and not deployment.our_keys()
    deployment.assert_whole(old=True)
    assert deployment.running.exists()
