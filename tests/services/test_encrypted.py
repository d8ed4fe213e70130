"""Encrypted backups by the verbs: verified, planned, compared and restored as their plain twin, nothing in clear on disk."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import bson
import msgspec
import pytest
from pymongo.database import Database

from services.archive.documents import split_documents
from services.archive.model import Block, Namespace
from services.archive.source import open_dump
from services.catalog.scan import survey
from services.errors import QuillkeepError
from services.objects.bucket import open_bucket
from services.operations.diff import diff
from services.operations.diff_model import DiffPlan
from services.operations.verify import VerifyPlan, VerifyResult, verify
from services.profile import BucketTarget, Profile
from services.secret import Secret
from services.streams.locked import EncryptedDump
from tests.services.command_support import Command, at_a_terminal, environment
from tests.services.restore_support import ours, picture, run_restore
from tests.services.watching_plaintext import Watch
from tests.support import FIXTURE_PASSPHRASE, FIXTURE_PEPPER, FIXTURES, make_context
from tests.unit.streams.pgp_builder import literal, message, ocb_message
from tests.unit.streams.test_openssl_enc import sealed

ENCRYPTED = [
    "quilltap-20261101.gz.gpg",
    "quilltap-20261101.gz.enc",
    "quilltap-20261101.pbkdf2.gz.enc",
    "quilltap-20261101.pbkdf2-100000.gz.enc",
    "quilltap-20261101.md5.gz.enc",
]
TWIN = "quilltap-20261101.gz"


def knowing(profile: Profile, passphrase: str = FIXTURE_PASSPHRASE) -> Profile:
    """The profile with what opens the fixtures."""
    return msgspec.structs.replace(profile, passphrase=Secret(passphrase), openssl_iterations=100_000)


def copied(name: str, location: Path) -> str:
    """A fixture in the location; its id."""
    shutil.copy(FIXTURES / name, location / name)
    return name


def verified(profile: Profile, state: Path, name: str, depth: str = "full") -> VerifyResult:
    """One verify in this process."""
    result = verify(VerifyPlan(backup=name, depth=depth), make_context(profile, state))  # type: ignore[arg-type]
    assert isinstance(result, VerifyResult)
    return result


def statuses(result: VerifyResult) -> dict[str, str]:
    """How the checks of what decides the backup ended."""
    return {check.name: check.status for check in result.checks if check.decides != "data"}


@pytest.mark.parametrize("name", ENCRYPTED)
def test_each_fixture_verifies_as_its_plain_twin(
    name: str, profile: Profile, location: Path, tmp_path: Path
) -> None:
    copied(TWIN, location)
    plain = verified(profile, tmp_path, TWIN)
    result = verified(knowing(profile), tmp_path, copied(name, location))
    assert result.verdict == plain.verdict == "ok" and result.proof == "content"
    assert result.collections == plain.collections
    found = statuses(result)
    assert found["encryption"] == found["decrypt"] == found["archive"] == "ok"
    (details,) = [check.detail for check in result.checks if check.name == "decrypt"]
    assert ("MDC" in details) if name.endswith(".gpg") else ("no MAC" in details)
    quick = statuses(verified(knowing(profile), tmp_path, name, "quick"))
    assert quick["encryption"] == "ok" and "decrypt" not in quick


@pytest.mark.parametrize("name", ["quilltap-20261101.gz.gpg", "quilltap-20261101.gz.enc"])
def test_what_stays_closed_is_neither_passed_nor_called_damaged(
    name: str, profile: Profile, location: Path, tmp_path: Path
) -> None:
    copied(name, location)
    result = verified(profile, tmp_path, name)
    assert result.verdict == "skipped" and statuses(result)["decrypt"] == "skipped"
    assert "--passphrase-file" in next(check.next for check in result.checks if check.name == "decrypt")
    for wrong in ("wrong", FIXTURE_PASSPHRASE + " "):
        result = verified(knowing(profile, wrong), tmp_path, name)
        assert result.verdict == "unknown" and statuses(result)["decrypt"] == "unknown"
        assert "archive" not in statuses(result)
        assert "wrong passphrase or option" in next(
            one.detail for one in result.checks if one.name == "decrypt"
        )
    (backup,) = survey(profile.locations, profile, make_context(profile, tmp_path).paths).backups
    assert not backup.good and backup.verified is not None and backup.verified.status == "unknown"


def test_passphrase_files_with_words_of_their_own(profile: Profile, location: Path, tmp_path: Path) -> None:
    name = copied("quilltap-20261101.gz.gpg", location)
    path = tmp_path / "passphrase"

    def said(text: bytes | None) -> str:
        if text is not None:
            path.write_bytes(text)
        known = msgspec.structs.replace(profile, passphrase_file=str(path))
        result = verified(known, tmp_path, name)
        checks = result.checks
        assert result.verdict in ("ok", "unknown")
        return next(check.detail for check in checks if check.name == "decrypt")

    assert "cannot be read" in said(None)
    assert "is empty" in said(b"") and "is empty" in said(b"\nsecond line\n")
    assert "does not open" in said(b"wrong\n")
    assert "no passphrase" in said(b"x" * 5_000)
    assert "MDC" in said(FIXTURE_PASSPHRASE.encode()) and "MDC" in said(
        FIXTURE_PASSPHRASE.encode() + b"\nmore\n"
    )
    if os.geteuid():
        path.chmod(0)
        assert "No permission" in said(None)


def test_damage_in_the_ciphertext_fails_and_is_said_to_lie_there(
    profile: Profile, location: Path, tmp_path: Path
) -> None:
    for name, middle in (("quilltap-20261101.gz.gpg", "fail"), ("quilltap-20261101.gz.enc", "unknown")):
        data = (FIXTURES / name).read_bytes()
        half = len(data) // 2
        (location / name).write_bytes(data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :])
        result = verified(knowing(profile), tmp_path, name)
        assert result.verdict == "fail" and statuses(result)["decrypt"] == middle
        # Below a MAC the ciphertext itself is to blame; without one the payload alone can tell.
        assert statuses(result).get("archive") == (None if middle == "fail" else "fail")
        (location / name).write_bytes(data[:-16])
        result = verified(knowing(profile), tmp_path, name)
        assert statuses(result)["decrypt"] == "fail" and result.parts == {"database": "fail"}
        if name.endswith(".enc"):
            assert statuses(verified(knowing(profile), tmp_path, name, "quick"))["encryption"] == "fail"
        with pytest.raises(QuillkeepError):
            run_restore(knowing(profile), tmp_path, name, only="database", from_database="quilltap")


_WHOLE: dict[str, Any] = {}


def whole_twin(profile: Profile, db: Database[Any], location: Path, tmp_path: Path) -> Any:
    """What a restore of the plain twin leaves; made once in this module."""
    if not _WHOLE:
        copied(TWIN, location)
        run_restore(profile, tmp_path, TWIN, only="database", from_database="quilltap")
        _WHOLE.update(picture(db))
    return _WHOLE


@pytest.mark.parametrize("name", ENCRYPTED)
def test_each_fixture_restores_as_its_plain_twin(
    name: str, profile: Profile, db: Database[Any], location: Path, tmp_path: Path
) -> None:
    whole = whole_twin(profile, db, location, tmp_path)
    db["tags"].insert_one({"_id": "marker"})
    request = {"only": "database", "from_database": "quilltap"}
    result, _ = run_restore(knowing(profile), tmp_path, copied(name, location), **request)
    assert picture(db) == whole and result.status == "warnings"


@pytest.mark.parametrize("name", ENCRYPTED[:2])
def test_one_collection_is_restored_alone(
    name: str, profile: Profile, db: Database[Any], location: Path, tmp_path: Path
) -> None:
    db["tags"].insert_one({"_id": "marker"})
    run_restore(
        knowing(profile),
        tmp_path,
        copied(name, location),
        collections=("characters",),
        from_database="quilltap",
    )
    now = picture(db)
    assert set(now) == {"characters", "tags"} and now["tags"][0] == 1
    assert not _WHOLE or now["characters"] == _WHOLE["characters"]


def test_an_encrypted_archive_within_a_tar_restores_too(
    profile: Profile, db: Database[Any], location: Path, tmp_path: Path
) -> None:
    whole = whole_twin(profile, db, location, tmp_path)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        tar.add(FIXTURES / "quilltap-20261101.gz.gpg", arcname="nightly/quilltap-20261101.gz.gpg")
    (location / "backup-20261101.tar.gz").write_bytes(stream.getvalue())
    db["characters"].delete_many({})
    request = {"only": "database", "from_database": "quilltap"}
    run_restore(knowing(profile), tmp_path, "backup-20261101.tar.gz", **request)
    assert picture(db) == whole
    with pytest.raises(EncryptedDump):
        run_restore(profile, tmp_path, "backup-20261101.tar.gz", **request)


def test_what_turns_out_altered_at_its_end_never_goes_live(
    profile: Profile, db: Database[Any], location: Path, tmp_path: Path
) -> None:
    """The MDC is the last thing that is read: by then everything was given. No rename, no copy is left."""
    db["characters"].insert_one({"_id": "mine"})
    before = picture(db)
    data = (FIXTURES / "quilltap-20261101.gz.gpg").read_bytes()
    (location / "x.gz.gpg").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(QuillkeepError, match="MDC"):
        run_restore(knowing(profile), tmp_path, "x.gz.gpg", only="database", from_database="quilltap")
    with pytest.raises(EncryptedDump):
        run_restore(profile, tmp_path, "x.gz.gpg", only="database", from_database="quilltap")
    assert picture(db) == before and not ours(db)


def test_an_encrypted_backup_compares_as_its_twin(profile: Profile, location: Path, tmp_path: Path) -> None:
    copied(TWIN, location)
    for name in ENCRYPTED[:2]:
        result = diff(DiffPlan(a=TWIN, b=copied(name, location)), make_context(knowing(profile), tmp_path))
        assert result.verdict == "same", result.summary


def objects_tar(folder: Path) -> bytes:
    """What the guide's commands make of a mirrored bucket."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    return stream.getvalue()


def test_objects_of_an_encrypted_tar(profile: Profile, location: Path, tmp_path: Path) -> None:
    mirror = FIXTURES / "s3_20261101_020000"
    tar = objects_tar(mirror)
    assert profile.bucket is not None
    for number, data in enumerate((message(literal(tar)), sealed(tar))):
        ending = "gpg" if number == 0 else "enc"
        name = f"quilltap_s3_2026110{number + 1}_020000.tar.gz.{ending}"
        (location / name).write_bytes(data)
        result = verified(knowing(profile), tmp_path, name)
        assert result.verdict == "ok" and statuses(result)["objects-decrypt"] == "ok"
        assert verified(profile, tmp_path, name).verdict == "skipped"
        target = msgspec.structs.replace(profile.bucket, prefix=f"at-{number}/")
        where = msgspec.structs.replace(knowing(profile), bucket=target)
        half = len(data) // 2
        (location / name).write_bytes(data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :])
        assert verified(knowing(profile), tmp_path, name).parts == {"objects": "fail"}
        with pytest.raises(QuillkeepError):
            run_restore(where, tmp_path, name, only="objects")
        assert not list(open_bucket(target).list())
        (location / name).write_bytes(data)
        restored, context = run_restore(
            knowing(profile), tmp_path, name, only="objects", allow=("writers", "other-deployment")
        )
        assert restored.objects is not None
        assert (restored.objects.put, restored.objects.kept) == ((30, 0) if number == 0 else (0, 30))
        kept = {
            path.relative_to(mirror).as_posix(): path.read_bytes()
            for path in mirror.rglob("*")
            if path.is_file()
        }
        assert bucket_bytes(profile.bucket, kept) == kept
        assert not [path for path in context.folder.rglob("*") if path.name.startswith("objects-")]


def bucket_bytes(target: BucketTarget, keys: dict[str, bytes]) -> dict[str, bytes]:
    """The bytes of some keys."""
    bucket = open_bucket(target)
    found = {}
    for info in bucket.list():
        if info.key in keys:
            stream = io.BytesIO()
            bucket.read(info.key, size=info.size, etag=info.etag, sink=stream.write)
            found[info.key] = stream.getvalue()
    return found


def values_of_the_fixture() -> list[bytes]:
    """What stands in documents of the fixture: in clear it is nowhere but in the database."""
    found: dict[str, bytes] = {}
    for item in open_dump(FIXTURES / TWIN).read(
        [Namespace("quilltap", name) for name in ("users", "characters")]
    ):
        if isinstance(item, Block):
            for raw in split_documents(item.data):
                document = bson.decode(raw)
                for field in ("email", "passwordHash", "firstMessage", "description"):
                    if isinstance(text := document.get(field), str) and len(text) > 10:
                        found.setdefault(field, text.encode())
    assert len(found) >= 3
    return list(found.values())


@pytest.fixture
def command(profile: Profile, db: Database[Any], location: Path, tmp_path: Path) -> Command:
    """The command of this deployment, with a scratch folder of its own."""
    assert profile.mongo is not None
    (tmp_path / "home").mkdir()
    (tmp_path / "scratch").mkdir()
    uri = profile.mongo.uri.reveal()
    environ = environment(tmp_path / "home", uri, db.name, location, pepper=FIXTURE_PEPPER)
    return Command(environ | {"TMPDIR": str(tmp_path / "scratch")})


@pytest.mark.parametrize("name", ["quilltap-20261101.gz.enc", "other.gpg"])
def test_no_plaintext_reaches_a_disk(
    name: str, command: Command, db: Database[Any], location: Path, tmp_path: Path
) -> None:
    """Verify, plan and restore as jobs: their open files, the scratch folder, the state and the location are watched."""
    if name == "other.gpg":
        # A form that the program gpg reads for us.
        (location / name).write_bytes(ocb_message((FIXTURES / TWIN).read_bytes()))
    else:
        copied(name, location)
    secret = tmp_path / "home" / "passphrase"
    secret.write_text(FIXTURE_PASSPHRASE + "\n")
    known = ("--passphrase-file", str(secret))
    folders = (tmp_path / "home", tmp_path / "scratch", location)
    with Watch([*values_of_the_fixture(), FIXTURE_PASSPHRASE.encode()], folders, known=[secret]) as watch:
        verdict = command.json(*known, "verify", name)
        assert verdict["verdict"] == "ok"
        request = (name, "--only", "database", "--from-database", "quilltap")
        command.json(*known, "plan", *request, code=3)
        command.json(*known, "restore", *request, "--yes", "--allow", "writers", code=3)
    assert db["characters"].count_documents({}) > 0
    assert watch.found == set() and watch.looks > 20
    assert str(location / name) in watch.opened
    assert list((tmp_path / "scratch").iterdir()) == []
    assert [path.name for path in location.iterdir() if not path.name.endswith(".notes.jsonl")] == [name]


def test_it_is_asked_for_on_a_terminal_and_never_shown(command: Command, location: Path) -> None:
    name = copied("quilltap-20261101.gz.gpg", location)
    code, shown = at_a_terminal(
        command.environ, "verify", name, answer=FIXTURE_PASSPHRASE, prompt=f"Passphrase of {name}: "
    )
    assert code == 0 and "decrypt" in shown, shown
    assert FIXTURE_PASSPHRASE not in shown
    code, shown = at_a_terminal(command.environ, "verify", name, answer="wrong", prompt="Passphrase of ")
    assert code == 4 and shown.count("Passphrase of") == 3 and "wrong passphrase" in shown
    code, shown = at_a_terminal(command.environ, "show", name, answer="", prompt="(Enter: without): ")
    assert code == 0 and "encrypted" in shown
    found = command.json("verify", name, code=3)
    assert found["verdict"] == "skipped"
