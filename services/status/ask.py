"""Asks every look that a status needs, at once, each in a child process with a time limit of its own."""

from __future__ import annotations

import threading
import time
from typing import Any

from services.errors import QuillkeepError
from services.jobs.listing import list_jobs
from services.looking.child import look
from services.paths import Paths
from services.profile import Profile
from services.status.model import Looks, Trouble

NAMES = ("catalog", "locations", "live", "bucket", "rates")
SECONDS = 8.0
"""Each look's limit: with the start of this process a status is there within 10 s, whatever is dead."""


def ask_everything(profile: Profile, paths: Paths, *, seconds: float = SECONDS) -> Looks:
    """All looks side by side; whatever fails or hangs becomes its `Trouble`, and none is None. Never raises."""
    answers: dict[str, Any] = {}
    threads = [
        threading.Thread(target=_ask, args=(name, profile, paths, seconds, answers), daemon=True)
        for name in (*NAMES, "jobs")
    ]
    deadline = time.monotonic() + seconds + 0.5
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    silent = Trouble(
        what="It did not answer in time.", touched="Nothing was changed: it only looked.", next="Look again."
    )
    return Looks(**{name: answers.get(name, silent) for name in (*NAMES, "jobs")})


def _ask(name: str, profile: Profile, paths: Paths, seconds: float, answers: dict[str, Any]) -> None:
    try:
        if name == "jobs":
            answers[name] = tuple(list_jobs(paths))
        else:
            answers[name] = look(name, profile, paths, seconds=seconds)
    except QuillkeepError as error:
        answers[name] = Trouble(**error.as_dict())
