"""Why an encrypted file stays closed: nothing is known of its bytes, so this is no damage."""

from __future__ import annotations

from typing import Literal

from services.errors import Refused

Tool = Literal["gpg", "openssl"]
Why = Literal["no-passphrase", "passphrase", "public-key", "no-gpg", "form"]
"""`passphrase`: it does not open the file, or the file's beginning is damaged: the two look the same."""

WRONG = "wrong passphrase or option, or damaged beginning"
ASK = (
    "Name the passphrase's file: --passphrase-file FILE, QUILLKEEP_PASSPHRASE_FILE, or passphrase_file under "
    "[encrypt]. On a terminal the passphrase is asked for."
)


class EncryptedDump(Refused):
    """An encrypted file that was not opened; `tool` made it, `why` sorts the reasons."""

    def __init__(
        self,
        tool: str,
        *,
        file: str = "",
        why: Why = "no-passphrase",
        what: str = "",
        cause: str = "",
        next: str = ASK,
    ) -> None:
        name = file or "The file"
        super().__init__(
            what or f"{name} is encrypted with {tool}, and no passphrase is known.", cause=cause, next=next
        )
        self.tool = tool
        self.why = why


def wrong_passphrase(tool: str, file: str, cause: str, next: str) -> EncryptedDump:
    """The one error of a passphrase that does not fit."""
    name = file or "The file"
    return EncryptedDump(
        tool, file=file, why="passphrase", what=f"{name} does not open: {WRONG}.", cause=cause, next=next
    )
