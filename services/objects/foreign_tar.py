"""Members of a foreign tar or tar.gz of objects, one pass, hostile ones refused before anything is written."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from services.errors import QuillkeepError
from services.profile import Limits

RATIO_GRACE_BYTES = 64 << 20


class TarMember(msgspec.Struct, frozen=True):
    """A member: `stream` gives its bytes until the next member is asked for, None when it is no regular file."""

    name: str
    size: int
    stream: IO[bytes] | None


def _bad(path: Path, why: str) -> QuillkeepError:
    return QuillkeepError(
        f"The tar of objects {path.name} cannot be trusted: {why}.",
        next="Use another backup; `quillkeep list` shows which are good.",
    )


def _clean(path: Path, name: str) -> str:
    while name.startswith("./"):
        name = name[2:]
    parts = name.split("/")
    if name.startswith("/") or ".." in parts:
        raise _bad(path, f"the member {name!r} points outside of it")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise _bad(path, f"the member {name!r} is not named in UTF-8") from None
    return name.rstrip("/")


def tar_members(path: Path, limits: Limits) -> Iterator[TarMember]:
    """Streams the members. Raises `QuillkeepError` for outside names, duplicates, bombs, damage, too many members."""
    from isal import igzip, isal_zlib

    library: Any = isal_zlib
    opening: Any = igzip.open
    seen: set[str] = set()
    total = 0
    most = max(RATIO_GRACE_BYTES, path.stat().st_size * limits.max_ratio)
    try:
        with open(path, "rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        source: Any = opening(path, "rb") if zipped else open(path, "rb")  # noqa: SIM115  closed below
        with source, tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                # tarfile remembers every member; a stream never goes back to them.
                archive.members = []  # type: ignore[attr-defined]
                name = _clean(path, member.name)
                if member.isdir():
                    continue
                if name in seen:
                    raise _bad(path, f"it has {name!r} twice")
                seen.add(name)
                total += member.size
                if len(seen) > limits.max_members:
                    raise _bad(path, f"it has more than {limits.max_members:,} members")
                if total > limits.max_bytes or total > most:
                    raise _bad(path, f"it unpacks to more than {min(limits.max_bytes, most):,} bytes")
                regular = member.isreg() and not member.issparse()
                yield TarMember(name, member.size, archive.extractfile(member) if regular else None)
            while source.read(1 << 20):
                # To the end, so that gzip's own checksum is compared.
                pass
    except (tarfile.TarError, OSError, EOFError, library.error) as error:
        raise _bad(path, f"it is damaged ({error})") from error
