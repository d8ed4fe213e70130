"""Peppers to try, out of files: the application uses the text exactly, so every reading of it is one of its own."""

from __future__ import annotations

import io
import os

from services.errors import UsageProblem
from services.pepper.model import Candidate
from services.secret import Secret

NAME = "ENCRYPTION_MASTER_PEPPER"
MAX_BYTES = 1 << 20
"""More than this is no file of settings."""
TYPED = "the typed pepper"


def candidates_of(path: str) -> list[Candidate]:
    """The readings of one file. Errors: `UsageProblem` for one that cannot be read, is empty or no text."""
    try:
        # A pipe will do: `<(command)` keeps a pepper off the disk.
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageProblem(
            f"The file {path} cannot be read: {os.strerror(error.errno or 0)}.",
            next="Name a file that holds a pepper, or `-` to type it; a backup is named with --backup.",
        ) from error
    return variants(data, path)


def variants(data: bytes, name: str) -> list[Candidate]:
    """Each way in which a file may have been meant, told apart by its label, equal ones once.

    Of an .env file its ENCRYPTION_MASTER_PEPPER as the application reads it, and, where that differs, as
    docker's --env-file passes it on (quotes kept). Of any other its text, that without the last newline, and the
    first of several lines. Errors: `UsageProblem`.
    """
    if len(data) > MAX_BYTES:
        raise UsageProblem(
            f"The file {name} is too large to hold a pepper.",
            next="Name the .env file or the one that holds nothing but the pepper.",
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageProblem(
            f"The file {name} is no text (UTF-8), so it holds no pepper.",
            next="A pepper in another encoding can be typed: `quillkeep pepper check -`.",
        ) from None
    found = _of_env(text, name) or _of_text(text, name)
    kept: dict[str, Candidate] = {}
    for label, pepper in found:
        if pepper:
            kept.setdefault(pepper, Candidate(label=label, pepper=Secret(pepper)))
    if not kept:
        raise UsageProblem(
            f"The file {name} is empty, so it holds no pepper.",
            next="Name a file that holds a pepper, or `-` to type it.",
        )
    return list(kept.values())


def _of_env(text: str, name: str) -> list[tuple[str, str]]:
    from dotenv import dotenv_values

    lines = [
        line.strip().removeprefix("export ").lstrip() for line in text.removeprefix("\ufeff").splitlines()
    ]
    raw = [line.partition("=")[2] for line in lines if line.partition("=")[0].rstrip() == NAME]
    if not raw:
        return []
    found = []
    value = dotenv_values(stream=io.StringIO(text.removeprefix("\ufeff")), interpolate=False).get(NAME)
    if value:
        found.append((f"{name}, its {NAME}", value))
    return [*found, (f"{name}, its {NAME} with what stands around it", raw[-1])]


def _of_text(text: str, name: str) -> list[tuple[str, str]]:
    without = text.removesuffix("\n").removesuffix("\r")
    found = [
        (f"{name}, without its last newline" if without != text else f"{name}, its text", without),
        (f"{name}, its text with the last newline", text),
    ]
    lines = text.splitlines()
    if len(lines) > 1:
        found.append((f"{name}, its first line", lines[0]))
    if text.startswith("\ufeff"):
        found.append((f"{name}, without its byte order mark", without.removeprefix("\ufeff")))
    return found
