"""A Quilltap `.env` file, read as it stands: no interpolation, and the process environment stays as it is."""

from __future__ import annotations

import io
from pathlib import Path

from services.errors import QuillkeepError
from services.settings.values import read_text


def read_env_file(path: Path, source: str) -> dict[str, str]:
    """Its variables, the last of a repeated one, by the rules of python-dotenv.

    Errors: `QuillkeepError` when it cannot be read, or naming the line that cannot be understood.
    """
    from dotenv.parser import parse_stream

    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(read_text(path, source))):
        if binding.error:
            raise QuillkeepError(
                f"{path} cannot be understood from line {binding.original.line} on.",
                next="Write each setting as NAME=value; quote values that hold spaces, # or quotes.",
            )
        if binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return values
