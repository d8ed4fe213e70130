"""The `quillkeep` command: global options, and verbs that are imported only when they are used."""

from __future__ import annotations

import importlib
import sys

import click

from services import __version__
from services.settings.flags import Flags
from tui.session import Session

VERBS = {
    "demo": "tui.verbs_demo",
    "backup": "tui.verbs_backup",
    "list": "tui.verbs_catalog",
    "show": "tui.verbs_catalog",
    "diff": "tui.verbs_diff",
    "verify": "tui.verbs_verify",
    "validate": "tui.verbs_validate",
    "pepper": "tui.verbs_pepper",
    "pairs": "tui.verbs_pairs",
    "plan": "tui.verbs_restore",
    "restore": "tui.verbs_restore",
    "rollback": "tui.verbs_rollback",
    "release": "tui.verbs_rollback",
    "unlock": "tui.verbs_rollback",
    "app": "tui.verbs_app",
    "pin": "tui.verbs_notes",
    "unpin": "tui.verbs_notes",
    "accept": "tui.verbs_notes",
    "delete": "tui.verbs_delete",
    "trash": "tui.verbs_trash",
    "jobs": "tui.verbs_jobs",
    "status": "tui.verbs_status",
    "doctor": "tui.verbs_doctor",
}
"""Each verb and the module that holds it, in the order of the help; `list_` holds `list`."""


class Verbs(click.Group):
    """Finds a verb's module by name, so that `list` never waits for what `restore` imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order an admin meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the one module."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(VERBS[cmd_name])
        command = getattr(module, cmd_name if cmd_name != "list" else "list_")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A verb that does not exist is answered with the nearest one that does."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            ctx.fail(f"No such verb {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.command(
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit: 0 ok, 1 failed, 2 usage, 3 warnings, 4 refused, 130/143 cancelled.",
)
@click.option("--profile", metavar="NAME", help="The deployment, a [profiles.NAME] section of config.toml.")
@click.option("--config", metavar="FILE", help="A config.toml to read instead of the usual ones.")
@click.option("--env-file", metavar="FILE", help="Quilltap's .env file.")
@click.option("--passphrase-file", metavar="FILE", help="Holds the passphrase of encrypted backups.")
@click.option("--read-only", is_flag=True, help="Change nothing in the database, the bucket and the app.")
@click.version_option(__version__, "--version", prog_name="quillkeep", message="%(prog)s %(version)s")
@click.pass_context
def cli(
    ctx: click.Context,
    profile: str | None,
    config: str | None,
    env_file: str | None,
    passphrase_file: str | None,
    read_only: bool,
) -> None:
    """Back up and restore Quilltap: its MongoDB database and its S3 bucket."""
    ctx.obj = Session(
        Flags(
            profile=profile,
            config=config,
            env_file=env_file,
            passphrase_file=passphrase_file,
            read_only=read_only,
        )
    )
    if ctx.invoked_subcommand is None:
        if sys.stdin.isatty() and sys.stdout.isatty():
            from tui.open_console import open_console

            ctx.exit(open_console(ctx.obj))
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)
