"""Time series, which cannot be renamed: one whose name is free is created in place after the others are proven."""

from __future__ import annotations

from services.jobs.context import JobContext
from services.mongo.aside import drop_aside
from services.mongo.insert import Rejected
from services.recovery.draft import Draft
from services.recovery.session import Session
from services.recovery.steps import incoming_of, load


def created_in_place(draft: Draft) -> list[str]:
    """Names of the time series this restore creates."""
    if draft.contents is None:
        return []
    return [
        row.name
        for row in draft.rows
        if row.action == "create" and draft.contents.collections[row.name].kind == "timeseries"
    ]


def create(session: Session, draft: Draft, ctx: JobContext, rejected: Rejected) -> list[str]:
    """Creates, loads and proves them; one that fails is dropped again and the error goes on."""
    names = created_in_place(draft)
    if not names or draft.contents is None:
        return []
    incoming = [incoming_of(draft.contents.collections[name], name) for name in names]
    try:
        load(session, draft.contents, incoming, ctx, rejected=rejected, check=ctx.check)
    except BaseException:
        for name in names:
            drop_aside(session.database, name)
        raise
    return names
