"""What the redactor takes out of texts, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services import redact as module
from services.redact import redact, remember
from services.secret import Secret


@pytest.fixture(autouse=True)
def forgets_afterwards() -> Iterator[None]:
    before = set(module._known)
    yield
    module._known.clear()
    module._known.update(before)


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("at mongodb://me:hunter2@h:1/db", "hunter2", "h:1/db"),
        ("at mongodb+srv://me:p%40ss@h/db", "p%40ss", "h/db"),
        ("http://key:sekret@minio:9000/x", "sekret", "minio:9000"),
        ('{"secretAccessKey": "abc/def"}', "abc/def", "secretAccessKey"),
        ("S3_SECRET_KEY=abcdef", "abcdef", "S3_SECRET_KEY"),
        ("passphrase: correct-horse", "correct-horse", "passphrase"),
        ("ENCRYPTION_MASTER_PEPPER='salty'", "salty", "PEPPER"),
        ("key id AKIAIOSFODNN7EXAMPLE denied", "AKIAIOSFODNN7EXAMPLE", "denied"),
        ("hash $2b$12$" + "a" * 53, "aaaa", "hash"),
        ('E11000 dup key: { email: "ines@example.org" }', "ines@", "E11000"),
        ("failed, full error: {'keyValue': {'email': 'ines'}}", "ines", "failed"),
        ("https://models.example/v1?api_key=sk-abc&x=1", "sk-abc", "x=1"),
        ("GET /k?X-Amz-Signature=0badc0de&x=1", "0badc0de", "x=1"),
    ],
)
def test_patterns(text: str, gone: str, left: str) -> None:
    assert gone not in redact(text)
    assert left in redact(text)


PEPPER = "cXVpbGxrZWVwLXNhbXBsZS1wZXBwZXItbm90LWEtc2VjcmV0"


@pytest.mark.parametrize(
    "text",
    [
        "pepper: No pepper is configured.",
        "pepper: The configured pepper opens 5 of 7 encrypted values: 1 of 3 API keys.",
        "pepper: fail: The configured pepper opens none of 7 encrypted values",
        "pepper: ok",
        "pepper: skipped: No pepper is configured. 7 encrypted values were not tried.",
        "x error: pepper: There is no encrypted value.",
    ],
)
def test_what_is_said_of_the_pepper_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"pepper: {PEPPER}",
        f"pepper:{PEPPER}",
        f"pepper: ok{PEPPER}",
        f"pepper: fail{PEPPER} is not it",
        f'pepper: "{PEPPER}"',
        f"{{'pepper': '{PEPPER}'}}",
        f"Pepper: {PEPPER}",
        f"pepper = {PEPPER}",
        f"ENCRYPTION_MASTER_PEPPER={PEPPER}",
        f"ENCRYPTION_MASTER_PEPPER: {PEPPER}",
        f"--pepper={PEPPER} was given",
        f"pepper: fail: pepper: {PEPPER}",
    ],
)
def test_a_pepper_goes(text: str) -> None:
    assert PEPPER not in redact(text) and redact(text).count("***") == 1


@pytest.mark.parametrize(
    "text",
    [
        "ENCRYPTION_MASTER_PEPPER=No salt like mine",
        "ENCRYPTION_MASTER_PEPPER: No salt like mine",
        "passphrase: No salt like mine",
        "password: No salt like mine",
        'pepper: "No salt like mine"',
        "pepper=No salt like mine",
        "pepper: no salt like mine",
        "pepper: Nosaltlikemine",
        "pepper: Salt-and-sugar",
    ],
)
def test_words_after_the_name_of_a_secret_go_as_before(text: str) -> None:
    assert "***" in redact(text) and "No" not in redact(text)


def test_what_is_hidden_already_stays_as_it_is() -> None:
    for text in (
        '{"Authorization": "(not shown)", "n": 1}',
        "token: (not shown)",
        '[{"password": "(not shown)"}]',
    ):
        assert redact(text) == text
    assert redact('"token": "(not shown)xyz-secret"') == '"token": "*** shown)xyz-secret"'


def test_remembered_secrets_in_every_form() -> None:
    remember(Secret("mongodb://me:p%40ss%2Fw0rd@h/db"), Secret('quote"back\\slash'), Secret("sp ace&more!"))
    for form in (
        "p%40ss%2Fw0rd",
        "p@ss/w0rd",
        'quote"back\\slash',
        'quote\\"back\\\\slash',
        "sp%20ace%26more%21",
    ):
        assert form not in redact(f"before {form} after")


def test_a_badly_escaped_password_is_remembered_whole() -> None:
    remember(Secret("mongodb://me:hun@ter/22@h/db"))
    assert "hun@ter/22" not in redact("wrong: hun@ter/22")


def test_names_of_things_are_not_hidden_because_a_password_equals_them() -> None:
    remember(Secret("quilltap"), Secret("mongodb://quilltap:quilltap@h/quilltap"), Secret("abcd"))
    assert (
        redact("backup quilltap_20261101_020000 of quilltap") == "backup quilltap_20261101_020000 of quilltap"
    )
    assert redact("abcdef abcd") == "abcdef ***"


def test_a_secret_prints_as_set() -> None:
    assert str(Secret("hunter2")) == repr(Secret("hunter2")) == "Secret(set)"
