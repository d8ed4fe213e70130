"""What is live now against what a backup has, by counts: the findings that propose a symptom."""

from __future__ import annotations

from typing import NamedTuple

from services.counted import counted
from services.looking.bucket import BucketAnswer
from services.looking.contents import ContentsAnswer
from services.looking.live import LiveAnswer
from services.quilltap.collections import PASSING_COLLECTIONS
from tui.store import Problem

MANY = 4
"""More missing collections than this are told in one line."""
DROP = 0.10
"""Fewer documents or objects by more than this share propose a symptom; people delete things every day."""
WIDEST = ("database", "data", "collection", "bucket", "files")
"""Symptoms of a part by how much they take, the database's first: the bucket's are added to them."""


class Evidence(NamedTuple):
    """One finding: a status word, a sentence, and the symptom it fits (empty: none)."""

    status: str
    text: str
    symptom: str = ""
    word: str = "gone"
    """The status as a word, for what it is about."""


class Compared(NamedTuple):
    """Findings, the worst first, and the collections they are about."""

    findings: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()
    fewer: tuple[str, ...] = ()

    @property
    def symptom(self) -> str:
        """The symptom that fits everything seen; empty when nothing is."""
        fits = self.symptoms
        if "database" in fits and self.objects_gone:
            return "everything"
        return next((one for one in WIDEST if one in fits), "")

    @property
    def symptoms(self) -> frozenset[str]:
        """Every symptom that something seen fits."""
        return frozenset(finding.symptom for finding in self.findings if finding.symptom)

    @property
    def objects_gone(self) -> bool:
        """Whether objects are missing beyond what people delete every day."""
        return bool(self.symptoms & {"bucket", "files"})

    @property
    def objects_seen(self) -> str:
        """What was seen of the bucket, in words; empty when nothing is missing there."""
        return next((one.text for one in self.findings if one.symptom in ("bucket", "files")), "")


def of_database(live: LiveAnswer, held: ContentsAnswer) -> Compared:
    """Collections that are missing or have fewer documents than the backup; log-ins run out and do not count."""
    seen = {one.name: one for one in live.collections}
    wanted = [one for one in held.collections if one.name not in PASSING_COLLECTIONS]
    if wanted and not seen:
        text = f"The database {live.database} is empty: the backup has {counted(len(held.collections), 'collections')}"
        return Compared((Evidence("fail", text, "database"),), tuple(one.name for one in wanted))
    missing = [one for one in wanted if one.name not in seen]
    findings: list[Evidence] = []
    if missing:
        symptom = "database" if 2 * len(missing) > len(wanted) else "collection"
        if len(missing) > MANY:
            names = ", ".join(one.name for one in missing[:3])
            text = f"{counted(len(missing), 'collections')} are missing: {names} and {len(missing) - 3} more"
            findings.append(Evidence("fail", text, symptom))
        else:
            for one in missing:
                has = f": the backup has {one.documents:,}" if one.documents is not None else ""
                findings.append(Evidence("fail", f"{one.name}{has}", symptom))
    fewer = []
    for one in wanted:
        now = seen[one.name].documents if one.name in seen else None
        if now is not None and one.documents is not None and now < one.documents:
            fewer.append((now / one.documents, one.name, now, one.documents))
    for share, name, now, before in sorted(fewer):
        gone = 1 - share > DROP
        text = f"{name}: {now:,} now, the backup has {before:,}"
        findings.append(
            Evidence("fail" if not now else "warn", text, "data" if gone else "", "fewer" if now else "empty")
        )
    return Compared(
        tuple(findings), tuple(one.name for one in missing), tuple(name for _, name, _, _ in sorted(fewer))
    )


def of_bucket(bucket: BucketAnswer, held: ContentsAnswer) -> Compared:
    """Fewer objects than the snapshot has."""
    before = held.objects
    if not before or bucket.objects >= before or not bucket.whole:
        return Compared()
    text = f"bucket: {counted(bucket.objects, 'objects')} now, the backup has {before:,}"
    if not bucket.objects:
        return Compared((Evidence("fail", text, "bucket", "empty"),))
    gone = 1 - bucket.objects / before > DROP
    return Compared((Evidence("warn", text, "files" if gone else "", "fewer"),))


def of_problem(problem: Problem, what: str) -> Compared:
    """A database or bucket that does not answer; one that is missing fits a symptom, a wrong password does not."""
    symptom = "bucket" if what == "bucket" and "does not exist" in problem.what else ""
    next = f" {problem.next}" if problem.next else ""
    return Compared((Evidence("fail", f"{problem.what}{next}", symptom, "fail"),))


def together(*parts: Compared) -> Compared:
    """All findings, failures first."""
    findings = [finding for part in parts for finding in part.findings]
    findings.sort(key=lambda finding: finding.status != "fail")
    return Compared(
        tuple(findings),
        tuple(name for part in parts for name in part.missing),
        tuple(name for part in parts for name in part.fewer),
    )
