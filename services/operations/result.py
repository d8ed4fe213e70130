"""How an operation's or a check's end becomes an exit code, a job's state and the failure document."""

from __future__ import annotations

from typing import Any, Literal

from services.errors import QuillkeepError

JobState = Literal["succeeded", "warnings", "failed", "refused", "cancelled"]

EXIT_CODES = {
    "ok": 0,
    "failed": 1,
    "fail": 1,
    "warnings": 3,
    "warn": 3,
    "skipped": 3,
    "unknown": 3,
    "refused": 4,
    "cancelled": 130,
}
"""The headless contract; `cancelled` is 143 when SIGTERM asked."""

_STATES: dict[str, JobState] = {
    "ok": "succeeded",
    "failed": "failed",
    "fail": "failed",
    "refused": "refused",
    "cancelled": "cancelled",
}


def exit_code(status: str) -> int:
    """The exit code of a status word; an unknown word is a failure."""
    return EXIT_CODES.get(status, 1)


def job_state(status: str) -> JobState:
    """What a finished job's status word is called in the list of jobs."""
    return _STATES.get(status, "warnings" if exit_code(status) == 3 else "failed")


def failure_document(error: QuillkeepError) -> dict[str, Any]:
    """The JSON document of an operation that raised: {status, error, warnings}.

    Where the error itself could not know what was touched or what to do next, the journal does.
    """
    told = error.as_dict()
    told["touched"] = told["touched"] or "How far it came is in its journal."
    told["next"] = told["next"] or "`quillkeep jobs follow` shows its steps; then run the command again."
    return {"status": error.status, "error": told, "warnings": []}
