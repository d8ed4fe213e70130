"""What every verb needs: the global options, the settings they lead to, and where to write."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

from services.errors import QuillkeepError
from tui.output import Output

if TYPE_CHECKING:
    from services.paths import Paths
    from services.profile import Profile
    from services.secret import Secret
    from services.settings.resolve import Flags, Settings

F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """One run of the command; settings are read when a verb first asks for them."""

    def __init__(self, flags: Flags) -> None:
        self.flags = flags
        self.output = Output()

    @cached_property
    def settings(self) -> Settings:
        """Everything the config files, environment and flags say."""
        from services.settings.resolve import resolve_settings

        return resolve_settings(self.flags)

    @property
    def profile(self) -> Profile:
        """The deployment the verb works on."""
        return self.settings.profile

    def keep_passphrase(self, passphrase: Secret) -> None:
        """Opens encrypted backups for the rest of this command; it reaches jobs over their pipe alone."""
        import msgspec

        profile = msgspec.structs.replace(self.profile, passphrase=passphrase)
        self.settings = msgspec.structs.replace(self.settings, profile=profile)

    @cached_property
    def paths(self) -> Paths:
        """Where state lies."""
        from services.paths import default_paths

        return default_paths()

    def for_profile(self, name: str | None) -> Session:
        """The session of a job's own profile, when none was named here."""
        if name is None or self.flags.profile is not None:
            return self
        import msgspec

        other = Session(msgspec.structs.replace(self.flags, profile=name))
        other.output = self.output
        return other

    def require_locations(self) -> None:
        """Raises when no folder for backups is known, saying what this machine shows."""
        if not self.profile.locations:
            raise QuillkeepError(
                "No folder for backups is configured.",
                cause=_discovered(),
                next="Set BACKUP_DIR=/path/to/backups, or add [[locations]] to config.toml.",
            )

    def require_database(self) -> None:
        """Raises when no MongoDB is named, saying what this machine shows."""
        if self.profile.mongo is None:
            raise QuillkeepError(
                "No MongoDB is configured.",
                cause=_discovered(),
                next="Set MONGODB_URI, or name Quilltap's .env file with --env-file.",
            )


def _discovered() -> str:
    from pathlib import Path

    from services.settings.discover import discover

    return " ".join(
        f"{finding.text} Use it: {finding.use} …" if finding.use else finding.text
        for finding in discover(Path.cwd())
    )


def json_option(function: F) -> F:
    """`--json` on a verb: stdout becomes one document."""

    def switch(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
        if value and isinstance(ctx.obj, Session):
            ctx.obj.output.as_json = True
        return value

    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=switch,
        help="One JSON document on stdout.",
    )(function)


pass_session = click.make_pass_decorator(Session)
