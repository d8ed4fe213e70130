"""The pepper check without a server: readings of a file, sealed values, bounds, and the words of a proof."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from bson import encode

from services.catalog.manifest import PepperEntry
from services.errors import Cancelled, UsageProblem
from services.pepper.candidates import candidates_of, variants
from services.pepper.check import PepperCollector, check_peppers, probe
from services.pepper.model import Candidate
from services.pepper.trial import Trial
from services.pepper.values import of_key, of_user
from services.pepper.vault import Vault
from services.quilltap.encryption import encrypt_value, key_check
from services.secret import Secret

PEPPER = Secret("p" * 40)
OTHER = Secret("o" * 40)


def readings(data: bytes) -> list[str]:
    return [one.pepper.reveal() for one in variants(data, "f")]


def test_every_reading_of_a_text() -> None:
    assert readings(b"abc") == ["abc"]
    assert readings(b"abc\n") == ["abc", "abc\n"]
    assert readings(b"abc\r\n") == ["abc", "abc\r\n"]
    assert readings(b" abc ") == [" abc "], "blanks belong to it"
    assert readings(b"abc\n# when\n") == ["abc\n# when", "abc\n# when\n", "abc"]
    assert readings(b"\xef\xbb\xbfabc") == ["\ufeffabc", "abc"]
    assert [one.label for one in variants(b"abc\n", "f")] == [
        "f, without its last newline",
        "f, its text with the last newline",
    ]


def test_every_reading_of_an_env_file() -> None:
    assert readings(b"A=1\nENCRYPTION_MASTER_PEPPER=abc\n") == ["abc"]
    assert readings(b"ENCRYPTION_MASTER_PEPPER='a b'\n") == ["a b", "'a b'"]
    assert readings(b'export ENCRYPTION_MASTER_PEPPER="a$b"  # old\r\n') == ["a$b", '"a$b"  # old']
    assert readings(b"\xef\xbb\xbfENCRYPTION_MASTER_PEPPER=abc==") == ["abc=="]
    (one,) = variants(b"ENCRYPTION_MASTER_PEPPER=abc", "f")
    assert one.label == "f, its ENCRYPTION_MASTER_PEPPER" and "abc" not in repr(one)


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe", b"x" * (2 << 20), b"ENCRYPTION_MASTER_PEPPER=\n"])
def test_no_pepper_in_it(data: bytes) -> None:
    if data == b"\n":
        assert readings(data) == ["\n"]
        return
    with pytest.raises(UsageProblem) as caught:
        variants(data, "some file")
    assert "some file" in caught.value.what


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageProblem, match="cannot be read"):
            candidates_of(str(path))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"abc",))
    writer.start()
    assert candidates_of(str(pipe))[0].pepper.reveal() == "abc"
    writer.join()


def key(name: str, owner: str, pepper: Secret = PEPPER, **more: Any) -> bytes:
    value = encrypt_value("plain-" + name, owner, pepper)
    return encode(
        {
            "_id": name,
            "id": name,
            "ciphertext": value.ciphertext,
            "iv": value.iv,
            "authTag": value.authTag,
            **more,
        }
    )


def filled(vault: Vault | PepperCollector, *, users: int = 3, keys: int = 4) -> None:
    """By turns and before the users, as a pass over a backup may give them."""
    for number in range(keys):
        vault.add("api_keys", key(f"k{number}", f"u{number % users}"))
    vault.add("connectionProfiles", encode({"apiKeyId": "k0", "userId": "u0"}))
    vault.add("users", b"".join(encode({"id": f"u{number}"}) for number in range(users)))
    vault.add("chats", b"ignored")


def test_a_probe_of_what_was_gathered() -> None:
    gathered = PepperCollector()
    filled(gathered, keys=20)
    result = gathered.result(PEPPER, target="b", entry=None)
    assert (result.status, result.opened, result.total, result.stored) == ("ok", 12, 12, 20)
    assert "12 encrypted values tried of 20" in result.summary and result.target == "b"


def test_a_probe_with_the_wrong_pepper_and_none() -> None:
    salt = "00" * 16
    entry = PepperEntry(salt=salt, check=key_check(PEPPER, bytes.fromhex(salt)), opened=4, tried=4)
    with Vault() as vault:
        filled(vault)
        result = probe(vault, OTHER, target="b", entry=entry)
        assert (result.status, result.opened, result.total, result.key_check) == ("fail", 0, 4, "differs")
        result = probe(vault, PEPPER, target="b", entry=entry)
        assert (result.status, result.opened, result.key_check) == ("ok", 4, "equal")
        result = probe(vault, None, target="b", entry=entry)
        assert (result.status, result.stored) == (
            "skipped",
            4,
        ) and "No pepper is configured" in result.summary


def test_a_probe_among_many_users_calls_nothing_unknown_that_it_did_not_try() -> None:
    with Vault() as vault:
        filled(vault, users=40, keys=40)
        result = probe(vault, PEPPER, target="b")
        assert result.status == "ok" and result.opened == result.total > 0
        vault.restart()
    with Vault() as vault:
        vault.add("users", b"".join(encode({"id": f"n{number}"}) for number in range(40)))
        vault.add("api_keys", key("k", "n39"))
        assert probe(vault, PEPPER, target="b").status == "unknown"
        assert check_peppers(vault, [Candidate(label="x", pepper=PEPPER)]).status == "ok"


def test_an_unproven_key_check_is_a_warning() -> None:
    salt = "00" * 16
    entry = PepperEntry(salt=salt, check=key_check(OTHER, bytes.fromhex(salt)), opened=0, tried=4)
    with Vault() as vault:
        filled(vault)
        result = probe(vault, PEPPER, target="b", entry=entry)
    assert result.status == "warn" and [one.kind for one in result.findings] == ["unproven-key-check"]


def test_nothing_of_a_value_lies_open_in_the_file() -> None:
    with Vault() as vault:
        vault.add(
            "users",
            encode(
                {
                    "id": "a-user-to-look-for",
                    "totp": {"ciphertext": "abcdef0123" * 4, "iv": "00" * 16, "authTag": "11" * 16},
                }
            ),
        )
        vault.add("api_keys", key("a-key-to-look-for", "a-user-to-look-for"))
        held = bytes(vault.database.serialize())
    assert (
        b"to-look-for" not in held
        and bytes.fromhex("abcdef0123" * 4) not in held
        and b"abcdef0123" not in held
    )


def test_a_cancel_ends_it_soon() -> None:
    def stop() -> None:
        raise Cancelled("Cancelled.")

    with Vault() as vault:
        filled(vault)
        with pytest.raises(Cancelled):
            Trial(vault, PEPPER, check=stop).run()


def test_documents_that_are_none() -> None:
    assert of_key(b"\x05\0\0\0\0").damage == "has no ciphertext"
    assert of_key(b"\x09\0\0\0\x99ab\0\0").damage
    assert of_user(b"\x09\0\0\0\x99ab\0\0")[1][0].damage
    assert of_user(encode({"id": "u", "totp": None})) == ("u", [])
