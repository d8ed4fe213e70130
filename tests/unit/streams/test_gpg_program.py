"""The system's gpg for forms that are not built in: its word counts, and nothing of the admin's is touched."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.passphrase import BackupKey
from services.profile import Limits
from services.secret import Secret
from services.streams.decrypting import opener_for, plain_head
from services.streams.errors import StreamError
from services.streams.gpg_program import gpg_plain
from services.streams.locked import EncryptedDump
from tests.unit.streams.pgp_builder import PASSPHRASE, ocb_message

MESSAGES = Path(__file__).parents[2] / "fixtures" / "gpg"
RANDOM = random.Random(17)
DATA = RANDOM.randbytes(300_000)
OCB = ocb_message(DATA, chunk=8)


def chunks(data: bytes, size: int = 7000) -> Iterator[bytes]:
    """A stream in pieces."""
    return iter([data[at : at + size] for at in range(0, len(data), size)])


def opened(data: bytes, passphrase: str = PASSPHRASE.decode()) -> bytes:
    """The contents, read by whoever can."""
    opener = opener_for("gpg", BackupKey(passphrase=Secret(passphrase)), limits=Limits(), file="x.gpg")
    return b"".join(opener.plain(chunks(data)))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a scratch folder of which everything that is written can be seen."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GNUPGHOME", raising=False)
    (tmp_path / "home").mkdir()
    scratch = Path(tempfile.mkdtemp(prefix="qk-gpg-", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    return scratch


def test_forms_that_are_not_built_in_are_read(home: Path) -> None:
    assert opened((MESSAGES / "cipher-twofish.msg").read_bytes()) == (MESSAGES / "plain.msg").read_bytes()
    assert opened(OCB) == DATA


def test_nothing_of_the_admins_is_touched_and_nothing_stays(home: Path) -> None:
    before = {process.pid for process in psutil.process_iter()}
    assert opened(OCB) == DATA
    assert list(home.iterdir()) == []
    assert list(Path(os.environ["HOME"]).iterdir()) == []
    started = {
        process.info["name"]
        for process in psutil.process_iter(["name"])
        if process.pid not in before and "gpg" in (process.info["name"] or "")
    }
    assert not started


def test_its_home_is_private_while_it_runs(home: Path) -> None:
    stream = gpg_plain(chunks(OCB), PASSPHRASE, file="x.gpg", reason="a test")
    next(stream)
    (private,) = home.iterdir()
    assert private.stat().st_mode & 0o777 == 0o700
    (program,) = [child for child in psutil.Process().children() if child.name() == "gpg"]
    assert PASSPHRASE.decode() not in " ".join(program.cmdline())
    assert "--no-autostart" in program.cmdline()
    stream.close()  # type: ignore[attr-defined]
    assert list(home.iterdir()) == [] and not program.is_running()


def test_a_wrong_passphrase_is_told(home: Path) -> None:
    with pytest.raises(EncryptedDump) as caught:
        opened(OCB, "another")
    assert caught.value.why == "passphrase" and "wrong passphrase" in caught.value.what


def test_what_was_altered_or_cut_is_never_vouched_for(home: Path) -> None:
    for place in (40, 70, 100, *RANDOM.sample(range(120, len(OCB)), 6), len(OCB) - 3):
        wrong = OCB[:place] + bytes([OCB[place] ^ 4]) + OCB[place + 1 :]
        with pytest.raises((StreamError, EncryptedDump)):
            opened(wrong)
    for cut in (len(OCB) - 1, len(OCB) - 16, len(OCB) - 400, len(OCB) // 2, 80):
        with pytest.raises((StreamError, EncryptedDump)):
            opened(OCB[:cut])
    twofish = (MESSAGES / "cipher-twofish.msg").read_bytes()
    for data in (twofish[:-1], twofish[:-1] + b"\0", twofish + b"garbage"):
        with pytest.raises((StreamError, EncryptedDump)):
            opened(data)


def test_a_missing_gpg_says_so_with_the_line_that_installs_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EncryptedDump) as caught:
        opened(OCB)
    assert caught.value.why == "no-gpg" and "OCB" in caught.value.what
    assert "apt-get install gnupg" in caught.value.next
    assert opened((MESSAGES / "compress-zip.msg").read_bytes()) == (MESSAGES / "plain.msg").read_bytes()


def test_what_a_killed_process_left_is_swept(home: Path) -> None:
    old, new = home / "quillkeep-gpg-old", home / "quillkeep-gpg-new"
    for left in (old, new):
        left.mkdir()
        (left / "random_seed").touch()
    os.utime(old, (0, 0))
    assert opened(OCB) == DATA
    assert [path.name for path in home.iterdir()] == [new.name]


def test_only_the_head_is_asked_for(home: Path) -> None:
    opener = opener_for("gpg", BackupKey(passphrase=Secret(PASSPHRASE.decode())), limits=Limits(), file="x")
    assert plain_head(opener, chunks(OCB)) == DATA[:4096]
    assert list(home.iterdir()) == []


def test_a_source_that_fails_is_raised_as_it_failed(home: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield OCB[:90_000]
        raise StreamError("readable bytes", found="an error of the disk: Input/output error")

    with pytest.raises(StreamError, match="error of the disk"):
        for _ in gpg_plain(broken(), PASSPHRASE, file="x", reason="a test"):
            pass
    assert list(home.iterdir()) == []
