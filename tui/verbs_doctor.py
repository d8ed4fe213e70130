"""`doctor`: every setting with where it came from, never a secret's value."""

from __future__ import annotations

from pathlib import Path

import click

from tui.session import Session, json_option, pass_session
from tui.table import table
from widgets.text import escape


@click.command()
@json_option
@pass_session
def doctor(session: Session) -> int:
    """The settings in use and the source of each."""
    from services.settings.discover import discover
    from services.settings.explain import explain, state_reason, versions

    profile = session.profile
    rows = [
        {
            "setting": one.name,
            "value": one.value,
            "source": one.source,
            "file": one.file,
            "section": one.section,
            "line": one.line,
        }
        for one in explain(profile, session.settings)
        if not one.name.startswith("console.")
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
            "state_reason": state_reason(session.paths),
            "versions": dict(versions()),
            "found": [finding.text for finding in findings],
        }
    )
    cells = [("SETTING", "VALUE", "SOURCE")]
    cells += [(row["setting"], escape(row["value"]), escape(row["source"])) for row in rows]
    output.lines(table(cells))
    output.lines([f"State lies in {escape(str(session.paths.state))}: {escape(state_reason(session.paths))}"])
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
