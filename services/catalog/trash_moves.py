"""Moving a backup into the trash and back: one rename after the other, each durable before the next.

The order is that of the record's names: what the manifest lists first, then the manifest, the notes last.
So a crash leaves a backup that reads as incomplete, by a manifest that is still there, and never a part
without its manifest or without the notes that call it damaged. The way back is the same, from the other end.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from services.catalog import layout
from services.catalog.listing import artefact_name
from services.catalog.model import Backup
from services.catalog.naming import SIDECAR, candidate, printable
from services.catalog.peek import DUMP_ENDINGS
from services.catalog.trash import TRASH, TrashEntry, remove_entry, save_state
from services.errors import QuillkeepError, Refused
from services.files import fsync_folder, make_private_folder, write_whole


def names_of(backup: Backup) -> list[str]:
    """Every file and folder of exactly this backup in its folder, in the order in which they move."""
    folder = backup.folder
    if backup.kind == "quillkeep":
        archive = layout.archive_name(backup.id)
        wanted = [
            backup.objects_list.name if backup.objects_list else layout.objects_list_name(backup.id),
            backup.database_path.name if backup.database_path else archive,
            archive,
            f"{archive}.gpg",
            layout.objects_list_name(backup.id),
            layout.objects_name(backup.id),
            *(path.name for path in backup.files),
            layout.sidecar_name(backup.id),
            f"{archive}.gpg{SIDECAR}",
            layout.manifest_name(backup.id),
            layout.notes_name(backup.id),
        ]
    else:
        # What a foreign dump's folder holds begins at its top, however deep the dump itself lies.
        tops = [path.relative_to(folder).parts[0] for path in backup.files if path != folder]
        sums = [name for name in tops if name.endswith(SIDECAR)]
        wanted = [name for name in tops if name not in sums] + sums
        wanted += [layout.notes_name(name) for name in dict.fromkeys([artefact_name(backup), *tops])]
    return [name for name in dict.fromkeys(wanted) if os.path.lexists(folder / name)]


def require_movable(backup: Backup, root: Path, names: Sequence[str]) -> None:
    """Refuses what one rename cannot move: another file system's files, a mount, a folder not ours to write."""
    device = os.lstat(root).st_dev
    for name in names:
        path = backup.folder / name
        status = os.lstat(path)
        if status.st_dev != device or (stat.S_ISDIR(status.st_mode) and os.path.ismount(path)):
            raise Refused(
                f"{printable(str(path))} lies on another file system than the trash {root / TRASH}.",
                cause="A backup is moved there by renaming it, which never copies and never loses a byte.",
                next=f"Name {printable(str(path.parent))} as a location of its own; then it has its own trash.",
            )
        if backup.kind != "quillkeep" and backup.database_path is not None and stat.S_ISDIR(status.st_mode):
            _refuse_strangers(backup, path)
    folders = {backup.folder, *(backup.folder / name for name in names if _is_folder(backup.folder / name))}
    for folder in folders:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Refused(
                f"{printable(str(folder))} may not be changed by this user.",
                next="Run the command as the user who owns it.",
            )


def _refuse_strangers(backup: Backup, top: Path) -> None:
    """A dump's folder moves as a whole, so nothing else that may be a backup may lie in it."""
    assert backup.database_path is not None
    if not backup.database_path.is_relative_to(top):
        return
    for where, folders, names in os.walk(top):
        dump = any(name.endswith(DUMP_ENDINGS) for name in names)
        strange = [name for name in names if candidate(name) != "no" and not name.endswith(DUMP_ENDINGS)]
        if not (dump or folders or Path(where) == top) and names:
            strange += names
        if strange:
            raise Refused(
                f"The folder {printable(str(top))} holds more than this dump: "
                f"{printable(os.path.join(where, strange[0]))}.",
                cause="A dump's folder is moved as a whole, and that may be a backup of its own.",
                next="Move one of them into a folder of its own, then run the command again.",
            )


def move_in(entry: TrashEntry) -> TrashEntry:
    """Moves what is not yet in the trash; what cannot be moved puts everything back.

    Errors: `QuillkeepError` saying what is where.
    """
    moved: list[str] = []
    for name in entry.names:
        source, target = entry.place / name, entry.files / name
        if os.path.lexists(target) or not os.path.lexists(source):
            continue
        try:
            move(source, target)
        except OSError as error:
            raise _taken_back(entry, moved, name, error) from error
        moved.append(name)
    return save_state(entry, "trashed")


def _taken_back(entry: TrashEntry, moved: list[str], name: str, error: OSError) -> QuillkeepError:
    touched = "Nothing was deleted: what had been moved was put back."
    following = "Correct that and run the command again."
    try:
        for done in reversed(moved):
            move(entry.files / done, entry.place / done)
        if not any(os.scandir(entry.files)):
            remove_entry(entry)
    except OSError as trouble:
        touched = (
            f"{len(moved)} of {len(entry.names)} files are in {entry.path}; putting them back failed: "
            f"{trouble.strerror}. Nothing was lost."
        )
        following = (
            f"`quillkeep delete {entry.record.id}` goes on, `quillkeep trash restore {entry.name}` undoes it."
        )
    return QuillkeepError(
        f"{printable(name)} could not be moved into the trash.",
        cause=f"{error.strerror or error}.",
        touched=touched,
        next=following,
    )


def taken_names(entry: TrashEntry) -> list[str]:
    """Names that a restore from the trash would need and that are another's now; notes alone take nothing."""
    return [
        name
        for name in entry.names
        if os.path.lexists(entry.files / name)
        and os.path.lexists(entry.place / name)
        and not name.endswith(layout.NOTES_SUFFIX)
    ]


def move_out(entry: TrashEntry) -> None:
    """Moves everything back where it was and takes the entry away.

    Errors: `Refused` when a name is taken or its folder left the location; `QuillkeepError` for what cannot
    be moved, after which the same command goes on.
    """
    taken = taken_names(entry)
    if taken:
        raise Refused(
            f"{entry.record.id} cannot go back: {printable(str(entry.place / taken[0]))} is there.",
            cause="Another backup took its name since, or it was copied there.",
            next="Move that away, or leave this one in the trash.",
        )
    real = os.path.realpath(entry.place)
    if not Path(real).is_relative_to(os.path.realpath(entry.root)):
        raise Refused(
            f"{printable(str(entry.place))} is a link that leads out of the location.",
            next="Move the link away, then run the command again.",
        )
    entry = save_state(entry, "restoring")
    try:
        make_private_folder(entry.place)
        # A verify by its path in the trash may have begun notes there.
        lying = os.listdir(entry.files) if entry.files.is_dir() else []
        noted = [name for name in lying if name.endswith(layout.NOTES_SUFFIX)]
        for name in dict.fromkeys([*noted, *reversed(entry.names)]):
            source, target = entry.files / name, entry.place / name
            if not os.path.lexists(source):
                continue
            if name.endswith(layout.NOTES_SUFFIX) and os.path.lexists(target):
                _join_notes(source, target)
            else:
                move(source, target)
        remove_entry(entry)
    except OSError as error:
        raise QuillkeepError(
            f"{entry.record.id} is only partly back.",
            cause=f"{error.strerror or error}.",
            touched=f"What is not back lies in {entry.path}. Nothing was lost.",
            next=f"Correct that, then `quillkeep trash restore {entry.name}` goes on.",
        ) from error


def _join_notes(source: Path, target: Path) -> None:
    """Notes that were written after the deletion (by a verify that had begun before) stay beside the old ones."""
    write_whole(target, source.read_bytes().rstrip(b"\n") + b"\n" + target.read_bytes())
    source.unlink()
    fsync_folder(source.parent)


def move(source: Path, target: Path) -> None:
    """Renames, durably, and never over something that is there. Errors: `OSError`."""
    if os.path.lexists(target):
        raise OSError(errno.EEXIST, "there is a file of that name already", str(target))
    os.rename(source, target)
    fsync_folder(target.parent)
    fsync_folder(source.parent)


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(os.lstat(path).st_mode)
