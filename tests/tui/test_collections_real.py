"""Collections on real servers: break, validate, drill down, compare, and the wizard on what brings it back."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pymongo.database import Database

from services.demo.servers import Mongod
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.paths import Paths
from services.profile import Profile
from tests.support import make_context
from tests.tui.collections_support import line
from tests.tui_support import Console, opened, run
from tui.screens.compare_documents import CompareDocumentsScreen
from tui.screens.document import DocumentScreen
from tui.screens.documents import DocumentsScreen
from tui.screens.restore.wizard import RestoreScreen
from widgets.inventory_table import InventoryTable

AT = "2026-11-20T10:00:00.000Z"


def fill(db: Database[Any]) -> None:
    db["users"].insert_many(
        [
            {
                "_id": n,
                "id": f"user-{n}",
                "email": f"u{n}@x",
                "passwordHash": "$2b$12$secret",
                "createdAt": AT,
                "updatedAt": AT,
            }
            for n in range(3)
        ]
    )
    db["tags"].insert_many(
        [
            {
                "_id": n,
                "id": f"tag-{n}",
                "userId": "user-1",
                "name": f"n{n}",
                "createdAt": AT,
                "updatedAt": AT,
            }
            for n in range(60)
        ]
    )


def go_to(console: Console, name: str) -> None:
    assert console.app.screen.query_one(InventoryTable).go_to(name)


def test_from_broken_to_the_wizard(profile: Profile, db: Database[Any], tmp_path: Path) -> None:
    fill(db)
    state = tmp_path / "state"
    mine = replace(profile, name="prod")
    made = backup(BackupPlan(only="database"), make_context(mine, state)).id
    db["tags"].delete_many({"_id": {"$gte": 20}})
    db["users"].update_one({"_id": 1}, {"$unset": {"id": 1}})

    async def test() -> None:
        async with opened(mine, Paths(state), mode="collections") as console:
            await console.until("! fell: tags")
            assert "! -40 shrank" in await line(console, "tags") and f"against {made}" in console.text
            await console.press("V", "y")
            await console.until("broken: ", seconds=60)
            await console.until(lambda: "validating" not in console.text)
            assert "users" in console.line("broken")
            go_to(console, "users")
            await console.press("enter")
            await console.until("no id")
            await console.press("escape", "d")
            await console.until(lambda: isinstance(console.app.screen, DocumentsScreen))
            await console.until("3 documents")
            await console.press("down", "enter")
            await console.until(lambda: isinstance(console.app.screen, DocumentScreen))
            await console.until("passwordHash: (not shown)")
            await console.press("b")
            await console.until(f"differs: 1 field is not as in {made}.", seconds=30)
            assert "user-1" in console.text and "(absent)" in console.text and "$2b$" not in console.text
            await console.press("escape", "escape", "c")
            await console.until(lambda: isinstance(console.app.screen, CompareDocumentsScreen))
            await console.until("1 changed; 2 the same", seconds=60)
            await console.press("escape")
            await console.until(lambda: console.app.store.catalog.value is not None)
            go_to(console, "tags")
            await console.press("R")
            await console.until(lambda: isinstance(console.app.screen, RestoreScreen))
            wizard = console.app.screen
            assert isinstance(wizard, RestoreScreen)
            assert wizard.state.backup is not None and wizard.state.backup.id == made
            assert wizard.state.collections == ("tags",)

    run(test())


def test_a_server_that_hangs_hides_nothing(
    profile: Profile, db: Database[Any], mongod: Mongod, tmp_path: Path
) -> None:
    fill(db)
    state = tmp_path / "state"
    made = backup(BackupPlan(only="database"), make_context(profile, state)).id

    async def test() -> None:
        os.kill(mongod.pid(), signal.SIGSTOP)
        try:
            async with opened(profile, Paths(state), mode="collections") as console:
                await console.until(f"against {made}")
                assert "Asking the database since" in console.text and "60" in await line(console, "tags")
                await console.until("The database gave no answer", seconds=20)
                assert "not read" in await line(console, "tags")
                os.kill(mongod.pid(), signal.SIGCONT)
                await console.press("r")
                await console.until("V validates all", seconds=20)
        finally:
            os.kill(mongod.pid(), signal.SIGCONT)

    run(test())
