"""The two streams of the headless contract: data on stdout, narration on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from services.errors import QuillkeepError
from tui.terminal import Terminal, look_at
from widgets.text import escape, escape_lines


class Output:
    """Where a verb writes; `as_json` turns stdout into exactly one document."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out: Terminal = look_at(sys.stdout)
        self.err: Terminal = look_at(sys.stderr)

    def say(self, text: str) -> None:
        """Narration for a person."""
        print(escape_lines(text), file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """Narration that must not be missed."""
        print(f"{self.err.status('warn')}  {escape(text)}", file=sys.stderr, flush=True)

    def lines(self, lines: Iterable[str]) -> None:
        """Data for a person; nothing when a document was asked for. The lines are safe to show already."""
        if not self.as_json:
            for line in lines:
                print(line)
            sys.stdout.flush()

    def document(self, data: dict[str, Any]) -> None:
        """The one JSON document, when it was asked for."""
        if self.as_json:
            print_json(data)


def print_json(data: Any) -> None:
    """One line of JSON; times as RFC 3339 UTC, everything else as it is."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(data).decode() + "\n")
    sys.stdout.flush()


def report_failure(error: QuillkeepError, *, as_json: bool) -> int:
    """What happened, what was touched and the next step on stderr; the failure document on stdout."""
    show_failure(error.what, error.cause, error.touched, error.next)
    if as_json:
        print_json({"status": error.status, "warnings": [], "error": redacted(error)})
    return error.exit_code


def redacted(error: QuillkeepError) -> dict[str, str]:
    """The `error` object without secrets."""
    from services.redact import redact

    return {key: redact(text) for key, text in error.as_dict().items()}


def show_failure(what: str, cause: str, touched: str, next: str) -> None:
    """The four sentences of a failure on stderr, each on a line of its own."""
    from services.redact import redact

    terminal = look_at(sys.stderr)
    print(terminal.paint(escape(redact(what)), "bold"), file=sys.stderr)
    for label, text in (("Cause", cause), ("Touched", touched), ("Next", next)):
        if text:
            print(f"  {label + ':':<9}{escape(redact(text))}", file=sys.stderr)
    sys.stderr.flush()
