"""`python -m tests.pictures.record`: plays an incident on the demo's servers and keeps what the machine answered.

What is kept is what every look and every job's journal really said, with this machine's folders, ports and
names replaced by those of an invented deployment. The pictures are drawn from it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from services.demo.breaking import BreakName
from services.demo.console import RunningDemo
from services.jobs.events import RENAMING, Checkpoint, Finished
from services.jobs.host import this_host, user_name
from services.jobs.journal import JOURNAL, follow_events, read_events
from services.jobs.launch import StartedJob
from services.looking.contents import ContentsRequest
from services.looking.discover import DiscoverRequest
from services.looking.preflight import PreflightRequest
from services.looking.show import ShowRequest
from services.looking.wire import encode
from services.operations.backup_model import BackupPlan
from services.operations.delete import DeletePlan
from services.operations.diff_model import DiffPlan
from services.operations.restore_model import FinishPlan, ReleasePlan, RestorePlan, RollbackPlan
from services.operations.verify import VerifyPlan
from services.profile import Profile
from services.recovery.request import RestoreRequest
from tests.pictures.recording import FOLDER, HOST, MACHINE, USER
from tui.backend import Machine


class Recorder:
    """Keeps answers and journals under their names."""

    def __init__(self, demo: RunningDemo) -> None:
        self.machine = Machine(demo.paths)
        self.profile: Profile = demo.profile
        self._replacements = _replacements(demo)

    def look(self, kind: str, name: str = "", request: msgspec.Struct | None = None) -> Any:
        """Asks a look and keeps the answer."""
        answer = self.machine.look(kind, self.profile, request, seconds=30)
        self._write(f"looks/{name or kind}.json", msgspec.json.format(encode(answer), indent=1))
        return answer

    def jobs(self, name: str) -> None:
        """Keeps the list of jobs."""
        listed = self.machine.list_jobs()
        self._write(f"jobs/{name}.json", msgspec.json.format(msgspec.json.encode(listed), indent=1))

    def run(self, verb: str, plan: msgspec.Struct, name: str) -> dict[str, Any]:
        """Runs a job to its end and keeps its journal; gives its document."""
        started = self.machine.start_job(verb, plan, self.profile)
        finished = [event for event in follow_events(started.folder) if isinstance(event, Finished)]
        self.journal(started, name)
        if not finished:
            raise SystemExit(f"{verb} was lost: {started.folder}")
        return finished[0].result

    def state(self) -> None:
        """Keeps the state folder's journals, for History."""
        for folder in sorted(self.machine.paths.jobs.iterdir()):
            self._write(f"state/jobs/{folder.name}/{JOURNAL}", (folder / JOURNAL).read_bytes())

    def journal(self, started: StartedJob, name: str) -> None:
        """Keeps a job's journal as it stands."""
        self._write(f"journals/{name}.jsonl", (started.folder / JOURNAL).read_bytes())

    def _write(self, name: str, data: bytes) -> None:
        for pattern, instead in self._replacements:
            data = pattern.sub(instead, data)
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _replacements(demo: RunningDemo) -> list[tuple[re.Pattern[bytes], bytes]]:
    profile, host = demo.profile, this_host()
    assert profile.mongo is not None and profile.bucket is not None
    server = profile.mongo.uri.reveal().partition("://")[2].partition("/")[0]
    words = [
        (profile.locations[0].path, "/backups/quilltap"),
        (str(demo.paths.state), "/var/lib/quillkeep"),
        (str(demo.folder), "/srv/quilltap"),
        (profile.bucket.endpoint or "", "https://s3.example.org"),
        (server, f"{HOST}.example.org:27017"),
        (host.machine_id, MACHINE),
    ]
    found = [(re.compile(re.escape(old.encode())), new.encode()) for old, new in words if old]
    found += [
        (re.compile(rb'("(?:host|hostname)": ?)"%s"' % re.escape(host.hostname.encode())), rb'\1"db1"'),
        (re.compile(rb'("user": ?)"%s"' % re.escape(user_name().encode())), rb'\1"%s"' % USER.encode()),
        (re.compile(rb'("profile": ?)"demo"'), rb'\1"prod"'),
        (re.compile(rb'("location": ?)"demo"'), rb'\1"nas"'),
        (re.compile(rb"demo/quilltap\b"), b"prod/quilltap"),
        (re.compile(rb'("name": ?)"demo"(,\s*"path")'), rb'\1"nas"\2'),
        (
            re.compile(
                rb"\bof %s on %s\b" % (re.escape(user_name().encode()), re.escape(host.hostname.encode()))
            ),
            b"of %s on %s" % (USER.encode(), HOST.encode()),
        ),
        (re.compile(rb'("boot_id": ?)"[^"]*"'), rb'\1"%s"' % MACHINE.encode()),
        (re.compile(rb'("pid_namespace": ?)"[^"]*"'), rb'\1""'),
    ]
    return found


def record(say: Any) -> None:
    """All of it, in a minute."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with RunningDemo(say=say) as demo:
        recorder = Recorder(demo)
        catalog = recorder.look("catalog")
        newest = next(backup.id for backup in catalog.backups if backup.ours)
        recorder.run("verify", VerifyPlan(backup=newest), "verify")
        catalog = recorder.look("catalog")
        for kind in ("live", "bucket", "locations", "rates", "trash"):
            recorder.look(kind)
        recorder.look("show", request=ShowRequest(backup=newest))
        chosen = next(backup for backup in catalog.backups if backup.id == newest)
        recorder.look("contents", request=ContentsRequest(backup=chosen))
        discover = DiscoverRequest(cwd=str(demo.folder), config_files=("/etc/quillkeep/config.toml",))
        recorder.look("discover", request=discover)
        older = [backup.id for backup in catalog.backups if backup.ours][1]
        recorder.run("delete", DeletePlan(backup=older, dry_run=True), "delete")
        recorder.run("diff", DiffPlan(a=older, b=newest), "diff")
        recorder.jobs("healthy")

        breaks: tuple[BreakName, ...] = ("drop", "empty")
        for name in breaks:
            say(demo.do(name))
        recorder.look("live", "live-damaged")
        recorder.look("bucket", "bucket-damaged")
        request = RestoreRequest(backup=newest)
        recorder.look("preflight", request=PreflightRequest(request=request, backup=chosen))
        plan = recorder.run("plan", request, "plan")
        allow = tuple(risk["word"] for risk in plan["risks"])
        restore = RestorePlan(request=request, allow=allow)
        killed = recorder.machine.start_job("restore", restore, recorder.profile)
        _kill_while_renaming(killed)
        recorder.journal(killed, "restore-killed")
        recorder.look("live", "live-interrupted")
        recorder.jobs("interrupted")
        recorder.run("finish", FinishPlan(job=killed.job), "finish")
        undo = RollbackPlan(job=killed.job)
        risks = recorder.run("rollback-plan", undo, "rollback-plan-killed")["risks"]
        words = tuple(risk["word"] for risk in risks)
        recorder.run("rollback", RollbackPlan(job=killed.job, allow=words), "rollback")
        recorder.run("restore", restore, "restore")
        recorder.look("catalog", "catalog-restored")
        recorder.look("live", "live-restored")
        recorder.look("bucket", "bucket-restored")
        recorder.jobs("restored")
        when = (recorder.machine.now() + timedelta(minutes=1)).replace(second=0).isoformat(timespec="seconds")
        (FOLDER / "when.json").write_text(f'"{when}"\n')
        holding = next(job for job in recorder.machine.list_jobs() if job.verb == "restore").id
        recorder.run("rollback-plan", RollbackPlan(job=holding), "rollback-plan")
        recorder.run("release", ReleasePlan(job=holding, dry_run=True), "release-counted")
        recorder.run("release", ReleasePlan(job=holding), "release")
        recorder.state()
        recorder.run("backup", BackupPlan(reason="before an upgrade"), "backup")
        say(demo.do("down"))
        recorder.run("backup", BackupPlan(only="database"), "backup-failed")
        recorder.run("restore", restore, "restore-failed")


def _kill_while_renaming(started: StartedJob) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        marks = [each.name for each in read_events(started.folder) if isinstance(each, Checkpoint)]
        if RENAMING in marks:
            time.sleep(0.02)
            os.kill(started.process.pid, signal.SIGKILL)
            time.sleep(4.0)
            return
        time.sleep(0.001)
    raise SystemExit("the restore never began to rename")


if __name__ == "__main__":
    from tests.pictures import record_integrity

    record(lambda line: print(line, file=sys.stderr))
    record_integrity.record(lambda line: print(line, file=sys.stderr))
    print(f"kept in {Path(FOLDER).name}")
