"""A delete or a way back that was killed, or failed, between any two steps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.catalog.trash import TRASH, read_trash
from services.errors import QuillkeepError
from services.files import PARTIAL
from services.jobs.location_lock import reading, writing
from services.operations.trash import (
    TrashEmptyPlan,
    TrashRestorePlan,
    trash_document,
    trash_empty,
    trash_restore,
)
from services.operations.verify import VerifyPlan, verify
from services.profile import BucketTarget, Profile
from tests.services.delete_support import (
    NEW,
    NIGHT,
    OLD,
    Contexts,
    names,
    refusal,
    rows,
    run,
    two_nights,
)
from tests.support import ROOT


@pytest.fixture
def nights(profile: Profile, db: Database[Any], bucket: BucketTarget, make_context: Contexts) -> Profile:
    return two_nights(profile, db, bucket, make_context)


KILLER = """
import os, signal, sys
from services.jobs.context import JobContext
from services.operations import delete as module, trash
from services.paths import Paths
from services.secret import decode_from_pipe
from services.profile import Profile
from pathlib import Path

profile = decode_from_pipe(sys.stdin.buffer.read(), Profile)
at, verb, state = int(sys.argv[1]), sys.argv[2], sys.argv[3]
calls = 0
for name in ("rename", "replace", "mkdir"):
    def hook(*arguments, real=getattr(os, name), **more):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **more)
    setattr(os, name, hook)
ctx = JobContext(job="killed", profile=profile, paths=Paths(Path(state)), folder=Path(state), report=lambda _: None)
if verb == "delete":
    module.delete(module.DeletePlan(backup=sys.argv[4]), ctx)
else:
    trash.trash_restore(trash.TrashRestorePlan(entry=sys.argv[4]), ctx)
print(calls)
"""


def killed(profile: Profile, state: Path, at: int, verb: str, id: str) -> bool:
    """Runs the verb in a process that is killed at its `at`-th change of the file system; False when it lived."""
    from services.secret import encode_for_pipe

    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(at), verb, str(state), id],
        input=encode_for_pipe(profile),
        cwd=ROOT,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0


@pytest.mark.parametrize("finish", ["delete", "restore"])
def test_a_kill_between_any_two_steps(
    nights: Profile, location: Path, tmp_path: Path, make_context: Contexts, finish: str
) -> None:
    """Whatever is left is whole, or reads as incomplete, and one command finishes or undoes it."""
    verify(VerifyPlan(backup=OLD), make_context(nights))
    before = names(location)
    states = []
    step = 1 if finish == "delete" else 2
    for at in range(step, 40, step):
        if not killed(nights, tmp_path, at, "delete", OLD):
            break
        found = rows(nights, make_context)
        row = found.get(OLD)
        whole = names(location) == before
        states.append("whole" if whole else "incomplete" if row is not None else "gone")
        if row is not None and not whole:
            assert not row.good and row.missing, (at, row)
        if row is not None and whole:
            assert row.good
        assert set(found) <= {OLD, NEW}, "no part of it may look like a backup of its own"
        if finish == "delete" or whole:
            if states[-1] != "gone" or read_trash(nights).entries[0].state == "moving":
                assert run(nights, make_context).deleted
            assert not any("20261120" in name for name in os.listdir(location))
        trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
        assert names(location) == before and rows(nights, make_context)[OLD].good
        assert [name for name in os.listdir(location / TRASH) if PARTIAL not in name] == []
    else:
        pytest.fail("it never came to its end")
    assert {"whole", "incomplete", "gone"} <= set(states), states
    trash_empty(TrashEmptyPlan(), make_context(nights))
    assert os.listdir(location / TRASH) == [], "leftovers of killed runs are swept"


def test_a_kill_on_the_way_back(
    nights: Profile, location: Path, tmp_path: Path, make_context: Contexts
) -> None:
    before = names(location)
    for at in range(1, 40):
        run(nights, make_context)
        if not killed(nights, tmp_path, at, "restore", OLD):
            break
        row = rows(nights, make_context).get(OLD)
        assert row is None or not row.good or names(location) == before
        left = read_trash(nights).entries
        if left and left[0].state == "restoring":
            assert "trash restore" in refusal(nights, make_context).next
            assert trash_document(nights)["status"] == "warnings"
            assert "partly" in trash_empty(TrashEmptyPlan(), make_context(nights)).warnings[0]
        if left:
            trash_restore(TrashRestorePlan(entry=OLD), make_context(nights))
        assert names(location) == before and rows(nights, make_context)[OLD].good
    else:
        pytest.fail("it never came to its end")


def test_an_error_in_the_middle_puts_everything_back(
    nights: Profile, location: Path, make_context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = names(location), os.rename

    def failing(source: Any, target: Any) -> None:
        # A disk that fails in the middle of the moves, which no real one does on demand.
        if str(source).endswith(f"{OLD}.json"):
            raise OSError(5, "Input/output error")
        real(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(QuillkeepError) as caught:
        run(nights, make_context)
    assert "Input/output error" in caught.value.cause and "put back" in caught.value.touched
    assert names(location) == before and os.listdir(location / TRASH) == []


def test_marks_of_killed_readers_are_swept_by_the_next_writer(
    nights: Profile, location: Path, make_context: Contexts
) -> None:
    from services.jobs.host import this_owner
    from services.jobs.location_lock import READING, Mark

    owner = this_owner("killed", "restore")
    dead = msgspec.structs.replace(owner, process=msgspec.structs.replace(owner.process, started="1"))
    mark = Mark(owner=dead, token="t", started=NIGHT, backup=OLD)
    (location / f"{READING}killed").write_bytes(msgspec.json.encode(mark))
    with reading(location, NEW, "alive"), writing(location, "next"):
        left = [name for name in os.listdir(location) if name.startswith(READING)]
        assert len(left) == 1 and "alive" in left[0]
    assert run(nights, make_context).deleted


def test_what_a_killed_job_of_these_left_is_told() -> None:
    from services.jobs.events import Started
    from services.jobs.if_cancelled import if_cancelled
    from services.jobs.way_on import remains_of

    for verb in ("delete", "trash-restore", "trash-empty"):
        started = Started(
            at=NIGHT,
            job="j",
            verb=verb,
            plan={},
            profile=None,
            pid=1,
            process_started="1",
            boot_id="b",
            host="h",
            machine_id="m",
            user="u",
            version="0",
        )
        remains = remains_of([started])
        assert "trash" in remains.left and remains.way_on == ("quillkeep trash list",)
        assert if_cancelled("j", verb, "", ()).possible
