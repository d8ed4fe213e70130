"""`validate`: the live collections by the server's own word and by what the application expects. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.catalog.model import CheckStatus
from services.checks.all import all_checks
from services.checks.live_evidence import LiveEvidence
from services.checks.model import CheckResult, run_check, worst_of_data
from services.counted import counted
from services.findings import Finding
from services.jobs.context import JobContext
from services.jobs.events import Level
from services.mongo.connect import others_in_words
from services.mongo.failures import translated
from services.quilltap import KNOWN_COLLECTIONS
from services.recovery.session import open_session
from services.validating.model import CollectionValidated, ValidateResult
from services.validating.model import ValidatePlan as ValidatePlan

CHECKS = (
    "server-validate",
    "index-list",
    "shape",
    "iso-dates",
    "unique",
    "document-size",
    "growth",
    "references",
)
"""The live checks that make up a validation, in their order."""
REFERENCES = "references"


def validate(plan: ValidatePlan, ctx: JobContext) -> ValidateResult:
    """Runs the checks of live collections and groups what they found.

    Errors: `Refused` without a database or without the right to read it, `UsageProblem` for a collection
    that does not exist, `DatabaseUnreachable`, `Cancelled`. What one collection refuses is a result.
    """
    from pymongo.errors import PyMongoError

    with open_session(ctx.profile, ctx=ctx) as session:
        evidence = LiveEvidence(ctx, session, chosen=plan.collections, full=plan.full)
        try:
            return _result(plan, evidence, _run(evidence, ctx))
        except PyMongoError as error:
            raise translated("Validating the live database", error) from error


def _run(evidence: LiveEvidence, ctx: JobContext) -> list[CheckResult]:
    by_name = {entry.name: entry for entry in all_checks()}
    results = []
    for name in CHECKS:
        ctx.check()
        result = run_check(by_name[name], evidence)
        if result is None:
            continue
        results.append(result)
        if result.status != "ok":
            level: Level = "error" if result.status == "fail" else "warning"
            ctx.log(f"{result.name}: {result.status}: {result.detail}", level)
    return results


def _result(plan: ValidatePlan, evidence: LiveEvidence, results: Sequence[CheckResult]) -> ValidateResult:
    live = evidence.live
    by_collection: dict[str, list[Finding]] = {}
    for result in results:
        if result.name != REFERENCES:
            for finding in result.found:
                by_collection.setdefault(finding.collection, []).append(finding)
    references = next((one.found for one in results if one.name == REFERENCES), ())
    rows = tuple(
        _row(evidence, name, by_collection.get(name, []), references)
        for name in sorted({*live.names, *live.lost})
    )
    status = worst_of_data([result.status for result in results])
    newest, before = live.kept.newest, live.kept.before
    warnings = [*live.kept.warnings, *live.notes]
    if not live.listed:
        name = live.session.database.name
        others = others_in_words(live.session.database)
        warnings.append(f"The database {name} is empty or does not exist. {others} Check MONGODB_DATABASE.")
    if newest is None:
        warnings.append("There is no good backup to compare with: `quillkeep list` shows what there is.")
    warnings += [f"{name} could not be read: {why}" for name, why in sorted(live.seen.unread.items())]
    warnings += [f"References: {sentence}." for sentence in live.seen.references.untold]
    unknown = [row.name for row in rows if not row.known]
    findings = sum(len(row.findings) for row in rows) + len(references)
    words = [counted(len(rows), "collections"), counted(sum(row.documents for row in rows), "documents")]
    words.append(counted(findings, "findings") if findings else "nothing wrong found")
    if live.seen.moved:
        words.append(f"{live.seen.moved:,} moved while they were looked at")
    if unknown:
        words.append(f"{counted(len(unknown), 'collections')} unknown, not the application's")
    return ValidateResult(
        status=status,
        warnings=tuple(warnings),
        database=evidence.live.session.database.name,
        full=plan.full,
        collections=rows,
        references=tuple(references),
        # Their findings stand with their collections, and between them.
        checks=tuple(msgspec.structs.replace(one, found=(), findings=()) for one in results),
        backup=newest.id if newest else "",
        before=before.id if before else "",
        leftovers=live.seen.references.leftovers,
        summary="; ".join(words),
    )


def _row(
    evidence: LiveEvidence, name: str, findings: Sequence[Finding], references: Sequence[Finding]
) -> CollectionValidated:
    """One collection; what is wrong between it and others counts for its status, and stands in `references`."""
    live = evidence.live
    entries, before = live.kept.entries(), live.kept.entries_before()
    held, older = entries.get(name), before.get(name)
    there = name in live.listed
    kind = live.kind(name) if there else (held.kind if held else "collection")
    said = live.server.get(name)
    server: CheckStatus = said.status if said is not None else "skipped"
    between = [finding for finding in references if finding.collection == name]
    statuses: list[CheckStatus] = [finding.status for finding in (*findings, *between)]
    if said is not None:
        statuses.append(said.status)
    if name in live.seen.unread or name in live.gone:
        statuses.append("unknown")
    now = live.entry(name) if there else None
    looked = live.seen.looked.get(name)
    indexes = live.indexes.get(name, ((), None))[0]
    return CollectionValidated(
        name=name,
        status=worst_of_data(statuses or ["ok"]),
        kind=kind,
        known=name in KNOWN_COLLECTIONS,
        server=server,
        documents=now.documents if now else 0,
        bytes=now.bytes if now else 0,
        indexes=sum(1 for one in indexes if one.state != "only in backup"),
        index_list=indexes,
        largest=looked.largest if looked else 0,
        backup_documents=None if held is None or held.kind == "view" else held.documents,
        before=None if older is None or older.kind == "view" else older.documents,
        findings=tuple(findings),
    )
