"""The facts of the target bar, from the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.profile import Profile
from widgets.target_bar import TargetFacts

if TYPE_CHECKING:
    from tui.app import QuillkeepApp


def target_facts(app: QuillkeepApp) -> TargetFacts:
    """What the bar of this console says now."""
    profile = app.store.profile
    return TargetFacts(
        kind=kind_of(profile),
        profile=profile.name or "",
        database=profile.mongo.database if profile.mongo else "no database",
        host=host_of(profile),
        bucket=profile.bucket.bucket if profile.bucket else "",
        read_only=profile.read_only,
        jobs=len(app.store.running),
    )


def kind_of(profile: Profile) -> str:
    """`DEMO`, `PROD`, or nothing."""
    if profile.demo:
        return "DEMO"
    return "PROD" if profile.production else ""


def host_of(profile: Profile) -> str:
    """The database's hosts without credentials, as the URI names them; the usual port is left out."""
    if profile.mongo is None:
        return ""
    from services.settings.uri import DEFAULT_PORT, parse_uri

    hosts = parse_uri(profile.mongo.uri.reveal(), "the profile").hosts
    return ",".join(host.removesuffix(f":{DEFAULT_PORT}") for host in hosts)
