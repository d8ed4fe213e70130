"""Values under the pepper, object keys and collection names of the application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bson
import pytest

from services.quilltap import (
    COLLECTIONS,
    KNOWN_COLLECTIONS,
    REFERENCES,
    Encrypted,
    EncryptedValue,
    WrongPepper,
    decrypt_value,
    derive_key,
    encrypt_value,
    key_check,
    migrated_key,
    object_key,
    parse_key,
    probe_values,
    safe_name,
)
from services.secret import Secret
from tests.support import FIXTURE_PEPPER

PEPPER = Secret(FIXTURE_PEPPER)
OTHER = Secret("another pepper that is as long as this")
USER = "01d5c235-1c5f-482f-9380-90ef05dc46da"


def fixture(fixtures_dir: Path, name: str) -> list[dict[str, Any]]:
    return bson.decode_all((fixtures_dir / "backup-20261101" / "quilltap" / f"{name}.bson").read_bytes())


def fixture_values(fixtures_dir: Path) -> tuple[list[EncryptedValue], list[str]]:
    users = fixture(fixtures_dir, "users")
    values = [
        EncryptedValue(
            collection, field, document["id"], Encrypted(value["ciphertext"], value["iv"], value["authTag"])
        )
        for collection, field, document, value in [
            *(("users", "totp", user, user["totp"]) for user in users if user.get("totp")),
            *(("api_keys", "ciphertext", key, key) for key in fixture(fixtures_dir, "api_keys")),
        ]
    ]
    return values, [user["id"] for user in users]


def test_fixture_pepper_opens_every_value(fixtures_dir: Path) -> None:
    """The pepper of the fixtures' README opens all api_keys and totp values, and another opens none."""
    values, users = fixture_values(fixtures_dir)
    assert len(values) >= 6
    assert probe_values(values, users, PEPPER, limit=100) == (len(values), len(values))
    assert probe_values(values, users, OTHER, limit=100) == (0, len(values))
    assert probe_values(values, users, PEPPER, limit=3) == (3, 3)


def test_totp_opens_to_base32(fixtures_dir: Path) -> None:
    """A second factor's secret is base32 text of the user it belongs to."""
    user = next(each for each in fixture(fixtures_dir, "users") if each.get("totp"))
    assert decrypt_value(user["totp"], user["id"], PEPPER).isascii()
    with pytest.raises(WrongPepper, match="does not open"):
        decrypt_value(user["totp"], USER, PEPPER)


def test_round_trip_and_damage() -> None:
    """What was encrypted comes back; any other pepper, user or byte is `WrongPepper`, a short form too."""
    sealed = encrypt_value("sk-ランプ-🪔", USER, PEPPER)
    assert decrypt_value(sealed, USER, PEPPER) == "sk-ランプ-🪔"
    for value, user, pepper in [
        (sealed, USER, OTHER),
        (sealed, USER.upper(), PEPPER),
        (Encrypted(sealed.ciphertext[:-2] + "00", sealed.iv, sealed.authTag), USER, PEPPER),
        (Encrypted("zz", sealed.iv, sealed.authTag), USER, PEPPER),
        (Encrypted(sealed.ciphertext, "", ""), USER, PEPPER),
    ]:
        with pytest.raises(WrongPepper) as caught:
            decrypt_value(value, user, pepper)
        assert FIXTURE_PEPPER not in str(caught.value)


def test_key_is_the_applications() -> None:
    """PBKDF2 of the user's id with the pepper's text as salt; the pepper's newline would be another key."""
    assert (
        derive_key(USER, PEPPER).hex() == "5bcdfbe007189e73fcbb5c3ffd40d54a55e19a96ee665945f44fcafb38bf662c"
    )
    assert derive_key(USER, Secret(FIXTURE_PEPPER + "\n")) != derive_key(USER, PEPPER)


def test_key_check_is_stretched_and_salted() -> None:
    """Equal peppers agree under one salt; nothing of the pepper or of a user's key shows."""
    check = key_check(PEPPER, b"salt")
    assert check == key_check(Secret(FIXTURE_PEPPER), b"salt")
    assert check not in {key_check(OTHER, b"salt"), key_check(PEPPER, b"salu")}
    assert len(check) == 64
    assert FIXTURE_PEPPER not in check


def test_unknown_owner_among_too_many_users_is_not_a_failure() -> None:
    """With more users than are tried, a value nobody is known to own counts only when it opens."""
    sealed = encrypt_value("x", "somebody", PEPPER)
    value = EncryptedValue("api_keys", "ciphertext", "k", sealed)
    crowd = [f"user-{number}" for number in range(26)]
    assert probe_values([value], crowd, PEPPER) == (0, 0)
    assert probe_values([value], ["somebody", *crowd], PEPPER) == (1, 1)
    assert probe_values([value], crowd[:3], PEPPER) == (0, 1)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../etc/passwd.png", ".._.._etc_passwd.png"),
        ("two words (final) v2.png", "two_words__final__v2.png"),
        ("灯台.png", "__.png"),
        ("🪔.png", "__.png"),
    ],
)
def test_names_in_keys(name: str, stored: str) -> None:
    """Every UTF-16 unit outside the allowed ones becomes an underscore."""
    assert safe_name(name) == stored


def test_keys_of_uploads_and_of_migrated_files() -> None:
    """Both layouts are read back, and a key of neither is not."""
    file_id = "9900f3d0-b496-4d38-9e51-0eef6914506f"
    today = object_key("pre/", USER, "IMAGE", file_id, "a b.png")
    assert today == f"pre/users/{USER}/IMAGE/{file_id}_a_b.png"
    parts = parse_key(today, "pre/")
    assert parts is not None
    assert (parts.user_id, parts.category, parts.file_id, parts.name) == (USER, "IMAGE", file_id, "a_b.png")
    old = parse_key(migrated_key("", USER, "IMAGE", file_id, "old.png"))
    assert old is not None
    assert old.migrated
    assert not parts.migrated
    for other in (f"users/{USER}/files/x.png", "users/x", today):
        assert parse_key(other) is None


def test_collections() -> None:
    """Eighteen stored names, the guide's spellings beside them, references between known ones only."""
    assert len(set(COLLECTIONS)) == 18
    assert {"connectionProfiles", "connection_profiles"} <= KNOWN_COLLECTIONS
    assert all({each.collection, each.target} <= set(COLLECTIONS) for each in REFERENCES)
