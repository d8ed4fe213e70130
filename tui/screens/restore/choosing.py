"""Which backup to propose and what stands against each of the others, by the catalog's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.catalog.find import LATEST, find_backup, newest_good, why_not
from services.catalog.manifest import Part
from services.catalog.model import Backup
from services.catalog.scan import Catalog
from services.errors import QuillkeepError
from services.profile import Profile
from tui.screens.restore.model import WizardState
from tui.screens.restore.times import span
from tui.store import Problem

MOST = 300
"""Backups in the list; older ones are named in Archives."""


class Proposal(NamedTuple):
    """The backup proposed and why, and every newer one passed over; or the reason that there is none."""

    backup: Backup | None
    why: str = ""
    passed_over: tuple[tuple[str, str], ...] = ()
    problem: Problem | None = None


def wanted_parts(state: WizardState, profile: Profile) -> tuple[Part, ...]:
    """The parts that this restore takes from a backup."""
    if state.only is not None:
        return (state.only,)
    if profile.bucket is None or (state.collections and not state.with_objects):
        return ("database",)
    if profile.mongo is None:
        return ("objects",)
    return ("database", "objects")


def propose(state: WizardState, catalog: Catalog, profile: Profile) -> Proposal:
    """The newest good backup for what is wanted, made before the damage when its time is known."""
    parts = wanted_parts(state, profile)
    before = [one for one in catalog.backups if state.damage_at is None or one.created < state.damage_at]
    if state.symptom == "upgrade":
        made_for_it = next((one for one in before if _before_a_change(one) and not why_not(one, parts)), None)
        if made_for_it is not None:
            return Proposal(made_for_it, f"the newest good one that was made {made_for_it.reason}")
    try:
        found = find_backup(LATEST, before, profile, parts, problems=catalog.problems)
    except QuillkeepError as error:
        return Proposal(None, problem=Problem.of(error))
    what = "the newest good one" if state.damage_at is None else "the newest good one from before it happened"
    whole = f" for the {parts[0]}" if len(parts) == 1 else ""
    return Proposal(found.backup, f"{what}{whole}", found.passed_over)


def _before_a_change(backup: Backup) -> bool:
    return backup.reason.startswith(("before an upgrade", "before a deployment", "before a configuration"))


def listed(state: WizardState, catalog: Catalog, proposal: Proposal) -> list[Backup]:
    """The newest backups, and the proposed and chosen ones whatever their age; newest first."""
    rows = list(catalog.backups[:MOST])
    for extra in (proposal.backup, state.backup):
        if extra is not None and extra not in rows:
            rows.append(extra)
    return rows


def warnings_on(backup: Backup, state: WizardState, profile: Profile, newest: Backup | None) -> list[str]:
    """What an admin has to know before taking this one, the weightiest first."""
    parts = wanted_parts(state, profile)
    words: list[str] = []
    if backup.problem:
        words.append(backup.problem)
    if backup.encrypted:
        words.append(f"encrypted with {backup.encrypted}: its passphrase opens it")
    if not backup.complete and not backup.problem:
        words.append(f"incomplete: {', '.join(backup.missing[:3])}" if backup.missing else "incomplete")
    if backup.other_deployment:
        words.append(f"another deployment's: {backup.other_deployment}")
    elif backup.kind != "quillkeep":
        words.append("foreign: made by other tools, names no deployment")
    lacking = [part for part in parts if part not in backup.parts]
    if lacking:
        words.append(f"has no {' and no '.join(lacking)} part")
    words += [f"suspicious: {why}" for why in backup.suspicious[:2]]
    if state.damage_at is not None and backup.created >= state.damage_at:
        words.append("made after it happened: it may hold the damage")
    words += _checks(backup, parts)
    if not backup.counted:
        words.append("a safety copy, not a nightly backup")
    if newest is not None and backup.created < newest.created and not words:
        words.append(f"older: {span((newest.created - backup.created).total_seconds())} more are lost")
    return words


def _checks(backup: Backup, parts: Sequence[Part]) -> list[str]:
    verified = backup.verified
    if verified is not None and verified.status == "fail":
        return [f"the {verified.depth} check failed"]
    bad = [f"{part} not good: {backup.not_good[part]}" for part in parts if part in backup.not_good]
    if bad and not backup.suspicious:
        return bad
    if not backup.good and verified is None and not backup.suspicious:
        return ["not verified"]
    return []


def why_unusable(backup: Backup, state: WizardState, profile: Profile) -> str:
    """Why no restore can be made of it at all, with the way on; empty when one can."""
    parts = wanted_parts(state, profile)
    if backup.problem:
        return f"{backup.id} cannot be read: {backup.problem}. Choose another one."
    if not any(part in backup.parts for part in parts):
        has = " and ".join(backup.parts) or "nothing"
        return f"{backup.id} has {has}, and what you chose needs {' and '.join(parts)}. Choose another one."
    return ""


def newest_for(state: WizardState, catalog: Catalog, profile: Profile) -> Backup | None:
    """The newest good backup for the first of the parts wanted."""
    return newest_good(catalog.backups, wanted_parts(state, profile)[0])


def lost_since(backup: Backup, now: datetime) -> float:
    """Seconds of writing that this backup does not have."""
    return max(0.0, (now - backup.created).total_seconds())
