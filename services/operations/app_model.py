"""What starting the application is asked and answers."""

from __future__ import annotations

from typing import Literal

import msgspec


class AppStartPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to choose: the application of the profile, by its start command."""


class AppStartResult(msgspec.Struct, frozen=True, kw_only=True):
    """`started` is False when it ran already; `warnings` tell a start that nothing can prove."""

    status: Literal["ok", "warnings"]
    warnings: tuple[str, ...] = ()
    started: bool
    summary: str = ""
