"""Every picture there is."""

from __future__ import annotations

from tests.pictures.scene import Scene
from tests.pictures.scenes_backups import ARCHIVES, HEALTH
from tests.pictures.scenes_collections import COLLECTIONS
from tests.pictures.scenes_integrity import INTEGRITY
from tests.pictures.scenes_others import OTHERS
from tests.pictures.scenes_restore import AFTERWARDS, WIZARD

SCENES: tuple[Scene, ...] = (*HEALTH, *ARCHIVES, *WIZARD, *AFTERWARDS, *INTEGRITY, *COLLECTIONS, *OTHERS)
