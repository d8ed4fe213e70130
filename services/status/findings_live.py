"""What the live database, the application and the bucket have to say."""

from __future__ import annotations

from collections.abc import Sequence

from services.jobs.listing import JobSummary
from services.looking.bucket import BucketAnswer
from services.looking.live import LiveAnswer, SwapSeen
from services.profile import Profile
from services.status.model import Finding, Trouble, Word
from services.status.words import count, day, names, size


def live_findings(
    profile: Profile, live: LiveAnswer | Trouble, jobs: Sequence[JobSummary], *, backed_up: bool
) -> list[Finding]:
    """Interrupted swaps first; then the application, an empty database, copies, what could not be told."""
    if isinstance(live, Trouble):
        configured = profile.mongo is not None
        doubt = "Whether an interrupted restore waits there cannot be told." if configured else ""
        return [
            Finding(
                what=live.what,
                status="UNKNOWN",
                detail=" ".join(filter(None, (live.next, doubt, live.cause))),
                next="quillkeep doctor",
                remedy="look again" if configured else "settings",
            )
        ]
    busy = any(job.state in ("running", "cancelling") for job in jobs)
    findings = [_interrupted(swap) for swap in live.swaps if swap.state == "unfinished" and not swap.working]
    findings += _application(profile, live, jobs, busy=busy)
    if not live.collections:
        findings.append(
            Finding(
                what=f"The live database {live.database} is empty.",
                status="WARNING" if backed_up else "OK",
                detail=next((text for text in live.problems if "is empty" in text), ""),
                next="quillkeep plan latest" if backed_up else "quillkeep doctor",
                remedy="restore" if backed_up else "settings",
            )
        )
    findings += [_loaded(swap) for swap in live.swaps if swap.state == "loading"]
    findings += [_copies(swap) for swap in live.swaps if swap.state == "holds copies"]
    if live.rights_missing:
        findings.append(
            Finding(
                what=f"A restore would be refused: this user lacks {names(list(live.rights_missing))}.",
                status="OK",
                detail=f"Run in mongosh as an administrator: {live.grant}",
                next="quillkeep doctor",
                remedy="settings",
            )
        )
    findings += [
        Finding(what=text, status="OK", detail="", remedy="look again")
        for text in live.problems
        if "is empty" not in text and "Other users' connections" not in text
    ]
    return findings


def _interrupted(swap: SwapSeen) -> Finding:
    places = "; ".join(f"{name}: {where}" for name, where in list(swap.collections.items())[:8])
    more = f"; and {len(swap.collections) - 8} more" if len(swap.collections) > 8 else ""
    return Finding(
        what=f"{swap.verb.capitalize()} {swap.job} was interrupted: live data may be mixed.",
        status="CRITICAL",
        detail=f"Old and new may be mixed: {places}{more}. Nothing is lost. Keep the application stopped. "
        f"To undo it: {' or '.join(swap.way_on[1:])}",
        next=swap.way_on[0] if swap.way_on else "quillkeep jobs",
        remedy="finish",
        subject=swap.job,
    )


def _loaded(swap: SwapSeen) -> Finding:
    return Finding(
        what=f"The {swap.verb} {swap.job} was killed while it loaded; nothing live was changed.",
        status="WARNING",
        detail="What it loaded beside the live data takes space until the next writing job, or until this.",
        next=swap.way_on[0] if swap.way_on else "quillkeep jobs",
        remedy="jobs",
        subject=swap.job,
    )


def _copies(swap: SwapSeen) -> Finding:
    """A notice: they are what a rollback needs."""
    held = [count(swap.documents, "document")] if swap.documents else []
    held += [count(swap.objects, "object")] if swap.objects else []
    until = f", kept at least until {day(swap.until)}" if swap.until else ""
    drop = f"quillkeep release {swap.job}"
    undo = next((command for command in swap.way_on if command.startswith("quillkeep rollback ")), "")
    ways = (
        f"Undo it: {undo}. Drop them: {drop}."
        if undo
        else "It was rolled back: only what it put live is left."
    )
    return Finding(
        what=f"Rollback copies of {swap.verb} {swap.job}: {size(swap.bytes)}{until}.",
        status="OK",
        detail=f"{' and '.join(held) or 'Definitions only'}. {ways}",
        next=undo or drop,
        remedy="rollback" if undo else "release",
        subject=swap.job,
    )


def _application(
    profile: Profile, live: LiveAnswer, jobs: Sequence[JobSummary], *, busy: bool
) -> list[Finding]:
    if live.app != "stopped" and not (live.app in ("unknown", "no control") and _stopper(live, jobs)):
        return []
    if busy or any(swap.working for swap in live.swaps):
        return []
    start = profile.app.start if profile.app is not None else None
    by = _stopper(live, jobs)
    known = live.app == "stopped"
    unfinished = any(swap.state == "unfinished" for swap in live.swaps)
    said = "is stopped" if known else "may still be stopped"
    return [
        Finding(
            what=f"The application {said}{f': {by} stopped it, and nobody has started it' if by else ''}.",
            status=_stopped_word(known, by),
            detail="An interrupted restore is finished first; it starts the application itself."
            if unfinished
            else "Start it once the data is as it should be.",
            next="quillkeep app start" if start else "docker compose start app",
            remedy="start app" if start and not unfinished else "jobs" if by else "",
        )
    ]


def _stopped_word(known: bool, by: str) -> Word:
    if not known:
        return "UNKNOWN"
    return "CRITICAL" if by else "WARNING"


def _stopper(live: LiveAnswer, jobs: Sequence[JobSummary]) -> str:
    for swap in live.swaps:
        if swap.app_stopped:
            return f"{swap.verb} {swap.job}"
    if live.app == "running":
        return ""
    newest = next((job for job in jobs if _touches_app(job)), None)
    return f"{newest.verb} {newest.id}" if newest is not None and newest.app_stopped else ""


def _touches_app(job: JobSummary) -> bool:
    """Whether a job's end says something of the application; a start that failed leaves what was."""
    if job.verb == "app-start":
        return job.state in ("succeeded", "warnings")
    return job.verb in ("backup", "restore", "rollback", "finish")


def bucket_findings(bucket: BucketAnswer | Trouble, profile: Profile) -> list[Finding]:
    """A bucket that cannot be used."""
    if not isinstance(bucket, Trouble):
        return []
    return [
        Finding(
            what=bucket.what,
            status="WARNING",
            detail=" ".join(filter(None, (bucket.next, bucket.cause))),
            next="quillkeep doctor",
            remedy="look again" if profile.bucket is not None else "settings",
        )
    ]
