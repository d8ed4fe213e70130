"""Questions to a person at the terminal; without one nothing asks and the flag is named instead."""

from __future__ import annotations

import sys

from services.errors import Refused
from tui.terminal import can_ask
from widgets.text import escape


def yes_or_no(question: str) -> bool:
    """y/n, default No."""
    return _ask(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def typed(question: str, words: str) -> None:
    """The person types `words` exactly; anything else is `Refused`."""
    if _ask(f"{question}\nType {escape(words)} to go on: ").strip() != words:
        raise Refused(
            "Not confirmed: what was typed is not what was asked for.", next="Run the command again."
        )


def need_yes(verb: str) -> None:
    """Raises `Refused` where nobody can be asked."""
    if not can_ask():
        raise Refused(
            f"{verb} was not confirmed, and without a terminal nothing asks.",
            next="Add --yes to confirm it on the command line.",
        )


def _ask(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise Refused("Not confirmed: the input ended.", next="Run the command again.")
    return answer.rstrip("\n")
