"""Reads what a backup's manifest, or the head of a foreign dump, says of its contents."""

from __future__ import annotations

import os

import msgspec

from services.archive.source import open_dump
from services.catalog.manifest import Manifest, decode_manifest
from services.catalog.model import Backup
from services.catalog.naming import printable
from services.errors import QuillkeepError
from services.looking.contents import CollectionHeld, ContentsAnswer
from services.names import is_ours
from services.passphrase import key_of
from services.profile import Profile
from services.streams.locked import EncryptedDump

WHOLE = "Its counts are known once it was read to its end: the plan does that."


def read(backup: Backup, profile: Profile) -> ContentsAnswer:
    """The answer of `services.looking.contents.look`."""
    if backup.kind == "quillkeep" and backup.manifest_path is not None:
        return _of_manifest(backup, _manifest(backup))
    if backup.database_path is None:
        return ContentsAnswer(id=backup.id, unknown="It has no database part.")
    if backup.kind == "tar":
        return ContentsAnswer(id=backup.id, unknown=f"A tar names nothing in advance. {WHOLE}")
    try:
        source = open_dump(backup.database_path, limits=profile.limits, key=key_of(profile))
    except EncryptedDump as closed:
        return ContentsAnswer(id=backup.id, unknown=closed.what)
    if source.form.startswith("tar"):
        return ContentsAnswer(id=backup.id, unknown=f"A tar names nothing in advance. {WHOLE}")
    prelude = source.prelude()
    databases = sorted({entry.namespace.database for entry in prelude.collections})
    wanted = profile.mongo.database if profile.mongo else ""
    database = wanted if wanted in databases else databases[0] if len(databases) == 1 else ""
    return ContentsAnswer(
        id=backup.id,
        database=database,
        collections=tuple(
            CollectionHeld(name=entry.namespace.collection, kind=entry.kind)
            for entry in sorted(prelude.collections, key=lambda entry: entry.namespace.collection)
            if entry.namespace.database == database
            and not is_ours(entry.namespace.collection)
            and not entry.namespace.collection.startswith("system.")
        ),
        server_version=prelude.server_version,
        unknown=WHOLE if database else f"It holds the databases {', '.join(databases) or 'none'}. {WHOLE}",
    )


def _manifest(backup: Backup) -> Manifest:
    path = backup.manifest_path
    assert path is not None
    try:
        return decode_manifest(path.read_bytes())
    except OSError as error:
        raise QuillkeepError(
            f"The manifest {printable(str(path))} cannot be read.",
            cause=f"{os.strerror(error.errno or 0)}.",
            touched="Nothing was changed: it only looked.",
            next="Check that its disk is mounted and that this user may read it.",
        ) from None
    except msgspec.DecodeError as error:
        raise QuillkeepError(
            f"The manifest {printable(str(path))} is damaged.",
            cause=f"{error}.",
            touched="Nothing was changed: it only looked.",
            next="Choose another backup, or name its archive by its path.",
        ) from None


def _of_manifest(backup: Backup, manifest: Manifest) -> ContentsAnswer:
    return ContentsAnswer(
        id=backup.id,
        database=manifest.database,
        collections=tuple(
            CollectionHeld(
                name=name,
                kind=entry.kind,
                documents=None if entry.kind == "view" else entry.documents,
                bytes=entry.bytes,
            )
            for name, entry in sorted(manifest.collections.items())
            if not is_ours(name)
        ),
        excluded=manifest.excluded,
        objects=manifest.objects.count if manifest.objects else None,
        object_bytes=manifest.objects.bytes if manifest.objects else None,
        server_version=manifest.server_version,
        application_version=manifest.application_version,
    )
