"""What Quilltap's data looks like: collections, references, object keys, and values under the pepper.

Facts are of Quilltap 1.8.5 as it was watched at work, and of its source; other versions differ, so nothing
here is a list of all that may exist.
"""

from __future__ import annotations

from services.quilltap.collections import (
    COLLECTIONS,
    GUIDE_NAMES,
    KNOWN_COLLECTIONS,
    PASSING_COLLECTIONS,
    REFERENCES,
    Reference,
    stored_name,
)
from services.quilltap.encryption import (
    Encrypted,
    WrongPepper,
    decrypt_value,
    derive_key,
    encrypt_value,
    key_check,
)
from services.quilltap.objects import (
    KeyParts,
    migrated_key,
    object_key,
    object_metadata,
    parse_key,
    safe_name,
)
from services.quilltap.probe import EncryptedValue, Opener, probe_pepper, probe_values

__all__ = [
    "COLLECTIONS",
    "Encrypted",
    "EncryptedValue",
    "GUIDE_NAMES",
    "KNOWN_COLLECTIONS",
    "KeyParts",
    "Opener",
    "PASSING_COLLECTIONS",
    "REFERENCES",
    "Reference",
    "WrongPepper",
    "decrypt_value",
    "derive_key",
    "encrypt_value",
    "key_check",
    "migrated_key",
    "object_key",
    "object_metadata",
    "parse_key",
    "probe_pepper",
    "probe_values",
    "safe_name",
    "stored_name",
]
