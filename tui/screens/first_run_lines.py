"""What the first run says, as lines: what was looked for, what was tried, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from services.looking.discover import DiscoverAnswer
from services.looking.try_out import TryAnswer, TryPart
from services.profile import Profile
from services.settings.discover import FOUND_HERE, Finding, Lack
from tui.store import Looked, Problem
from widgets.glyphs import Glyphs
from widgets.lines_view import Line, wrapped

KINDS = {
    "env-file": ".env file",
    "config": "config",
    "environment": "environment",
    "mongodb": "MongoDB",
    "s3": "S3 server",
    "folder": "backups",
}
PARTS: dict[TryPart, str] = {"database": "Database", "bucket": "Bucket", "folder": "Folder"}
COLUMN = 14
TONES = {"ok": "success", "warn": "warning", "fail": "error"}


class Verdict(NamedTuple):
    """The first line, how it stands, and what to do."""

    status: str
    text: str
    next: str


class View(NamedTuple):
    """Everything the screen shows; `tries` are the parts that settings name."""

    found: Looked[DiscoverAnswer]
    tries: dict[TryPart, Looked[TryAnswer]]
    profile: Profile
    lacks: tuple[Lack, ...]
    glyphs: Glyphs
    problem: Problem | None = None
    """Why settings that are there could not be read."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far."""
        return self.found.value.findings if self.found.value else ()

    @property
    def file(self) -> str:
        """The `.env` file that lines are written into."""
        return next((each.place for each in self.findings if each.kind == "env-file"), "Quilltap's .env file")


def verdict(view: View) -> Verdict:
    """In one line; what fails comes before what is missing."""
    if view.found.waiting and not view.found.known:
        return Verdict("waiting", f"Nothing is set up yet. Looking around since {_clock(view.found)}.", "")
    if view.problem is not None:
        return Verdict("fail", view.problem.what, f"{view.problem.next} e reads another one.")
    for part, tried in view.tries.items():
        if tried.problem is not None:
            return Verdict("fail", f"{PARTS[part]}: {tried.problem.what}", tried.problem.next)
    essential = [each.what for each in view.lacks if "pepper" not in each.what]
    if essential:
        named = "Nothing is set up yet" if len(essential) == 3 else "Not everything is set up"
        text = f"{named}: nothing names {_listed(essential)}."
        return Verdict("warn", text, "e reads Quilltap's .env file; D opens a demo, which needs nothing.")
    if view.found.problem is not None:
        return Verdict("unknown", view.found.problem.what, view.found.problem.next)
    if any(tried.waiting for tried in view.tries.values()):
        return Verdict("waiting", "All settings were found; trying them.", "")
    for part, tried in view.tries.items():
        if tried.value is not None and tried.value.status == "warn":
            return Verdict("warn", f"{PARTS[part]}: {tried.value.what}", tried.value.next)
    follow = "1 opens Health." if view.profile.name else "w saves it as a profile; 1 opens Health."
    return Verdict("ok", "Everything was found, and it answers.", follow)


def lines(view: View, width: int) -> list[Line]:
    """All below the verdict; what was tried comes first, since it says what to do."""
    sections = [_looked(view, width)]
    if view.lacks:
        sections.append(_missing(view, width))
    if view.tries:
        sections.insert(0, _all_tried(view, width))
        sections.append(sections.pop(1))
    made: list[Line] = []
    for section in sections:
        made += [*([Line("")] if made else []), *section]
    return made


def _looked(view: View, width: int) -> Iterator[Line]:
    yield Line("Looked for", "strong")
    if view.found.problem is not None:
        yield from _row(
            "fail", "", f"{view.found.problem.what} {view.found.problem.next}", view.glyphs, width
        )
    for finding in view.findings:
        status = "ok" if finding.found else "none"
        yield from _row(status, KINDS[finding.kind], finding.text, view.glyphs, width)
    if view.found.waiting and not view.findings:
        yield Line(f"  Waiting for this machine's answer since {_clock(view.found)}.", "dim")


def _all_tried(view: View, width: int) -> Iterator[Line]:
    yield Line("Tried", "strong")
    for part, tried in view.tries.items():
        yield from _tried(part, tried, view, width)


def _missing(view: View, width: int) -> Iterator[Line]:
    yield Line("Missing", "strong")
    into = f"Write into {view.file}, or name Quilltap's own with e:"
    for text in wrapped(into, width, first="  ", rest="  "):
        yield Line(text, "dim")
    for lack in view.lacks:
        yield Line(f"  # {lack.what}", "dim")
        for text in lack.lines:
            yield Line(f"  {text}", "accent")


def to_write(view: View) -> str:
    """The missing lines, to copy or save."""
    out: list[str] = []
    for lack in view.lacks:
        out += [f"# {lack.what}", *lack.lines]
    return "\n".join(out)


def _tried(part: TryPart, tried: Looked[TryAnswer], view: View, width: int) -> Iterator[Line]:
    label, glyphs = PARTS[part], view.glyphs
    if tried.problem is not None:
        problem = tried.problem
        yield from _row("fail", label, problem.what, glyphs, width)
        yield from _more(problem.cause, "Cause: ", width)
        yield from _more(problem.next, "Next: ", width)
    elif tried.value is not None:
        answer = tried.value
        here = f" ({FOUND_HERE})" if _found_here(part, view.profile) else ""
        yield from _row(answer.status, label, answer.what + here, glyphs, width)
        yield from _more(answer.cause, "Cause: ", width)
        yield from _more(answer.next, "Next: ", width)
    else:
        yield from _row("waiting", label, f"waiting for an answer since {_clock(tried)}", glyphs, width)


def _found_here(part: TryPart, profile: Profile) -> bool:
    return part == "database" and profile.sources.get("mongo.uri") == FOUND_HERE


def _row(status: str, label: str, text: str, glyphs: Glyphs, width: int) -> Iterator[Line]:
    first = f"  {glyphs.of(status)} {label:<{COLUMN}}"
    tone = TONES.get(status, "dim" if status == "none" else "")
    for line in wrapped(text, width, first=first, rest=" " * len(first)):
        yield Line(line, "" if status == "ok" else tone)


def _more(text: str, word: str, width: int) -> Iterator[Line]:
    if text:
        indent = " " * (COLUMN + 4)
        for line in wrapped(text, width, first=indent + word, rest=indent):
            yield Line(line, "" if word == "Next: " else "dim")


def _clock(looked: Looked[TryAnswer] | Looked[DiscoverAnswer]) -> str:
    asked: datetime | None = looked.asked
    return f"{asked:%H:%M:%S} UTC" if asked else "now"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
