"""`backup`: objects, database, objects again, read back and proven; the manifest last."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from services.app_control import AppController, start_app, stop_app
from services.errors import QuillkeepError, Refused, UsageProblem
from services.jobs.context import JobContext
from services.jobs.location_lock import writing
from services.operations.backup_model import BackupPlan, BackupResult
from services.operations.backup_run import Run
from services.profile import Profile


def backup(plan: BackupPlan, ctx: JobContext) -> BackupResult:
    """Makes one backup in a location of the profile.

    Ends `ok` or `warnings` with a complete backup, whose manifest is the last thing written; otherwise
    raises (`Refused`, `QuillkeepError`, `Cancelled`) and leaves nothing of this backup behind.
    """
    folder = location_folder(plan, ctx.profile)
    controller = _controller(plan, ctx.profile)
    with writing(folder, ctx.job, verb="backup", check=ctx.check) as lock, Run(plan, ctx, folder) as run:
        run.prepare()
        with _stopped_app(controller, run, ctx):
            run.read()
        run.prove()
        lock.assert_held()
        result = run.publish()
    return _release_due(plan, result, ctx)


def _release_due(plan: BackupPlan, result: BackupResult, ctx: JobContext) -> BackupResult:
    """Rollback copies that have waited long enough go after a backup; what stays is a warning."""
    if plan.purpose != "backup" or "database" not in plan.parts:
        return result
    from services.recovery.expiry import release_due

    try:
        warnings = release_due(ctx, backup)
    except QuillkeepError as trouble:
        warnings = [f"Old rollback copies were not looked at: {trouble}"]
    if not warnings:
        return result
    return replace(result, status="warnings", warnings=(*result.warnings, *warnings))


def location_folder(plan: BackupPlan, profile: Profile) -> Path:
    """The folder to write into. Refused when it is not there: a mount that is missing must not fill the system's disk."""
    if not profile.locations:
        raise UsageProblem(
            "No location for backups is configured.",
            next="Set BACKUP_DIR, or [[locations]] with a path in config.toml.",
        )
    names = {location.name: location for location in profile.locations}
    if plan.location is not None and plan.location not in names:
        raise UsageProblem(
            f"There is no location {plan.location!r}.",
            next=f"Name one of these behind --location: {', '.join(sorted(names))}.",
        )
    chosen = names[plan.location] if plan.location is not None else profile.locations[0]
    folder = Path(chosen.path)
    if not folder.is_dir():
        raise Refused(
            f"The location {folder} is not there.",
            cause="It is not made by a backup: a disk or NAS that is not mounted would be written beside.",
            next=f"Mount it; or, when it is new: mkdir -p -m 700 {shlex.quote(str(folder))}",
        )
    return folder


def _controller(plan: BackupPlan, profile: Profile) -> AppController | None:
    if not plan.stop_app:
        return None
    if profile.app is None:
        raise Refused(
            "--stop-app: nothing says how to stop the application.",
            next="Set app = {stop=..., start=..., status=...} in the profile.",
        )
    if profile.read_only:
        raise Refused(
            "--stop-app: this profile is read-only.", next="Back up without stopping the application."
        )
    return AppController(profile.app, health_url=profile.health_url)


@contextlib.contextmanager
def _stopped_app(controller: AppController | None, run: Run, ctx: JobContext) -> Iterator[None]:
    """Stops the application while the data is read, and starts it again whatever happens; when this process
    is killed, its watcher does."""
    if controller is None:
        yield
        return
    from services.recovery.watching import watched

    found = controller.state()
    try:
        with watched(ctx) as ready:
            # Killed between the stop and the watcher's first look, the application would stay stopped.
            ready()
            run.app_stopped = stop_app(controller, ctx)
        if not run.app_stopped:
            run.warnings.append("Nothing could prove that the application was stopped.")
        yield
    except BaseException as error:
        if found != "stopped":
            _start_after(error, controller, ctx)
        raise
    if found != "stopped":
        try:
            if not start_app(controller, ctx):
                run.warnings.append("Nothing could prove that the application was started again.")
        except QuillkeepError as trouble:
            run.warnings.append(f"The application was not started again: {trouble}")


def _start_after(error: BaseException, controller: AppController, ctx: JobContext) -> None:
    """Starts the application of a backup that failed; what goes wrong then is told with the first error."""
    try:
        proven = start_app(controller, ctx)
    except QuillkeepError as trouble:
        ctx.log(f"The application was not started again: {trouble}", "error")
        if isinstance(error, QuillkeepError):
            error.next = f"The application was not started again: {trouble} {error.next}"
        return
    if not proven:
        ctx.log("Nothing could prove that the application was started again.", "warning")
