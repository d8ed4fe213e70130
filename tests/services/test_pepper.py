"""The pepper check on real servers and archives: what opens, what does not, what cannot be told; never a secret shown."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bson import ObjectId
from pymongo.database import Database

from services.errors import Cancelled, Refused, UsageProblem
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.pepper_check import pepper_check
from services.pepper.check import check_peppers
from services.pepper.model import Candidate, Opened, PepperPlan, PepperResult
from services.profile import Profile
from services.quilltap.encryption import encrypt_value
from services.secret import Secret
from tests.services.command_support import Command, environment
from tests.support import FIXTURE_PASSPHRASE, FIXTURE_PEPPER, FIXTURES, RecordingContext

Contexts = Callable[..., RecordingContext]
PEPPER = Secret(FIXTURE_PEPPER)
OTHER = Secret("another-pepper-of-at-least-32-characters")
PLAIN = "sk-plaintext-of-a-key"


def key(name: str, owner: str, pepper: Secret = PEPPER, **more: Any) -> dict[str, Any]:
    value = encrypt_value(f"{PLAIN}-{name}", owner, pepper)
    return {"id": name, "ciphertext": value.ciphertext, "iv": value.iv, "authTag": value.authTag, **more}


def sealed(owner: str, pepper: Secret = PEPPER) -> dict[str, Any]:
    value = encrypt_value(PLAIN, owner, pepper)
    return {"ciphertext": value.ciphertext, "iv": value.iv, "authTag": value.authTag, "enabled": True}


@pytest.fixture
def filled(profile: Profile, db: Database[Any]) -> Profile:
    """Three users, two with a second factor; keys whose owner stands in the document, in a profile, nowhere."""
    db.users.insert_many(
        [
            {"id": "ann", "totp": sealed("ann"), "backupCodes": sealed("ann")},
            {"id": "bo", "totp": None},
            {"id": "cy", "totp": sealed("cy")},
        ]
    )
    db.api_keys.insert_many([key("mine", "ann", userId="ann"), key("voted", "bo"), key("lone", "cy")])
    db.connection_profiles.insert_one({"id": "p", "apiKeyId": "voted", "userId": "bo"})
    return msgspec.structs.replace(profile, pepper=PEPPER)


def check(
    profile: Profile, make_context: Contexts, *candidates: Candidate, target: str = "live"
) -> PepperResult:
    ctx = make_context(profile)
    result = pepper_check(PepperPlan(target=target, candidates=candidates), ctx)
    told = msgspec.json.encode(result).decode() + repr(ctx.events)
    assert not [one for one in (FIXTURE_PEPPER, OTHER.reveal(), PLAIN) if one in told]
    return result


def kinds(result: PepperResult) -> dict[str, str]:
    return {finding.kind: finding.status for finding in result.findings}


def test_everything_opens(filled: Profile, make_context: Contexts) -> None:
    result = check(filled, make_context)
    assert (result.status, result.opened, result.total, result.untold, result.damaged) == ("ok", 6, 6, 0, 0)
    assert result.by_collection == {
        "api_keys": Opened(opened=3, total=3),
        "users.totp": Opened(opened=2, total=2),
        "users.backupCodes": Opened(opened=1, total=1),
    }
    assert {name: one.opened for name, one in result.by_user.items()} == {"ann": 3, "bo": 1, "cy": 2}
    assert result.findings == () and result.key_check == "none" and result.next == ""
    assert "opens 6 of 6 encrypted values" in result.summary


def test_another_pepper_opens_nothing(filled: Profile, make_context: Contexts) -> None:
    result = check(msgspec.structs.replace(filled, pepper=OTHER), make_context)
    assert (result.status, result.opened, result.total) == ("fail", 0, 6)
    assert kinds(result) == {"wrong-pepper": "fail"} and "quillkeep pepper check FILE" in result.next
    assert result.by_user["nobody"].total == 2, "keys that name no user in their document"


def test_some_were_stored_with_another_pepper(
    filled: Profile, db: Database[Any], make_context: Contexts
) -> None:
    db.api_keys.insert_many([key("old", "bo", OTHER, userId="bo"), key("older", "cy", OTHER)])
    result = check(filled, make_context)
    assert (result.status, result.opened, result.total) == ("fail", 6, 8)
    found = {finding.user: finding for finding in result.findings}
    assert found["bo"].examples == ("old",) and found["bo"].collection == "api_keys"
    assert found[""].examples == ("older",) and "names no user" in found[""].what
    result = check(
        filled,
        make_context,
        Candidate(label="one", pepper=OTHER),
        Candidate(label="two", pepper=PEPPER),
        Candidate(label="three", pepper=Secret("short")),
    )
    assert [(one.label, one.opened, one.short) for one in result.candidates] == [
        ("one", 2, False),
        ("two", 6, False),
        ("three", 0, True),
    ]
    assert result.label == "two" and result.opened == 6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"$unset": {"iv": 1}}, "has no iv"),
        ({"$set": {"authTag": None}}, "has no authTag"),
        ({"$set": {"iv": 7}}, "its iv is no text"),
        ({"$set": {"ciphertext": "zz"}}, "its ciphertext is not hexadecimal"),
        ({"$set": {"authTag": "00" * 12}}, "its authTag has 12 bytes instead of 16"),
        ({"$set": {"iv": ""}}, "its iv has 0 bytes instead of 16"),
    ],
)
def test_damage_is_not_a_wrong_pepper(
    filled: Profile, db: Database[Any], make_context: Contexts, change: dict[str, Any], words: str
) -> None:
    db.api_keys.update_one({"id": "mine"}, change)
    result = check(filled, make_context)
    assert (result.status, result.opened, result.damaged, result.total) == ("fail", 5, 1, 6)
    assert kinds(result) == {"damaged-value": "fail"}
    assert result.findings[0].examples == (f"mine {words}",)


def test_odd_documents(filled: Profile, db: Database[Any], make_context: Contexts) -> None:
    """Values of odd types are damaged; what never was a value is none."""
    no_id = ObjectId()
    db.users.insert_many(
        [
            {"id": "d1", "totp": "text"},
            {"id": "d2", "totp": {"enabled": False}, "backupCodes": []},
            {"_id": no_id, "id": 7, "totp": sealed("7")},
            {"id": "d3", "totp": {"ciphertext": ["00"], "iv": {}, "authTag": True}},
        ]
    )
    db.api_keys.insert_one({"id": None})
    result = check(filled, make_context)
    assert (result.opened, result.damaged, result.total) == (6, 5, 11)
    examples = [example for finding in result.findings for example in finding.examples]
    assert f"{no_id} (totp) belongs to a user without an id" in examples
    assert "d1 (totp) is no document with ciphertext, iv and authTag" in examples


def test_a_flipped_byte_does_not_open(filled: Profile, db: Database[Any], make_context: Contexts) -> None:
    held = db.api_keys.find_one({"id": "mine"})
    assert held is not None
    flipped = f"{int(held['ciphertext'][:2], 16) ^ 1:02x}{held['ciphertext'][2:]}"
    db.api_keys.update_one({"id": "mine"}, {"$set": {"ciphertext": flipped}})
    result = check(filled, make_context)
    assert kinds(result) == {"does-not-open": "fail"} and result.findings[0].examples == ("mine",)


def test_what_cannot_be_told(
    filled: Profile, db: Database[Any], make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key of nobody among more users than are tried is unknown, and so is one where no user is left."""
    monkeypatch.setattr("services.pepper.check.USERS_TRIED", 2)
    db.api_keys.insert_one(key("far", "zoe"))
    db.users.insert_many([{"id": "yan"}, {"id": "zoe"}])
    result = check(filled, make_context)
    assert result.status == "unknown" and kinds(result) == {"cannot-be-told": "unknown"}
    assert (result.opened, result.untold, result.total) == (5, 2, 7)
    db.users.drop()
    db.connection_profiles.drop()
    result = check(filled, make_context)
    assert (result.status, result.opened, result.untold, result.total) == ("unknown", 1, 3, 4)


def test_without_a_pepper_or_a_value(profile: Profile, filled: Profile, make_context: Contexts) -> None:
    result = check(profile, make_context)
    assert (
        result.status == "skipped" and "6 encrypted values were not tried" in result.summary and result.next
    )
    assert (result.opened, result.untold) == (0, 6)
    short = check(msgspec.structs.replace(filled, pepper=Secret("short")), make_context)
    assert {"wrong-pepper", "short-pepper"} <= set(kinds(short))


def test_an_empty_database_is_skipped(profile: Profile, make_context: Contexts) -> None:
    result = check(msgspec.structs.replace(profile, pepper=PEPPER), make_context)
    assert (result.status, result.total) == ("skipped", 0) and "no encrypted value" in result.summary
    with pytest.raises(Refused, match="No database"):
        check(msgspec.structs.replace(profile, mongo=None, pepper=PEPPER), make_context)


def test_a_backup_and_its_key_check(filled: Profile, db: Database[Any], make_context: Contexts) -> None:
    id = backup(BackupPlan(only="database"), make_context(filled)).id
    result = check(filled, make_context, target=id)
    assert (result.status, result.opened, result.key_check, result.target) == ("ok", 6, "equal", id)
    other = check(msgspec.structs.replace(filled, pepper=OTHER), make_context, target="latest")
    assert (other.status, other.key_check) == ("fail", "differs")
    assert set(kinds(other)) == {"wrong-pepper", "key-check-differs"}
    assert f"`quillkeep pepper check FILE --backup {id}`" in other.next == other.findings[0].next
    db.api_keys.drop()
    db.users.update_many({}, {"$unset": {"totp": 1, "backupCodes": 1}})
    empty = make_context(filled, clock=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    id = backup(BackupPlan(only="database"), empty).id
    result = check(filled, make_context, target=id)
    assert (result.status, result.total, result.key_check) == ("ok", 0, "equal")
    result = check(msgspec.structs.replace(filled, pepper=OTHER), make_context, target=id)
    assert result.status == "fail" and kinds(result) == {"key-check-differs": "fail"}


@pytest.mark.parametrize(
    "name",
    [
        "quilltap-20261101.gz",
        "backup-gz-20261101",
        "quilltap_mongo_20261101_020000.tar.gz",
        "quilltap-20261101.gz.gpg",
        "quilltap-20261101.pbkdf2.gz.enc",
    ],
)
def test_foreign_dumps(profile: Profile, location: Path, make_context: Contexts, name: str) -> None:
    source = FIXTURES / name
    profile = msgspec.structs.replace(profile, passphrase=Secret(FIXTURE_PASSPHRASE))
    (shutil.copytree if source.is_dir() else shutil.copy)(source, location / name)
    result = check(msgspec.structs.replace(profile, pepper=PEPPER), make_context, target=name)
    assert result.status == "ok" and result.opened == result.total >= 6 and result.key_check == "none"
    result = check(msgspec.structs.replace(profile, pepper=OTHER), make_context, target=name)
    assert result.status == "fail" and result.opened == 0


def test_a_system_at_work_is_not_called_broken(
    filled: Profile, db: Database[Any], make_context: Contexts
) -> None:
    """Users with keys come and go all the while, in the application's order; nothing of them fails."""
    stop = threading.Event()
    owners = [f"w{number}" for number in range(6)]

    def write() -> None:
        while not stop.is_set():
            for owner in owners:
                db.users.insert_one({"id": owner})
                db.api_keys.insert_one(key(f"key-{owner}", owner))
            for owner in owners:
                db.api_keys.delete_one({"id": f"key-{owner}"})
                db.users.delete_one({"id": owner})

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(6):
            result = check(filled, make_context)
            assert result.status == "ok" and result.opened >= 6, result
    finally:
        stop.set()
        thread.join()


def test_what_seems_wrong_is_looked_at_again(
    filled: Profile, db: Database[Any], make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.api_keys.insert_many([key("gone", "deleted-user"), key("stays", "deleted-user")])

    def meanwhile(*arguments: Any, **more: Any) -> PepperResult:
        found = check_peppers(*arguments, **more)
        db.api_keys.delete_one({"id": "gone"})
        return found

    monkeypatch.setattr("services.operations.pepper_check.check_peppers", meanwhile)
    result = check(filled, make_context)
    assert (result.opened, result.total) == (6, 7) and result.findings[0].examples == ("stays",)
    assert result.candidates[0].total == 7
    others = (Candidate(label="right", pepper=PEPPER), Candidate(label="wrong", pepper=OTHER))
    result = check(filled, make_context, *others)
    assert (result.label, result.opened, result.total) == ("right", 6, 7)
    assert [(one.label, one.opened) for one in result.candidates] == [("right", 6), ("wrong", 0)]


def test_it_stops_when_asked(filled: Profile, make_context: Contexts) -> None:
    ctx = make_context(filled)
    ctx.request_cancel()
    with pytest.raises(Cancelled):
        pepper_check(PepperPlan(), ctx)


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "pepper").write_bytes(b"")
    command = Command(environment(tmp_path, "mongodb://127.0.0.1:1/", "quilltap", tmp_path))
    done = command.run("pepper", "check", str(tmp_path / "pepper"))
    assert done.returncode == 2 and "is empty, so it holds no pepper" in done.stderr


def test_no_such_backup(filled: Profile, make_context: Contexts) -> None:
    with pytest.raises((UsageProblem, Refused)):
        check(filled, make_context, target="quilltap_20200101_000000")


def typed(environ: dict[str, str], answer: str) -> tuple[int, str]:
    """Runs `pepper check -` on a terminal, types the answer, and gives everything the terminal showed."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "pepper", "check", "-"],
        env=environ | {"TERM": "xterm", "NO_COLOR": "1"},
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
    )
    os.close(child)
    shown, answered = b"", False
    while True:
        try:
            data = os.read(parent, 65536)
        except OSError:
            break
        shown += data
        if not data:
            break
        if not answered and b"(not shown)" in shown and shown.rstrip().endswith(b":"):
            answered = True
            os.write(parent, answer.encode() + b"\n")
    os.close(parent)
    return process.wait(60), shown.decode()


def test_the_command(filled: Profile, db: Database[Any], location: Path, tmp_path: Path) -> None:
    assert filled.mongo is not None
    environ = environment(
        tmp_path, filled.mongo.uri.reveal(), db.name, location, filled.bucket, pepper=OTHER.reveal()
    )
    command = Command(environ)
    right, env, quoted = tmp_path / "right", tmp_path / "app.env", tmp_path / "quoted.env"
    right.write_text(FIXTURE_PEPPER + "\n")
    env.write_text(f"A=1\nexport ENCRYPTION_MASTER_PEPPER='{FIXTURE_PEPPER}'\n")
    document = command.json("pepper", "check", code=1)
    assert (document["status"], document["opened"], document["total"]) == ("fail", 0, 6)
    assert set(document) >= {"status", "opened", "total", "by_collection", "warnings"}
    document = command.json("pepper", "check", str(right))
    assert document["opened"] == 6 and "without its last newline" in document["label"]
    assert [one["opened"] for one in document["candidates"]] == [6, 0]
    document = command.json("pepper", "check", str(env), "--backup", "live")
    assert [one["opened"] for one in document["candidates"]] == [6, 0]
    quoted.write_bytes(b"\xff\xfe")
    for bad in (quoted, tmp_path / "none", tmp_path):
        assert command.failure("pepper", "check", str(bad), code=2)["what"]
    done = command.run("pepper", "check", str(env))
    assert done.returncode == 0 and "opens 6 of 6 encrypted values" in done.stdout
    code, shown = typed(environ, FIXTURE_PEPPER)
    assert code == 0 and "opens 6 of 6 encrypted values" in shown
    told = "".join(
        path.read_text(errors="replace") for path in (tmp_path / "state").rglob("*") if path.is_file()
    )
    assert "pepper-check" in told
    for secret in (FIXTURE_PEPPER, OTHER.reveal(), PLAIN):
        assert secret not in told + done.stdout + done.stderr + shown + repr(document)
