"""One folder of a location, read once: its entries, and the notes kept for it in the state folder."""

from __future__ import annotations

import os
from pathlib import Path

from services.catalog.layout import NOTES_SUFFIX
from services.catalog.notes import Notes, merge_notes, read_notes_file, state_folder
from services.files import PARTIAL
from services.paths import Paths


class Folder:
    """Entries by name, from one scandir; `relative` is the path within the location, empty at its top."""

    def __init__(self, path: str, relative: str, location: str, paths: Paths) -> None:
        self.path = path
        self.as_path = Path(path)
        self.relative = relative
        self.location = location
        self.entries: dict[str, os.DirEntry[str]] = {}
        with os.scandir(path) as found:
            for entry in found:
                if PARTIAL not in entry.name:
                    self.entries[entry.name] = entry
        self._state = _state_notes(path, paths)

    def size(self, name: str) -> int | None:
        """Bytes of a regular file here, None when there is none of that name."""
        entry = self.entries.get(name)
        if entry is None:
            return None
        try:
            if not entry.is_file():
                return None
            return entry.stat().st_size
        except OSError:
            return None

    def notes(self, artefact: str) -> Notes:
        """Everything noted of an artefact of this folder."""
        name = artefact + NOTES_SUFFIX
        found = []
        places = []
        if name in self.entries:
            places.append(f"{self.path}/{name}")
        if name in self._state:
            places.append(self._state[name])
        for place in places:
            try:
                found.append(read_notes_file(place))
            except OSError as error:
                found.append(Notes(unreadable=(f"the notes could not be read: {error.strerror}",)))
        return merge_notes(found) if found else _NONE

    def id_of(self, name: str) -> str:
        """The path of an entry within the location."""
        return f"{self.relative}/{name}" if self.relative else name


_NONE = Notes()


def _state_notes(folder: str, paths: Paths) -> dict[str, str]:
    if not os.path.isdir(paths.notes):
        return {}
    place = str(state_folder(Path(folder), paths))
    try:
        return {name: f"{place}/{name}" for name in os.listdir(place)}
    except OSError:
        return {}
