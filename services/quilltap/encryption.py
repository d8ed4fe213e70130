"""Values the application encrypts (lib/encryption.ts of Quilltap 1.8.5) and a check value of the pepper.

AES-256-GCM with a random IV of 16 bytes and a tag of 16 bytes, both stored as hex, without associated data.
The key is PBKDF2-HMAC-SHA256 of the user's id with the pepper's text, not base64-decoded, as its salt.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from services.errors import QuillkeepError
from services.secret import Secret

ITERATIONS = 100_000
KEY_BYTES = 32
IV_BYTES = 16
TAG_BYTES = 16
MINIMUM_PEPPER = 32
"""Characters the application demands of ENCRYPTION_MASTER_PEPPER (lib/env.ts)."""
CHECK_LABEL = b"quillkeep pepper check 1\0"
CHECK_COST = {"n": 1 << 13, "r": 8, "p": 1}
"""scrypt's cost: 8 MiB and about 20 ms, so that a stolen manifest is no quick oracle."""


class WrongPepper(QuillkeepError):
    """A value does not open with this pepper and this user."""


class Encrypted(msgspec.Struct, frozen=True):
    """The three hex strings a document holds of one value."""

    ciphertext: str
    iv: str
    authTag: str


def derive_key(user_id: str, pepper: Secret) -> bytes:
    """The 32-byte key of one user's values; 100,000 iterations, about 30 ms, remembered for a few users."""
    return _derive(user_id, pepper.reveal())


@lru_cache(maxsize=64)
def _derive(user_id: str, pepper: str) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", user_id.encode(), pepper.encode(), ITERATIONS, KEY_BYTES)


def encrypt_value(text: str, user_id: str, pepper: Secret, *, iv: bytes | None = None) -> Encrypted:
    """Encrypts a text for a user; `iv` (16 bytes) is given only for data that must come out the same again."""
    nonce = os.urandom(IV_BYTES) if iv is None else iv
    sealed = _cipher(derive_key(user_id, pepper)).encrypt(nonce, text.encode(), None)
    return Encrypted(sealed[:-TAG_BYTES].hex(), nonce.hex(), sealed[-TAG_BYTES:].hex())


def decrypt_value(value: Encrypted | Mapping[str, Any], user_id: str, pepper: Secret) -> str:
    """Opens a value, given as the document's own sub-document too. Raises `WrongPepper`."""
    return open_with(value, derive_key(user_id, pepper))


def open_with(value: Encrypted | Mapping[str, Any], key: bytes) -> str:
    """`decrypt_value` with a key already derived."""
    from cryptography.exceptions import InvalidTag

    problem = "An encrypted value does not open with this pepper."
    try:
        given = value if isinstance(value, Encrypted) else _of_document(value)
        sealed = bytes.fromhex(given.ciphertext) + bytes.fromhex(given.authTag)
        opened: bytes = _cipher(key).decrypt(bytes.fromhex(given.iv), sealed, None)
        return opened.decode()
    except InvalidTag:
        raise WrongPepper(problem, cause="Another pepper, another user's id, or a changed value.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise WrongPepper(problem, cause=f"It is not in the application's form: {error}.") from None


def key_check(pepper: Secret, salt: bytes) -> str:
    """A stretched value (64 hex digits) that is equal for equal peppers under one salt, and tells neither.

    scrypt over a label and the salt: it shares no derivation with the application's own keys.
    """
    stretched = hashlib.scrypt(
        pepper.reveal().encode(), salt=CHECK_LABEL + salt, dklen=32, maxmem=64 << 20, **CHECK_COST
    )
    return stretched.hex()


def _of_document(document: Mapping[str, Any]) -> Encrypted:
    return Encrypted(str(document["ciphertext"]), str(document["iv"]), str(document["authTag"]))


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
