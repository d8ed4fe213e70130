"""The stock commands of a server with users: the password comes from a file, and nothing live is overwritten aside."""

from __future__ import annotations

import secrets
from pathlib import Path

from services.catalog.listing import show
from services.demo.servers import Mongod
from services.paths import Paths
from services.settings.uri import parse_uri
from tests.services.interop_support import our_backup, shell
from tests.support import make_profile


def test_a_file_holds_the_password(mongod_auth: Mongod, peers: Path, location: Path, tmp_path: Path) -> None:
    name = f"quilltap_{secrets.token_hex(4)}"
    profile = make_profile(mongod_auth.uri, name, location=location)
    with mongod_auth.client() as client:
        db = client[name]
        db.chats.insert_many([{"_id": number} for number in range(30)])
        made = our_backup(profile, tmp_path)
        commands = show(made.id, profile, Paths(tmp_path))["commands"]
        write, typed = commands["prepare"]
        line = typed.partition("Ctrl+D:  ")[2]
        assert line.startswith("uri: mongodb://USER:PASSWORD@")
        password = mongod_auth.uri.partition("://")[2].rpartition("@")[0]
        assert password not in str(commands) and parse_uri(mongod_auth.uri, "test").has_password
        (tmp_path / "work").mkdir()
        shell(
            f"printf '%s\\n' '{line.replace('USER:PASSWORD', password)}' | {write}",
            peers,
            cwd=tmp_path / "work",
        )
        assert (tmp_path / "work" / "mongo.yaml").stat().st_mode & 0o777 == 0o600
        db.chats.delete_many({"_id": {"$gte": 10}})
        for aside in commands["aside"]:
            shell(aside, peers, cwd=tmp_path / "work")
        assert db.chats.count_documents({}) == 10
        assert client[f"{name}_restored"].chats.count_documents({}) == 30
        for restore in commands["restore"]:
            shell(restore, peers, cwd=tmp_path / "work")
        assert db.chats.count_documents({}) == 30
        client.drop_database(name)
        client.drop_database(f"{name}_restored")
