"""A console that is opened on an interrupted restore shows it, unless somebody is already at the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.app import QuillkeepApp


class Attention:
    """Watches jobs and the live database until the first key; then nothing moves under the admin's fingers."""

    def __init__(self, app: QuillkeepApp) -> None:
        self._app = app
        self._over = False

    def leave(self) -> None:
        """A key was pressed."""
        self._over = True

    def heard(self, topic: str) -> None:
        """News of the jobs or of the database: an interrupted restore comes in front once."""
        if self._over or topic not in ("jobs", "live") or self._app.store.jobs.value is None:
            return
        from tui.screens.restore.model import needs_attention

        if needs_attention(self._app.store):
            self._over = True
            self._app.call_later(self._app.action_show_mode, "restore")
