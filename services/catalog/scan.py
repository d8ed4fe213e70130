"""The catalog: every backup in every location, ours and foreign, newest first."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from services.catalog.deployment import Deployment
from services.catalog.folder import Folder
from services.catalog.foreign import foreign_backups
from services.catalog.model import Backup
from services.catalog.naming import printable
from services.catalog.own import OwnRecord, as_backup, own_records
from services.catalog.sizes import Sizes
from services.errors import QuillkeepError
from services.paths import Paths
from services.profile import Location, Profile

MAX_DEPTH = 3
"""Folders below a location that are looked into; a dump or a mirrored bucket is never descended."""
MAX_FOLDERS = 2_000
"""Folders looked into per location, so that a location that is a home folder does not hang a list."""

NOT_BACKUPS = frozenset(
    {"lost+found", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "#recycle", "#snapshot"}
)
"""Folders that file systems and NAS boxes make; most users may not read them, and no backup lies there."""


class LocationProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A location, or a folder of one, that could not be read: its backups are unknown, not absent."""

    location: str
    path: str
    problem: str

    @property
    def sentence(self) -> str:
        """What an admin reads."""
        return f"{printable(self.path)} (location {self.location}): {self.problem}"


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """All backups, newest first, and what could not be looked at."""

    backups: tuple[Backup, ...]
    problems: tuple[LocationProblem, ...] = ()
    sizes: dict[str, Sizes] = {}
    """By id, of the newest good backup of each part, where a look asked for them."""


def survey(locations: Sequence[Location], profile: Profile, paths: Paths) -> Catalog:
    """Looks through all locations; what cannot be read is named and never ends the survey."""
    return survey_with(locations, Deployment(profile), paths)


def survey_with(locations: Sequence[Location], deployment: Deployment, paths: Paths) -> Catalog:
    """`survey` with the deployment's marks at hand."""
    backups: list[Backup] = []
    records: list[OwnRecord] = []
    problems: list[LocationProblem] = []
    seen: set[str] = set()
    for location in locations:
        real = os.path.realpath(location.path)
        if real in seen:
            continue
        seen.add(real)
        _scan_location(location, deployment, paths, records, backups, problems)
    lost = frozenset(key for record in records if not record.other for key in record.lost)
    backups += [as_backup(record, lost) for record in records]
    backups.sort(key=lambda backup: (backup.created, backup.id), reverse=True)
    return Catalog(backups=tuple(backups), problems=tuple(problems))


def scan(locations: Sequence[Location], profile: Profile, paths: Paths) -> list[Backup]:
    """Every backup of the locations, newest first.

    Errors: `QuillkeepError` when a location cannot be read, since a list without its backups would read
    as if there were none; `survey` gives what the readable ones hold beside what could not be read.
    """
    catalog = survey(locations, profile, paths)
    roots = {location.path for location in locations}
    unreadable = [problem for problem in catalog.problems if problem.path in roots]
    if unreadable:
        raise QuillkeepError(
            f"The backups in {unreadable[0].path} cannot be listed: {unreadable[0].problem}.",
            cause="; ".join(problem.sentence for problem in unreadable[1:]),
            next="Run the command as a user that may read it, or check that it is mounted.",
        )
    return list(catalog.backups)


def _scan_location(
    location: Location,
    deployment: Deployment,
    paths: Paths,
    records: list[OwnRecord],
    backups: list[Backup],
    problems: list[LocationProblem],
) -> None:
    todo = [(location.path, "", 0)]
    looked = 0
    while todo:
        path, relative, depth = todo.pop()
        try:
            folder = Folder(path, relative, location.name, paths)
        except OSError as error:
            problems.append(
                LocationProblem(
                    location=location.name, path=path, problem=location_words(error, top=not depth)
                )
            )
            continue
        looked += 1
        readable, unusable, taken = own_records(folder, deployment)
        foreign, others = foreign_backups(folder, taken)
        records += readable
        backups += unusable
        backups += foreign
        if depth >= MAX_DEPTH:
            continue
        for name in others:
            if name in NOT_BACKUPS or folder.entries[name].is_symlink():
                continue
            if looked + len(todo) >= MAX_FOLDERS:
                problems.append(
                    LocationProblem(
                        location=location.name,
                        path=location.path,
                        problem=f"only the first {MAX_FOLDERS:,} folders were looked into",
                    )
                )
                return
            todo.append((f"{path}/{name}", folder.id_of(name), depth + 1))


def location_words(error: OSError, *, top: bool = True) -> str:
    """Why a folder could not be listed, in an admin's words."""
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, FileNotFoundError):
        return "the folder does not exist (not mounted?)" if top else "the folder vanished while it was read"
    if isinstance(error, NotADirectoryError):
        return "it is a file, not a folder"
    return f"it cannot be read: {error.strerror or error}"


def accepted_lost(backups: Sequence[Backup]) -> frozenset[str]:
    """Object keys accepted as lost for this deployment; a new backup lists them as lost, not missing."""
    return frozenset(key for backup in backups if backup.ours for key in backup.lost_keys)


def known_salt(backups: Sequence[Backup]) -> bytes | None:
    """Salt of the newest backup of ours that has a pepper key-check.

    A new backup derives its key-check with it again, so that a list costs one key derivation and not
    one for every backup; None for the first one, which takes 16 random bytes.
    """
    for backup in backups:
        if backup.ours and backup.pepper_salt:
            try:
                return bytes.fromhex(backup.pepper_salt)
            except ValueError:
                continue
    return None


__all__ = [
    "Catalog",
    "LocationProblem",
    "accepted_lost",
    "known_salt",
    "location_words",
    "scan",
    "survey",
    "survey_with",
]
