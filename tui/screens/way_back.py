"""Whether a restore or rollback can be rolled back from here, by what the database last told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.looking.live import SwapSeen
    from tui.app import QuillkeepApp

CAN_COME_BACK = frozenset({"restore", "rollback"})
"""Verbs whose jobs leave copies of what was live before."""


def is_offered(verb: str) -> bool:
    """Whether the key is shown at all for a job of this verb."""
    return verb in (*CAN_COME_BACK, "finish")


def why_no_rollback(console: QuillkeepApp, job: str, *, verb: str = "restore") -> str:
    """Why `job` is not rolled back now; empty when its rollback can be planned."""
    if verb == "finish":
        return "Z on the restore that it finished rolls that back."
    if verb not in CAN_COME_BACK:
        return "Only a restore or a rollback can be rolled back."
    if console.store.profile.read_only:
        return "READ-ONLY: nothing is rolled back."
    live = console.store.looked("live").value
    if live is None:
        return "The database has not told yet which rollback copies it holds: r in Health looks again."
    swap = next((one for one in live.swaps if one.job == job), None)
    if swap is None or not _stands(swap):
        return f"The {verb} {job} holds no rollback copies: rolled back already, released, or never swapped."
    if swap.working:
        return f"{swap.working} works on it."
    newer = [one for one in live.swaps if _stands(one) and one.started > swap.started]
    if newer:
        first = max(newer, key=lambda one: one.started)
        return f"A newer one stands on top of {job}: roll back {first.verb} {first.job} first."
    return ""


def _stands(swap: SwapSeen) -> bool:
    return any(command.startswith("quillkeep rollback ") for command in swap.way_on)
