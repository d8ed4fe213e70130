"""The `commands` of `show`: everything an admin needs to use this backup when Quillkeep is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.catalog.model import Backup
from services.catalog.stock import (
    NO_ARGUMENTS,
    aside_commands,
    escaped_command,
    notes,
    prepare_commands,
    restore_commands,
    verify_commands,
)
from services.errors import QuillkeepError
from services.profile import Profile


def stock_page(backup: Backup, profile: Profile, database: str, escaped: int = 0) -> dict[str, Any]:
    """{prepare, verify, aside, restore}: lists of commands, and `notes` in words; what cannot be told is a comment.

    `escaped` is how many objects lie under names that are not their keys.
    """
    restore = _told(lambda: restore_commands(backup, profile, database))
    if escaped and backup.objects_list is not None:
        restore.append(escaped_command(backup, profile))
    return {
        "prepare": _told(lambda: prepare_commands(backup, profile)),
        "verify": _told(lambda: verify_commands(backup)),
        "aside": _told(lambda: aside_commands(backup, profile, database)),
        "restore": restore,
        "notes": notes(backup, profile, escaped),
        "note": NO_ARGUMENTS,
    }


def _told(commands: Callable[[], list[str]]) -> list[str]:
    try:
        return commands()
    except OSError as error:
        return [f"# the backup cannot be read: {error.strerror}"]
    except QuillkeepError as error:
        return [f"# {error.what}"]
