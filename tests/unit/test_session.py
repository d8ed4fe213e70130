"""Whose settings a verb uses: the named profile's, and those of the job that was named."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.errors import Refused
from services.jobs.events import Started
from services.jobs.journal import Journal
from services.settings.flags import Flags
from tui import confirm
from tui.job_profile import session_of_job
from tui.session import Session


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job of profile prod, on a host with two profiles."""
    (tmp_path / "config.toml").write_text(
        "[profiles.prod]\nmongodb_uri='mongodb://h/one'\n[profiles.staging]\nmongodb_uri='mongodb://h/two'\n"
    )
    monkeypatch.setenv("QUILLKEEP_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("QUILLKEEP_STATE_DIR", str(tmp_path / "state"))
    folder = tmp_path / "state" / "jobs" / "20261122_020000"
    folder.mkdir(parents=True)
    journal = Journal(folder)
    journal.write(
        Started(
            at=datetime(2026, 11, 22, 2, tzinfo=UTC),
            job=folder.name,
            verb="restore",
            plan={},
            profile="prod",
            pid=1,
            process_started="1",
            boot_id="b",
            host="h",
            machine_id="m",
            user="u",
            version="0",
        )
    )
    journal.close()
    return folder.name


def test_naming_a_job_names_its_profile(job: str) -> None:
    session = Session(Flags())
    with pytest.raises(Refused, match="Several profiles"):
        _ = session.profile
    profile = session_of_job(session, job).profile
    assert profile.name == "prod"
    assert profile.mongo and profile.mongo.database == "one"


def test_a_named_profile_and_an_unknown_job_change_nothing(job: str) -> None:
    named = Session(Flags(profile="staging"))
    assert session_of_job(named, job) is named
    nobody = Session(Flags())
    assert session_of_job(nobody, "20200101_000000") is nobody
    assert session_of_job(nobody, "../jobs") is nobody


def test_a_jobs_profile_refuses_another_environment(job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_DATABASE", "two")
    with pytest.raises(Refused, match="different databases: one"):
        _ = session_of_job(Session(Flags()), job).profile


def test_nothing_asks_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(Refused, match="not confirmed") as caught:
        confirm.need_yes("The restore")
    assert "--yes" in caught.value.next
    with pytest.raises(Refused, match="input ended"):
        confirm.typed("This replaces live data.", "prod/quilltap")
