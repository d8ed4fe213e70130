"""`demo`: backup, damage, restore and rollback on real servers started for it, with no setting of yours read."""

from __future__ import annotations

import click

from services.errors import QuillkeepError
from tui.session import Session, json_option, pass_session


@click.command()
@click.option("--script", is_flag=True, help="Play all of it from beginning to end, told for a person.")
@click.option("--replica-set", is_flag=True, help="The database as a replica set of one node.")
@json_option
@pass_session
def demo(session: Session, script: bool, replica_set: bool) -> int:
    """Play backup, damage, restore and rollback on servers that go away afterwards."""
    try:
        from services.demo.script import play
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("services"):
            raise
        raise QuillkeepError(
            "The demo's servers are not installed.",
            cause=f"The package {error.name} is missing.",
            next="Install Quillkeep with its extra: `pipx install 'quillkeep[demo]'`.",
        ) from None
    output = session.output
    if not script:
        output.say("The console is not built yet, so the demo plays its script.")
    return play(replica_set=replica_set, say=output.say, as_json=output.as_json)
