"""What a pair check knows of a row of `files` and of an object."""

from __future__ import annotations

from typing import Literal

import msgspec

Verdict = Literal["missing", "size", "sha256", "claimed", "type", "metadata"]
"""What is wrong with a row's object: none there, another size, other bytes, another type in its headers.

`claimed`: its metadata names another sha256, and nobody read its bytes; `metadata`: the bytes are right.
"""

VERDICTS: tuple[Verdict, ...] = ("missing", "size", "sha256", "claimed", "type", "metadata")
BROKEN: tuple[Verdict, ...] = ("missing", "size", "sha256")
"""Those whose bytes are known not to be there as the row says."""


class RowFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a row of `files` says. `key` is None where it has none, `size` where it is no number.

    `sha256` and `mime` are normal forms, empty where absent; `ref` is its `_id` as BSON (live rows only);
    `odd` says what of it has a type the application does not write; `stranger`: the key names another user.
    """

    key: str | None = None
    id: str = ""
    user: str = ""
    size: int | None = None
    sha256: str = ""
    mime: str = ""
    bucket: str = ""
    name: str = ""
    created: str = ""
    ref: bytes = b""
    odd: str = ""
    stranger: bool = False


class ObjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an object: `sha256` of its bytes where they were read, `claimed` what its metadata says.

    `type` is its content type in a normal form, None where headers were not asked for or not kept.
    `missing` says why a backup has no bytes of it, `moved` that it came or went while the backup ran.
    """

    key: str
    size: int
    etag: str = ""
    sha256: str = ""
    claimed: str = ""
    type: str | None = None
    missing: str | None = None
    moved: str = ""
    modified: str = ""


class Broken(msgspec.Struct, frozen=True):
    """A row whose object is not what it should be, and the object where there is one."""

    n: int
    kind: Verdict
    row: RowFacts
    object: ObjectFacts | None
