"""Checks of what is encrypted: whether the passphrase opens it, and what its own end says of every byte before it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.archive.model import EncryptedDump
from services.checks.evidence import Evidence, unreadable
from services.checks.model import ANOTHER, Outcome, check
from services.errors import QuillkeepError
from services.streams.sniff import HEAD_BYTES, Form

if TYPE_CHECKING:
    from services.archive.walk import Walked

LOOK = "Look at the disk or the mount, then verify again."


def closed(error: EncryptedDump, evidence: Evidence) -> Outcome:
    """What stays closed: not looked at without a passphrase, unknown when what was named does not open it."""
    skipped = error.why == "no-passphrase" and not evidence.key.known
    cause = f" {error.cause.rstrip('.')}." if error.cause else ""
    return Outcome("skipped" if skipped else "unknown", f"{error.what}{cause}", next=error.next)


@check(
    "encryption",
    subject="backup",
    decides="backup",
    depth="quick",
    cost="a moment: one key is derived",
    reads="the first bytes of each encrypted file, and the last ones where the form has no MAC",
    evidence="the tool, the options that fit, or why the file stays closed",
)
def encryption(evidence: Evidence) -> Outcome | None:
    """The passphrase opens what is encrypted."""
    if evidence.backup.encrypted is None:
        return None
    words = []
    for path in (evidence.backup.database_path, evidence.backup.objects_path):
        if path is None or not path.is_file():
            continue
        try:
            found = _opened(evidence, path)
        except EncryptedDump as error:
            return closed(error, evidence)
        except (QuillkeepError, OSError) as error:
            if why := unreadable(error):
                return Outcome("unknown", f"{path.name} {why}", next=LOOK)
            text = error.what if isinstance(error, QuillkeepError) else f"{path.name}: {error.strerror}"
            return Outcome("fail", text, findings=(text,), next=ANOTHER)
        if isinstance(found, Outcome):
            return found
        if found:
            words.append(f"{path.name}: {found}")
    return Outcome("ok", "; ".join(words)) if words else None


def _opened(evidence: Evidence, path: Path) -> str | Outcome:
    """How one file opens, empty for a plain one; damage that shows without a pass is an outcome."""
    from services.archive.model import of_stream
    from services.streams.decrypting import ENCRYPTED_FORMS, opener_for, plain_head
    from services.streams.errors import StreamError
    from services.streams.files import file_chunks
    from services.streams.sniff import sniff_head

    with path.open("rb") as stream:
        form: Form = sniff_head(stream.read(HEAD_BYTES))
    if form not in ENCRYPTED_FORMS:
        return _within(evidence, path) if form in ("tar", "tar.gz") else ""
    opener = opener_for(form, evidence.key, limits=evidence.limits, file=path.name)
    try:
        plain_head(opener, file_chunks(path, advance=lambda amount: None))
    except StreamError as error:
        raise of_stream(error, offset=None, file=path.name) from error
    if wrong := opener.bad_end(path):
        text = f"{path.name}: {wrong}"
        return Outcome("fail", text, findings=(text,), next=ANOTHER)
    return f"{ENCRYPTED_FORMS[form]}, {opener.opened()}"


def _within(evidence: Evidence, path: Path) -> str:
    from services.archive.encrypted_source import EncryptedSource
    from services.archive.source import open_dump

    source = open_dump(path, limits=evidence.limits, key=evidence.key)
    if not isinstance(source, EncryptedSource):
        return ""
    return f"{source.encrypted.tool}, {source.encrypted.opened()}"


@check(
    "decrypt",
    subject="backup",
    decides="database",
    depth="full",
    cost="in the same pass over every byte",
    reads="the ciphertext to its end",
    evidence="the layer and the place in the file, or what the form can prove at all",
)
def decrypt(evidence: Evidence) -> Outcome | None:
    """The ciphertext of the database part is whole and unaltered, as far as its form can prove it."""
    path = evidence.backup.database_path
    if evidence.backup.encrypted is None or path is None or path.is_dir():
        return None
    walked = evidence.walked
    if isinstance(walked, EncryptedDump):
        return closed(walked, evidence)
    if isinstance(walked, Exception):
        return _failed(walked, "database")
    if not walked.encryption:
        return None
    proven = "" if walked.crc_checked or evidence.expected_sha256(path) else _unproven(walked)
    return Outcome("ok", walked.encryption + proven)


def _unproven(walked: Walked) -> str:
    if walked.mac:
        return ""
    return ", and this payload carries no checksums of its documents: what was proven is its structure alone"


@check(
    "objects-decrypt",
    subject="backup",
    decides="objects",
    depth="full",
    cost="in the same pass over every byte",
    reads="the ciphertext of a tar of objects to its end",
    evidence="the layer and the place in the file, or what the form can prove at all",
)
def objects_decrypt(evidence: Evidence) -> Outcome | None:
    """The ciphertext of the objects part is whole and unaltered, as far as its form can prove it."""
    path = evidence.backup.objects_path
    if evidence.backup.encrypted is None or path is None or not path.is_file():
        return None
    from services.objects.foreign_tar import encryption_of

    try:
        tool = encryption_of(path)
    except QuillkeepError as error:
        return _failed(error, "objects")
    if tool is None:
        return None
    found = evidence.objects
    if isinstance(found, EncryptedDump):
        return closed(found, evidence)
    if isinstance(found, Exception):
        return _failed(found, "objects")
    if tool == "gpg":
        return Outcome("ok", "its MDC holds: the ciphertext is whole and unaltered")
    return Outcome(
        "ok", "opened to its last block; this form has no MAC: only its payload's own sums prove the bytes"
    )


def _failed(error: QuillkeepError | OSError, part: str) -> Outcome:
    """Damage in the cipher's own layer fails here; what lies above it is another check's to name."""
    if why := unreadable(error):
        return Outcome("unknown", f"the {part} part {why}", next=LOOK)
    layer = getattr(error, "layer", "")
    if layer:
        text = error.what if isinstance(error, QuillkeepError) else str(error)
        return Outcome("fail", text, findings=(text,), next=ANOTHER)
    if getattr(error, "cipher_whole", False):
        return Outcome("ok", "its MDC holds: what is damaged was so before it was encrypted")
    return Outcome(
        "unknown",
        f"the pass ended above the encryption, with damage in what was encrypted: see the {part} part's own checks",
        next=ANOTHER,
    )
