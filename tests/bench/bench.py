"""What every line of the benchmark is given."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from services.demo.servers import Mongod
from services.files import make_private_folder
from tests.bench.measure import measure
from tests.bench.model import Sample, Series
from tests.bench.ours import Ran, run_ours
from tests.bench.peers import Peers
from tests.bench.rounds import Side, play
from tests.bench.stage import Stage
from tests.support import ROOT

MONGO_TOOLS = ("mongodump", "mongorestore", "gunzip", "sha256sum")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: rounds, the sample's scale, and the small and large one of the memory line."""

    runs: int
    scale: float
    memory_scales: tuple[float, float]


class Bench:
    """The stage, the tools and the options, and how either side's commands are run on them."""

    def __init__(self, stage: Stage, peers: Peers, options: Options) -> None:
        self.stage = stage
        self.peers = peers
        self.options = options
        self.output = stage.folder_for("output")

    def rounds(self, line: str, sides: Sequence[Side]) -> Series:
        """Interleaved rounds of these sides."""
        return play(line, self.options.runs, sides, self.stage.say)

    def ours(self, *arguments: str, environment: Mapping[str, str]) -> Ran:
        """One verb of ours."""
        return run_ours(arguments, environment, folder=self.output, servers=self.stage.server_pids)

    def theirs(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Sample:
        """One stock command."""
        found = environment if environment is not None else self.stage.plain_environment()
        measured = measure(command, found, folder=self.output, cwd=ROOT, servers=self.stage.server_pids)
        return measured.sample

    def check_stock(self, archive: Path) -> Sample:
        """What an admin does to prove an archive without us: `gunzip -t`, then `sha256sum`."""
        gunzip, sha256sum = self.peers.path("gunzip"), self.peers.path("sha256sum")
        return self.theirs([str(gunzip), "-t", str(archive)]).beside(
            self.theirs([str(sha256sum), str(archive)])
        )

    def release(self, ran: Ran, environment: Mapping[str, str]) -> None:
        """Gives up a restore's rollback copies, untimed, so that the next run finds the disk as this one did."""
        self.ours("release", ran.job, "--yes", environment=environment)

    def backup_into(
        self, location: Path, environment: Mapping[str, str], *server: Mongod, part: str = "database"
    ) -> Ran:
        """One backup of a part into an empty location, with the disk at rest before."""
        shutil.rmtree(location, ignore_errors=True)
        make_private_folder(location)
        self.stage.settle(*server)
        return self.ours("backup", "--only", part, "--yes", environment=environment)
