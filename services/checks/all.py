"""Every check of a backup, registered by being imported, in the order in which they run."""

from services.checks import database, objects, quick
from services.checks.model import CHECKS

_ORDER = (
    "manifest",
    "files",
    "encryption",
    "database-files",
    "checksum-file",
    "archive",
    "sha256",
    "counts",
    "content",
    "objects-files",
    "object-manifest",
    "objects-sha256",
    "objects",
    "object-sizes",
    "missing-objects",
)
BACKUP_CHECKS = tuple(CHECKS[name] for name in _ORDER)

__all__ = ["BACKUP_CHECKS", "database", "objects", "quick"]
