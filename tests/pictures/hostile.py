"""What was recorded, with every text that comes from outside made as bad as it can be."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from msgspec import inspect as shapes

from services.errors import QuillkeepError
from services.history.model import History
from services.jobs.events import AnyEvent
from services.jobs.listing import JobSummary
from tests.pictures import recording
from tests.pictures.scene import Scene, healthy

PASSWORD = "hunter2-of-the-database"
SECRETS = (PASSWORD, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI-bPxRfiCYEXAMPLEKEY")
ERROR = (
    f"(Unauthorized) mongodb://quilltap:{PASSWORD}@db1.example.org:27017/?authSource=admin said no: "
    f"aws_access_key_id={SECRETS[1]} aws_secret_access_key={SECRETS[2]} [/x] \x1b[31mred\x1b[0m"
)
"""As a driver may say it, credentials and all."""
BAD = (
    "[/x][bold]b[/bold]",
    "\x1b[31mred\x1b[0m",
    "\x9b2J\x1bc",
    "\x1b]52;c;aGFja2Vk\x07",
    "two\nlines\r\tand\vmore",
    "\u202egnp.exe\u2066",
    "e\u0301\u0301\u0301\u0308 Z\u0351\u036b\u0343",
    "漢字仮名交じり文🙂👨\u200d👩\u200d👧",
    "long" * 64 + ".",
    "\x00\x7f\ufeff\u200b\u2028",
    "$primary %s {0} \\[ [link=https://example.org]x[/link]",
    "[@click=app.quit]leave[/]",
)
KEEP = frozenset(
    [
        "id",
        "job",
        "event",
        "verb",
        "status",
        "state",
        "strategy",
        "name_of_day",
        "unit",
        "level",
        "phase",
        "kind",
        "word",
        "way_on",
        "boot_id",
        "machine_id",
    ]
)
"""Fields by which the console finds its way: ids of ours, words of a closed list."""
CLOSED = frozenset(
    [
        "ok",
        "warn",
        "warnings",
        "fail",
        "failed",
        "skipped",
        "unknown",
        "same",
        "differs",
        "created",
        "replaced",
        "refused",
    ]
)


class Poison:
    """Puts the next of `BAD` behind each text, in turn, so that every screen meets all of them."""

    def __init__(self) -> None:
        self._turn = 0

    def text(self, text: str) -> str:
        self._turn += 1
        return f"{text}{BAD[self._turn % len(BAD)]}"

    def of(self, value: Any) -> Any:
        """A struct, or a list or mapping of them, by its own type."""
        if isinstance(value, msgspec.Struct):
            kind = shapes.type_info(type(value))
            assert isinstance(kind, shapes.StructType)
            changed = {
                field.name: self._typed(getattr(value, field.name), field.type)
                for field in kind.fields
                if field.name not in KEEP
            }
            return msgspec.structs.replace(value, **changed)
        return value

    def _typed(self, value: Any, kind: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | datetime):
            return value
        if isinstance(value, msgspec.Struct):
            return self.of(value)
        if isinstance(value, Path | PurePosixPath):
            return type(value)(self.text(str(value)).replace("\0", ""))
        if isinstance(value, str):
            open_ended = isinstance(kind, shapes.StrType) or (
                isinstance(kind, shapes.UnionType)
                and any(isinstance(one, shapes.StrType) for one in kind.types)
            )
            return self.text(value) if open_ended else value
        if isinstance(value, tuple | list):
            inner = getattr(kind, "item_type", None) or shapes.StrType()
            return type(value)(self._typed(one, inner) for one in value)
        if isinstance(value, dict):
            if isinstance(getattr(kind, "key_type", None), shapes.LiteralType):
                return {key: self._typed(one, shapes.StrType()) for key, one in value.items()}
            if isinstance(getattr(kind, "value_type", None), shapes.StrType):
                return {self.text(key): self.text(one) for key, one in value.items()}
            return self.document(value)
        return value

    def document(self, value: Any, key: str = "") -> Any:
        """A JSON document: names as keys, texts as values."""
        if isinstance(value, dict):
            named = key in ("collections", "by_collection")
            return {
                self.text(name) if named else name: self.document(one, name) for name, one in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.document(one, "" if isinstance(one, dict) else key) for one in value]
        if isinstance(value, str) and key not in KEEP and value not in CLOSED and not _is_fact(value):
            return self.text(value)
        return value


def _is_fact(text: str) -> bool:
    """A time, an id or a sum."""
    return (
        re.fullmatch(r"[0-9T:.Z+_-]{8,40}|[0-9a-f]{16,64}|quilltap_\d{8}_\d{6}|\d{8}_\d{6}", text) is not None
    )


def error() -> QuillkeepError:
    """An error with everything in it that must not be shown."""
    return QuillkeepError(f"It failed: {ERROR}", cause=ERROR, touched=ERROR, next=f"Look at {ERROR}.")


def hostile(scene: Scene) -> Scene:
    """The same scene on poisoned answers, jobs, journals and history."""
    poison = Poison()
    looks = {name: _look(one, poison) for name, one in {**healthy(), **scene.looks}.items()}
    return dataclasses.replace(
        scene,
        looks=looks,
        jobs=lambda: [_job(job, poison) for job in scene.jobs()],
        journals={verb: _reading(read, poison) for verb, read in scene.journals.items()},
        history=lambda: History(
            operations=tuple(poison.of(one) for one in scene.history().operations), forbidden=("[/x]",)
        ),
    )


def _look(answer: Any, poison: Poison) -> Any:
    if isinstance(answer, QuillkeepError):
        return error()
    return poison.of(answer)


def _job(job: JobSummary, poison: Poison) -> JobSummary:
    return msgspec.structs.replace(
        job,
        summary=poison.text(job.summary),
        user=poison.text(job.user),
        host=poison.text(job.host),
        phase=poison.text(job.phase),
    )


def _reading(read: Callable[[], list[AnyEvent]], poison: Poison) -> Callable[[], list[AnyEvent]]:
    return lambda: list(events(read(), poison))


def events(journal: list[AnyEvent], poison: Poison) -> Iterator[AnyEvent]:
    """A journal with bad texts; the first log line of it is 10,000 characters long."""
    long = True
    for event in journal:
        bad = poison.of(event)
        if getattr(bad, "text", "") and long:
            long = False
            bad = msgspec.structs.replace(bad, text="".join(BAD) * (10_000 // len("".join(BAD)) + 1))
        yield bad


def profile_with_secrets() -> Any:
    """The recorded deployment, whose own password is one of those that must never be seen."""
    from services.profile import MongoTarget
    from services.secret import Secret

    uri = Secret(f"mongodb://quilltap:{PASSWORD}@db1.example.org:27017/")
    return msgspec.structs.replace(recording.PROFILE, mongo=MongoTarget(uri=uri, database="quilltap"))
