"""Turning the text of a setting into what it means, or into an error that names where it stands."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from services.errors import QuillkeepError, UsageProblem
from services.secret import Secret

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def to_bool(text: str, source: str) -> bool:
    """`true`, `1`, `yes`, `on` and their opposites, in any case."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise UsageProblem(f"{source} must be true or false, not `{text}`.", next=f"Correct {source}.")


def to_seconds(text: str, source: str) -> float:
    """`90s`, `30m`, `24h`, `7d` or `2w` in seconds."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise UsageProblem(
            f"{source} must be a duration such as `30m`, `24h` or `7d`, not `{text}`.",
            next=f"Correct {source}.",
        )
    return float(found[1]) * _SECONDS[found[2]]


def check_clock(text: str, source: str) -> None:
    """A time of day, `HH:MM`."""
    if not _CLOCK.fullmatch(text):
        raise UsageProblem(
            f"{source} must be a time such as `02:00`, not `{text}`.", next=f"Correct {source}."
        )


def to_endpoint(text: str, source: str) -> str | None:
    """An S3 endpoint `http(s)://host[:port]`, without a slash at its end; None (AWS proper) for an empty one."""
    text = text.strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_valid = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
        raise UsageProblem(
            f"{source} must be an address such as `http://localhost:9000`; empty means AWS.",
            next=f"Correct {source}.",
        )
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageProblem(
            f"{source} must name only scheme, host and port; the bucket belongs in S3_BUCKET.",
            next=f"Correct {source}.",
        )
    return f"{parts.scheme}://{parts.netloc}"


def read_secret_file(path: Path, source: str) -> Secret:
    """The first line of a file; a secret in a file of its own is how config.toml refers to one."""
    text = read_text(path, source).split("\n", 1)[0].rstrip("\r")
    if not text:
        raise QuillkeepError(f"{path}, named by {source}, is empty.", next=f"Write the secret into {path}.")
    return Secret(text)


def read_text(path: Path, source: str) -> str:
    """A settings file's text; every way it cannot be read ends in a `QuillkeepError` that names it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except PermissionError:
        raise QuillkeepError(
            f"No permission to read {path}, named by {source}.",
            next=f"Run as a user who may read {path}, or give this one the right.",
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise QuillkeepError(
            f"{path}, named by {source}, does not exist.", next=f"Correct {source}, or create {path}."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise QuillkeepError(
            f"{path}, named by {source}, cannot be read.",
            cause=error.strerror or "" if isinstance(error, OSError) else "It is not UTF-8 text.",
            next=f"Correct {path}.",
        ) from None
