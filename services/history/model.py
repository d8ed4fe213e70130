"""One operation as history tells it."""

from __future__ import annotations

from datetime import datetime

import msgspec


class PhaseSpan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One phase: `seconds` is None while it runs; `done` of `total` in `unit` as last measured."""

    name: str
    began: datetime
    seconds: float | None
    detail: str = ""
    done: int | None = None
    total: int | None = None
    unit: str = ""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what, when, from where, how long it took and what it changed.

    `state` is a job's state word. `bytes` is what it moved or made, `documents` how many; `rate` is bytes per
    second over the whole operation. Each is None where its journal does not say. `asked` is its plan in words.
    `partial` says that the journal was too large to be read whole.
    """

    id: str
    verb: str
    state: str
    started: datetime | None = None
    finished: datetime | None = None
    seconds: float | None = None
    user: str = ""
    host: str = ""
    profile: str | None = None
    version: str = ""
    asked: str = ""
    changed: str = ""
    documents: int | None = None
    bytes: int | None = None
    rate: float | None = None
    exit_code: int | None = None
    phases: tuple[PhaseSpan, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    error: dict[str, str] | None = None
    way_on: tuple[str, ...] = ()
    partial: bool = False
    only_looked: bool = False
    """A plan or a dry run, which changed nothing."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Every operation of this state folder, newest first; `forbidden` are the ids this user may not read."""

    operations: tuple[Operation, ...] = ()
    forbidden: tuple[str, ...] = ()
