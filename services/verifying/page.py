"""The page of all checks, made from their registry: `python -m services.verifying.page` writes docs/checks.md."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from services.checks.all import all_checks
from services.checks.model import Check

PAGE = Path("docs/checks.md")
INTRODUCTION = """# The checks

Made from the registry by `make docs`; a test compares it. `quillkeep verify BACKUP --depth quick|full|deep`
runs those of a backup, each depth with all before it; `quillkeep validate`, `pairs` and `pepper check` run
those of live data.

A check ends `ok`, `warn`, `fail`, `skipped` (not looked at, with the reason: never counted as passed) or
`unknown` (could not be read now, which says nothing of the backup). Those that decide `backup`, `database` or
`objects` make the verdict of the backup or of that part: a part that failed is never `latest` until a run of
the same or greater depth says otherwise. Those that decide `data` are about what was backed up: they never
make a backup bad, and `verify` ends with `warn` when the backup itself is whole.
"""
HEADINGS = {
    "quick": "Quick: seconds. Files, sizes, checksum files, the manifest",
    "full": "Full: every byte",
    "deep": "Deep: loaded into a server, looked at there, and removed",
}
SUBJECTS = {"backup": "a backup", "live": "live data", "both": "either"}


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for depth, heading in HEADINGS.items():
        parts.append(f"## {heading}\n\n{table(entry for entry in all_checks() if entry.depth == depth)}")
    return "\n".join(parts)


def table(checks: Iterable[Check]) -> str:
    """One row a check."""
    rows = ["| check | of | decides | holds when it is ok | reads | cost | names | next step |"]
    rows.append("|" + " --- |" * 8)
    for entry in checks:
        cells = (
            f"`{entry.name}`",
            SUBJECTS[entry.subject],
            entry.decides,
            entry.says,
            entry.reads,
            entry.cost,
            entry.evidence,
            entry.next,
        )
        rows.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Writes the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
