"""The good backups that live data is compared with: the newest ones whose database part counts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from services.catalog.find import why_not
from services.catalog.manifest import CollectionEntry, Manifest, decode_manifest
from services.catalog.model import Backup
from services.catalog.scan import Catalog, survey
from services.jobs.context import JobContext
from services.names import is_ours
from services.passphrase import key_of

if TYPE_CHECKING:
    from services.reading.side import DataSide


class Kept:
    """The catalog of a profile as far as a validation needs it; read when first asked for."""

    def __init__(self, ctx: JobContext) -> None:
        self._ctx = ctx
        self.warnings: list[str] = []

    @cached_property
    def catalog(self) -> Catalog:
        """Everything in the profile's locations."""
        found = survey(self._ctx.profile.locations, self._ctx.profile, self._ctx.paths)
        self.warnings += [f"Could not be read: {problem.sentence}." for problem in found.problems]
        return found

    @cached_property
    def backups(self) -> tuple[Backup, ...]:
        """Every backup of ours with a good database part, the newest first."""
        return tuple(one for one in self.catalog.backups if not why_not(one, ("database",)))

    @cached_property
    def _manifests(self) -> list[Manifest]:
        found: list[Manifest] = []
        for backup in self.backups:
            if len(found) == 2:
                break
            if backup.manifest_path is None or any(one.id == backup.id for one in found):
                continue
            try:
                found.append(decode_manifest(backup.manifest_path.read_bytes()))
            except (OSError, msgspec.DecodeError) as error:
                self.warnings.append(f"The manifest of {backup.id} could not be read: {error}.")
        return found

    @property
    def newest(self) -> Manifest | None:
        """The manifest of the newest one that can be read."""
        return self._manifests[0] if self._manifests else None

    @property
    def before(self) -> Manifest | None:
        """That of the good one before it."""
        return self._manifests[1] if len(self._manifests) > 1 else None

    def entries(self) -> dict[str, CollectionEntry]:
        """The application's collections in the newest one."""
        return _entries(self.newest)

    def entries_before(self) -> dict[str, CollectionEntry]:
        """Those in the one before."""
        return _entries(self.before)

    def side(self, backup: Backup) -> DataSide:
        """A backup's documents. Errors: `QuillkeepError`, an encrypted one that stays closed included."""
        from services.reading.backup import BackupSide
        from services.recovery.contents import read_contents

        profile = self._ctx.profile
        contents = read_contents(
            backup,
            limits=profile.limits,
            from_database=None,
            target_database=profile.mongo.database if profile.mongo else "",
            sole=True,
            check=self._ctx.check,
            advance=lambda amount: None,
            key=key_of(profile),
        )
        return BackupSide(backup.id, contents)


def _entries(manifest: Manifest | None) -> dict[str, CollectionEntry]:
    if manifest is None:
        return {}
    return {name: entry for name, entry in manifest.collections.items() if not is_ours(name)}
