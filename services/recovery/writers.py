"""Whether anybody may still write: decided by what was proven, never by what was asked for."""

from __future__ import annotations

from typing import Literal

import msgspec

from services.app_control import AppController
from services.mongo.clients import OtherClients, other_clients
from services.profile import AppControl, Profile
from services.recovery.session import Session


class Writers(msgspec.Struct, frozen=True, kw_only=True):
    """`stopped` is proven by one of: the application's status, its health URL refusing, no other client."""

    app: Literal["running", "stopped", "unknown"]
    stopped: bool
    how: str
    clients: OtherClients

    @property
    def detail(self) -> str:
        """What stands against writing being over, in words."""
        seen = ", ".join(self.clients.names)
        if self.app == "running":
            return f"the application is running{f', and connected: {seen}' if seen else ''}"
        if seen:
            return f"still connected: {seen}"
        if not self.clients.complete:
            return "this user cannot see other users' connections, so it cannot be told who else writes"
        return "it cannot be told whether the application is stopped"


def look(profile: Profile, session: Session, *, is_application: bool) -> Writers:
    """Looks at the application and at everybody connected.

    `is_application` is False for a target that is not the profile's own database: nothing is stopped for
    it, and it knows no writers.
    """
    clients = other_clients(session.client, session.rights)
    if not is_application:
        return Writers(
            app="unknown", stopped=True, how="the target is not the application's", clients=clients
        )
    app: Literal["running", "stopped", "unknown"] = "unknown"
    if profile.app is not None or profile.health_url is not None:
        app = AppController(profile.app or AppControl(), health_url=profile.health_url).state()
    if app == "stopped":
        by_command = profile.app is not None and profile.app.status is not None
        how = "the application's status command says so" if by_command else "its health URL refuses"
        return Writers(app=app, stopped=True, how=how, clients=clients)
    if app != "running" and clients.proven_none:
        return Writers(app=app, stopped=True, how="nobody else is connected to the server", clients=clients)
    return Writers(app=app, stopped=False, how="", clients=clients)
