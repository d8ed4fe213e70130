"""What a fresh process imports: services stay without a screen, waiting and listing without a driver."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"pymongo", "boto3", "botocore", "obstore", "textual", "apprise", "cryptography"}


def modules_after(code: str, **environ: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after `code`."""
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            f"{code}\nimport json, sys\nsys.stderr.write(json.dumps(sorted(sys.modules)))",
        ],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        check=True,
    )
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def service_modules() -> list[str]:
    names = [name for _, name, _ in pkgutil.walk_packages([str(ROOT / "services")], "services.")]
    return [name for name in names if not name.endswith("__main__")]


def test_services_import_no_screen() -> None:
    names = service_modules()
    assert len(names) > 40
    loaded = modules_after("import " + ", ".join(names))
    assert not loaded & {"textual", "rich", "tui", "widgets", "click"}


def test_what_every_front_end_shares_is_light() -> None:
    light = [
        "services.settings.resolve",
        "services.settings.discover",
        "services.jobs.events",
        "services.redact",
    ]
    assert not modules_after("import " + ", ".join(light)) & HEAVY


def run_then_look(*arguments: str, **environ: str) -> set[str]:
    return modules_after(f"from tui.__main__ import run\nrun({list(arguments)!r})", **environ)


def test_version_and_help_are_light() -> None:
    assert not run_then_look("--version") & HEAVY
    assert not run_then_look("--help") & (HEAVY - {"textual"})


def test_listing_needs_no_driver(tmp_path: Path) -> None:
    loaded = run_then_look("list", BACKUP_DIR=str(ROOT / "tests/fixtures"), QUILLKEEP_STATE_DIR=str(tmp_path))
    assert not loaded & {"pymongo", "boto3", "botocore", "obstore", "textual"}


def test_waiting_for_a_job_needs_no_driver(tmp_path: Path) -> None:
    loaded = run_then_look("jobs", QUILLKEEP_STATE_DIR=str(tmp_path))
    assert not loaded & {"pymongo", "boto3", "botocore", "obstore", "textual"}
    assert (
        not modules_after("import tui.follow, tui.verbs_backup, tui.verbs_restore, tui.verbs_rollback")
        & HEAVY
    )
