"""Which fields are never shown, and what masking leaves of a document."""

from __future__ import annotations

import pytest

from services.quilltap.secret_fields import HIDDEN, SECRET_FIELDS, is_secret, masked


@pytest.mark.parametrize(
    "path",
    [
        *SECRET_FIELDS,
        "totp.ciphertext",
        "totp.enabled",
        "backupCodes.createdAt",
        "accounts[0].access_token",
        "entries[3].apiKey",
        "ACCESS-TOKEN",
        "deep.er[1][2].sessionToken",
        "providerPassword",
    ],
)
def test_what_is_secret(path: str) -> None:
    assert is_secret(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "id",
        "apiKeyId",
        "tokenCount",
        "token_type",
        "parameters.max_tokens",
        "ivy",
        "participants[2].isActive",
    ],
)
def test_what_is_not(path: str) -> None:
    assert not is_secret(path)


def test_masking_keeps_the_form() -> None:
    document = {
        "id": "u1",
        "passwordHash": "$2b$12$abc",
        "totp": {"ciphertext": "00", "enabled": True},
        "accounts": [{"access_token": "ya29", "refresh_token": None, "provider": "google"}],
    }
    assert masked(document) == {
        "id": "u1",
        "passwordHash": HIDDEN,
        "totp": HIDDEN,
        "accounts": [{"access_token": HIDDEN, "refresh_token": None, "provider": "google"}],
    }
    assert document["passwordHash"] == "$2b$12$abc"
