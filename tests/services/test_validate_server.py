"""The server's own validate as part of ours: faults it finds, rights it wants, locks and cancels; and the verb."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pytest

from services.demo.servers import Mongod, start_mongod
from services.demo.writer import BusyWriter
from services.errors import Cancelled, Refused
from services.operations.validate import ValidatePlan, validate
from services.validating.server import ask_server, cost_words, read_reply
from tests.services.command_support import Command, at_a_terminal, environment
from tests.services.swap_support import at_phase
from tests.services.validate_support import Validated, first, only, rows, statuses, validated


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A server whose own test commands break a collection as a bad disk would."""
    server = start_mongod(
        tmp_path_factory.mktemp("breakable") / "m", auth=True, parameters={"enableTestCommands": "1"}
    )
    yield server
    server.kill()


@pytest.fixture(scope="module")
def made(breakable: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validated]:
    with validated(breakable, tmp_path_factory.mktemp("validate")) as deployment:
        yield deployment


@pytest.fixture
def deployment(made: Validated) -> Iterator[Validated]:
    yield made
    made.again()


def broken(deployment: Validated, name: str, point: str) -> None:
    """Inserts one document while the server breaks what it stores."""
    admin = deployment.client.admin
    admin.command({"configureFailPoint": point, "mode": "alwaysOn"})
    try:
        copy = {**first(deployment.db, name), "_id": bson.ObjectId(), "id": "broken", "nameLower": "broken"}
        deployment.db[name].insert_one(copy)
    finally:
        admin.command({"configureFailPoint": point, "mode": "off"})


def coming_as(deployment: Validated, uri: str) -> Validated:
    """The same deployment as another user."""
    user = deployment.as_user(uri)
    assert isinstance(user, Validated)
    return user


def test_an_index_that_lacks_a_document(deployment: Validated) -> None:
    broken(deployment, "tags", "skipIndexNewRecords")
    result = deployment.validate()
    try:
        finding = only(result, "tags")
        assert (finding.kind, finding.status, result.status) == ("server-validate", "fail", "fail")
        assert "2 documents that an index lacks" in finding.what or "an index lacks" in finding.what
        row = rows(result)["tags"]
        assert (row.server, row.status) == ("fail", "fail")
        assert {name for name, ended in statuses(result).items() if ended != "ok"} == {"server-validate"}
        assert all(other.status == "ok" for name, other in rows(result).items() if name != "tags")
        assert finding.good_in == deployment.backup_id and "--collections tags" in finding.next
    finally:
        deployment.db.tags.drop()


def test_a_document_that_is_no_bson(deployment: Validated) -> None:
    broken(deployment, "personas", "corruptDocumentOnInsert")
    try:
        result = deployment.validate()
        assert result.status == "fail"
        row = rows(result)["personas"]
        assert (row.server, row.status) == ("fail", "fail")
        assert "no BSON" in row.findings[0].what
        assert rows(result)["tags"].status == "ok"
        # Of a collection that refers to it, too: only its ids are read then.
        assert deployment.validate("chats").status in ("unknown", "ok")
    finally:
        deployment.db.personas.drop()


def test_a_document_that_its_own_validator_refuses(deployment: Validated) -> None:
    db = deployment.db
    db.command({"collMod": "tags", "validator": {"name": {"$type": "int"}}, "validationAction": "warn"})
    try:
        finding = only(deployment.validate(), "tags")
        assert (finding.kind, finding.status) == ("rejected-documents", "warn")
        assert finding.count == len(deployment.sound["tags"])
    finally:
        db.tags.drop()


def test_a_full_validate_waits_for_what_is_in_memory(deployment: Validated) -> None:
    """Just written, a file cannot be looked at: it is written out first, not passed over."""
    deployment.db.tags.update_many({}, {"$set": {"quickHide": True}})
    result = deployment.validate("tags", full=True)
    assert result.full and result.status == "ok"


def test_what_could_not_be_looked_at_is_unknown() -> None:
    warning = "Could not complete validation of table:x. This is a transient issue as it was actively in use."
    (finding,) = read_reply("tags", {"valid": True, "warnings": [warning]}, full=True)
    assert (finding.kind, finding.status) == ("server-incomplete", "unknown")
    assert "Stop the application" in finding.next
    (odd,) = read_reply("tags", {"valid": True, "warnings": ["something new"]}, full=False)
    assert (odd.status, "something new" in odd.what) == ("warn", True)
    (reasonless,) = read_reply("tags", {"valid": False}, full=False)
    assert reasonless.status == "fail" and "no reason" in reasonless.what


def test_cost_and_locks_are_said_before_it_begins(deployment: Validated) -> None:
    ctx = deployment.context()
    validate(ValidatePlan(), ctx)
    said = [text for text in ctx.logs if "locks the collection" in text]
    assert len(said) == 1 and "18 collections" in said[0]
    assert ctx.phases[0] == "server"
    words = cost_words({"memories": 3 << 30, "tags": 1000}, full=True)
    assert "3,072.0 MiB" in words and "up to 77 s" in words and "memories" in words


@pytest.mark.parametrize("role", ["readWrite", "read"])
def test_a_user_that_may_not_validate(deployment: Validated, role: str) -> None:
    """The server's part is skipped with the line that grants it; ours goes on and finds what is wrong."""
    uri = deployment.server.create_user(f"u{secrets.token_hex(4)}", (role,), database=deployment.name)
    poor = coming_as(deployment, uri)
    result = poor.validate()
    assert result.status == "skipped" and statuses(result)["server-validate"] == "skipped"
    (check,) = [one for one in result.checks if one.name == "server-validate"]
    assert "grantRolesToUser" in check.next and '"dbAdmin"' in check.next and deployment.name in check.next
    assert {row.server for row in result.collections} == {"skipped"}
    assert all(ended == "ok" for name, ended in statuses(result).items() if name != "server-validate")
    deployment.db.tags.update_one({"_id": first(deployment.db, "tags")["_id"]}, {"$set": {"name": 3}})
    result = poor.validate()
    assert result.status == "fail" and only(result, "tags").kind == "wrong-type"
    # The right as named is enough.
    rich = deployment.server.create_user(
        f"u{secrets.token_hex(4)}", (role, "dbAdmin"), database=deployment.name
    )
    assert statuses(coming_as(deployment, rich).validate("users"))["server-validate"] == "ok"


def test_the_buckets_of_a_time_series_want_another_role(deployment: Validated) -> None:
    deployment.db.create_collection("series", timeseries={"timeField": "at"})
    uri = deployment.server.create_user(
        f"u{secrets.token_hex(4)}", ("readWrite", "dbAdmin"), database=deployment.name
    )
    result = coming_as(deployment, uri).validate()
    (check,) = [one for one in result.checks if one.status != "ok"]
    assert (check.name, check.status) == ("server-validate", "skipped")
    assert "(series)" in check.detail and '"dbAdminAnyDatabase"' in check.next
    assert [row.name for row in result.collections if row.status != "ok"] == ["series"]


def test_a_user_that_may_read_some_collections(deployment: Validated) -> None:
    """What may not be read is unknown, and what refers to it is not called wrong."""
    admin = deployment.client.admin
    role = f"some{secrets.token_hex(3)}"
    readable = [name for name in deployment.sound if name not in ("tags", "characters")]
    privileges: list[dict[str, Any]] = [
        {
            "resource": {"db": deployment.name, "collection": ""},
            "actions": ["listCollections", "listIndexes", "find"],
        }
    ]
    admin.command("createRole", role, privileges=privileges, roles=[])
    uri = deployment.server.create_user(
        f"u{secrets.token_hex(4)}", ({"role": role, "db": "admin"},), database="admin"
    )
    result = coming_as(deployment, uri).validate()
    assert statuses(result)["server-validate"] == "skipped" and statuses(result)["shape"] == "ok"
    narrow = [
        {
            "resource": {"db": deployment.name, "collection": name},
            "actions": ["find", "listIndexes", "collStats"],
        }
        for name in readable
    ]
    admin.command(
        "updateRole",
        role,
        privileges=[
            *narrow,
            {"resource": {"db": deployment.name, "collection": ""}, "actions": ["listCollections"]},
        ],
    )
    with pytest.raises(Refused, match="readWrite"):
        coming_as(deployment, uri).validate()


def test_a_cancel_ends_the_command_on_the_server(deployment: Validated) -> None:
    db, admin = deployment.db, deployment.client.admin
    db.big.insert_many([{"text": "x" * 1000, "n": number} for number in range(2_000)])
    admin.command({"configureFailPoint": "pauseCollectionValidationWithLock", "mode": "alwaysOn"})
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise Cancelled("Cancelled.")

    threading.Timer(0.6, stop.set).start()
    began = time.monotonic()
    ended: list[float] = []

    def release() -> None:
        admin.command({"configureFailPoint": "pauseCollectionValidationWithLock", "mode": "off"})
        ended.append(time.monotonic() - began)

    timer = threading.Timer(2.2, release)
    timer.start()
    try:
        with pytest.raises(Cancelled):
            ask_server(db, "big", "big", full=False, check=check)
        took = time.monotonic() - began
    finally:
        timer.join()
        release()
        db.big.drop()
    assert took < 2.0, "a server that does not hear of it does not hold the job"


def test_a_collection_dropped_before_its_turn(deployment: Validated) -> None:
    result = deployment.validate(
        hooks=(at_phase("server", lambda: deployment.db.verification_tokens.drop()),)
    )
    assert not any(row.findings for row in result.collections)
    assert rows(result)["verification_tokens"].status == "unknown"
    assert any("verification_tokens" in text for text in result.warnings)


def test_while_the_application_writes(deployment: Validated) -> None:
    """What moves is said to have moved, and nothing is called broken."""
    profile = deployment.profile
    before = deployment.db.memories.count_documents({})
    with BusyWriter(profile, seed=5, pause=0, uploads=False) as writer:
        moved = 0
        for _ in range(6):
            result = deployment.validate()
            assert result.status == "ok", [*result.references, *(row.findings for row in result.collections)]
            moved += "moved" in result.summary
    assert writer.count > 50 and not writer.failures
    assert deployment.db.memories.count_documents({}) > before


def test_messages_that_come_and_go_while_they_are_counted(deployment: Validated) -> None:
    """The application deletes a message by writing all the others again, one by one."""
    db = deployment.db
    stop = threading.Event()
    chats = [(one["chatId"], one["messages"]) for one in deployment.sound["chat_messages"][:8]]

    def rewrite() -> None:
        with deployment.server.client() as client:
            mine = client[deployment.name]
            while not stop.is_set():
                for chat, messages in chats:
                    mine.chat_messages.update_one({"chatId": chat}, {"$set": {"messages": []}})
                    mine.chats.update_one({"id": chat}, {"$set": {"messageCount": 0}})
                    for number, message in enumerate(messages, 1):
                        mine.chat_messages.update_one({"chatId": chat}, {"$push": {"messages": message}})
                        mine.chats.update_one({"id": chat}, {"$set": {"messageCount": number}})

    thread = threading.Thread(target=rewrite, daemon=True)
    thread.start()
    try:
        for _ in range(6):
            result = deployment.validate("chats", "chat_messages")
            assert result.status == "ok", result.references
    finally:
        stop.set()
        thread.join(20)
    db.chat_messages.update_one({"chatId": chats[0][0]}, {"$pop": {"messages": 1}})
    (finding,) = deployment.validate("chats", "chat_messages").references
    assert finding.kind == "fewer-messages" and finding.examples == (chats[0][0],)


# The verb


@pytest.fixture
def command(deployment: Validated, tmp_path: Path) -> Command:
    return Command(
        environment(tmp_path, deployment.server.uri, deployment.name, deployment.folder / "backups")
    )


def test_the_verb_on_sound_and_on_damaged_data(deployment: Validated, command: Command) -> None:
    document = command.json("validate")
    assert document["status"] == "ok" and document["backup"] == deployment.backup_id
    row = next(one for one in document["collections"] if one["name"] == "chats")
    assert {"name", "status", "documents", "indexes", "findings"} <= set(row) and row["findings"] == []
    db = deployment.db
    db.users.drop_index("email_1")
    assert command.run("--read-only", "validate", "users").returncode == 3
    chat = first(db, "chats")
    db.chat_messages.delete_one({"chatId": chat["id"]})
    name = "\x1b[31m[bold]evil\n"
    db[name].insert_one({"a": 1})
    done = command.run("validate")
    assert done.returncode == 1 and "\x1b[31m" not in done.stdout + done.stderr
    assert "chat counts" in done.stdout and chat["id"] in done.stdout
    assert f"quillkeep restore {deployment.backup_id} --collections chat_messages --yes" in done.stdout
    assert "locks the collection" in done.stderr and "not the application's" in done.stdout
    assert done.stdout.index("fail") < done.stdout.index("warn")
    error = command.failure("validate", "caracters", code=2)
    assert "Did you mean characters?" in error["what"]


def test_without_rights_the_verb_ends_with_3(deployment: Validated, tmp_path: Path) -> None:
    uri = deployment.server.create_user(f"u{secrets.token_hex(4)}", ("readWrite",), database=deployment.name)
    poor = Command(environment(tmp_path, uri, deployment.name, deployment.folder / "backups"))
    done = poor.run("validate")
    assert done.returncode == 3 and "grantRolesToUser" in done.stdout
    assert "skipped" in done.stdout


def test_full_asks_in_production_at_a_terminal(deployment: Validated, command: Command) -> None:
    code, shown = at_a_terminal(command.environ, "validate", "--full", answer="")
    assert code == 130 and "writes of the running application wait" in " ".join(shown.split())
    code, shown = at_a_terminal(command.environ, "validate", "tags", "--full", answer="y")
    assert code == 0 and "[y/N]" in shown
    code, shown = at_a_terminal(command.environ, "validate", "tags", "--full", "--yes", answer="")
    assert code == 0 and "[y/N]" not in shown
    assert json.loads(command.run("validate", "tags", "--full", "--json").stdout)["full"] is True


def test_without_a_server(tmp_path: Path, deployment: Validated) -> None:
    gone = Command(
        environment(tmp_path, "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300", "quilltap", tmp_path)
    )
    error = gone.failure("validate", code=1)
    assert "127.0.0.1:1" in error["what"] + error["cause"]
