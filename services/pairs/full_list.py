"""Every finding of a long pair check as lines of JSON beside the job."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from services.errors import QuillkeepError


class FullList:
    """Writes to a new file (0600); without a path it keeps nothing. `path` is empty then."""

    def __init__(self, target: Path | None) -> None:
        self._target = target
        self._stream: BinaryIO | None = None
        self._encoder = msgspec.json.Encoder()
        self.path = "" if target is None else str(target)

    def __enter__(self) -> Self:
        if self._target is not None:
            try:
                handle = os.open(self._target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise self._failed(error) from error
            self._stream = open(handle, "wb", buffering=1 << 16)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            try:
                self._stream.close()
            except OSError as trouble:
                raise self._failed(trouble) from trouble

    def add(self, what: str, **fields: str) -> None:
        """One line; empty fields are left out."""
        if self._stream is None:
            return
        line = {"what": what, **{name: value for name, value in fields.items() if value}}
        try:
            self._stream.write(self._encoder.encode(line) + b"\n")
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> QuillkeepError:
        return QuillkeepError(
            "The list of all findings could not be written.",
            cause=f"{self._target}: {error.strerror or error}",
            next="Make room there, then run the same command again.",
        )
