"""`restore`: load aside, prove, put objects, swap, prove; live data stays whole at every moment before and after."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from msgspec.structs import replace
from pymongo.errors import PyMongoError

from services.catalog.marks import being_read
from services.errors import Cancelled, QuillkeepError, Refused
from services.jobs.context import JobContext
from services.jobs.database_lock import DatabaseLock
from services.jobs.locks import LockLost
from services.mongo.aside import server_identity
from services.mongo.failures import translated
from services.mongo.insert import Rejected
from services.mongo.record import ObjectsRecord, SwapRecord, delete_record
from services.operations.restore_model import (
    PLAN_CHANGED,
    ROLLBACK_HOURS,
    RestoredCollection,
    RestoredObjects,
    RestorePlan,
    RestoreResult,
    in_words,
)
from services.recovery import ending, guards, series, sweep
from services.recovery.application import Application
from services.recovery.draft import Draft, draft_plan, is_application
from services.recovery.holding import explain_lost, holding
from services.recovery.objects_part import ObjectsDone
from services.recovery.pairs_proof import last_proof
from services.recovery.pepper_proof import last_pepper
from services.recovery.request import RiskFound
from services.recovery.session import Session, open_session
from services.recovery.steps import (
    SpaceWatch,
    aside_targets,
    build_pairs,
    drop_asides,
    load,
    prove_asides,
    store,
)
from services.recovery.watching import watched


def restore(plan: RestorePlan, ctx: JobContext) -> RestoreResult:
    """Restores by swap (or, asked for, in place).

    Errors: `Refused` before anything is touched (lock, rights, space, an unallowed risk, a plan that no
    longer holds), `ArchiveError`, `ProofFailed`, `Cancelled`: then live data is as it was. A failure from
    the first rename on says which two commands go on.
    """
    if ctx.profile.read_only:
        raise Refused(
            "This profile is READ-ONLY: nothing live may be changed.",
            next="Run it without --read-only, and with a profile that has no read_only=true.",
        )
    with (
        watched(ctx) as ready,
        open_session(ctx.profile, plan.request.to_database, writing=True, ctx=ctx) as session,
        DatabaseLock.acquire(
            session.database, job=ctx.job, verb="restore", clock=ctx.clock, check=ctx.check, tell=ctx.log
        ) as lock,
    ):
        sweep.make_room(session, ctx)
        sweep.leftovers(session, ctx)
        draft = draft_plan(plan.request, ctx, session, compare=False)
        _refuse(plan, draft)
        for words in draft.result.warnings:
            ctx.log(words, "warning")
        ready()
        with being_read(ctx, "restore", draft.backup):
            return RestoreRun(plan, ctx, session, lock, draft).run()


def _refuse(plan: RestorePlan, draft: Draft) -> None:
    result = draft.result
    if result.refusals:
        raise Refused(
            result.refusals[0],
            cause=" ".join(result.refusals[1:]),
            next="`quillkeep plan` shows the whole plan.",
        )
    if plan.fingerprint is not None and plan.fingerprint != result.fingerprint:
        raise Refused(
            PLAN_CHANGED,
            next="Look at the plan again with `quillkeep plan`, then start the restore from it.",
        )
    unallowed(result.risks, plan.allow)


def unallowed(risks: tuple[RiskFound, ...] | list[RiskFound], allow: tuple[str, ...]) -> None:
    """`Refused`, naming every risk that was not allowed and its flag."""
    left = [risk for risk in risks if risk.word not in allow]
    if left:
        raise Refused(
            f"The plan has a risk that was not allowed: {left[0].word}."
            if len(left) == 1
            else f"The plan has risks that were not allowed: {', '.join(risk.word for risk in left)}.",
            cause=" ".join(f"{risk.word}: {risk.detail}." for risk in left),
            next=f"Remove the cause, or accept it: {' '.join(f'--allow {risk.word}' for risk in left)}",
        )


class RestoreRun:
    """One run, step by step; whatever fails before the first rename is undone in `_back_out`."""

    def __init__(
        self, plan: RestorePlan, ctx: JobContext, session: Session, lock: DatabaseLock, draft: Draft
    ) -> None:
        self.plan = plan
        self.ctx = ctx
        self.session = session
        self.lock = lock
        self.draft = draft
        self.warnings: list[str] = []
        self.application = Application(
            ctx,
            session,
            concerned=is_application(ctx.profile, session, draft.request, draft.parts),
        )
        self.objects_done = ObjectsDone()
        self.rejected = Rejected(ctx.folder / f"{ctx.job}.rejected.bson")
        self.record = SwapRecord(
            job=ctx.job,
            verb="restore",
            state="loading",
            database=session.database.name,
            started=ctx.clock(),
            backup=draft.backup.id,
            request=msgspec.to_builtins(plan.request),
            profile=ctx.profile.name,
            host=lock.owner.host.words,
            allowed=plan.allow,
            collmod=session.rights.change_options,
            leave_app_stopped=plan.leave_app_stopped,
        )

    def run(self) -> RestoreResult:
        """All steps in order."""
        try:
            self.keep(self.record)
            self._stop_application()
            if self.draft.request.in_place and self.draft.contents is not None:
                return self._in_place()
            self._load()
            self._series()
            self._reject()
            self._objects()
        except BaseException as error:
            self._leave(error)
            raise
        return self._swap()

    def _leave(self, error: BaseException) -> None:
        """Backs out, and raises a driver's error in an admin's words."""
        if isinstance(error, PyMongoError):
            told = translated("The restore", error)
            self._back_out(told)
            raise told from error
        self._back_out(error)

    def _in_place(self) -> RestoreResult:
        from services.recovery.in_place import leading_back, run_in_place

        counts = run_in_place(self)
        with leading_back(self.record):
            self._reject()
            self._objects()
        self.keep(replace(self.record, state="done", finished=self.ctx.clock()))
        self.warnings += self.application.start_again(leave_stopped=self.plan.leave_app_stopped)
        return self._result(counts, self.warnings, {}, holds_copies=True)

    def keep(self, record: SwapRecord) -> None:
        """Stores a changed record beside the journal and in the database."""
        self.record = record
        store(self.session, record, self.ctx)

    def _stop_application(self) -> None:
        writers = self.application.stop()
        self.keep(
            replace(
                self.record,
                app_was_running=self.application.was_running,
                app_stopped_by_us=self.application.stopped_by_us,
            )
        )
        profile = self.ctx.profile
        decided = replace(profile, app=None)
        risks, words = guards.writers(writers, self.session, decided)
        self.warnings += words
        unallowed(risks, self.plan.allow)
        if any(risk.word == "writers" for risk in risks):
            self.warnings.append(f"Writers were not proven stopped: {writers.detail}.")

    def _load(self) -> None:
        if self.draft.contents is None:
            return
        targets = aside_targets(self.draft.rows, self.draft.contents, self.ctx.job)
        proofs = load(
            self.session,
            self.draft.contents,
            targets,
            self.ctx,
            rejected=self.rejected,
            check=holding(self.lock, SpaceWatch(self.ctx, self.session)),
        )
        self.lock.assert_held()
        pairs = build_pairs(
            self.session,
            self.draft.contents,
            self.draft.rows,
            proofs,
            self.draft.live,
            self.ctx.job,
        )
        self.record = replace(self.record, pairs=pairs, proven_server=server_identity(self.session.database))
        self.ctx.checkpoint("proven", collections=sorted(proofs))

    def _series(self) -> None:
        """Recorded before they are created, so that whatever ends the job finds them."""
        found = series.planned(self.draft)
        if not found:
            return
        series.check_free(self.session, found)
        self.keep(replace(self.record, series=found))
        watch = holding(self.lock, SpaceWatch(self.ctx, self.session))
        made = series.create(self.session, self.draft, found, self.ctx, self.rejected, watch)
        self.record = replace(self.record, series=made)

    def _reject(self) -> None:
        words = self.rejected.words()
        if not words:
            return
        needs_bypass = (
            any("validator" in word for word in words) and not self.session.rights.bypass_validation
        )
        if needs_bypass:
            raise Refused(
                "The validator of a collection refuses documents of the backup.",
                cause="; ".join(words),
                next=f"Grant {self.session.rights.user} the role dbAdmin on {self.session.database.name} "
                "(bypassDocumentValidation) and run the restore again.",
            )
        unallowed([RiskFound(word="rejected-documents", detail="; ".join(words))], self.plan.allow)
        self.warnings += [f"Not restored: {word}; kept in {self.rejected.path}" for word in words]

    def _objects(self) -> None:
        objects = self.draft.objects
        if objects is None:
            return
        self.keep(
            replace(
                self.record,
                state="objects",
                objects=ObjectsRecord(bucket=objects.bucket.name, prefix=objects.old_prefix(self.ctx.job)),
            )
        )
        done = objects.put(
            self.ctx, self.lock, self.session.database, allow_loss="possible-loss" in self.plan.allow
        )
        self.warnings += done.warnings
        assert self.record.objects is not None
        self.record = replace(
            self.record,
            objects=replace(
                self.record.objects,
                replaced=done.replaced,
                added=done.added,
                set_aside=done.set_aside,
                bytes=done.replaced_bytes,
            ),
        )
        self.objects_done = done

    def _back_out(self, error: BaseException) -> None:
        """Everything as it was: objects put back and proven, copies dropped, the application as found."""
        ctx = self.ctx
        if self.record.safety is not None:
            return
        if isinstance(error, LockLost):
            mine = self.record.state == "loading"
            explain_lost(error, ctx, self.session, self.application, drop=self._drop_loaded if mine else None)
            return
        touched = ["Live data is as it was."]
        clean = True
        objects = self.draft.objects
        if objects is not None and self.record.state == "objects":
            undone = objects.undo(ctx, self.session.database)
            touched += undone.words
            clean = undone.complete
        try:
            left = self._drop_loaded()
            if left:
                touched.append(
                    f"These copies could not be dropped and will be by the next restore: {'; '.join(left)}."
                )
            elif clean:
                delete_record(self.session.database, ctx.job)
        except QuillkeepError as trouble:
            touched.append(
                f"The loaded copies stay until the next restore sweeps them: {trouble.cause or trouble.what}"
            )
        touched += self.application.start_again()
        if isinstance(error, QuillkeepError):
            error.touched = " ".join(touched)
            if isinstance(error, Cancelled):
                error.what = "The restore was cancelled before anything live was changed."
            if not clean:
                error.next = f"Put the rest back with `quillkeep rollback {ctx.job}`."

    def _drop_loaded(self) -> list[str]:
        return [*drop_asides(self.session, self.ctx.job), *series.drop_created(self.session, self.record)]

    def _swap(self) -> RestoreResult:
        try:
            if self.record.pairs and server_identity(self.session.database) != self.record.proven_server:
                prove_asides(self.session, self.record, self.ctx)
            self.lock.assert_held()
            self.ctx.commit()
            if self.record.pairs:
                self.record = replace(self.record, state="swapping")
                store(self.session, self.record, self.ctx)
        except BaseException as error:
            self._leave(error)
            raise
        ended = ending.put_live(
            self.record, self.ctx, self.session, self.lock, self.application, self.warnings
        )
        return self._result(ended.counts, ended.warnings, ended.set_aside, holds_copies=ended.holds_copies)

    def _result(
        self,
        counts: dict[str, tuple[int, list[str]]],
        warnings: list[str],
        set_aside: dict[str, int],
        *,
        holds_copies: bool,
    ) -> RestoreResult:
        objects = self.draft.objects
        proven = last_proof(self.ctx, self.session.database, self.draft)
        pepper, words = last_pepper(self.ctx, self.session.database, self.draft)
        warnings = [*warnings, *proven.warnings, *words]
        until = (self.ctx.clock() + timedelta(hours=ROLLBACK_HOURS)).isoformat() if holds_copies else None
        return RestoreResult(
            status="warnings" if warnings else "ok",
            job=self.ctx.job,
            strategy=self.draft.result.strategy,
            backup=self.draft.backup.id,
            collections={
                name: RestoredCollection(documents=documents, indexes=tuple(indexes))
                for name, (documents, indexes) in counts.items()
            },
            objects=None
            if objects is None
            else RestoredObjects(
                put=self.objects_done.added + self.objects_done.replaced,
                kept=self.objects_done.kept,
                replaced=self.objects_done.replaced,
                bytes=self.objects_done.bytes,
            ),
            rollback_until=until,
            warnings=tuple(dict.fromkeys(warnings)),
            facts=tuple(fact for fact in self.draft.result.facts if fact != guards.APP_WILL_STOP),
            set_aside=set_aside,
            pairs=proven.proof,
            pepper=pepper,
            summary=in_words(
                "restore",
                {name: documents for name, (documents, _) in counts.items()},
                None
                if objects is None
                else (self.objects_done.added + self.objects_done.replaced, self.objects_done.kept),
                set_aside,
            ),
        )
