"""Selftest jobs in processes of their own, and what tests ask of them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from services.jobs.events import AnyEvent, Finished
from services.jobs.journal import follow_events
from services.jobs.launch import StartedJob, start_job
from services.jobs.listing import JobSummary, list_jobs
from services.jobs.process import is_alive
from services.operations.selftest import SelftestPlan
from services.paths import Paths
from services.profile import BucketTarget, MongoTarget, Profile
from services.secret import Secret

SECRETS = {
    "uri": "mongodb://ann:uri-secret-4711@127.0.0.1:1/quilltap",
    "access": "access-secret-4711",
    "secret": "bucket-secret-4711",
    "pepper": "pepper-secret-4711",
}
PROFILE = Profile(
    name="prod",
    mongo=MongoTarget(uri=Secret(SECRETS["uri"])),
    bucket=BucketTarget(access_key=Secret(SECRETS["access"]), secret_key=Secret(SECRETS["secret"])),
    pepper=Secret(SECRETS["pepper"]),
)
Start = Callable[..., StartedJob]


@contextmanager
def starting(paths: Paths) -> Iterator[Start]:
    """Starts selftest jobs and ends what a test left running."""
    jobs: list[StartedJob] = []

    def run(profile: Profile = PROFILE, **plan: Any) -> StartedJob:
        job = start_job("selftest", SelftestPlan(**plan), profile, paths)
        jobs.append(job)
        return job

    yield run
    for job in jobs:
        if is_alive(job.process):
            os.kill(job.process.pid, signal.SIGKILL)


def result_of(job: StartedJob) -> Finished:
    last = list(follow_events(job.folder))[-1]
    assert isinstance(last, Finished), last
    wait_gone(job)
    return last


def wait_for(job: StartedJob, wanted: Callable[[AnyEvent], bool]) -> AnyEvent:
    for event in follow_events(job.folder, process=job.process, poll=0.01):
        if wanted(event):
            return event
    raise AssertionError("the job ended before")


def wait_gone(job: StartedJob) -> None:
    deadline = time.monotonic() + 10
    while is_alive(job.process):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def only(paths: Paths) -> JobSummary:
    (summary,) = list_jobs(paths)
    return summary
