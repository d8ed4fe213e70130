"""Before a job reads an encrypted backup: the passphrase that opens it, asked for once and kept for the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from services.catalog.model import Backup
from services.errors import QuillkeepError
from services.looking.opening import OpeningAnswer, OpeningRequest
from tui.bridge import apart
from tui.plan_names import READING, named_backups

if TYPE_CHECKING:
    from tui.app import QuillkeepApp

ASKED_FOR = frozenset({"no-passphrase", "passphrase"})
"""Why a backup stays closed, where another passphrase may open it."""


async def ready_for(console: QuillkeepApp, verb: str, plan: msgspec.Struct) -> bool:
    """Whether the job may begin: False when its backup needs a passphrase and nobody gave one."""
    if verb not in READING:
        return True
    for backup in encrypted_ones(console, plan):
        if not await ask_passphrase(console, backup):
            console.say(
                f"Not begun: {backup.id} is encrypted, and no passphrase was given.", severity="warning"
            )
            return False
    return True


async def ask_passphrase(console: QuillkeepApp, backup: Backup) -> bool:
    """Asks until the passphrase opens the backup; True as well when none would help, which the job says.

    What was typed is kept in the profile of this console, in memory alone. To be called in a worker.
    """
    from textual.worker import NoActiveWorker, get_current_worker

    from tui.screens.passphrase import PassphraseModal

    if backup.encrypted is None:
        return True
    answer = await try_open(console, backup)
    if answer.why not in ASKED_FOR:
        return True
    try:
        get_current_worker()
    except NoActiveWorker:
        return True
    found = await console.push_screen_wait(PassphraseModal(backup, answer))
    if found is None:
        return False
    console.store.keep_passphrase(found)
    return True


async def try_open(console: QuillkeepApp, backup: Backup, typed: str | None = None) -> OpeningAnswer:
    """Whether the backup opens with what was typed, else with what the profile knows; a disk that hangs opens nothing."""
    from services.secret import Secret

    store = console.store
    profile = store.profile
    if typed is not None:
        profile = msgspec.structs.replace(profile, passphrase=Secret(typed))
    try:
        answer = await apart(store.backend.look, "opening", profile, OpeningRequest(backup=backup))
    except QuillkeepError as error:
        if typed is None:
            return OpeningAnswer()
        return OpeningAnswer(why="unknown", what=error.what, next=error.next)
    return answer if isinstance(answer, OpeningAnswer) else OpeningAnswer()


def encrypted_ones(console: QuillkeepApp, plan: msgspec.Struct) -> list[Backup]:
    """The encrypted backups that a plan names, as far as the catalog knows them."""
    catalog = console.store.catalog.value
    if catalog is None:
        return []
    names = set(named_backups(plan))
    return [one for one in catalog.backups if one.encrypted is not None and names & _called(one)]


def _called(backup: Backup) -> set[str]:
    paths = (backup.database_path, backup.objects_path, backup.folder / backup.id)
    return {backup.id, f"./{backup.id}", *(str(path) for path in paths if path is not None)}
