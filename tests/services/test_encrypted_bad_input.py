"""Encrypted files that cannot be what they should: each ends in a check with its words and next step, none passes."""

from __future__ import annotations

import base64
import gzip
import random
from pathlib import Path

import pytest

from services.operations.verify import VerifyPlan, VerifyResult, verify
from services.profile import Location, Profile
from services.secret import Secret
from tests.support import FIXTURE_PASSPHRASE, FIXTURES, make_context
from tests.unit.archive.builders import archive, documents, dump_folder
from tests.unit.archive.test_encrypted import packed
from tests.unit.streams.pgp_builder import literal, message, ocb_message
from tests.unit.streams.test_openssl_enc import sealed

MESSAGES = FIXTURES / "gpg"
PLAIN = (MESSAGES / "plain.msg").read_bytes()
RANDOM = random.Random(31)


def gpg(data: bytes) -> bytes:
    """A message of ours."""
    return message(literal(data))


def checked(tmp_path: Path, name: str, data: bytes, depth: str = "full") -> VerifyResult:
    """Verify of one file in a folder of its own."""
    location = tmp_path / "backups"
    location.mkdir(exist_ok=True)
    (location / name).write_bytes(data)
    profile = Profile(
        locations=(Location(name="disk", path=str(location)),), passphrase=Secret(FIXTURE_PASSPHRASE)
    )
    context = make_context(profile, tmp_path / "state")
    result = verify(VerifyPlan(backup=str(location / name), depth=depth), context)  # type: ignore[arg-type]
    assert isinstance(result, VerifyResult)
    return result


def worst(result: VerifyResult) -> tuple[str, str]:
    """(words, next step) of the check that decided the verdict."""
    found = [check for check in result.checks if check.status == result.verdict]
    assert found and all(check.detail for check in found), result.checks
    assert all(check.next for check in found), [check for check in found if not check.next]
    return " ".join(check.detail for check in found), " ".join(check.next for check in found)


@pytest.mark.parametrize(
    ("name", "data", "verdict", "words", "next"),
    [
        ("a.gz.gpg", (MESSAGES / "public-key.msg").read_bytes(), "unknown", "public key", "gpg --decrypt"),
        ("a.gz.gpg", (MESSAGES / "no-mdc.msg").read_bytes(), "unknown", "no MDC", "--ignore-mdc-error"),
        ("a.gz.gpg", gpg(gpg(PLAIN)), "fail", "encrypted twice", "quillkeep list"),
        ("a.gz.gpg", gpg(b""), "fail", "an empty file", "quillkeep list"),
        ("a.gz.gpg", gpg(b"no dump at all"), "fail", "not gzip either", "quillkeep list"),
        ("a.gz.gpg", gpg(PLAIN) + b"x", "fail", "trailing bytes", "quillkeep list"),
        ("a.gz.gpg", gpg(PLAIN[:-20]), "fail", "before it was encrypted", "quillkeep list"),
        ("a.gz.gpg", gpg(PLAIN)[:40], "fail", "truncated", "quillkeep list"),
        ("a.gz.gpg", gpg(PLAIN)[:-40], "fail", "truncated", "quillkeep list"),
        ("a.gz.enc", sealed(PLAIN)[:-5], "fail", "cut", "quillkeep list"),
        ("a.gz.enc", sealed(PLAIN)[:20], "fail", "cut", "quillkeep list"),
        ("a.gz.enc", sealed(PLAIN[:-20]), "fail", "no MAC", "quillkeep list"),
        ("a.gz.enc", base64.encodebytes(sealed(PLAIN))[:-9], "fail", "cut", "quillkeep list"),
        ("a.gz.enc", RANDOM.randbytes(5_000), "fail", "no header of `openssl enc`", "quillkeep list"),
        ("a.gz.gpg", b"", "fail", "empty", "quillkeep list"),
    ],
)
def test_each_ends_in_its_check(
    name: str, data: bytes, verdict: str, words: str, next: str, tmp_path: Path
) -> None:
    result = checked(tmp_path, f"quilltap-{name}", data)
    said, step = worst(result)
    assert result.verdict == verdict and words in said and next in step, (result.verdict, said, step)
    quick = checked(tmp_path, f"quilltap-{name}", data, "quick")
    assert quick.verdict in ("warn", verdict), "what was found before stands until it is disproved"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.gz.enc", base64.encodebytes(sealed(PLAIN))),
        ("a.gz.enc", base64.b64encode(sealed(PLAIN))),
        ("a.gz.asc", (MESSAGES / "armour.msg").read_bytes()),
        ("a.gpg", (MESSAGES / "both.msg").read_bytes()),
        ("a.gpg", ocb_message(PLAIN)),
        ("a.archive.gpg", gpg(gzip.decompress(PLAIN))),
    ],
)
def test_odd_ones_that_are_whole_pass(name: str, data: bytes, tmp_path: Path) -> None:
    result = checked(tmp_path, f"quilltap-{name}", data)
    assert result.verdict == "ok" and set(result.collections) == {"one", "two"}, result.checks


def test_a_missing_gpg_is_said_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = checked(tmp_path, "quilltap-a.gz.gpg", ocb_message(PLAIN))
    said, step = worst(result)
    assert result.verdict == "unknown" and "not installed" in said and "apt-get install gnupg" in step
    assert checked(tmp_path, "quilltap-b.gz.gpg", gpg(PLAIN)).verdict == "ok"


def test_damage_from_before_the_encryption_is_the_archives_alone(tmp_path: Path) -> None:
    result = checked(tmp_path, "quilltap-a.gz.gpg", gpg(PLAIN[:-20]))
    ended = {check.name: check.status for check in result.checks}
    assert (ended["archive"], ended["decrypt"]) == ("fail", "ok")


def test_a_payload_without_sums_says_what_was_proven(tmp_path: Path) -> None:
    """A plain tar below a cipher without a MAC: its structure is all there is."""
    tar = packed(dump_folder(tmp_path / "q", {"one": documents(20)}))
    result = checked(tmp_path, "quilltap-a.tar.enc", sealed(tar))
    (said,) = [check.detail for check in result.checks if check.name == "decrypt"]
    assert result.verdict == "ok" and result.proof == "structure" and "its structure alone" in said
    result = checked(tmp_path, "quilltap-a.tar.gpg", gpg(tar))
    (said,) = [check.detail for check in result.checks if check.name == "decrypt"]
    assert "its structure alone" not in said


@pytest.mark.parametrize("rounds", [20, pytest.param(500, marks=pytest.mark.soak)])
def test_damage_injected_at_random_is_always_found(rounds: int, tmp_path: Path) -> None:
    """A bit, a run of zeros, a swap of two blocks, a cut or bytes behind the end, anywhere in the ciphertext."""
    plain = gzip.compress(archive({"one": documents(200, size=300)}), mtime=0)
    whole = {
        "a.gz.gpg": gpg(plain),
        "b.gz.enc": sealed(plain),
        "c.gpg": message(literal(plain, "partial"), lengths="partial"),
    }
    generator = random.Random(20261123)
    for name, data in whole.items():
        assert checked(tmp_path, f"quilltap-{name}", data).verdict == "ok"
    for number in range(rounds):
        name = generator.choice(sorted(whole))
        damaged = injure(whole[name], generator)
        result = checked(tmp_path, f"quilltap-{name}", damaged)
        if name.endswith(".enc") and result.verdict == "ok":
            # Not one accepted byte may differ: what fits the padding by chance fails at the payload.
            raise AssertionError((number, name))
        assert result.verdict in ("fail", "unknown"), (number, name, result.checks)


def injure(data: bytes, generator: random.Random) -> bytes:
    """One damage; never none."""
    while True:
        place = generator.randrange(len(data))
        kind = generator.randrange(5)
        if kind == 0:
            found = data[:place] + bytes([data[place] ^ 1 << generator.randrange(8)]) + data[place + 1 :]
        elif kind == 1:
            found = data[:place] + bytes(min(40, len(data) - place)) + data[place + 40 :]
        elif kind == 2:
            found = data[:place]
        elif kind == 3:
            found = data + generator.randbytes(generator.randrange(1, 100))
        else:
            at = place // 16 * 16
            found = data[:at] + data[at + 16 : at + 32] + data[at : at + 16] + data[at + 32 :]
        if found != data:
            return found
