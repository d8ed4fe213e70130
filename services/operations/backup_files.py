"""The names of a backup in its location, from the first byte to the manifest, and what dead runs left."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from services.catalog import layout
from services.errors import QuillkeepError
from services.files import fsync_folder, open_new, partial_name
from services.objects.filenames import PROBE

_PARTIAL = re.compile(r"\.quillkeep-partial-[0-9a-f]{8}(-rebuilt)?$")
_MARKER = re.compile(r"^(quilltap_\d{8}_\d{6})\.quillkeep-partial-[0-9a-f]{8}$")


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """One backup's paths. The marker says that files of this id without a manifest are unfinished.

    It lies beside them under a partial name, durable before the first of them has its own name, and goes
    after the manifest is there; a run that finds it later knows what to sweep.
    """

    folder: Path
    id: str
    marker: Path

    @property
    def archive(self) -> Path:
        """The database part."""
        return self.folder / layout.archive_name(self.id)

    @property
    def sidecar(self) -> Path:
        """Its checksum."""
        return self.folder / layout.sidecar_name(self.id)

    @property
    def objects(self) -> Path:
        """The folder of the objects part."""
        return self.folder / layout.objects_name(self.id)

    @property
    def objects_list(self) -> Path:
        """The object manifest."""
        return self.folder / layout.objects_list_name(self.id)

    @property
    def manifest(self) -> Path:
        """The manifest, the commit point."""
        return self.folder / layout.manifest_name(self.id)

    def close(self) -> None:
        """Takes the marker away: the backup is complete."""
        self.marker.unlink()
        fsync_folder(self.folder)

    def discard(self, partials: Iterable[Path] = ()) -> None:
        """Removes everything of an unfinished backup; keeps all once the manifest is there."""
        for path in partials:
            remove(path)
        _remove_unfinished(self.folder, self.id)
        self.marker.unlink(missing_ok=True)


def open_workspace(folder: Path, now: datetime) -> Workspace:
    """Takes the id of this second, or of the next one whose names are all free; the caller holds the location.

    Errors: `QuillkeepError` when the location cannot be written.
    """
    moment = now
    while _taken(folder, layout.backup_id(moment)):
        moment += timedelta(seconds=1)
    backup = layout.backup_id(moment)
    marker = partial_name(folder / backup)
    try:
        with open_new(marker) as stream:
            stream.write(f"{backup} is being made; its files without a manifest are unfinished\n".encode())
            os.fsync(stream.fileno())
        fsync_folder(folder)
    except OSError as error:
        raise QuillkeepError(
            f"The location {folder} cannot be written.",
            cause=os.strerror(error.errno) if error.errno else str(error),
            next="Check that it is mounted and writable for this user.",
        ) from error
    return Workspace(folder=folder, id=backup, marker=marker)


def _taken(folder: Path, backup: str) -> bool:
    names = (*_part_names(backup), layout.manifest_name(backup), layout.notes_name(backup))
    return any(os.path.lexists(folder / name) for name in (*names, f"{layout.archive_name(backup)}.gpg"))


def _part_names(backup: str) -> tuple[str, ...]:
    return (
        layout.archive_name(backup),
        layout.sidecar_name(backup),
        layout.objects_list_name(backup),
        layout.objects_name(backup),
    )


def sweep(folder: Path) -> list[str]:
    """Removes what dead runs left in a location and names it; only for who holds the location's lock.

    That is partial names, and the files of an id whose marker still lies there while its manifest does not.
    """
    swept = []
    names = sorted(
        entry.name
        for entry in os.scandir(folder)
        if _PARTIAL.search(entry.name) or entry.name.startswith(PROBE)
    )
    markers = [match for match in map(_MARKER.match, names) if match]
    for match in markers:
        swept += _remove_unfinished(folder, match.group(1))
    for name in [name for name in names if not _MARKER.match(name)]:
        remove(folder / name)
        swept.append(name)
    for match in markers:
        (folder / match.string).unlink(missing_ok=True)
    if names:
        fsync_folder(folder)
    return swept


def _remove_unfinished(folder: Path, backup: str) -> list[str]:
    if os.path.lexists(folder / layout.manifest_name(backup)):
        return []
    removed = []
    for name in _part_names(backup):
        if os.path.lexists(folder / name):
            remove(folder / name)
            removed.append(name)
    return removed


def remove(path: Path) -> None:
    """Removes a file, a link or a whole folder of ours; nothing is there: nothing happens."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def publish(partial: Path, final: Path) -> None:
    """Gives a durable file or folder its own name, durably."""
    if os.path.lexists(final):
        raise QuillkeepError(
            f"{final} appeared while the backup ran.",
            touched="It was left alone; this backup's files were removed.",
            next="Run the backup again.",
        )
    os.rename(partial, final)
    fsync_folder(final.parent)


def sidecar_text(sha256: str, name: str) -> bytes:
    """What `sha256sum -c` reads: binary mode, the bare file name."""
    return f"{sha256} *{name}\n".encode()
