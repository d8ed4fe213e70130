"""Where a backup's reading marks lie, and reading it under one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from services.catalog.model import Backup
from services.errors import QuillkeepError
from services.jobs.context import JobContext
from services.jobs.location_lock import reading
from services.profile import Location, Profile


def location_of(backup: Backup, profile: Profile) -> Location | None:
    """The profile's location a backup lies in, None for one outside of all."""
    for location in profile.locations:
        if location.name == backup.location and backup.folder.is_relative_to(location.path):
            return location
    return None


def marked_folder(backup: Backup, profile: Profile) -> Path:
    """The location's own folder, where writers look for marks; the backup's for one outside of locations."""
    location = location_of(backup, profile)
    return backup.folder if location is None else Path(location.path)


@contextmanager
def being_read(ctx: JobContext, verb: str, *backups: Backup) -> Iterator[None]:
    """Marks backups so that nobody deletes them meanwhile; one that cannot be marked (a full disk) is read all the same."""
    with ExitStack() as stack:
        for backup in backups:
            try:
                stack.enter_context(
                    reading(marked_folder(backup, ctx.profile), backup.id, ctx.job, verb=verb)
                )
            except QuillkeepError as error:
                ctx.log(f"{backup.id} is read without a mark: {error.what} {error.cause}".strip(), "warning")
        yield
