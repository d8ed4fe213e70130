"""Pictures of the wizard in the recorded incident: a collection dropped, the bucket emptied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from services.catalog.scan import Catalog
from services.jobs.events import AnyEvent
from tests.pictures import recording
from tests.pictures.scene import NARROW, Scene
from tests.pictures.scenes_backups import DAMAGED, DOWN, INTERRUPTED, READ_ONLY, RESTORED, keys

Journals = Mapping[str, Callable[[], list[AnyEvent]]]
TYPED = tuple("prod/quilltap")
TO_CONFIRM = ("enter",) * 5
STARTED = (*TO_CONFIRM, *TYPED, "enter", "enter")
KEPT = ("verify", "plan", "restore", "finish", "rollback-plan", "rollback", "release-counted", "release")


def kept(**others: Callable[[], list[AnyEvent]]) -> Journals:
    """The journals as they were recorded, but for `others`."""
    whole = {name: lambda name=name: recording.journal(name) for name in KEPT}
    return {**whole, **{name.replace("_", "-"): read for name, read in others.items()}}


def wizard(name: str, *pressed: str, wait: str = "", **more: Any) -> Scene:
    """A picture of the wizard."""
    settings: dict[str, Any] = {
        "mode": "restore",
        "looks": DAMAGED,
        "afterwards": RESTORED,
        "journals": kept(),
        **more,
    }
    return Scene(f"restore-{name}", keys(*pressed, wait=wait), **settings)


def at(phase: str) -> Journals:
    """The restore at work in a phase."""
    return kept(restore=lambda: recording.journal("restore-killed", until=phase))


def just_then() -> datetime:
    """The clock while that restore was at work."""
    return recording.journal("restore-killed", until="putting objects")[-1].at + timedelta(seconds=1)


def interrupted(name: str, *pressed: str, **more: Any) -> Scene:
    """A picture of what follows on a restore that was killed while it renamed."""
    return wizard(name, *pressed, looks=INTERRUPTED, jobs=lambda: recording.jobs("interrupted"), **more)


WIZARD = (
    wizard("1-happened", wait="What happened?"),
    wizard("1-waiting", looks={"catalog": DOWN, "live": DOWN}, sizes=(NARROW,)),
    wizard("2-backup", "enter"),
    wizard("2-when", "enter", "w", sizes=(NARROW,)),
    wizard("3-what", "enter", "enter"),
    wizard("4-checks", "enter", "enter", "enter", wait="it can be restored"),
    wizard(
        "4-verifying",
        *("enter", "enter", "enter", "v"),
        journals=kept(verify=lambda: recording.journal("verify")[:-1]),
        sizes=(NARROW,),
    ),
    wizard("4-refused", "enter", "enter", "enter", looks={**DAMAGED, "preflight": DOWN}, sizes=(NARROW,)),
    wizard("5-plan", *("enter",) * 4),
    wizard(
        "5-planning",
        *("enter",) * 4,
        journals=kept(plan=lambda: recording.journal("plan")[:-1]),
        sizes=(NARROW,),
    ),
    wizard(
        "5-failed",
        *("enter",) * 4,
        journals=kept(plan=lambda: recording.journal("restore-failed")),
        sizes=(NARROW,),
    ),
    wizard("6-confirm", *TO_CONFIRM),
    wizard("6-mismatch", *TO_CONFIRM, *"prod", "enter", sizes=(NARROW,)),
    wizard("6-ready", *TO_CONFIRM, *TYPED, "enter", sizes=(NARROW,)),
    wizard("4-read-only", *TO_CONFIRM, profile=READ_ONLY, sizes=(NARROW,)),
    wizard("7-running", *STARTED, journals=at("putting objects"), now=just_then),
    wizard("7-cancel", *STARTED, "x", journals=at("putting objects"), now=just_then, sizes=(NARROW,)),
    wizard("8-proof", *STARTED, wait="Proof"),
    wizard(
        "8-failed",
        *STARTED,
        journals=kept(restore=lambda: recording.journal("restore-failed")),
        sizes=(NARROW,),
    ),
    wizard(
        "8-lost",
        *STARTED,
        afterwards=INTERRUPTED,
        journals=kept(restore=lambda: recording.journal("restore-killed")),
        sizes=(NARROW,),
    ),
    wizard("9-done", *STARTED, "enter"),
    wizard("no-backups", looks={**DAMAGED, "catalog": Catalog(backups=())}, sizes=(NARROW,)),
    wizard("database-down", looks={"live": DOWN}, sizes=(NARROW,)),
    wizard("start-over", "enter", "enter", "ctrl+n", sizes=(NARROW,)),
)
AFTERWARDS = (
    interrupted("interrupted"),
    interrupted("interrupted-finish", "f", sizes=(NARROW,)),
    interrupted(
        "interrupted-rollback",
        "Z",
        journals=kept(rollback_plan=lambda: recording.journal("rollback-plan-killed")),
        sizes=(NARROW,),
    ),
    wizard("rollback-plan", *STARTED, "enter", "Z", sizes=(NARROW,)),
    wizard("rollback-confirm", *STARTED, "enter", "Z", "enter", sizes=(NARROW,)),
    wizard("release-counted", *STARTED, "enter", "D", sizes=(NARROW,)),
    wizard("release-confirm", *STARTED, "enter", "D", "enter", sizes=(NARROW,)),
    wizard("release-done", *STARTED, "enter", "D", "enter", "tab", sizes=(NARROW,)),
    wizard("ascii", "enter", utf8=False, sizes=(NARROW,)),
    wizard("without-colour", *TO_CONFIRM, no_color=True, sizes=(NARROW,)),
    wizard("terminal-theme", *("enter",) * 4, theme="terminal", sizes=(NARROW,)),
    wizard("high-contrast", *TO_CONFIRM, theme="high-contrast", sizes=(NARROW,)),
)
