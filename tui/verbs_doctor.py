"""`doctor`: every setting with where it came from, never a secret's value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from services.profile import Profile
from services.secret import Secret
from tui.session import Session, json_option, pass_session
from tui.table import table
from widgets.text import escape


@click.command()
@json_option
@pass_session
def doctor(session: Session) -> int:
    """The settings in use and the source of each."""
    from services.settings.discover import discover

    profile = session.profile
    rows = [
        {"setting": dotted, "value": value_of(profile, dotted), "source": source}
        for dotted, source in sorted(profile.sources.items())
    ]
    unset = [name for name in ("mongo", "bucket", "pepper", "locations") if not getattr(profile, name)]
    findings = discover(Path.cwd()) if unset else ()
    warnings = [f"Nothing names {_WORDS[name]}." for name in unset]
    output = session.output
    output.document(
        {
            "status": "warnings" if warnings else "ok",
            "warnings": warnings,
            "settings": rows,
            "config_files": list(session.settings.config_files),
            "state": str(session.paths.state),
            "found": [finding.text for finding in findings],
        }
    )
    cells = [("SETTING", "VALUE", "SOURCE")]
    cells += [(row["setting"], escape(row["value"]), escape(row["source"])) for row in rows]
    output.lines(table(cells))
    output.lines([f"State lies in {escape(str(session.paths.state))}"])
    for warning in warnings:
        output.warn(warning)
    for finding in findings:
        output.say(f"  {finding.text}" + (f" Use it: {finding.use} …" if finding.use else ""))
    return 3 if warnings else 0


_WORDS = {
    "mongo": "a MongoDB (MONGODB_URI)",
    "bucket": "a bucket (S3_BUCKET)",
    "pepper": "the pepper (ENCRYPTION_MASTER_PEPPER)",
    "locations": "a folder for backups (BACKUP_DIR)",
}


def value_of(profile: Profile, dotted: str) -> str:
    """A setting for a person: secrets are `set` or `not set`, of a URI the hosts are shown."""
    if dotted == "mongo.uri" and profile.mongo is not None:
        from services.settings.uri import without_credentials

        return without_credentials(profile.mongo.uri.reveal())
    value: Any = profile
    for name in dotted.split("."):
        value = getattr(value, name, None)
    if isinstance(value, Secret):
        return "set"
    if dotted == "locations":
        return ", ".join(location.path for location in profile.locations) or "none"
    if dotted == "bucket.endpoint" and value is None:
        return "AWS"
    if value is None or value == "":
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)
