"""Where a backup can be loaded for a deep verification: embedded, aside in the live server, or nowhere, and why."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import humanize

from services.deep.model import DeepOptions, Place
from services.deep.scratch import (
    MEMORY,
    SERVER_BYTES,
    SPARE_BYTES,
    free_bytes,
    free_memory,
    in_memory,
    marks_folder,
    needed_bytes,
)
from services.paths import Paths
from services.profile import Profile

VERSION_SECONDS = 10.0
INSTALL = "Install Quillkeep with its embedded server: pipx install 'quillkeep[demo]' (Linux x86-64)."


def choose(
    profile: Profile,
    paths: Paths,
    options: DeepOptions,
    *,
    encrypted: bool,
    data_bytes: int | None = None,
    index_bytes: int | None = None,
) -> Place:
    """The place of a load; without `data_bytes` (uncompressed) room is not looked at yet. Asks no server."""
    embedded = _embedded(paths, options, encrypted, data_bytes, index_bytes)
    if options.on == "embedded" or (embedded.where and options.on == "auto"):
        return embedded
    live = _live(profile)
    if options.on == "live":
        return live
    if live.where or live.refused:
        return Place(
            where=live.where, reason=embedded.reason, next=live.next or embedded.next, refused=live.refused
        )
    return Place(where=None, reason=f"{embedded.reason}; {live.reason}", next=embedded.next)


def _embedded(
    paths: Paths, options: DeepOptions, encrypted: bool, data_bytes: int | None, index_bytes: int | None
) -> Place:
    lacking = embedded_problem()
    if lacking is not None:
        return lacking
    memory = encrypted and options.scratch is None
    folder = Path(options.scratch) if options.scratch else MEMORY if memory else marks_folder(paths)
    if options.scratch and not folder.is_dir():
        return Place(
            where=None, reason=f"{folder} is no folder", next="Name a folder that exists with --scratch."
        )
    if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return Place(
            where=None,
            reason=f"this user may not write into {folder}",
            next="Name a folder of this user's own with --scratch.",
        )
    if encrypted and not in_memory(folder):
        return Place(
            where=None,
            reason=f"an encrypted backup is unpacked into memory only, and {folder} is not a tmpfs",
            next="Name a folder on a tmpfs with --scratch, large enough for the documents.",
        )
    if data_bytes is not None:
        short = _room(folder, data_bytes, index_bytes)
        if short:
            return Place(
                where=None,
                reason=short,
                next="Name a folder with more room with --scratch"
                + (", on a tmpfs." if encrypted else ", or free space there."),
            )
    return Place(where="embedded", folder=str(folder))


def _room(folder: Path, data_bytes: int, index_bytes: int | None) -> str:
    """Why a load does not fit into a folder; empty when it does."""
    needed = needed_bytes(data_bytes, index_bytes)
    free = free_bytes(folder)
    if free is None:
        return f"the free space of {folder} cannot be told"
    if free < needed + SPARE_BYTES:
        return f"{folder} has {_size(free)} free, and the embedded server needs {_size(needed + SPARE_BYTES)}"
    if in_memory(folder):
        memory = free_memory()
        wanted = needed + SERVER_BYTES + SPARE_BYTES
        if memory is None:
            return "the free memory of this machine cannot be told"
        if memory < wanted:
            return (
                f"{_size(memory)} of memory are free, and {_size(wanted)} are needed to load into {folder}, "
                "which is memory"
            )
    return ""


def _size(amount: int) -> str:
    return humanize.naturalsize(amount, binary=True)


def embedded_problem() -> Place | None:
    """Why no embedded server can start here; None when one can. Runs `mongod --version`, which takes 20 ms."""
    from services.demo.mongod import mongod_program
    from services.demo.process import ServerFailed

    try:
        program = mongod_program()
    except ServerFailed:
        return Place(where=None, reason="there is no embedded server here", next=INSTALL)
    said, ran = "", False
    try:
        done = subprocess.run(
            [str(program), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_SECONDS,
            check=False,
        )
        ran = done.returncode == 0 and re.search(r"db version v\d", done.stdout) is not None
        said = (done.stderr or done.stdout).strip().partition("\n")[0][:200]
    except (OSError, subprocess.TimeoutExpired) as error:
        said = f"{type(error).__name__}: {error}"[:200]
    if ran:
        return None
    lacks = "libcurl" in said
    return Place(
        where=None,
        reason=f"the embedded server does not start: {said}",
        next="Install the library it needs: apt-get install libcurl4." if lacks else INSTALL,
    )


def _live(profile: Profile) -> Place:
    if profile.mongo is None:
        return Place(where=None, reason="no database is configured, so there is no live server either")
    if profile.read_only:
        return Place(
            where=None,
            reason="this profile is READ-ONLY, so nothing is loaded aside in its live server",
            next=INSTALL,
            refused=True,
        )
    return Place(where="live")
