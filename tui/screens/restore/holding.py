"""What backups hold, asked once each and kept while the wizard is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.catalog.model import Backup
from services.errors import QuillkeepError
from services.looking.contents import ContentsAnswer, ContentsRequest
from tui.bridge import apart
from tui.screens.restore.model import WizardState
from tui.store import Problem

if TYPE_CHECKING:
    from tui.app import QuillkeepApp

Held = ContentsAnswer | Problem


def key_of(backup: Backup) -> str:
    """A backup's own key: copies in several locations have the same id."""
    return f"{backup.location}\0{backup.id}"


def held_of(state: WizardState, backup: Backup | None) -> Held | None:
    """What is known of a backup's contents, or why it is not; None before it was asked."""
    return state.held.get(key_of(backup)) if backup is not None else None


async def ask_held(console: QuillkeepApp, state: WizardState, backup: Backup) -> Held:
    """Asks what a backup holds; a second call for the same one answers at once unless the first failed."""
    known = held_of(state, backup)
    if isinstance(known, ContentsAnswer):
        return known
    store = console.store
    held: Held
    try:
        held = await apart(store.backend.look, "contents", store.profile, ContentsRequest(backup=backup))
    except QuillkeepError as error:
        held = Problem.of(error)
    state.held[key_of(backup)] = held
    return held
