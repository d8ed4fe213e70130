"""How the demo tells a person what happens."""

from __future__ import annotations

import time
from typing import Any

from services.demo.compare import Comparison
from services.demo.jobs import Say


class Teller:
    """Numbered steps with the time they began at."""

    def __init__(self, say: Say, begun: float) -> None:
        self._say = say
        self._begun = begun
        self._number = 0
        self.warnings: list[str] = []

    def step(self, text: str) -> None:
        """The next step begins."""
        self._number += 1
        self._say(f"\n{self._number:>2}. {text}  [{time.monotonic() - self._begun:.0f} s]")

    def say(self, text: str) -> None:
        """A line within the step."""
        self._say(f"    {text}")

    def warn(self, text: str) -> None:
        """A line that also ends up among the result's warnings."""
        self.warnings.append(text)
        self._say(f"    ! {text}")

    def comparison(self, comparison: Comparison) -> None:
        """Equal, or the first differences."""
        what = comparison.what
        if comparison.equal:
            looked = f"{comparison.collections} collections"
            if comparison.objects:
                looked += f" by content sum, {comparison.objects} objects by sha256"
            self.say(f"EQUAL    {what}" + (f" ({looked})" if comparison.collections else ""))
            return
        self.say(f"DIFFERS  {what}: {len(comparison.differences)} differences")
        for difference in comparison.differences[:10]:
            self.say(f"  {difference}")

    def plan(self, plan: dict[str, Any]) -> None:
        """A restore's plan: what differs by content, what stays."""
        rows = plan["collections"]
        changed = [row for row in rows if row["content"] != "same"]
        width = max((len(row["name"]) for row in changed), default=0)
        for row in changed:
            live, saved = row["live"], row["backup"]
            self.say(
                f"{row['name']:<{width}}  live {_count(live):>7} -> backup {_count(saved):>7}  {row['content']}"
            )
        self.say(f"{len(rows) - len(changed)} collections are the same by content.")
        objects = plan.get("objects") or {}
        self.say(
            f"Objects: {objects.get('put', 0)} to put, {objects.get('keep', 0)} to keep, {objects.get('only_live', 0)} only live (they stay)."
        )
        risks = [str(risk["word"]) for risk in plan["risks"]]
        self.say(f"Risks: {', '.join(risks) or 'none'}. Refusals: {', '.join(plan['refusals']) or 'none'}.")


def megabytes(size: int) -> str:
    """Bytes in decimal megabytes."""
    return f"{size / 1e6:.0f} MB"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
