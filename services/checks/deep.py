"""Deep checks: the database part loaded into a server by the restore's own loader, looked at there, and removed."""

from __future__ import annotations

from collections.abc import Sequence

from services.catalog.model import CheckStatus
from services.checks.evidence import Evidence
from services.checks.model import Outcome, check
from services.counted import counted
from services.deep.model import DeepOutcome, Loaded, Problem, Step
from services.findings import MAX_EXAMPLES, Finding

COST = "about as long as a restore; disk for the documents and their indexes, for as long as it takes"
AGAIN = "Look at the cause, then run `quillkeep verify BACKUP --depth deep` again."


@check(
    "deep-load",
    subject="backup",
    decides="database",
    depth="deep",
    cost=COST,
    reads="every document, loaded into an embedded server, or aside in the live one",
    evidence="the collection or view and what the server said of it",
    next="Restore it where the server knows what it lacks here, or use another backup: `quillkeep list`.",
)
def deep_load(evidence: Evidence) -> Outcome | None:
    """A server creates every collection and view with its options, and takes the documents."""
    outcome = _outcome(evidence)
    if outcome is None:
        return None
    if outcome.skipped:
        return Outcome("skipped", f"not loaded: {outcome.skipped}", next=outcome.next)
    if outcome.unknown:
        return Outcome("unknown", f"the load broke off: {outcome.unknown}", next=outcome.next or AGAIN)
    if outcome.damaged:
        return Outcome("fail", outcome.damaged, next=outcome.next)
    loaded = outcome.loaded
    assert loaded is not None
    views = f" and {counted(loaded.views, 'views')}" if loaded.views else ""
    well = (
        f"{counted(loaded.collections, 'collections')}{views}, {counted(loaded.documents, 'documents')}, "
        f"{loaded.bytes:,} bytes loaded into {outcome.place.words} (MongoDB {loaded.server_version})"
    )
    found = _problems(loaded, "create")
    if found or not (loaded.other_major or loaded.left_out):
        return _told(loaded, found, well)
    if loaded.other_major:
        return Outcome(
            "warn",
            f"{well}; {_other_major(loaded)}",
            next=f"Verify it where a MongoDB {loaded.backup_version.split('.')[0]} runs, with --on live.",
        )
    return Outcome(
        "skipped",
        f"{well}; left out: {', '.join(loaded.left_out[:MAX_EXAMPLES])}, since {loaded.why_left_out}",
        next="Grant it, or verify where the embedded server is installed.",
    )


@check(
    "deep-indexes",
    subject="backup",
    decides="database",
    depth="deep",
    cost="building every index",
    reads="the indexes of what was loaded",
    evidence="collection, index and what the server said",
    next="A restore of this collection ends at that index: use another backup, or repair the data first.",
)
def deep_indexes(evidence: Evidence) -> Outcome | None:
    """A server builds every index of the backup over the backup's own documents."""
    loaded = _loaded(evidence)
    if loaded is None:
        return None
    return _told(loaded, _problems(loaded, "index"), f"{counted(loaded.indexes, 'indexes')} built")


@check(
    "deep-compare",
    subject="backup",
    decides="database",
    depth="deep",
    cost="reading back everything that was loaded",
    reads="documents, options and indexes as the server holds them",
    evidence="the collection and what differs",
    next="A restore would not bring this collection back as it was; use another backup: `quillkeep list`.",
)
def deep_compare(evidence: Evidence) -> Outcome | None:
    """What the server then holds equals the backup: counts, content sums, options and indexes."""
    loaded = _loaded(evidence)
    if loaded is None:
        return None
    return _told(
        loaded,
        _problems(loaded, "compare"),
        f"{counted(loaded.documents, 'documents')} read back byte for byte, with options and indexes",
    )


@check(
    "deep-documents",
    subject="backup",
    decides="data",
    depth="deep",
    cost="none beside the load",
    reads="what the server answered to each batch",
    evidence="collection, reason, how many, and the _id of some",
    next="A restore asks before it leaves them out (--allow rejected-documents), and writes them to a file.",
)
def deep_documents(evidence: Evidence) -> Outcome | None:
    """No document is refused by the server: for its _id, its size, its depth, or as a duplicate."""
    loaded = _loaded(evidence)
    if loaded is None:
        return None
    return _told(
        loaded,
        _problems(loaded, "documents"),
        f"{counted(loaded.documents, 'documents')} taken, none refused",
    )


@check(
    "deep-validate",
    subject="backup",
    decides="data",
    depth="deep",
    cost="one more pass of the server over what was loaded",
    reads="every document by its collection's validator, and all by the server's validate",
    evidence="the collection, how many documents, and the _id of some",
    next="Correct these documents live; a restore brings them back as they are, which takes the role dbAdmin.",
)
def deep_validate(evidence: Evidence) -> Outcome | None:
    """No document is refused by its collection's own validator, and the server's validate finds nothing."""
    loaded = _loaded(evidence)
    if loaded is None:
        return None
    well = f"{counted(loaded.collections, 'collections')} validated, {counted(loaded.validators, 'validators')} applied"
    found = _problems(loaded, "validate")
    if loaded.not_validated and not found:
        return Outcome(
            "skipped",
            f"{counted(loaded.validators, 'validators')} applied; the server's validate was not run: {loaded.not_validated}",
            next="Grant it, or verify where the embedded server is installed.",
        )
    return _told(loaded, found, well)


def _outcome(evidence: Evidence) -> DeepOutcome | None:
    """None where nothing is to be loaded: no database part, or a check tried outside of a deep run."""
    run = evidence.deep
    if run is None or "database" not in evidence.backup.parts or evidence.backup.database_path is None:
        return None
    return run.outcome


def _loaded(evidence: Evidence) -> Loaded | None:
    outcome = _outcome(evidence)
    return outcome.loaded if outcome is not None else None


def _problems(loaded: Loaded, step: Step) -> list[Problem]:
    return [problem for problem in loaded.problems if problem.step == step]


def _told(loaded: Loaded, problems: Sequence[Problem], well: str) -> Outcome:
    """`fail` with each problem in words; on another major version `warn`, since its server may be the cause."""
    if not problems:
        return Outcome("ok", well)
    status: CheckStatus = "warn" if loaded.other_major else "fail"
    sentences = tuple(_sentence(problem) for problem in problems)
    more = f"; and {len(sentences) - 1} more" if len(sentences) > 1 else ""
    version = f" ({_other_major(loaded)})" if loaded.other_major else ""
    return Outcome(
        status,
        sentences[0] + more + version,
        findings=sentences,
        found=tuple(
            Finding(
                kind=f"deep-{problem.step}",
                status="warn" if loaded.other_major else "fail",
                what=_sentence(problem),
                collection=problem.collection,
                count=problem.count,
                examples=problem.examples,
            )
            for problem in problems
        ),
    )


def _sentence(problem: Problem) -> str:
    examples = f", among them _id {', '.join(problem.examples[:3])}" if problem.examples else ""
    return f"{problem.collection}: {problem.what}{examples}"


def _other_major(loaded: Loaded) -> str:
    return (
        f"the backup is from MongoDB {loaded.backup_version}, this server is {loaded.server_version}, "
        "so neither success nor failure proves what its own version would do"
    )
