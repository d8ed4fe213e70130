"""Checks of the data itself, of a backup or live: what they find never decides whether a backup is good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from services.checks.evidence import unreadable
from services.checks.model import Outcome, check
from services.checks.telling import more_than_one
from services.errors import QuillkeepError
from services.findings import Finding

if TYPE_CHECKING:
    from services.catalog.model import CheckStatus
    from services.pairs.model import PairsResult
    from services.pepper.model import PepperResult
    from services.references.model import ReferencesResult

SHOWN = 10
NAMED = 3
"""Examples in a sentence."""


class DataEvidence(Protocol):
    """What the evidence of a backup and that of the live data both offer.

    Each is None where it does not apply or the run does not go so deep, and the error where it could not
    be told.
    """

    @property
    def pairs(self) -> PairsResult | QuillkeepError | None:
        """Rows of `files` against objects, both of the same side."""
        ...

    @property
    def references(self) -> ReferencesResult | QuillkeepError | None:
        """What refers to documents that are not there."""
        ...

    @property
    def pepper(self) -> PepperResult | QuillkeepError | None:
        """What the configured pepper opens."""
        ...


class NotLooked(QuillkeepError):
    """Data that was not looked at, for a reason that another check tells already: skipped, not unknown."""


@check(
    "pairs",
    subject="both",
    decides="data",
    depth="full",
    cost="of a backup nothing beside its full pass; live the rows of files and a listing of the bucket",
    reads="the rows of files against the objects of the same backup or of the bucket: keys, sizes, sums",
    evidence="the keys that are missing or altered, whose they are and where they are used",
    next="`quillkeep pairs BACKUP` names them all, and which backup has each.",
)
def pairs(evidence: DataEvidence) -> Outcome | None:
    """Every row of files has its object, with its size and bytes, and every object its row."""
    found = evidence.pairs
    if found is None or isinstance(found, QuillkeepError):
        return _untold(found)
    return _outcome(found.status, found.summary, found.findings)


@check(
    "pepper",
    subject="both",
    decides="data",
    depth="full",
    cost="some key derivations, a second at most",
    reads="a few values of api_keys and users, and the manifest's key-check",
    evidence="how many values the configured pepper opens, by collection and user",
    next="`quillkeep pepper check FILE...` tries the peppers in files.",
)
def pepper(evidence: DataEvidence) -> Outcome | None:
    """The configured pepper opens the encrypted values."""
    found = evidence.pepper
    if found is None or isinstance(found, QuillkeepError):
        return _untold(found)
    if found.status == "skipped" and not found.stored:
        return None
    return _outcome(found.status, found.summary, found.findings, found.next)


@check(
    "references",
    subject="both",
    decides="data",
    depth="deep",
    cost="one more pass over the referring fields of every collection",
    reads="what refers to documents: chats, messages, memories, avatars, tags, profiles, keys",
    evidence="the collection, how many documents, whose, and some ids",
    next="`quillkeep validate` says more of live data, and which backup has what is missing.",
)
def references(evidence: DataEvidence) -> Outcome | None:
    """Everything that documents refer to is there."""
    found = evidence.references
    if found is None or isinstance(found, QuillkeepError):
        return _untold(found)
    return _outcome(found.status, found.summary, found.findings)


def _untold(error: QuillkeepError | None) -> Outcome | None:
    if error is None:
        return None
    words = f"{error.what} {error.cause}".strip()
    if isinstance(error, NotLooked):
        return Outcome("skipped", words, next=error.next)
    return Outcome("unknown", unreadable(error) or words, next=error.next)


def _outcome(status: CheckStatus, summary: str, findings: Sequence[Finding], step: str = "") -> Outcome:
    sentences = tuple(map(_sentence, findings))
    if status == "ok" or not sentences:
        return Outcome(status, summary, next=step, found=tuple(findings))
    more = more_than_one(sentences)
    first = next((one for one in findings if one.status == status), findings[0])
    return Outcome(
        status,
        _open_end(_sentence(first)) + more if more else _sentence(first),
        findings=sentences[:SHOWN],
        next=step or first.next,
        found=tuple(findings),
    )


def _sentence(finding: Finding) -> str:
    """What is wrong, with some of the places where it does not name them itself."""
    if not finding.examples or any(example in finding.what for example in finding.examples):
        return finding.what
    shown = finding.examples[:NAMED]
    left = finding.count - len(shown)
    more = f" and {left:,} more" if left > 0 else ""
    return f"{_open_end(finding.what)}: {', '.join(shown)}{more}"


def _open_end(sentence: str) -> str:
    """A sentence that goes on: without its full stop, but with the dots of a cut value."""
    return sentence if sentence.endswith("...") else sentence.removesuffix(".")
