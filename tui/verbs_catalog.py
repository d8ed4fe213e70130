"""`list` and `show`: what there is, read straight from the folders, without a job or a connection."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from services.errors import QuillkeepError
from tui.session import Session, json_option, pass_session
from tui.terminal import escape


@click.command("list")
@json_option
@pass_session
def list_(session: Session) -> int:
    """Every backup in every location, newest first."""
    from services.catalog.scan import survey
    from tui.present_catalog import backup_json, list_lines

    session.require_locations()
    profile = session.profile
    catalog = survey(profile.locations, profile, session.paths)
    problems = [problem.sentence for problem in catalog.problems]
    roots = {location.path for location in profile.locations}
    if roots <= {problem.path for problem in catalog.problems}:
        raise QuillkeepError(
            "No location can be read.",
            cause=" ".join(problems),
            next="Mount it, or run the command as a user that may read it.",
        )
    output = session.output
    status = "warnings" if problems else "ok"
    output.document(
        {"status": status, "warnings": problems, "backups": [backup_json(row) for row in catalog.backups]}
    )
    output.lines(list_lines(catalog.backups, output.out, datetime.now(UTC)))
    for problem in problems:
        output.warn(problem)
    return 3 if problems else 0


@click.command()
@click.argument("backup")
@json_option
@pass_session
def show(session: Session, backup: str) -> int:
    """One backup: BACKUP is an id, `latest`, or a path."""
    from services.catalog.find import find_backup
    from services.catalog.scan import survey
    from tui.present_catalog import backup_json, show_lines

    profile = session.profile
    catalog = survey(profile.locations, profile, session.paths)
    found = find_backup(backup, catalog.backups, profile, paths=session.paths, problems=catalog.problems)
    manifest = None
    warnings: list[str] = []
    if found.backup.manifest_path is not None and not found.backup.problem:
        import msgspec

        from services.catalog.manifest import decode_manifest, manifest_fields

        try:
            manifest = manifest_fields(decode_manifest(found.backup.manifest_path.read_bytes()))
        except (OSError, msgspec.DecodeError) as error:
            warnings.append(f"{found.backup.manifest_path} cannot be read: {error}")
    output = session.output
    for passed, why in found.passed_over:
        output.say(f"Passed over {escape(passed)}: {why}")
    document = {
        "status": "warnings" if warnings else "ok",
        "warnings": warnings,
        "backup": backup_json(found.backup),
        "passed_over": [{"id": passed, "why": why} for passed, why in found.passed_over],
        "manifest": manifest,
    }
    output.document(document)
    output.lines(show_lines(found.backup, manifest, output.out))
    for warning in warnings:
        output.warn(warning)
    return 3 if warnings else 0
