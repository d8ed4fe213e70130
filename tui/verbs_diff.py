"""`diff`: two backups, or a backup and what is live, side by side."""

from __future__ import annotations

import click

from tui.session import Session, json_option, pass_session


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--collections", metavar="A,B", default="", help="Compare the documents of these alone.")
@click.option("--no-documents", is_flag=True, help="Counts, bytes and content sums alone: quick.")
@click.option(
    "--values", is_flag=True, help="Show what changed fields hold; never passwords, tokens and keys."
)
@json_option
@pass_session
def diff(session: Session, a: str, b: str, collections: str, no_documents: bool, values: bool) -> int:
    """Compare backup A with backup B, or with `live`: collections by document, objects by key.

    Collections whose content sums are equal are not read again. Of the others the documents that were added,
    removed and changed are counted, and the first of them named, with the fields that differ.

    Exit 0 when both are the same, 3 when they differ or not everything could be told.
    """
    import os

    import msgspec

    from services.errors import UsageProblem
    from services.operations.diff_model import DiffPlan
    from tui.follow import run_job
    from tui.present_diff import diff_lines

    # The job runs in another folder, so a relative path is settled here.
    chosen = tuple(dict.fromkeys(name for part in collections.split(",") if (name := part.strip())))
    if no_documents and (values or chosen):
        option = "--values" if values else "--collections"
        raise UsageProblem(
            f"{option} is about documents, and --no-documents leaves them out.",
            next=f"Leave one of the two away: `quillkeep diff {a} {b} {option}` compares by document.",
        )
    plan = DiffPlan(a="", b="", documents=not no_documents, values=values, collections=chosen)
    a, b = (os.path.abspath(one) if "/" in one and os.path.lexists(one) else one for one in (a, b))
    return run_job(
        session,
        "diff",
        msgspec.structs.replace(plan, a=a, b=b),
        present=lambda _, result: diff_lines(result, session.output.out),
    )
