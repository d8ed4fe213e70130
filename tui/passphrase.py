"""The prompt for the passphrase of an encrypted backup: unseen, on a terminal only, before its job begins."""

from __future__ import annotations

import getpass
import re
import sys

import msgspec

from services.catalog.model import Backup
from services.errors import QuillkeepError, Refused
from services.passphrase import BackupKey, key_of
from services.redact import remember
from services.secret import Secret
from services.streams.locked import ASK, EncryptedDump
from tui.session import Session
from tui.terminal import can_ask

TRIES = 3
NEVER_ENCRYPTED = re.compile(r"(latest|live|quilltap_\d{8}_\d{6})?\Z")
"""References to what Quillkeep made itself, or to no backup at all: nothing is looked up for these."""


def ask_for_passphrase(session: Session, *references: str, needed: bool = True) -> None:
    """Asks when one of the backups is encrypted, nothing is known that opens it, and somebody sits there.

    What was typed is kept in the session's profile. `Refused` after three that do not fit, or none; where it is
    not `needed`, Enter alone goes on without. Without a terminal nothing asks, and the job says what it lacks.
    """
    if not can_ask() or key_of(session.profile).known:
        return
    for reference in references:
        if NEVER_ENCRYPTED.match(reference):
            continue
        backup = _encrypted(session, reference)
        if backup is not None:
            _ask(session, backup, needed)
            return


def _encrypted(session: Session, reference: str) -> Backup | None:
    from services.catalog.listing import lookup

    try:
        found, _ = lookup(reference, session.profile, session.paths)
    except QuillkeepError:
        # The verb itself says what is wrong with the reference.
        return None
    return found.backup if found.backup.encrypted is not None else None


def _ask(session: Session, backup: Backup, needed: bool) -> None:
    from services.opening import why_closed

    profile = session.profile
    closed = why_closed(backup, BackupKey(), limits=profile.limits)
    for _ in range(TRIES):
        if closed is None or closed.why not in ("no-passphrase", "passphrase"):
            return
        typed = _hidden(f"Passphrase of {backup.id}{'' if needed else ' (Enter: without)'}: ")
        if not typed and not needed:
            return
        secret = Secret(typed)
        remember(secret)
        tried = msgspec.structs.replace(profile, passphrase=secret)
        closed = why_closed(backup, key_of(tried), limits=profile.limits)
        if closed is None:
            session.keep_passphrase(secret)
            return
        session.output.say(f"{closed.what} {closed.cause}".strip())
    assert isinstance(closed, EncryptedDump)
    raise closed


def _hidden(prompt: str) -> str:
    try:
        typed = getpass.getpass(prompt, stream=sys.stderr)
        typed.encode()
    except EOFError:
        raise Refused("No passphrase was given: the input ended.", next=ASK) from None
    except UnicodeEncodeError:
        raise Refused(
            "What was typed is not UTF-8.", next="Write the passphrase into a file: --passphrase-file FILE."
        ) from None
    return typed
