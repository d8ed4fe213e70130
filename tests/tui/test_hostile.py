"""Whatever servers, folders and journals say, every screen stays a screen: no crash, no control, no secret."""

from __future__ import annotations

import dataclasses
import html
import time
import unicodedata
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from services.catalog.scan import Catalog
from services.jobs.events import Finished, Log
from services.jobs.journal import Journal, read_events
from services.jobs.launch import StartedJob
from services.looking.bucket import BucketAnswer
from services.looking.integrity import IntegrityAnswer
from services.looking.live import CollectionSeen, LiveAnswer
from services.redact import remember
from tests.pictures import recording
from tests.pictures.hostile import BAD, ERROR, SECRETS, Poison, error, hostile, profile_with_secrets
from tests.pictures.rest import at_rest, hurried, press
from tests.pictures.scene import NARROW, Scene
from tests.pictures.scenes import SCENES
from tests.pictures.scenes_backups import settled
from tests.tui_support import run, text_of

BY_NAME = {scene.name: scene for scene in SCENES}
WALKED = [
    "health-damaged",
    "health-interrupted",
    "health-restored",
    "health-running",
    "archives",
    "archives-unreadable",
    "archive",
    "archive-collections",
    "archive-checks",
    "archive-files",
    "archive-commands",
    "backup-dialog",
    "backup-done",
    "verify-dialog",
    "delete-mismatch",
    "compare",
    "restore-1-happened",
    "restore-2-backup",
    "restore-3-what",
    "restore-4-checks",
    "restore-5-plan",
    "restore-5-failed",
    "restore-6-confirm",
    "restore-7-running",
    "restore-8-proof",
    "restore-8-failed",
    "restore-9-done",
    "restore-interrupted",
    "restore-rollback-plan",
    "restore-release-counted",
    "integrity",
    "integrity-backup",
    "integrity-checks",
    "integrity-checks-live",
    "integrity-live-checks",
    "integrity-oldest",
    "jobs",
    "job-restore",
    "job-restore-killed",
    "history",
    "history-restore",
    "history-export",
    "settings",
    "settings-1",
    "settings-2",
    "first-run-found",
    "first-run-save",
    "palette",
    "profiles",
    "leave",
]
"""One scene of each screen and dialog; they press the same keys as for the pictures."""


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def looked_over(text: str, svg: str, width: int = NARROW[0]) -> None:
    """What holds of every screen."""
    for line in text.splitlines():
        assert cell_len(line) <= width, f"wider than the terminal: {line!r}"
    moving = {
        char for char in text.replace("\n", "") if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")
    }
    assert not moving, f"control characters: {sorted(map(ascii, moving))}\n{text}"
    drawn = html.unescape(svg).replace("\u00a0", " ")
    for secret in SECRETS:
        assert secret not in text, f"a secret\n{text}"
        assert secret not in drawn
    for line in drawn.splitlines():
        assert "\x1b" not in line and "\x9b" not in line


async def play(scene: Scene, pilot: Pilot[Any]) -> str:
    """The scene's keys; a text that the picture waits for need not come."""
    with hurried():
        await at_rest(pilot)
        try:
            await scene.play(pilot)
        except AssertionError as told:
            if "not there" not in str(told):
                raise
        text = text_of(pilot.app)  # type: ignore[arg-type]
        looked_over(text, pilot.app.export_screenshot(simplify=True))
        return text


def drawn(scene: Scene) -> str:
    async def go() -> str:
        async with scene.app().run_test(size=NARROW, notifications=True) as pilot:
            return await play(scene, pilot)

    return run(go())


SEEN: set[str] = set()


@pytest.mark.parametrize("name", WALKED)
def test_bad_texts(name: str) -> None:
    text = drawn(hostile(BY_NAME[name]))
    SEEN.update(mark for mark in ("[/x]", "\\x1b", "\\x9b", "\\u202e", "\\n", "\\x0a", "漢") if mark in text)


def test_bad_texts_were_shown_as_they_are() -> None:
    """Run alone it looks at three screens itself: the texts are escaped, not left out."""
    for name in ("archive", "jobs", "restore-3-what"):
        test_bad_texts(name)
    assert {"[/x]", "\\x1b"} <= SEEN


@pytest.mark.parametrize(
    "mode", ["health", "archives", "restore", "integrity", "jobs", "history", "settings", "first-run"]
)
def test_errors_with_credentials(mode: str) -> None:
    names = ("catalog", "live", "bucket", "locations", "rates", "discover", "try_out", "integrity")
    looks = {name: error() for name in names}
    scene = Scene("errors", settled, mode=mode, looks=looks, profile=profile_with_secrets())
    text = drawn(scene)
    assert "***" in text or mode in ("jobs", "history", "settings")


def test_a_job_that_cannot_be_started_tells_no_credentials() -> None:
    scene = BY_NAME["backup-done"]

    async def go() -> None:
        app = scene.app()

        def refuse(*_: Any) -> StartedJob:
            raise error()

        app.store.backend.start_job = refuse  # type: ignore[method-assign]
        async with app.run_test(size=NARROW, notifications=True) as pilot:
            assert "***" in await play(scene, pilot)

    run(go())


def test_a_journal_with_credentials(tmp_path: Any) -> None:
    """As a job writes it: the journal's own redactor stands between the driver's words and the disk."""
    remember(profile_with_secrets().mongo.uri)
    journal = Journal(tmp_path)
    whole = recording.journal("restore-failed")
    failure = {"status": "failed", "error": error().as_dict(), "warnings": [ERROR]}
    for event in whole[:-1]:
        journal.write(event)
    journal.write(Log(at=whole[-1].at, level="error", text=ERROR))
    journal.write(Finished(at=whole[-1].at, status="failed", exit_code=1, result=failure))
    kept = read_events(tmp_path)
    for name in ("job-restore-failed", "restore-8-failed"):
        scene = BY_NAME[name]
        changed = dict(scene.journals.items())
        changed["restore" if "restore" in changed else next(iter(changed))] = lambda: kept
        assert "***" in drawn(dataclasses.replace(scene, journals=changed))


COLLECTIONS, BACKUPS = 2_000, 10_000
HANG_SECONDS = 3.0
"""A key that takes so long hangs; how quick it is otherwise is a line of the bench."""


def many_collections() -> dict[str, Any]:
    poison = Poison()
    names = [poison.text(f"c{number:04}_") for number in range(COLLECTIONS)]
    live: LiveAnswer = recording.look("live")
    seen = tuple(msgspec.structs.replace(live.collections[0], name=name) for name in names[:-7])
    assert all(isinstance(one, CollectionSeen) for one in seen)
    held = recording.look("contents")
    kept = tuple(msgspec.structs.replace(held.collections[0], name=name) for name in names)
    show = recording.look("show")
    return {
        "live": msgspec.structs.replace(live, collections=seen),
        "contents": msgspec.structs.replace(held, collections=kept),
        "show": show,
    }


def many_backups() -> Catalog:
    catalog: Catalog = recording.look("catalog")
    one, poison = catalog.backups[-1], Poison()
    rows = tuple(
        msgspec.structs.replace(one, id=poison.text(f"foreign{number:05}"), ours=False, good_parts=())
        for number in range(BACKUPS)
    )
    return msgspec.structs.replace(catalog, backups=(*catalog.backups, *rows))


def many_checked(catalog: Catalog) -> IntegrityAnswer:
    given: IntegrityAnswer = recording.look("integrity")
    one = given.backups[-1]
    seen = tuple(msgspec.structs.replace(one, backup=backup) for backup in catalog.backups)
    return msgspec.structs.replace(given, backups=seen)


def empty_bucket() -> BucketAnswer:
    bucket: BucketAnswer = recording.look("bucket")
    return msgspec.structs.replace(bucket, objects=0, bytes=0)


MUCH = [
    ("health", ()),
    ("archives", ("end", "home", "pagedown", "slash", "x", "escape", "o", "enter", "right", "escape")),
    ("restore", ("enter", "down", "up", "enter", "tab", "end", "space", "home", "escape")),
    ("integrity", ("end", "home", "f", "f", "f", "f", "slash", "x", "escape", "o", "o", "V", "escape")),
]


@pytest.mark.parametrize(("mode", "keys"), MUCH, ids=[mode for mode, _ in MUCH])
def test_much_of_everything(mode: str, keys: tuple[str, ...]) -> None:
    backups = many_backups()
    looks = {**many_collections(), "catalog": backups, "bucket": empty_bucket()}
    if mode == "integrity":
        looks["integrity"] = many_checked(backups)
    scene = Scene("much", settled, mode=mode, looks=looks)

    async def go() -> None:
        async with scene.app().run_test(size=NARROW, notifications=True) as pilot:
            await play(scene, pilot)
            with hurried():
                for key in keys:
                    began = time.process_time()
                    await press(pilot, key)
                    assert time.process_time() - began < HANG_SECONDS, key
                    looked_over(text_of(pilot.app), "")  # type: ignore[arg-type]
            assert pilot.app.is_running

    run(go())


def test_the_bad_texts_are_bad() -> None:
    """Else the tests above would prove nothing."""
    every = "".join(BAD)
    assert {"Cc", "Cf", "Mn"} <= {unicodedata.category(char) for char in every}
    assert any(len(one) >= 255 for one in BAD) and any(cell_len(one) > len(one) for one in BAD)
    with pytest.raises(AssertionError):
        looked_over("\x1b[31m", "")
    with pytest.raises(AssertionError):
        looked_over("漢" * 41, "")
    with pytest.raises(AssertionError):
        looked_over(ERROR.replace("\x1b", ""), "")
