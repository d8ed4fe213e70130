"""The errors an admin reads: what happened, what was and wasn't touched, what to do next."""

from __future__ import annotations

from typing import ClassVar

NOTHING_TOUCHED = "Nothing was changed."


class QuillkeepError(Exception):
    """An operation that ended without doing what was asked.

    `what` is one sentence of what happened, `cause` the underlying reason (server text is redacted
    by whoever puts it here), `touched` what was and wasn't changed, `next` the next step or command.
    """

    exit_code: ClassVar[int] = 1
    status: ClassVar[str] = "failed"

    def __init__(self, what: str, *, cause: str = "", touched: str = NOTHING_TOUCHED, next: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.touched = touched
        self.next = next

    def as_dict(self) -> dict[str, str]:
        """The `error` object of the headless contract."""
        return {"what": self.what, "cause": self.cause, "touched": self.touched, "next": self.next}

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.cause, self.touched, self.next) if part)


class Refused(QuillkeepError):
    """A guard said no before anything was touched (lock, space, rights, wrong target, a risk not allowed)."""

    exit_code: ClassVar[int] = 4
    status: ClassVar[str] = "refused"


class UsageProblem(QuillkeepError):
    """The admin's input cannot be understood."""

    exit_code: ClassVar[int] = 2


class Cancelled(QuillkeepError):
    """The admin asked to stop and the operation stopped; `touched` says what it left."""

    exit_code: ClassVar[int] = 130
    status: ClassVar[str] = "cancelled"
