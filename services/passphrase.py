"""Where the passphrase of encrypted backups comes from: the profile, or the first line of its file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from services.profile import Profile
from services.redact import remember
from services.secret import Secret
from services.streams.locked import ASK, EncryptedDump

MAX_LINE = 1024
"""Bytes a passphrase may have; gpg takes 255, openssl 1,024."""


class BackupKey(msgspec.Struct, frozen=True, kw_only=True):
    """What opens encrypted backups; nothing is read before `reveal` is asked.

    `iterations` is the count of a `openssl enc -pbkdf2 -iter N`, None for the usual ones.
    """

    passphrase: Secret | None = None
    file: str | None = None
    iterations: int | None = None

    @property
    def known(self) -> bool:
        """Whether a passphrase or its file was named."""
        return self.passphrase is not None or bool(self.file)

    def reveal(self, tool: str, name: str = "") -> bytes:
        """The passphrase as bytes. `EncryptedDump` without one, for an empty one, and for a file that cannot be read."""
        if self.passphrase is not None:
            found = self.passphrase.reveal().encode("utf-8", "surrogateescape")
            return _usable(found, tool, name, "The passphrase")
        if not self.file:
            raise EncryptedDump(tool, file=name)
        return _usable(first_line(self.file, tool, name), tool, name, f"The passphrase in {self.file}")


def key_of(profile: Profile) -> BackupKey:
    """What a profile says of opening encrypted backups."""
    return BackupKey(
        passphrase=profile.passphrase,
        file=profile.passphrase_file,
        iterations=profile.openssl_iterations,
    )


def first_line(path: str, tool: str = "", name: str = "") -> bytes:
    """The first line of a passphrase file without its line feed, as gpg and openssl take it.

    Whatever it holds is redacted from now on. `EncryptedDump` in words of its own when it cannot be read.
    """
    try:
        with Path(path).expanduser().open("rb") as stream:
            line = stream.readline(MAX_LINE + 2)
    except OSError as error:
        what = f"The passphrase file {path} cannot be read."
        step = "Correct the path (--passphrase-file, QUILLKEEP_PASSPHRASE_FILE, passphrase_file under [encrypt])."
        if isinstance(error, PermissionError):
            what = f"No permission to read the passphrase file {path}."
            step = "Run the command as a user that may read it."
        raise EncryptedDump(tool, file=name, what=what, cause=error.strerror or "", next=step) from error
    found = line.removesuffix(b"\n")
    remember(Secret(found.decode("utf-8", "surrogateescape")))
    return found


def piped_passphrase(path: str) -> Secret:
    """What a pipe or a terminal gives as passphrase; errors as `first_line`."""
    return Secret(first_line(path, "gpg").decode("utf-8", "replace"))


def is_pipe(path: str) -> bool:
    """Whether a passphrase file can be read once only, and only by this process: `<(pass show …)`."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def _usable(found: bytes, tool: str, name: str, what: str) -> bytes:
    if not found.strip(b"\r"):
        raise EncryptedDump(
            tool,
            file=name,
            what=f"{what} is empty: an empty one opens nothing.",
            next="Write the passphrase into the file's first line, or name another with --passphrase-file."
            if "/" in what
            else ASK,
        )
    if len(found) > MAX_LINE or b"\0" in found:
        raise EncryptedDump(
            tool,
            file=name,
            what=f"{what} is no passphrase: a first line of more than {MAX_LINE:,} bytes, or with a zero byte.",
            next="Name the file that holds the passphrase alone: --passphrase-file FILE.",
        )
    return found
