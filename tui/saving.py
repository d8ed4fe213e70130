"""Text from a screen, saved as a new private file: never over another one, and it says where."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from services.errors import QuillkeepError, UsageProblem
from services.files import open_new


def save_new(named: str, text: str) -> Path:
    """Writes `text` into a file that must not exist yet (0600); gives its whole path.

    Errors: `UsageProblem` for a name that cannot be taken, `QuillkeepError` when the disk says no.
    """
    if not named.strip():
        raise UsageProblem("No file was named.", next="Type a path, or Escape.")
    path = Path(os.path.abspath(Path(named.strip()).expanduser()))
    if path.is_dir():
        raise UsageProblem(f"{path} is a folder.", next="Add the file's name.")
    if not path.parent.is_dir():
        raise UsageProblem(f"There is no folder {path.parent}.", next="Name a folder that exists.")
    try:
        stream = open_new(path)
    except FileExistsError:
        raise UsageProblem(
            f"{path} exists already, and is not overwritten.", next="Type another name."
        ) from None
    except OSError as error:
        raise _failed(path, error) from error
    try:
        with stream:
            view = memoryview(text.encode("utf-8", "backslashreplace"))
            while view:
                view = view[stream.write(view) :]
            os.fsync(stream.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise _failed(path, error) from error
    return path


def _failed(path: Path, error: OSError) -> QuillkeepError:
    return QuillkeepError(
        f"{path} could not be written.",
        cause=f"{os.strerror(error.errno)}." if error.errno else "",
        next="Type another path.",
    )
