"""The one row that says on what all of this works; it is on every screen."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content
from textual.widget import Widget

from widgets.glyphs import Glyphs
from widgets.text import escape

SHORTEST_HOST = 6
_KIND_STYLES = {"PROD": "bold $text-error", "DEMO": "bold $text-success"}


class TargetFacts(NamedTuple):
    """What the bar says; empty strings are left out."""

    kind: str
    """`PROD`, `DEMO` or empty for a deployment that is neither."""
    profile: str
    database: str
    host: str
    bucket: str
    read_only: bool
    jobs: int


class TargetBar(Widget):
    """Leaves out, when it is narrow, first the bucket, then the host's tail, then the profile."""

    DEFAULT_CSS = "TargetBar { height: 1; width: 100%; }"

    def __init__(self, facts: TargetFacts, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts = facts
        self._glyphs = glyphs

    def show(self, facts: TargetFacts) -> None:
        """Other facts; nothing is drawn again when they are the same."""
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def render(self) -> Content:
        """The longest form that fits."""
        return fit(self._facts, self.size.width, self._glyphs)


def fit(facts: TargetFacts, width: int, glyphs: Glyphs) -> Content:
    """The bar in `width` columns; the database's name is shortened only when nothing else is left to go."""
    host, profile, database = escape(facts.host), escape(facts.profile), escape(facts.database)
    whole = _line(facts, profile, host, database, escape(facts.bucket), glyphs)
    if whole.cell_length <= width:
        return whole
    line = _line(facts, profile, host, database, "", glyphs)
    if line.cell_length <= width:
        return line
    room = Content(host).cell_length - (line.cell_length - width)
    if host and room >= SHORTEST_HOST:
        return _line(facts, profile, shorten(host, room, glyphs.ellipsis), database, "", glyphs)
    for shown in (profile, ""):
        line = _line(facts, shown, "", database, "", glyphs)
        if line.cell_length <= width:
            return line
    room = max(4, Content(database).cell_length - (line.cell_length - width))
    line = _line(facts, "", "", shorten(database, room, glyphs.ellipsis), "", glyphs)
    return line.truncate(width)


def shorten(text: str, width: int, ellipsis: str = "…") -> str:
    """The beginning of `text` in at most `width` columns, an ellipsis for what is missing."""
    content = Content(text)
    if content.cell_length <= width:
        return text
    return content.truncate(max(0, width - 1)).plain.rstrip() + ellipsis


def _line(facts: TargetFacts, profile: str, host: str, database: str, bucket: str, glyphs: Glyphs) -> Content:
    jobs = f"{glyphs.of('running')} {facts.jobs} job{'s' if facts.jobs != 1 else ''}" if facts.jobs else ""
    parts = (
        Content.styled(facts.kind, _KIND_STYLES.get(facts.kind, "bold")),
        Content.styled("READ-ONLY" if facts.read_only else "", "bold $text-warning"),
        Content(profile),
        Content(f"{host}/{database}" if host else database),
        Content(f"bucket {bucket}" if bucket else ""),
        Content.styled(jobs, "bold $text-accent"),
    )
    return Content(" ") + Content("  ").join(part for part in parts if part)
