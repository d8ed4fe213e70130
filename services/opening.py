"""Whether an encrypted backup opens with what is known: its first bytes, a moment's work, before a job is begun."""

from __future__ import annotations

from pathlib import Path

from services.catalog.model import Backup
from services.errors import QuillkeepError
from services.passphrase import BackupKey
from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.locked import EncryptedDump


def encrypted_files(backup: Backup) -> tuple[Path, ...]:
    """The files of a backup that may be encrypted; none for one that the catalog knows to be plain."""
    if backup.encrypted is None:
        return ()
    found = (backup.database_path, backup.objects_path)
    return tuple(path for path in found if path is not None and path.is_file())


def why_closed(backup: Backup, key: BackupKey, *, limits: Limits) -> EncryptedDump | None:
    """What keeps a backup closed, None when it opens, is plain, or is damaged, which is for a job to say."""
    for path in encrypted_files(backup):
        try:
            _open(path, key, limits)
        except EncryptedDump as error:
            return error
        except (QuillkeepError, StreamError, OSError):
            continue
    return None


def _open(path: Path, key: BackupKey, limits: Limits) -> None:
    from services.archive.source import open_dump
    from services.streams.decrypting import ENCRYPTED_FORMS, opener_for, plain_head
    from services.streams.files import file_chunks
    from services.streams.sniff import sniff

    form = sniff(path)
    if form in ENCRYPTED_FORMS:
        opener = opener_for(form, key, limits=limits, file=path.name)
        plain_head(opener, file_chunks(path, advance=lambda amount: None))
    elif form in ("tar", "tar.gz"):
        open_dump(path, limits=limits, key=key)
