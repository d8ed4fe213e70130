"""Themes: textual's own, the terminal's own colours, and one of the highest contrast."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from textual.theme import BUILTIN_THEMES, Theme

from services.errors import UsageProblem

if TYPE_CHECKING:
    from textual.app import App

TERMINAL = "terminal"
HIGH_CONTRAST = "high-contrast"
DEFAULT = "textual-dark"

_ANSI = BUILTIN_THEMES["ansi-dark"]
_OURS = (
    Theme(
        name=TERMINAL,
        ansi=True,
        dark=True,
        primary="ansi_blue",
        secondary="ansi_cyan",
        warning="ansi_yellow",
        error="ansi_red",
        success="ansi_green",
        accent="ansi_cyan",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables={
            **_ANSI.variables,
            "border-blurred": "ansi_white",
            "block-cursor-foreground": "ansi_black",
            "block-cursor-background": "ansi_white",
            "block-cursor-blurred-foreground": "ansi_default",
            "block-cursor-blurred-background": "ansi_default",
            "input-cursor-text-style": "reverse",
            "scrollbar": "ansi_cyan",
            "scrollbar-hover": "ansi_cyan",
            "scrollbar-active": "ansi_cyan",
            "scrollbar-background": "ansi_default",
            "scrollbar-background-hover": "ansi_default",
            "scrollbar-background-active": "ansi_default",
            "scrollbar-corner-color": "ansi_default",
        },
    ),
    Theme(
        name=HIGH_CONTRAST,
        dark=True,
        primary="aqua",
        secondary="white",
        warning="yellow",
        error="orangered",
        success="lime",
        accent="yellow",
        foreground="white",
        background="black",
        surface="black",
        panel="black",
        boost="black",
        text_alpha=1.0,
        variables={
            "text-muted": "white",
            "text-disabled": "silver",
            "foreground-muted": "white",
            "foreground-disabled": "silver",
            "text-error": "orangered",
            "text-warning": "yellow",
            "text-success": "lime",
            "text-accent": "yellow",
            "text-primary": "aqua",
            "border": "white",
            "border-blurred": "silver",
            "block-cursor-foreground": "black",
            "block-cursor-background": "yellow",
            "block-cursor-blurred-foreground": "black",
            "block-cursor-blurred-background": "white",
            "input-cursor-foreground": "black",
            "input-cursor-background": "yellow",
            "input-selection-background": "blue",
            "scrollbar": "white",
            "scrollbar-hover": "white",
            "scrollbar-active": "yellow",
            "scrollbar-background": "black",
            "footer-key-foreground": "yellow",
        },
    ),
)


def register_themes(app: App[Any]) -> None:
    """Makes ours known beside textual's."""
    for theme in _OURS:
        app.register_theme(theme)


def theme_names() -> list[str]:
    """Every theme by its name, ours first."""
    return [*(theme.name for theme in _OURS), *sorted(BUILTIN_THEMES)]


def check_theme(name: str, source: str) -> str:
    """The name when there is such a theme. Errors: `UsageProblem` with the nearest one."""
    names = theme_names()
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
    raise UsageProblem(
        f"{source}: console.theme: there is no theme `{name}`; the nearest one is `{near}`.",
        next=f"Use one of {_listed(names)}.",
    )


def usual_theme(environ: Mapping[str, str]) -> str:
    """The theme of a console that names none: the terminal's own colours where it has few of them."""
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or "256color" in environ.get(
        "TERM", ""
    ):
        return DEFAULT
    return TERMINAL


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
