"""Where a deep verify would run, and the person's word for it where that is the live server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.errors import Refused
from tui.confirm import need_yes, yes_or_no
from widgets.text import escape

if TYPE_CHECKING:
    from services.operations.verify_model import VerifyPlan
    from services.paths import Paths
    from services.profile import Profile


def would_run_live(plan: VerifyPlan, profile: Profile, paths: Paths) -> str:
    """Why a deep verify would load aside in the live server, in words; empty when it would not, or may not.

    Looks at this machine alone; the job decides again, and never loads there unless it was confirmed.
    """
    from services.deep.place import choose

    place = choose(profile, paths, plan.deep_options, encrypted=False)
    return (place.reason or "--on live was asked for") if place.where == "live" else ""


def aside_words(profile: Profile, why: str) -> str:
    """What loading aside means, for whoever is asked."""
    from services.mongo.unreachable import host_of

    mongo = profile.mongo
    assert mongo is not None
    return (
        f"A deep verify loads the backup aside in the live server {host_of(mongo)}, database {mongo.database}, "
        f"under names of its own, looks at it there and drops it: {why}. "
        "No live collection is touched; the server has the work and needs the space meanwhile, and a restore ends it."
    )


def confirm(plan: VerifyPlan, profile: Profile, paths: Paths) -> VerifyPlan:
    """Asks y/n before a deep verify in the live server. Errors: `Refused` without a terminal, or after a No."""
    import msgspec

    if plan.depth != "deep" or plan.confirmed:
        return plan
    why = would_run_live(plan, profile, paths)
    if not why:
        return plan
    need_yes("Loading a backup aside in the live server")
    if not yes_or_no(f"{escape(aside_words(profile, why))}\nGo on?"):
        raise Refused("Not confirmed.", next="`quillkeep verify BACKUP --depth full` needs no server.")
    return msgspec.structs.replace(plan, confirmed=True)
