"""What a machine shows without any settings: said in words, used only after somebody chose it."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Literal

import msgspec

from services.errors import QuillkeepError
from services.settings.layers import env_file_layer
from services.settings.resolve import GUIDE_FOLDER

LOCAL_MONGODB = ("localhost", 27017)
LOOK_SECONDS = 0.5


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One place that was looked at, what is there, and the command that uses it ("" when there is nothing)."""

    place: str
    found: bool
    text: str
    use: str = ""
    kind: Literal["env-file", "mongodb", "folder"]


def discover(
    cwd: Path, *, folder: Path = GUIDE_FOLDER, server: tuple[str, int] = LOCAL_MONGODB
) -> tuple[Finding, ...]:
    """Looks at the working folder's `.env`, at MongoDB on this machine and at the guide's folder; under 1 s."""
    return (_env_file(cwd / ".env"), _server(*server), _folder(folder))


def _env_file(path: Path) -> Finding:
    if not os.path.lexists(path):
        return Finding(kind="env-file", place=str(path), found=False, text=f"There is no {path}.")
    try:
        names = sorted(env_file_layer(path, "the working folder"))
    except QuillkeepError as error:
        return Finding(kind="env-file", place=str(path), found=False, text=str(error))
    if not names:
        return Finding(
            kind="env-file", place=str(path), found=False, text=f"{path} holds no settings of Quilltap's."
        )
    return Finding(
        kind="env-file",
        place=str(path),
        found=True,
        text=f"{path} sets {', '.join(names)}.",
        use=f"quillkeep --env-file {path}",
    )


def _server(host: str, port: int) -> Finding:
    place = f"{host}:{port}"
    try:
        socket.create_connection((host, port), timeout=LOOK_SECONDS).close()
    except OSError:
        return Finding(kind="mongodb", place=place, found=False, text=f"Nothing answers at {place}.")
    return Finding(
        kind="mongodb",
        place=place,
        found=True,
        text=f"Something answers at {place}, MongoDB's usual port.",
        use=f"MONGODB_URI=mongodb://{place} quillkeep",
    )


def _folder(folder: Path) -> Finding:
    place = str(folder)
    try:
        count = sum(1 for _ in os.scandir(folder))
    except PermissionError:
        return Finding(kind="folder", place=place, found=False, text=f"No permission to read {place}.")
    except OSError:
        return Finding(kind="folder", place=place, found=False, text=f"There is no folder {place}.")
    return Finding(
        kind="folder",
        place=place,
        found=True,
        text=f"{place} holds {count:,} entries.",
        use=f"BACKUP_DIR={place} quillkeep",
    )
