"""What is still missing although the restore is over: database and bucket looked at once more, beside the backup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.catalog.find import newest_good
from services.catalog.manifest import Part
from services.catalog.model import Backup
from tui.screens.restore.evidence import Compared
from tui.screens.restore.following import FollowingStep
from tui.screens.restore.happened import seen_now
from tui.screens.restore.holding import held_of
from tui.store import Problem

if TYPE_CHECKING:
    from tui.store import Looked


class LooksAgain(FollowingStep):
    """A step after the job that says nothing of success before somebody looked."""

    @property
    def undone(self) -> str:
        """The job that rolled it back since: what it brought is then missing on purpose."""
        return ""

    @property
    def _looking(self) -> bool:
        """Whether it is not known yet what is live since the job ended."""
        store, finished = self.console.store, self.run.finished
        if finished is None:
            return not self.run.ended
        if any(one.waiting or one.answered is None or one.answered <= finished.at for one in self._asked):
            return True
        catalog = store.catalog
        if catalog.value is None:
            return catalog.problem is None
        return any(held_of(self.state, backup) is None for backup in self._references().values())

    @property
    def _asked(self) -> list[Looked[Any]]:
        store = self.console.store
        return [
            *([store.looked("live")] if store.profile.mongo else []),
            *([store.looked("bucket")] if store.profile.bucket else []),
        ]

    @property
    def _unknown(self) -> str:
        """Why nobody can tell whether something is missing; empty where it can be told."""
        problem = next((one.problem for one in self._asked if one.problem is not None), None)
        if problem is not None:
            return problem.what
        held = [held_of(self.state, backup) for backup in self._references().values()]
        return next((one.what for one in held if isinstance(one, Problem)), "")

    def _references(self) -> dict[Part, Backup]:
        """The newest good backup of each part, or the older one that was chosen for it."""
        catalog = self.console.store.catalog.value
        result, chosen = self.state.result or {}, self.state.backup
        restored: dict[Part, bool] = {
            "database": bool(result.get("collections")),
            "objects": bool(result.get("objects")),
        }
        references: dict[Part, Backup] = {}
        for part in restored:
            backup = newest_good(catalog.backups, part) if catalog else None
            if chosen is not None and restored[part] and part in chosen.parts:
                backup = chosen
            if backup is not None:
                references[part] = backup
        return references

    @property
    def _still(self) -> Compared:
        """What is seen missing although the restore is over; nothing while nobody looked since."""
        if self._looking or self.undone or self.state.verb not in ("restore", "finish"):
            return Compared()
        found = seen_now(self.console.store, self.state, self._references())
        return found if found.symptoms else Compared()

    @property
    def _missing(self) -> tuple[str, ...]:
        """What is still missing, in words."""
        return tuple(one.text for one in self._still.findings if one.symptom)
