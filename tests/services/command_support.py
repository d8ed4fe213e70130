"""The command as cron runs it: a subprocess with an environment of its own and no terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

from services.profile import BucketTarget
from tests.support import ROOT

PEPPER = "a-pepper-of-at-least-32-characters!"
Done = subprocess.CompletedProcess[str]


def environment(
    home: Path,
    uri: str,
    database: str,
    location: Path,
    bucket: BucketTarget | None = None,
    *,
    pepper: str = PEPPER,
) -> dict[str, str]:
    """The variables of one deployment, and nothing of this process but PATH."""
    found = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "QUILLKEEP_CONFIG": "/dev/null",
        "QUILLKEEP_STATE_DIR": str(home / "state"),
        "MONGODB_URI": uri,
        "MONGODB_DATABASE": database,
        "ENCRYPTION_MASTER_PEPPER": pepper,
        "BACKUP_DIR": str(location),
    }
    if bucket is None:
        return found
    assert bucket.endpoint and bucket.access_key and bucket.secret_key
    return found | {
        "S3_ENDPOINT": bucket.endpoint,
        "S3_BUCKET": bucket.bucket,
        "S3_ACCESS_KEY": bucket.access_key.reveal(),
        "S3_SECRET_KEY": bucket.secret_key.reveal(),
    }


class Command:
    """Runs `quillkeep` in `environ`; `umask` is the caller's."""

    def __init__(self, environ: dict[str, str], *, umask: int = 0o022) -> None:
        self.environ = environ
        self.umask = umask

    def run(self, *arguments: str, **more: str) -> Done:
        """One command line; `more` are further variables."""
        return subprocess.run(
            [sys.executable, "-m", "tui", *arguments],
            env=self.environ | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            umask=self.umask,
            timeout=90,
        )

    def json(self, *arguments: str, code: int = 0, **more: str) -> Any:
        """The one document of a command that ends with `code`."""
        done = self.run(*arguments, "--json", **more)
        assert done.returncode == code, done.stderr + done.stdout
        assert done.stdout.count("\n") == 1, done.stdout
        return json.loads(done.stdout)

    def failure(self, *arguments: str, code: int, **more: str) -> dict[str, str]:
        """The `error` of a command that fails or refuses with `code`."""
        document = self.json(*arguments, code=code, **more)
        error: dict[str, str] = document["error"]
        return error


def at_a_terminal(environ: dict[str, str], *arguments: str, answer: str, prompt: str = "") -> tuple[int, str]:
    """Runs the command with stdin and stderr on a terminal and types one line, at every `prompt` that is given."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", *arguments],
        env=environ | {"TERM": "xterm", "NO_COLOR": "1"},
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
    )
    os.close(child)
    shown = b""
    answered = 0
    while True:
        try:
            data = os.read(parent, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
        asked = shown.count(prompt.encode()) if prompt else int(b"to go on: " in shown or b"[y/N] " in shown)
        if asked > answered:
            answered = asked
            os.write(parent, answer.encode() + b"\n")
    os.close(parent)
    return process.wait(90), shown.decode()
