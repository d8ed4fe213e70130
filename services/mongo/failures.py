"""What a driver's error becomes at the border of the services."""

from __future__ import annotations

from services.errors import NOTHING_TOUCHED, QuillkeepError
from services.redact import redact


def translated(
    doing: str, error: Exception, *, touched: str = NOTHING_TOUCHED, next: str = ""
) -> QuillkeepError:
    """The error an admin reads when the server failed us in the middle of `doing` (a phrase like `Reading x`).

    The server's code and its text, redacted, are the cause; 13 names the rights that are missing.
    """
    code = getattr(error, "code", None)
    text = redact(str(error).split(", Timeout:")[0].split(", full error")[0])
    number = f" (code {code})" if code is not None else ""
    if code == 13 and not next:
        next = "Give the user in MONGODB_URI the role readWrite on this database."
    elif not next:
        next = "Check that MongoDB runs and is reachable, then run the same command again."
    return QuillkeepError(f"{doing} failed{number}.", cause=text, touched=touched, next=next)


def error_code(error: BaseException) -> int | None:
    """The server's numeric error code, None when the driver itself failed."""
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else None
