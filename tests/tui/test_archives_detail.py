"""The detail screen on real backups: sections, filters, commands, and what it starts."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.catalog import layout
from services.catalog.notes import CheckNote, PinNote, append_note
from services.catalog.scan import survey
from services.jobs.events import Finished
from services.looking.show import ShowRequest, look
from services.paths import Paths
from services.profile import Location, Profile
from tests.fabric import NIGHT, make_backup
from tests.recorded import NOW, RecordedBackend, Silent
from tests.support import FIXTURES
from tests.tui.archives_support import PROD, listed
from tests.tui_support import Console, opened, run
from tui.screens.archive_actions import ended_words


@pytest.fixture
def place(location: Path, tmp_path: Path) -> Any:
    """A backup of ours with notes, a foreign one, and the machine that answers from them."""
    made = make_backup(
        location,
        consistency="snapshot",
        reason="before an upgrade",
        server_version="6.0.5",
        warnings=("3 documents would be refused.",),
    )
    shutil.copy(FIXTURES / "quilltap-20261101.gz", location)
    state = Paths(tmp_path / "state")
    append_note(location, made.id, PinNote(at=NIGHT, by="ines"), state)
    findings = ("object users/[/x]: 3 bytes differ", "a second finding")
    append_note(
        location,
        made.id,
        CheckNote(at=NOW, depth="full", status="fail", findings=findings, parts={"objects": "fail"}),
        state,
    )
    profile = msgspec.structs.replace(PROD, locations=(Location(name="backups", path=str(location)),))
    catalog = survey(profile.locations, profile, state)
    return profile, {"catalog": catalog, "show": lambda request: look(request, profile, state)}, made


async def detail(console: Console, down: int = 0) -> None:
    """Opens a row's detail and waits until it is read."""
    await listed(console, 2)
    await console.press(*["down"] * down, "enter")
    await console.until("[Summary]")
    await console.until(lambda: "Reading it" not in console.text)


async def section(console: Console, name: str) -> None:
    """Goes right until a section is current."""
    for _ in range(6):
        if f"[{name}" in console.text:
            return
        await console.press("right")
    raise AssertionError(console.text)


def test_every_section(place: tuple[Profile, dict[str, Any], Any]) -> None:
    profile, looks, made = place

    async def test() -> None:
        async with opened(profile, RecordedBackend(looks=looks), mode="archives") as console:
            await detail(console)
            assert "✗ damaged" in console.text and "before an upgrade" in console.text
            await console.press("end")
            for words in ("MongoDB 6.0.5", "snapshot", "no key-check", "3 documents would be refused."):
                await console.until(words)
            await console.press("right")
            assert "[Collections 4]" in console.text and "60   22.8 kB" in console.line("chats")
            await console.press("o")
            assert "most documents" in console.text
            assert console.text.index("chats") < console.text.index("users") < console.text.index("sessions")
            await console.press("slash", "u", "s", "e")
            await console.until("1 of 4 shown")
            assert "sessions" not in console.text
            await console.press("enter", "escape")
            assert "sessions" in console.text
            await console.press("right")
            assert "12" in console.line("other keys")
            await console.press("right")
            assert "verify full" in console.text and "✗ fail" in console.text and "by ines" in console.text
            await console.press("enter")
            await console.until("- a second finding")
            await console.press("escape", "right")
            assert "0600" in console.line("objects.jsonl") and "folder" in console.text
            await console.press("right")
            assert "gunzip -t" in console.text
            await console.press("y")
            copied = console.app.clipboard
            assert "mongorestore --config=mongo.yaml --nsInclude='quilltap.*' --drop --archive=" in copied
            assert "hunter22" not in copied and all(
                line.startswith("#") or " " in line for line in copied.splitlines() if line
            )
            await console.press("s")
            await console.until(f"{made.id}-commands.sh")
            await console.press("escape", "right")
            assert "[Summary]" in console.text
            await console.press("left")
            assert "[Commands]" in console.text
            await console.press("shift+tab", "tab", "tab", "y")
            assert console.app.clipboard == made.id
            await console.press("escape")
            await listed(console, 2)

    run(test())


def test_a_foreign_one_says_what_is_not_known(place: tuple[Profile, dict[str, Any], Any]) -> None:
    profile, looks, _ = place

    async def test() -> None:
        async with opened(profile, RecordedBackend(looks=looks), mode="archives", size=(120, 40)) as console:
            await detail(console, down=1)
            assert "mongodump archive (foreign)" in console.text
            await section(console, "Collections")
            assert "quilltap.characters" in console.text and "v verifies and counts" in console.text
            await section(console, "Objects")
            assert "It holds no objects." in console.text
            await console.press("o")
            await console.until("There is nothing to filter or sort")
            await section(console, "Checks")
            assert "Nothing was noted" in console.text
            await section(console, "Commands")
            assert "--archive=" in console.text and "_restored" in console.text

    run(test())


def test_what_cannot_be_read_says_why_and_r_looks_again(place: tuple[Profile, dict[str, Any], Any]) -> None:
    profile, looks, made = place
    asked: list[ShowRequest] = []

    def show(request: ShowRequest) -> Any:
        asked.append(request)
        shutil.rmtree(Path(profile.locations[0].path), ignore_errors=True)
        return looks["show"](request)

    async def test() -> None:
        backend = RecordedBackend(looks={**looks, "show": show})
        async with opened(profile, backend, mode="archives") as console:
            await detail(console)
            await console.until(f"The backup '{made.id}' is not in what can be read.")
            await section(console, "Files")
            assert "It could not be read." in console.text and "s Save" not in console.text.replace(
                "(s Save)", ""
            )
            await console.press("r")
            await console.until(lambda: len(asked) == 2)

    run(test())


def test_waiting_for_the_document(place: tuple[Profile, dict[str, Any], Any]) -> None:
    profile, looks, _ = place

    async def test() -> None:
        backend = RecordedBackend(looks={**looks, "show": Silent})
        async with opened(profile, backend, mode="archives") as console:
            await listed(console, 2)
            await console.press("enter")
            await console.until("Reading it since 03:14:00 UTC.")
            assert "✗ damaged" in console.text
            for _ in range(5):
                await console.press("right")
                assert "Reading it since 03:14:00 UTC." in console.text
            await console.press("s", "y", "slash", "o", "enter", "escape")
            await listed(console, 2)

    run(test())


def test_two_thousand_collections(location: Path, tmp_path: Path) -> None:
    from services.catalog.manifest import CollectionEntry, decode_manifest, encode_manifest

    made = make_backup(location, objects=None)
    path = location / layout.manifest_name(made.id)
    manifest = decode_manifest(path.read_bytes())
    names = {f"c{number:04d}[/x]\u202e": CollectionEntry(documents=number) for number in range(2_000)}
    path.write_bytes(encode_manifest(msgspec.structs.replace(manifest, collections=names)))
    make_backup(location, NIGHT + timedelta(days=-1), objects=None)
    profile = msgspec.structs.replace(PROD, locations=(Location(name="backups", path=str(location)),))
    state = Paths(tmp_path / "state")
    looks = {
        "catalog": survey(profile.locations, profile, state),
        "show": lambda request: look(request, profile, state),
    }

    async def test() -> None:
        async with opened(profile, RecordedBackend(looks=looks), mode="archives") as console:
            await detail(console)
            await console.press("right")
            await console.until("[Collections 2,000]")
            await console.press("end")
            await console.until("c1999[/x]\\u202e")
            await console.press("slash")
            await console.type("c0042")
            await console.until("1 of 2,000 shown")

    run(test())


def test_another_profile_closes_it(place: tuple[Profile, dict[str, Any], Any]) -> None:
    profile, looks, _ = place

    async def test() -> None:
        async with opened(profile, RecordedBackend(looks=looks), mode="archives") as console:
            await detail(console)
            console.app.store.make_read_only()
            await console.pilot.pause(0.2)
            assert "[Summary]" in console.text and "READ-ONLY" in console.text
            await console.press("d")
            await console.until(lambda: any("READ-ONLY" in one.message for one in console.app._notifications))
            console.app.store.set_profile(msgspec.structs.replace(profile, name="other"))
            await listed(console, 2)
            assert "[Summary]" not in console.text and "PROD  other" in console.text

    run(test())


def test_how_jobs_end_in_words() -> None:
    bad = [
        {"name": "archive", "status": "fail", "detail": "2 members differ"},
        {"name": "sizes", "status": "ok"},
    ]
    for result, status, words, loud in (
        ({"checks": bad}, "fail", "Verify of X ended fail: archive: 2 members differ", "error"),
        ({"checks": [], "warnings": ["w"]}, "ok", "Verify of X ended ok w", "information"),
        ({"pinned": True}, "ok", "X is pinned: no rule deletes it.", "information"),
        (
            {"still": {"objects": "missing"}},
            "ok",
            "X is accepted as it is, but objects is still not good: missing.",
            "information",
        ),
        (
            {"deleted": True, "trash_frees": {"bytes": 5_000_000, "shared": 0}},
            "ok",
            "X is in the trash of its location (t in Archives). Emptying the trash would free 5.0 MB.",
            "information",
        ),
        ({}, "cancelled", "X: cancelled.", "warning"),
    ):
        ended = Finished(at=NOW, status=status, exit_code=0, result=result)
        assert ended_words(ended, "X") == (words, loud)
