"""The one row that says on what all of this works; it is on every screen."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content
from textual.widget import Widget

from widgets.glyphs import Glyphs
from widgets.text import cut, escape


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
        """Other facts."""
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def render(self) -> Content:
        """The longest form that fits."""
        return Content(fit(self._facts, self.size.width, self._glyphs))


def fit(facts: TargetFacts, width: int, glyphs: Glyphs) -> str:
    """The bar's text in `width` columns."""
    host = escape(facts.host)
    forms = [
        _line(facts, host, facts.bucket, facts.profile, glyphs),
        _line(facts, host, "", facts.profile, glyphs),
    ]
    for length in (24, 16, 10, 6):
        if len(host) > length:
            short = f"{host[: length - 1]}{glyphs.ellipsis}"
            forms.append(_line(facts, short, "", facts.profile, glyphs))
    forms.append(_line(facts, "", "", facts.profile, glyphs))
    forms.append(_line(facts, "", "", "", glyphs))
    return next((form for form in forms if Content(form).cell_length <= width), cut(forms[-1], width))


def _line(facts: TargetFacts, host: str, bucket: str, profile: str, glyphs: Glyphs) -> str:
    jobs = f"{glyphs.of('running')} {facts.jobs} job{'s' if facts.jobs != 1 else ''}" if facts.jobs else ""
    where = f"{host}/{escape(facts.database)}" if host else escape(facts.database)
    parts = (
        facts.kind,
        "READ-ONLY" if facts.read_only else "",
        escape(profile),
        where,
        f"bucket {escape(bucket)}" if bucket else "",
        jobs,
    )
    return " " + "  ".join(part for part in parts if part)
