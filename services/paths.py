"""Where Quillkeep keeps its own state."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

SYSTEM_STATE = Path("/var/lib/quillkeep")


class Paths(msgspec.Struct, frozen=True):
    """The state folder and what lies in it; folders are 0700, files 0600."""

    state: Path

    @property
    def jobs(self) -> Path:
        """One folder per job: `journal.jsonl`, `log`, results."""
        return self.state / "jobs"

    @property
    def notes(self) -> Path:
        """Notes of locations that cannot be written."""
        return self.state / "notes"


def default_paths(environ: dict[str, str] | None = None) -> Paths:
    """`QUILLKEEP_STATE_DIR`, else /var/lib/quillkeep when it exists and is writable, else the user's state folder."""
    env = os.environ if environ is None else environ
    chosen = env.get("QUILLKEEP_STATE_DIR")
    if chosen:
        return Paths(Path(chosen))
    if SYSTEM_STATE.is_dir() and os.access(SYSTEM_STATE, os.W_OK | os.X_OK):
        return Paths(SYSTEM_STATE)
    from platformdirs import user_state_path

    return Paths(user_state_path("quillkeep"))
