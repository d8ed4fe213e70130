"""`rollback`: puts back what a restore set aside, as a swap of its own that can be rolled back too."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from services.errors import QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.jobs.locks import LockLost
from services.mongo.insert import Rejected
from services.mongo.record import UNFINISHED, SwapRecord, delete_record, read_record
from services.operations.restore import unallowed
from services.operations.restore_model import (
    ROLLBACK_HOURS,
    RestoredCollection,
    RestoredObjects,
    RestoreResult,
    RollbackPlan,
    in_words,
)
from services.recovery import ending, guards, sweep, undoing
from services.recovery.application import Application
from services.recovery.choose import database_of, to_roll_back
from services.recovery.holding import explain_lost
from services.recovery.objects_part import ObjectsDone
from services.recovery.request import PlanResult
from services.recovery.reversal import (
    reverse_plan,
    reverse_record,
    roll_objects,
    settle,
    written_since,
)
from services.recovery.series import staying
from services.recovery.session import Session, open_session
from services.recovery.steps import store
from services.recovery.stragglers import wait_for_renames
from services.recovery.watching import watched
from services.recovery.writers import look


def rollback_plan(plan: RollbackPlan, ctx: JobContext) -> PlanResult:
    """What a rollback would change, and what was written since the restore; touches nothing.

    `confirmation` is empty while what is live still equals the proof: then y/n is enough.
    """
    name = plan.to_database or database_of(ctx, plan.job)
    with open_session(ctx.profile, name, ctx=ctx) as session:
        record = to_roll_back(session.database, plan.job)
        found = reverse_plan(session, record, written_since(session, record, ctx), ctx.profile.name)
        writers = look(ctx.profile, session, is_application=_concerned(ctx, session))
        risks, _ = guards.writers(writers, session, ctx.profile)
        allowed = _inherited(record)
        return replace(found, risks=tuple(risk for risk in risks if risk.word not in allowed))


def rollback(plan: RollbackPlan, ctx: JobContext) -> RestoreResult:
    """Rolls back a finished restore or rollback by a swap, or undoes an interrupted one.

    Errors: `Refused` when there is nothing to roll back, a newer one stands, a copy is gone or a risk was
    not allowed; otherwise as `restore`.
    """
    if ctx.profile.read_only:
        raise Refused(
            "This profile is READ-ONLY: nothing live may be changed.",
            next="Run it without --read-only, and with a profile that has no read_only=true.",
        )
    name = plan.to_database or database_of(ctx, plan.job)
    with (
        watched(ctx) as ready,
        open_session(ctx.profile, name, writing=True, ctx=ctx) as session,
        DatabaseLock.acquire(
            session.database, job=ctx.job, verb="rollback", clock=ctx.clock, check=ctx.check, tell=ctx.log
        ) as lock,
    ):
        sweep.make_room(session, ctx)
        record = to_roll_back(session.database, plan.job)
        ctx.log(f"Rolling back the {record.verb} {record.job} of {record.started:%Y-%m-%d %H:%M} UTC.")
        waiting = guards.unfinished(session, but=record.job)
        if waiting:
            raise Refused(waiting[0], next="`quillkeep jobs` shows what it left.")
        application = Application(ctx, session, concerned=_concerned(ctx, session))
        ready()
        return _Rollback(plan, ctx, session, lock, record, application).run()


def _concerned(ctx: JobContext, session: Session) -> bool:
    """Whether the application writes to this database."""
    return ctx.profile.mongo is not None and session.database.name == ctx.profile.mongo.database


def _inherited(of: SwapRecord) -> tuple[str, ...]:
    """An interrupted job keeps its confirmations; the rollback of a finished one is a plan of its own."""
    return of.allowed if of.state in (*UNFINISHED, "failed") else ()


class _Rollback:
    def __init__(
        self,
        plan: RollbackPlan,
        ctx: JobContext,
        session: Session,
        lock: DatabaseLock,
        of: SwapRecord,
        application: Application,
    ) -> None:
        self.plan = plan
        self.ctx = ctx
        self.session = session
        self.lock = lock
        self.of = of
        self.application = application
        self.warnings: list[str] = []

    def run(self) -> RestoreResult:
        """Undoes an interrupted job in place, or swaps the copies of a finished one back."""
        if self.of.state == "loading":
            return self._drop_loaded()
        wait_for_renames(self.session, self.ctx)
        self._stop()
        if self.of.in_place:
            return self._in_place()
        if self.of.state in UNFINISHED or self.of.state == "failed":
            undone = undoing.undo(self.of, self.ctx, self.session, self.lock, self.warnings)
            if self.of.app_stopped_by_us:
                self.application.adopt(self.of.app_was_running, True)
            self.warnings += self.application.start_again(leave_stopped=self.plan.leave_app_stopped)
            return self._result(
                self.ctx.job,
                undone,
                None,
                until=False,
                else_words=f"{self.of.job} was undone: what never went live was dropped; no collection was replaced",
            )
        return self._swap()

    def _drop_loaded(self) -> RestoreResult:
        """It died while it loaded: nothing live is touched, and the application is as it was before it."""
        sweep.leftovers(self.session, self.ctx)
        if read_record(self.session.database, self.of.job) is not None:
            self.warnings.append(f"Not everything that {self.of.job} had loaded could be dropped.")
        self.warnings += self.application.as_found(self.of.app_was_running, self.of.app_stopped_by_us)
        return self._result(
            self.ctx.job,
            {},
            None,
            until=False,
            else_words=f"what {self.of.job} had loaded was dropped; nothing live was touched",
        )

    def _in_place(self) -> RestoreResult:
        from services.recovery.in_place import roll_back_in_place

        rejected = Rejected(self.ctx.folder / f"{self.ctx.job}.rejected.bson")
        counts, objects = roll_back_in_place(self.of, self.ctx, self.session, self.lock, rejected)
        self.warnings += objects.warnings if objects else ()
        self.warnings += self.application.start_again(leave_stopped=self.plan.leave_app_stopped)
        return self._result(self.ctx.job, counts, objects, until=True)

    def _stop(self) -> None:
        writers = self.application.stop()
        risks, words = guards.writers(writers, self.session, replace(self.ctx.profile, app=None))
        self.warnings += words
        try:
            unallowed(risks, (*self.plan.allow, *_inherited(self.of)))
        except Refused:
            self.application.start_again()
            raise

    def _swap(self) -> RestoreResult:
        ctx, session = self.ctx, self.session
        if self.of.app_stopped_by_us and not self.of.leave_app_stopped:
            # It died after its proof, before it started the application again.
            self.application.adopt(self.of.app_was_running, True)
        record = replace(
            reverse_record(session, self.of, ctx),
            host=self.lock.owner.host.words,
            allowed=self.plan.allow,
            app_was_running=self.application.was_running,
            app_stopped_by_us=self.application.stopped_by_us,
            leave_app_stopped=self.plan.leave_app_stopped,
        )
        objects: ObjectsDone | None = None
        try:
            store(session, record, ctx)
            held = record.objects
            if held is not None:
                record = replace(record, state="objects")
                store(session, record, ctx)
                objects = roll_objects(session, self.of.job, ctx.job, ctx, self.lock)
                self.warnings += objects.warnings
                record = replace(
                    record,
                    objects=replace(held, replaced=objects.replaced, bytes=objects.replaced_bytes),
                )
            self.lock.assert_held()
            ctx.commit()
            record = replace(record, state="swapping")
            store(session, record, ctx)
        except BaseException as error:
            self._back_out(record, error)
            raise
        ended = ending.put_live(record, ctx, session, self.lock, self.application, self.warnings)
        settle(self.session, self.of.job, ctx.job, ctx)
        self.warnings += staying(self.of)
        return self._result(
            ctx.job, ended.counts, objects, until=ended.holds_copies, set_aside=ended.set_aside
        )

    def _back_out(self, record: SwapRecord, error: BaseException) -> None:
        from services.recovery.objects_part import open_target, undo_job

        if isinstance(error, LockLost):
            explain_lost(
                error,
                self.ctx,
                self.session,
                self.application,
                drop=self._forget if record.state == "loading" else None,
            )
            return
        words = ["What is live is as it was; the rollback copies are untouched."]
        clean = True
        if record.state == "objects" and record.objects is not None:
            undone = undo_job(open_target(self.ctx, record.objects.bucket), self.session.database, record.job)
            words += undone.words
            clean = undone.complete
        if clean:
            delete_record(self.session.database, record.job)
        words += self.application.start_again()
        if isinstance(error, QuillkeepError):
            error.touched = " ".join(words)

    def _forget(self) -> list[str]:
        """A rollback that loads nothing has only its record to drop."""
        delete_record(self.session.database, self.ctx.job)
        return []

    def _result(
        self,
        job: str,
        counts: dict[str, tuple[int, list[str]]],
        objects: ObjectsDone | None,
        *,
        until: bool,
        set_aside: dict[str, int] | None = None,
        else_words: str = "",
    ) -> RestoreResult:
        """`else_words` is what it did where no count tells of it."""
        return RestoreResult(
            status="warnings" if self.warnings else "ok",
            job=job,
            strategy="swap",
            backup=f"rollback copies of {self.of.job}",
            collections={
                name: RestoredCollection(documents=documents, indexes=tuple(indexes))
                for name, (documents, indexes) in counts.items()
            },
            objects=RestoredObjects(put=objects.replaced, kept=0, replaced=objects.replaced)
            if objects
            else None,
            rollback_until=(self.ctx.clock() + timedelta(hours=ROLLBACK_HOURS)).isoformat()
            if until
            else None,
            warnings=tuple(dict.fromkeys(self.warnings)),
            set_aside=set_aside or {},
            summary=in_words(
                "rollback",
                {name: documents for name, (documents, _) in counts.items()},
                (objects.replaced, 0) if objects else None,
                set_aside or {},
            )
            or else_words,
        )
