"""The profile a job worked for: naming the job names the profile."""

from __future__ import annotations

from tui.session import Session


def session_of_job(session: Session, job: str | None) -> Session:
    """The session with the job's own profile, where this host knows the job and no profile was named."""
    if job is None or "/" in job:
        return session
    from services.jobs.launch import read_started

    started = read_started(session.paths.jobs / job)
    return session.for_profile(started.profile if started else None)
