"""`jobs --history`: the console's History without a console."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.journals import BACKUP_RESULT, JOB, finished, phase, started, write


def jobs(state: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(state), "QUILLKEEP_STATE_DIR": str(state)}
    command = [sys.executable, "-m", "tui", "jobs", "--history", *options]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_history_as_a_document_and_as_markdown(tmp_path: Path) -> None:
    write(tmp_path / "jobs" / JOB, [started(), phase("dump", 1), finished(40, **BACKUP_RESULT)])
    done = jobs(tmp_path, "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"], document["warnings"]) == (0, "ok", [])
    one = document["operations"][0]
    assert (one["id"], one["seconds"], one["documents"]) == (JOB, 40.0, 101)
    assert one["phases"][0]["name"] == "dump"
    done = jobs(tmp_path)
    assert done.returncode == 0
    assert "| backup | succeeded | 40 s | quill@vm7 |" in done.stdout


def test_a_job_that_may_not_be_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "jobs" / JOB / "journal.jsonl").mkdir(parents=True)
    done = jobs(tmp_path, "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"]) == (3, "warnings")
    assert document["warnings"] == [f"No permission to read job {JOB}."]


def test_nothing_was_done_yet(tmp_path: Path) -> None:
    done = jobs(tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("# Operations")
