"""Pictures of Integrity."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from services.catalog.scan import LocationProblem
from services.looking.integrity import LIVE_VERBS, BackupSeen, IntegrityAnswer, LiveSeen
from tests.pictures import recording
from tests.pictures.hostile import BAD
from tests.pictures.scene import NARROW, WIDE, Play, Scene
from tests.pictures.scenes_backups import DOWN, keys, settled
from tests.recorded import Silent


def answer(name: str = "integrity") -> IntegrityAnswer:
    """A kept answer."""
    found = recording.look("integrity", name)
    assert isinstance(found, IntegrityAnswer)
    return found


def now() -> datetime:
    """When the last of it was recorded."""
    data = (recording.FOLDER / "when-integrity.json").read_bytes()
    return msgspec.json.decode(data, type=datetime)


WELL, DAMAGED = answer(), answer("integrity-damaged")
EMPTY = msgspec.structs.replace(DAMAGED, backups=(), live=tuple(LiveSeen(verb=verb) for verb in LIVE_VERBS))
UNREAD = msgspec.structs.replace(
    EMPTY,
    problems=(LocationProblem(location="nas", path="/backups/quilltap", problem="no permission to read it"),),
)


def hostile() -> IntegrityAnswer:
    """Names and evidence as bad as they can be."""
    first = DAMAGED.backups[4]

    def odd(place: int, text: str) -> BackupSeen:
        backup = msgspec.structs.replace(first.backup, id=f"b{place}{text}", location=text)
        wrong = tuple(msgspec.structs.replace(one, detail=text, next=text) for one in first.wrong)
        return msgspec.structs.replace(first, backup=backup, wrong=wrong)

    live = tuple(
        msgspec.structs.replace(
            one,
            summary=BAD[0],
            findings=tuple(
                msgspec.structs.replace(finding, what=text, collection=text, examples=BAD, good_in=text)
                for finding, text in zip(one.findings, BAD, strict=False)
            ),
        )
        for one in DAMAGED.live
    )
    return msgspec.structs.replace(
        DAMAGED, backups=tuple(odd(place, text) for place, text in enumerate(BAD)), live=live
    )


def scene(name: str, play: Play, given: Any = DAMAGED, **more: Any) -> Scene:
    """A picture of this mode."""
    sizes = more.pop("sizes", (NARROW,))
    return Scene(name, play, mode="integrity", looks={"integrity": given}, now=now, sizes=sizes, **more)


VERIFYING = {"verify": lambda: recording.journal("integrity-verify", until="verify")}
INTEGRITY = (
    scene("integrity", settled, sizes=(NARROW, WIDE)),
    scene("integrity-well", settled, WELL),
    scene("integrity-backup", keys("o", "o", "down", "down"), sizes=(NARROW, WIDE)),
    scene("integrity-failing", keys("f")),
    scene("integrity-never", keys("f", "f", "f")),
    scene("integrity-filtered", keys("slash", *"damaged")),
    scene("integrity-empty", settled, EMPTY),
    scene("integrity-unreadable", settled, UNREAD),
    scene("integrity-waiting", settled, Silent),
    scene("integrity-problem", settled, DOWN),
    scene("integrity-running", keys("end", "v", "f"), journals=VERIFYING),
    scene("integrity-verify-dialog", keys("down", "v")),
    scene("integrity-oldest", keys("V")),
    scene("integrity-live-checks", keys("l")),
    scene("integrity-live-full", keys("l", "F")),
    scene("integrity-save", keys("s")),
    scene("integrity-ascii", settled, utf8=False),
    scene("integrity-without-colour", settled, no_color=True),
    scene("integrity-hostile", settled, hostile(), sizes=(NARROW, WIDE)),
    scene("integrity-checks", keys("down", "enter"), answer("integrity-archive"), sizes=(NARROW, WIDE)),
    scene("integrity-checks-object", keys("down", "enter"), answer("integrity-object")),
    scene("integrity-checks-deep", keys("down", "enter", "end"), answer("integrity-deep")),
    scene("integrity-checks-live", keys("enter", "down"), sizes=(NARROW, WIDE)),
    scene("integrity-checks-text", keys("enter", "a")),
)
