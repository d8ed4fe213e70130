"""Which fields are never shown, and what masking leaves of a document."""

from __future__ import annotations

import pytest

from services.quilltap.secret_fields import HIDDEN, SECRET_FIELDS, is_secret_name, masked


@pytest.mark.parametrize(
    "name",
    [*SECRET_FIELDS, "ACCESS-TOKEN", "providerPassword"],
)
def test_what_is_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "id", "apiKeyId", "tokenCount", "token_type", "max_tokens", "ivy", "isActive"],
)
def test_what_is_not(name: str) -> None:
    assert not is_secret_name(name)


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
