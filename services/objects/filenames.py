"""Which file an object's key becomes in a snapshot: the key itself where it can be a path, else an escaped name."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path

import msgspec

from services.files import make_private_folder
from services.names import OURS

ESCAPED_FOLDER = f"{OURS}names"
"""Escaped names are `__quillkeep_names/<sha256 of the key>`; the stock tools upload them as keys of ours."""
PARTIAL_FOLDER = f"{OURS}partial"
PROBE = f"{PARTIAL_FOLDER}-probe-"
"""Prefix of the folder that tries what a location can do; a killed run leaves it to the next one's sweep."""
"""Where files are while they are being written, inside the snapshot's folder."""
MAX_SEGMENT_BYTES = 255
MAX_PATH_BYTES = 4_000
"""Below Linux's PATH_MAX of 4,096."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WINDOWS = re.compile(r'[\\:*?"<>|]|[ .](?:/|\Z)')


class FolderTraits(msgspec.Struct, frozen=True, kw_only=True):
    """What the filesystem of a location can do, probed once by trying."""

    case_sensitive: bool = True
    keeps_unicode: bool = True
    any_character: bool = True
    hard_links: bool = True
    why_no_links: str = ""


def probe_folder(folder: Path) -> FolderTraits:
    """Tries names and a hard link in an existing folder and removes them again; raises `OSError` when it cannot write."""
    probe = folder / f"{PROBE}{os.getpid()}-{os.urandom(4).hex()}"
    os.mkdir(probe, 0o700)
    made: list[Path] = []

    def make(name: str) -> bool:
        try:
            handle = os.open(probe / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except (OSError, UnicodeEncodeError):
            return False
        os.close(handle)
        made.append(probe / name)
        return True

    links, why = True, ""
    try:
        make("Case")
        case_sensitive = not (probe / "case").exists()
        make("n\u00e9")
        keeps_unicode = make("ne\u0301")
        any_character = make('a:b*c?d"e<f>g|h\\i. ')
        try:
            os.link(probe / "Case", probe / "link")
            made.append(probe / "link")
        except OSError as error:
            links, why = False, error.strerror or type(error).__name__
    finally:
        for path in made:
            path.unlink(missing_ok=True)
        os.rmdir(probe)
    return FolderTraits(
        case_sensitive=case_sensitive,
        keeps_unicode=keeps_unicode,
        any_character=any_character,
        hard_links=links,
        why_no_links=why,
    )


def escaped_name(key: str) -> str:
    """The file of a key that cannot be a path."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{ESCAPED_FOLDER}/{digest}"


class FileNames:
    """Gives each key of one snapshot its file; clashes go to whoever comes first."""

    def __init__(self, folder: Path, traits: FolderTraits) -> None:
        self._room = MAX_PATH_BYTES - len(os.fsencode(folder)) - 1
        self._traits = traits
        # Hashes instead of names keep 100,000 objects small; a collision only escapes one name needlessly.
        self._files: set[int] = set()
        self._folders: dict[int, str] = {}

    def assign(self, key: str) -> str | None:
        """The escaped file name, or None when the file is the key itself."""
        if not self._plain(key):
            return escaped_name(key)
        return None

    def _fold(self, path: str) -> int:
        if not self._traits.case_sensitive:
            path = path.casefold()
        if not self._traits.keeps_unicode:
            path = unicodedata.normalize("NFC", path)
        return hash(path)

    def _plain(self, key: str) -> bool:
        if not can_be_path(key) or (not self._traits.any_character and _WINDOWS.search(key)):
            return False
        try:
            encoded = os.fsencode(key)
        except UnicodeEncodeError:
            return False
        if len(encoded) > self._room:
            return False
        parents: dict[int, str] = {}
        end = key.rfind("/")
        while end > 0:
            parent = key[:end]
            mark = self._fold(parent)
            known = self._folders.get(mark)
            if known == parent:
                break
            if known is not None or mark in self._files:
                return False
            parents[mark] = parent
            end = key.rfind("/", 0, end)
        mark = self._fold(key)
        if mark in self._files or mark in self._folders:
            return False
        self._files.add(mark)
        self._folders.update(parents)
        return True


def can_be_path(key: str) -> bool:
    """Whether the key is a relative path on any Linux filesystem, outside the names that Quillkeep uses."""
    if not key or _CONTROL.search(key) or key.startswith(OURS):
        return False
    return all(
        part not in ("", ".", "..") and len(part.encode("utf-8", "surrogatepass")) <= MAX_SEGMENT_BYTES
        for part in key.split("/")
    )


def inside(folder: Path, relative: str) -> Path:
    """The path of a snapshot's file; raises `ValueError` when a manifest names one outside the folder."""
    if not relative or "\0" in relative or any(part in ("", ".", "..") for part in relative.split("/")):
        raise ValueError(f"{relative!r} is no path inside a snapshot")
    return folder / relative


def make_folders(folder: Path, relative: str, known: set[str]) -> Path:
    """Makes the folders (0700) that a file of the snapshot lies in, remembering those in `known`."""
    parent = relative.rpartition("/")[0]
    if parent not in known:
        make_private_folder(folder / parent)
        known.add(parent)
    return folder / relative
