"""Archives by keyboard: the inventory from recorded catalogs, its states, its order, its words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from textual import events

from services.catalog.model import Verified
from services.catalog.scan import LocationProblem
from services.errors import QuillkeepError
from services.jobs.events import Finished
from services.jobs.listing import JobSummary
from services.operations.accept import AcceptPlan
from services.operations.pin import PinPlan
from services.operations.verify import VerifyPlan
from services.profile import Profile
from tests.recorded import NOW, RecordedBackend, Silent
from tests.tui.archives_support import NASTY, PROD, catalog, foreign, listed, row
from tests.tui_support import Console, opened, run
from tui.screens.archives_rows import columns_for
from widgets.glyphs import Glyphs
from widgets.inventory_table import GUTTER, InventoryTable

SOME = catalog(
    row(0),
    row(1, suspicious=("chats fell by 60% since the one before.",), good_parts=("objects",)),
    row(
        2,
        verified=Verified(at=NOW - timedelta(days=1), status="ok", depth="full", proof="content"),
        pinned=True,
    ),
    row(3, complete=False, missing=("quilltap_mongo_20261119_021400.gz is gone",), good_parts=()),
    row(4, verified=Verified(at=NOW - timedelta(hours=3), status="fail", depth="full", proof="content")),
    foreign(5, "old/backup-20261117.gz"),
    row(6, ours=False, other_deployment="database other on host b"),
    row(7, problem="no permission to read the manifest", parts=(), complete=False, good_parts=()),
    row(8, location="nas", encrypted="gpg"),
    row(9, counted=False),
)


def archives(looks: dict[str, Any] | None = None, *, profile: Profile = PROD, **other: Any) -> Any:
    """Archives on a recorded machine; `backend` of the result is that machine."""
    size, glyphs = other.pop("size", (80, 24)), other.pop("glyphs", None)
    backend = RecordedBackend(looks=looks if looks is not None else {"catalog": SOME}, **other)
    manager = opened(profile, backend, mode="archives", size=size, glyphs=glyphs)
    return manager, backend


def shown(console: Console) -> list[str]:
    """The ids of the rows, as the table has them."""
    return [one.cells[0] for one in console.app.screen.query_one(InventoryTable).rows]


def cursor(console: Console) -> str:
    """The id under the cursor."""
    found = console.app.screen.query_one(InventoryTable).cursor
    return found.cells[0] if found else ""


async def told(console: Console, text: str) -> None:
    """Waits for a notification; on the screen its lines are broken."""
    await console.until(lambda: any(text in one.message for one in console.app._notifications))


def test_every_backup_says_what_it_is() -> None:
    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await console.until(
                "10 backups (1 foreign, 1 of other deployments), newest first, looked 03:14 UTC"
            )
            assert "1h db+obj 600.0 MB ✓ good         ✓ own" in console.line("quilltap_20261122")
            assert "! suspicious" in console.line("quilltap_20261121_021400 ")
            assert "✓ full  pinned" in console.line("quilltap_20261120_021400 ")
            assert "✗ incomplete" in console.line("quilltap_20261119_021400 ")
            assert "✗ damaged      ✗ full" in console.line("quilltap_20261118_021400 ")
            assert "? not verified · never foreign" in console.line("old/backup")
            assert "others'" in console.line("quilltap_20261116")
            assert "? unreadable" in console.line("quilltap_20261115")
            assert "gpg" in console.line("quilltap_20261114")
            assert "safety" in console.line("quilltap_20261113")
            await console.press("down")
            assert "! suspicious: chats fell by 60%" in console.text
            await console.press("end")
            assert cursor(console) == "quilltap_20261113_021400"
            await console.press("home", "pagedown")
            assert cursor(console) == "quilltap_20261113_021400"
            await console.press("pageup")
            assert cursor(console) == "quilltap_20261122_021400"

    run(test())


def test_wide_and_ascii() -> None:
    async def test() -> None:
        manager, _ = archives(size=(180, 40), glyphs=Glyphs(utf8=False))
        async with manager as console:
            await listed(console)
            heading = console.line("CONSISTENCY")
            assert all(word in heading for word in ("LOCATION", "CHECKED", "PARTS"))
            await console.press("down", "down")
            assert "+ full 24h ago" in console.text
            assert "yes: no rule deletes" in console.text
            assert console.text.isascii(), {char for char in console.text if not char.isascii()}

    run(test())


def test_filter_as_you_type() -> None:
    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await listed(console)
            await console.press("slash")
            await console.type("susp")
            await console.until("1 of 10 shown")
            assert shown(console) == ["quilltap_20261121_021400"]
            await console.press("escape")
            assert len(shown(console)) == 10 and "shown" not in console.text
            for words, count in (("nas gpg", 1), ("20261119", 1), ("good", 5)):
                await console.press("slash")
                await console.type(words)
                assert len(shown(console)) == count, words
                await console.press("escape")
            await console.press("slash")
            await console.type("zzz")
            await console.until("No backup matches")
            await console.press("enter")
            assert "Escape shows all of them again" in console.text
            await console.press("escape")
            assert len(shown(console)) == 10
            await console.press("slash", "p", "i", "n", "enter")
            assert cursor(console) == "quilltap_20261120_021400"

    run(test())


def test_sort_keeps_the_cursor_on_its_backup() -> None:
    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await listed(console)
            await console.press("down", "down", "o")
            await console.until("largest first")
            assert (
                shown(console)[0] == "quilltap_20261113_021400"
                and cursor(console) == "quilltap_20261120_021400"
            )
            await console.press("o")
            await console.until("by location")
            assert shown(console)[-1] == "quilltap_20261114_021400"
            await console.press("o")
            await console.until("worst verdict first")
            assert shown(console)[:2] == ["quilltap_20261119_021400", "quilltap_20261118_021400"]
            await console.press("o")
            await console.until("newest first")

    run(test())


def test_go_to_an_id_or_a_date() -> None:
    places = (
        ("2026-11-17", "old/backup-20261117.gz"),
        ("quilltap_20261114", "quilltap_20261114_021400"),
        ("old", "old/backup-20261117.gz"),
        ("2026-11-18", "quilltap_20261118_021400"),
        ("2027", "quilltap_20261122_021400"),
        ("2020", "quilltap_20261122_021400"),
        ("qq", "quilltap_20261122_021400"),
    )

    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await listed(console)
            for typed, lands in places:
                await console.press("g")
                await console.type(typed)
                await console.press("enter")
                assert cursor(console) == lands, typed
                assert "Go to" not in console.text
            await console.press("down", "g", "escape")
            assert cursor(console) == "quilltap_20261121_021400" and "Go to" not in console.text

    run(test())


@pytest.mark.parametrize("width", range(60, 250, 5))
def test_columns_fit_and_never_cut_our_ids(width: int) -> None:
    columns = columns_for(width)
    assert sum(column.width or 7 for column in columns) + len(columns) - 1 + GUTTER <= width
    assert columns[0].width >= 24 and {"VERDICT", "AGE", "SIZE"} <= {column.title for column in columns}


def test_waiting_says_for_what_and_since_when() -> None:
    async def test() -> None:
        manager, _ = archives({"catalog": Silent})
        async with manager as console:
            await console.until("Looking at /backups/quilltap and 1 more since 03:14:00 UTC.")
            assert "No backups" not in console.text and "0 backups" not in console.text
            await console.press("enter", "v", "slash", "o", "d", "p", "g")
            assert "Looking at" in console.text

    run(test())


def test_no_backups_yet_names_the_key() -> None:
    async def test() -> None:
        manager, _ = archives({"catalog": catalog()})
        async with manager as console:
            await console.until("No backups yet in /backups/quilltap and 1 more.")
            assert "b makes the first one" in console.text
            await console.press("v")
            await told(console, "No backup is selected.")

    run(test())


def test_what_cannot_be_read_is_never_none() -> None:
    problem = LocationProblem(location="nas", path="/mnt/nas/quilltap", problem="no permission to read it")

    async def test() -> None:
        manager, _ = archives({"catalog": catalog(problems=(problem,))})
        async with manager as console:
            await console.until("? nas: no permission to read it: /mnt/nas/quilltap")
            assert "No backup can be seen" in console.text and "No backups yet" not in console.text
        dead = QuillkeepError(
            "The folder of the backups did not answer in 10 s.", next="Check that it is mounted."
        )
        manager, _ = archives({"catalog": dead})
        async with manager as console:
            await console.until("The folder of the backups did not answer in 10 s.")
            assert "Check that it is mounted." in console.text and "No backups yet" not in console.text
        manager, _ = archives({"catalog": catalog()}, profile=msgspec.structs.replace(PROD, locations=()))
        async with manager as console:
            await console.until("No folder for backups is configured.")
            await console.press("b")
            assert "BACKUP_DIR" in console.text

    run(test())


def test_an_old_answer_stays_while_a_new_one_is_awaited() -> None:
    answers: list[Any] = [SOME, QuillkeepError("The folder did not answer.", next="Look again.")]

    async def test() -> None:
        manager, _ = archives({"catalog": lambda request: answers.pop(0)})
        async with manager as console:
            await listed(console)
            await console.press("r")
            await console.until("The folder did not answer.")
            assert len(shown(console)) == 10

    run(test())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_hostile_names_are_text(size: tuple[int, int]) -> None:
    names = NASTY if size[0] == 80 else NASTY[:4]
    rows = [foreign(number, name) for number, name in enumerate(names)]
    rows.append(row(20, reason="[/x]\x1b[2J", problem="[bold]\x07bad\u202e", parts=(), complete=False))
    problem = LocationProblem(location="[/]\x1b", path="/x/\n[/red]", problem="no permission to read it")

    async def test() -> None:
        show = QuillkeepError("[/x]\x1b[31m could not be read", cause="[/y]", next="[z]")
        manager, _ = archives({"catalog": catalog(*rows, problems=(problem,)), "show": show}, size=size)
        async with manager as console:
            await listed(console, len(rows))
            for number in range(len(rows)):
                assert not any(char in console.text for char in "\x1b\x07\u202e\t")
                await console.press("enter")
                await console.until("could not be read")
                if number < 2:
                    await console.press(
                        "right", "right", "right", "right", "right", "escape", "v", "escape", "y"
                    )
                else:
                    await console.press("escape")
                assert not any(char in console.text for char in "\x1b\x07\u202e\t")
                await console.press("down")

    run(test())


def test_verify_asks_how_deep() -> None:
    async def test() -> None:
        manager, backend = archives()
        async with manager as console:
            await listed(console)
            await console.press("v")
            await console.until("reads every byte")
            await console.press("escape")
            assert backend.started == []
            await console.press("v", "q")
            await console.until(lambda: backend.started)
            await console.press("v", "enter")
            await console.until(lambda: len(backend.started) == 2)
            plans = [(verb, plan) for verb, plan, _ in backend.started]
            assert plans == [
                ("verify", VerifyPlan(backup="quilltap_20261122_021400", depth="quick")),
                ("verify", VerifyPlan(backup="quilltap_20261122_021400", depth="full")),
            ]

    run(test())


@pytest.mark.parametrize(("key", "modal"), [("v", "DepthModal"), ("d", "DeleteModal"), ("a", "YesNoModal")])
def test_what_is_typed_ahead_never_acts_on_the_list(key: str, modal: str) -> None:
    async def test() -> None:
        manager, backend = archives()
        async with manager as console:
            await listed(console)
            await console.press("down")
            for one in (key, "p", "l", "c"):
                console.app.post_message(events.Key(one, one))
            await console.until(lambda: type(console.app.screen).__name__ == modal)
            await console.press("escape")
            assert not {verb for verb, plan, _ in backend.started if not getattr(plan, "dry_run", False)}
            assert console.app.store.marked is None

    run(test())


def test_an_id_in_two_locations_is_named_by_its_path() -> None:
    async def test() -> None:
        other = row(0, location="nas", manifest_path=PROD_NAS)
        manager, backend = archives({"catalog": catalog(row(0), other)})
        async with manager as console:
            await listed(console, 2)
            await console.press("down", "p")
            await console.until(lambda: backend.started)
            assert backend.started[0][1] == PinPlan(backup=str(PROD_NAS))

    from pathlib import Path

    PROD_NAS = Path("/mnt/nas/quilltap/quilltap_20261122_021400.json")
    run(test())


def test_pin_and_accept() -> None:
    async def test() -> None:
        manager, backend = archives(
            journals={
                "unpin": [
                    Finished(at=NOW, status="ok", exit_code=0, result={"status": "ok", "pinned": False})
                ],
                "accept": [
                    Finished(
                        at=NOW,
                        status="refused",
                        exit_code=4,
                        result={
                            "status": "refused",
                            "error": {"what": "Nothing to accept.", "next": "Look."},
                        },
                    )
                ],
            }
        )
        async with manager as console:
            await listed(console)
            await console.press("a")
            await told(console, "there is nothing to accept")
            assert backend.started == []
            await console.press("down", "a")
            await console.until("Accept quilltap_20261121_021400 as it is?")
            assert "- chats fell by 60%" in console.text
            for key in ("a", "enter"):
                await console.press(key)
            assert backend.started == []
            await console.press("a", "y")
            await console.until("Nothing to accept.")
            await console.press("escape", "down", "p")
            await told(console, "is no longer pinned")
            assert [(verb, plan) for verb, plan, _ in backend.started] == [
                ("accept", AcceptPlan(backup="quilltap_20261121_021400")),
                ("unpin", PinPlan(backup="quilltap_20261120_021400", unpin=True)),
            ]

    run(test())


def test_read_only_greys_delete_and_says_why() -> None:
    async def test() -> None:
        manager, backend = archives(profile=msgspec.structs.replace(PROD, read_only=True))
        async with manager as console:
            await listed(console)
            await console.press("d")
            await told(console, "READ-ONLY: no backup can be deleted.")
            await console.press("enter")
            await console.until("Summary")
            await console.press("d")
            assert backend.started == []

    run(test())


def test_a_pinned_one_is_not_deleted() -> None:
    async def test() -> None:
        manager, backend = archives()
        async with manager as console:
            await listed(console)
            await console.press("down", "down", "d")
            await told(console, "is pinned: p takes the pin away")
            assert backend.started == []

    run(test())


def test_what_runs_is_said_in_the_row_and_its_end_is_looked_for() -> None:
    looked = []

    def look(request: Any) -> Any:
        looked.append(request)
        return SOME

    async def test() -> None:
        job = JobSummary(
            id="20261122_031000",
            verb="verify",
            state="running",
            started=NOW,
            summary="quilltap_20261121_021400",
            progress=0.43,
        )
        manager, backend = archives({"catalog": look}, jobs=[job], size=(120, 30))
        async with manager as console:
            await console.until("verify 43%")
            assert "quilltap_20261121_021400" in console.line("verify 43%")
            before = len(looked)
            backend._jobs.clear()
            console.app.look_at_jobs()
            await console.until(lambda: len(looked) > before)
            await console.until(lambda: "verify 43%" not in console.text)

    run(test())


def test_copy_gives_the_id() -> None:
    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await listed(console)
            await console.press("down", "y")
            assert console.app.clipboard == "quilltap_20261121_021400"

    run(test())


def test_leaving_the_mode_loses_nothing() -> None:
    async def test() -> None:
        manager, _ = archives()
        async with manager as console:
            await listed(console)
            await console.press("o", "slash", "g", "o", "o", "d", "enter", "down")
            where = cursor(console)
            await console.press("1", "2")
            assert (
                cursor(console) == where
                and "5 of 10 shown" in console.text
                and "largest first" in console.text
            )

    run(test())
