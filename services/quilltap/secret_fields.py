"""Fields of the application's documents whose values are never shown, wherever they stand in a document.

What the application encrypts (users.totp, users.backupCodes, api_keys), password hashes, and the tokens that
it stores in clear (sessions, accounts, verification_tokens); and the names other tools give to the like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services import redact

SECRET_FIELDS = (
    "passwordHash",
    "password",
    "totp",
    "backupCodes",
    "ciphertext",
    "iv",
    "authTag",
    "salt",
    "token",
    "sessionToken",
    "access_token",
    "refresh_token",
    "id_token",
    "oauth_token",
    "oauth_token_secret",
    "session_state",
    "secret",
    "client_secret",
    "apiKey",
    "privateKey",
    "pepper",
    "authorization",
    "cookie",
)
"""In any spelling of case, `_` and `-`; what is below one of them is secret too."""

HIDDEN = redact.HIDDEN
"""What stands for a value that is never shown."""

_ENDINGS = ("token", "secret", "password", "passwordhash", "apikey", "privatekey", "ciphertext", "authtag")


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


_NAMES = frozenset(_plain(name) for name in SECRET_FIELDS)


def is_secret_name(name: str) -> bool:
    """Whether values of a field of this name are never shown; `apiKeyId` and `tokenCount` are none of them."""
    plain = _plain(name)
    return plain in _NAMES or plain.endswith(_ENDINGS)


def masked(value: Any) -> Any:
    """A document, or any part of one, with `HIDDEN` in place of what is below secret fields; the rest as it is.

    None stays None: that a token is missing tells nothing of it.
    """
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if is_secret_name(str(name)) and one is not None else masked(one)
            for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(one) for one in value]
    return value
