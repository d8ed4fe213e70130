"""What an admin asks of a restore, and the words a plan answers with."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.catalog.manifest import Part
from services.errors import UsageProblem

Risk = Literal[
    "writers",
    "unknown-space",
    "rejected-documents",
    "weak-guard",
    "possible-loss",
    "other-deployment",
]
Content = Literal[
    "same",
    "differs",
    "not compared yet",
    "only live",
    "only in the backup",
    "as restored",
    "written since",
    "dropped since",
    "never went live",
]
"""Against the backup; the last four are a rollback's and against what was restored, never against the copy."""
Action = Literal["replace", "create", "keep", "set aside", "in place", "nothing"]


class RestoreRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which backup, which part of it, and into what.

    `collections` empty means all; `only` None means every part the backup has and the profile configures.
    Named collections leave the bucket alone, unless `with_objects` asks for the objects beside them.
    `exact` sets aside what is live and not in the backup; `objects_from` "any" takes what a snapshot lacks
    from any backup of ours.
    """

    backup: str
    collections: tuple[str, ...] = ()
    with_objects: bool = False
    only: Part | None = None
    from_database: str | None = None
    to_database: str | None = None
    to_bucket: str | None = None
    exact: bool = False
    objects_from: Literal["any"] | None = None
    in_place: bool = False


def check_beside(request: RestoreRequest) -> None:
    """`UsageProblem` where `with_objects` is asked for beside one part alone, without collections, or to the live bucket alone."""
    if not request.with_objects:
        return
    if request.only is not None:
        raise UsageProblem(
            f"--only {request.only} and --with-objects exclude each other.",
            next="Leave --only out: --collections A,B --with-objects restores these collections and the objects.",
        )
    if not request.collections:
        raise UsageProblem(
            "Objects beside chosen collections need the collections.",
            next="Name them with --collections A,B, or leave --with-objects out: a whole restore has both.",
        )
    if request.to_database is not None and request.to_bucket is None:
        raise UsageProblem(
            "The collections go to another database, but the objects would go to the live bucket.",
            next="Name a bucket for them with --to-bucket, or leave --with-objects out.",
        )


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One collection of a plan: documents live now and in the backup (None where there is none)."""

    name: str
    live: int | None
    backup: int | None
    content: Content
    action: Action
    kind: str = "collection"
    detail: tuple[str, ...] = ()

    @property
    def loses(self) -> bool:
        """Whether documents that are live now would not be live after the restore."""
        if self.action not in ("replace", "set aside", "in place") or not self.live:
            return False
        return self.content not in ("same", "never went live")


class RiskFound(msgspec.Struct, frozen=True, kw_only=True):
    """Something the plan cannot rule out; confirmed by `--allow WORD`."""

    word: Risk
    detail: str


class ObjectCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Objects a restore would put, keep, and leave although the backup does not have them."""

    put: int = 0
    keep: int = 0
    only_live: int = 0
    bytes: int = 0


class PlanResult(msgspec.Struct, frozen=True, kw_only=True):
    """The plan: `refusals` stop a restore, `risks` need to be allowed one by one."""

    status: Literal["ok", "warnings", "refused"]
    backup: str
    created: str
    passed_over: tuple[str, ...]
    target: str
    collections: tuple[Row, ...]
    objects: ObjectCounts | None
    risks: tuple[RiskFound, ...]
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    facts: tuple[str, ...]
    fingerprint: str
    strategy: str = "swap"
    confirmation: str = ""
