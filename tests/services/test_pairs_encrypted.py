"""The pair check of encrypted backups: the same answer as of the plain ones, and nothing decrypted on a disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from services.operations.verify import VerifyPlan, verify
from services.pairs.facts import RowFacts
from services.pairs.table import PairsTable
from services.profile import Profile
from services.secret import Secret
from tests.services.pairs_support import looked
from tests.support import FIXTURE_PASSPHRASE, FIXTURES, RecordingContext

Contexts = Callable[..., RecordingContext]
NAMES = ("quilltap_mongo_20261101_020000.tar.gz", "quilltap_s3_20261101_020000.tar.gz")


@pytest.fixture
def sealed(location: Path) -> str:
    """What the guide's script leaves, both parts encrypted as the guide says."""
    for name in NAMES:
        subprocess.run(
            f"openssl enc -aes-256-cbc -pbkdf2 -salt -pass env:PHRASE -in {FIXTURES / name} -out {location / name}.enc",
            shell=True,
            check=True,
            env={"PHRASE": FIXTURE_PASSPHRASE, "PATH": os.environ["PATH"]},
        )
    return f"{NAMES[0]}.enc"


def test_an_encrypted_backup_is_whole(profile: Profile, sealed: str, make_context: Contexts) -> None:
    opened = msgspec.structs.replace(profile, passphrase=Secret(FIXTURE_PASSPHRASE))
    for depth in ("shallow", "deep"):
        result = looked(make_context(opened), rows=sealed, depth=depth)
        assert (result.status, result.findings, result.objects) == ("ok", (), 30)
    checked = verify(VerifyPlan(backup=sealed), make_context(opened))
    found = {one.name: one.status for one in checked.checks}
    assert found["pairs"] == "ok"


def test_without_the_passphrase_it_is_unknown(profile: Profile, sealed: str, make_context: Contexts) -> None:
    result = looked(make_context(profile), rows=sealed)
    assert (result.status, result.missing) == ("unknown", ())
    assert "passphrase" in result.summary + result.findings[0].next


def test_rows_of_an_encrypted_backup_lie_in_memory() -> None:
    """SQLite's temporary files are unlinked and open: what they hold is looked for there."""

    def on_disk(sealed: bool) -> bool:
        table = PairsTable(sealed=sealed)
        table.add_rows(RowFacts(key=f"SECRET-{number:06}", id=str(number)) for number in range(40_000))
        table.judge(heads=True)
        found = False
        for descriptor in os.listdir("/proc/self/fd"):
            try:
                target = os.readlink(f"/proc/self/fd/{descriptor}")
                if "etilqs" in target:
                    with open(f"/proc/self/fd/{descriptor}", "rb") as stream:
                        found = found or b"SECRET-0" in stream.read()
            except OSError:
                continue
        table.close()
        return found

    assert on_disk(sealed=False)
    assert not on_disk(sealed=True)


def test_a_group_of_plain_files_is_verified_with_its_pairs(
    profile: Profile, location: Path, make_context: Contexts
) -> None:
    for name in NAMES:
        shutil.copy(FIXTURES / name, location)
    checked = verify(VerifyPlan(backup=NAMES[0]), make_context(profile))
    (pairs,) = [one for one in checked.checks if one.name == "pairs"]
    assert pairs.status == "ok", pairs
