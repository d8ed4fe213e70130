"""Switching the console to another profile: when it may, what it then is, and what of the last one is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from services.errors import Refused
from tui.bridge import apart
from tui.modes import MODES

if TYPE_CHECKING:
    from services.profile import Profile
    from services.settings.resolve import Settings
    from tui.app import QuillkeepApp


def why_no_switch(app: QuillkeepApp) -> str:
    """Why the profile cannot be switched now; empty when it can."""
    if app.flags is None:
        return "This console works on one deployment alone: no profiles are read."
    if not app.profile_names:
        return "No profile is configured; Settings shows the lines that make one."
    if app.flags.env_file:
        return f"This console was opened on --env-file {app.flags.env_file}. Open it without that to switch."
    if app.wizard_open:
        return "The restore wizard is open. Finish it, or start it over (3, then ctrl+n), to switch."
    return ""


async def resolve_profile(app: QuillkeepApp, name: str) -> tuple[Profile, Settings]:
    """The settings of the profile `name` as `--profile` would resolve them; READ-ONLY by key stays."""
    if why := why_no_switch(app):
        raise Refused("The profile was not switched.", next=why)
    from services.settings.resolve import resolve_settings

    assert app.flags is not None
    settings = await apart(resolve_settings, msgspec.structs.replace(app.flags, profile=name))
    return settings.profile, settings


async def take_profile(app: QuillkeepApp, profile: Profile, settings: Settings) -> None:
    """Closes what the modes show of the last deployment, then works on this one."""
    if why := why_no_switch(app):
        app.say(why, severity="warning")
        return
    while len(app.screen_stack) > 1:
        await app.pop_screen()
    await app.switch_mode("health")
    while len(app.screen_stack) > 1:
        await app.pop_screen()
    for mode in MODES:
        if mode.name != app.current_mode:
            await app.remove_mode(mode.name)
            app.add_mode(mode.name, mode.load())
    app.config = settings.config
    app.store.set_profile(profile, settings)
    app.say(f"Profile {profile.name}.")
    app.look_at_everything()
