"""The last proof of a restore: rows of `files` against the bucket, compared with what the backup itself had."""

from __future__ import annotations

import itertools
import shlex
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from services.catalog.model import Backup
from services.catalog.naming import printable
from services.catalog.scan import survey
from services.counted import by_number, counted
from services.errors import QuillkeepError
from services.jobs.context import JobContext
from services.objects.key_bytes import shown_key
from services.operations.restore_model import PairsProof
from services.profile import BucketTarget
from services.recovery.request import RestoreRequest

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.mongo.record import SwapRecord
    from services.pairs.elsewhere import Place
    from services.pairs.facts import Broken
    from services.pairs.stores import ObjectsSide
    from services.pairs.table import PairsTable
    from services.recovery.draft import Draft

ANSWER_SECONDS = 10.0
"""How long the bucket may take for its first answer: a restore that is done does not wait for it."""
OUTAGE_SECONDS = 5.0
NAMED = 5
LOOKED_AT = 5_000
"""Files without their object that are looked up in backups; more are counted only."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The proof, sentences for the result's warnings, and why the restore failed by it (empty: it did not)."""

    proof: PairsProof | None = None
    warnings: tuple[str, ...] = ()
    failed: str = ""
    next: str = ""


def last_proof(ctx: JobContext, database: Database[Any], draft: Draft) -> Told:
    """The proof of a restore; nothing where it touched neither objects nor the rows of `files`.

    Errors: `QuillkeepError` when a file's object is missing that this restore had to put.
    """
    held = draft.contents.collections if draft.contents is not None else {}
    chosen = draft.request.collections
    rows = "files" in held and (not chosen or "files" in chosen)
    if not rows and draft.objects is None:
        return Told()
    put = draft.objects is not None
    return _demand(
        prove_pairs(ctx, database, draft.request, draft.backup, rows_restored=rows, objects_restored=put),
        ctx,
        ctx.job,
    )


def proof_of_record(ctx: JobContext, database: Database[Any], record: SwapRecord) -> Told:
    """The same for a restore that another job finishes; a backup that cannot be found any more is asked nothing."""
    from services.recovery.draft import choose_backup

    rows = any(pair.name == "files" for pair in record.pairs)
    put = record.objects is not None
    if record.verb != "restore" or not (rows or put):
        return Told()
    request = replace(msgspec.convert(record.request, RestoreRequest), backup=record.backup)
    try:
        backup = choose_backup(request, ctx)[0].backup
    except QuillkeepError as error:
        ctx.log(f"What {record.backup} has of the objects cannot be asked: {error.what}", "warning")
        backup = None
    told = prove_pairs(ctx, database, request, backup, rows_restored=rows, objects_restored=put)
    return _demand(told, ctx, record.job)


def _demand(told: Told, ctx: JobContext, job: str) -> Told:
    for words in told.warnings:
        ctx.log(words, "warning")
    if told.failed:
        raise QuillkeepError(
            "The restore is done and live, but its last proof failed.",
            cause=told.failed,
            touched="Collections and objects are live as its journal says; nothing was put back.",
            next=f"{told.next} `quillkeep rollback {job}` goes back to what was live before.",
        )
    return told


def prove_pairs(
    ctx: JobContext,
    database: Database[Any],
    request: RestoreRequest,
    backup: Backup | None,
    *,
    rows_restored: bool,
    objects_restored: bool,
) -> Told:
    """Looks at every row and object by listing; a few seconds at most, whatever answers.

    What the backup lacked already, and what was written since it was made, are warnings; a file that the
    restore should have brought and that is not there is a failure. What cannot be read is `unknown`.
    Never raises but for a cancel.
    """
    target = ctx.profile.bucket
    if target is None:
        return Told(proof=PairsProof(status="skipped", detail="No bucket is configured."))
    if request.to_bucket is not None:
        target = replace(target, bucket=request.to_bucket)
    ctx.phase("comparing rows with objects", f"{database.name} and the bucket {target.bucket}")
    try:
        return _prove(ctx, database, target, backup, rows_restored, objects_restored)
    except (QuillkeepError, OSError) as error:
        return _unknown(error, target)


def _unknown(error: QuillkeepError | OSError, target: BucketTarget) -> Told:
    from services.pairs.sides import NoFiles

    words = error.what if isinstance(error, QuillkeepError) else error.strerror or str(error)
    if isinstance(error, NoFiles):
        return Told(proof=PairsProof(status="skipped", detail=words))
    text = f"Whether every file has its object in the bucket {target.bucket} could not be told: {words}"
    return Told(
        proof=PairsProof(status="unknown", detail=text),
        warnings=(f"{text} `quillkeep pairs` looks again.",),
    )


def _prove(
    ctx: JobContext,
    database: Database[Any],
    target: BucketTarget,
    backup: Backup | None,
    rows_restored: bool,
    objects_restored: bool,
) -> Told:
    from services.objects.bucket import Bucket, open_bucket
    from services.objects.patience import Patience
    from services.pairs.compare import Comparison
    from services.pairs.opening import live_rows
    from services.pairs.stores import LiveObjects

    patience = Patience(outage=OUTAGE_SECONDS, single=OUTAGE_SECONDS, alone=OUTAGE_SECONDS)
    bucket: Bucket = open_bucket(target, patience=patience, check=ctx.check, say=ctx.log)
    _demand_answer(bucket)
    objects = LiveObjects(bucket)
    comparison = Comparison(live_rows(database), objects, check=ctx.check, rows_only=True)
    try:
        found = comparison.run()
        table = found.table
        missing, altered = table.broken_count("missing"), table.broken_count("size")
        proof = PairsProof(
            status="ok",
            rows=found.rows,
            objects=found.objects,
            missing=missing,
            altered=altered,
            detail=f"{counted(found.rows, 'rows')} of files, {counted(found.objects, 'objects')} in the bucket "
            f"{target.bucket}: every row that names an object has it, by listing (`quillkeep pairs --deep` reads every byte).",
        )
        if not missing and not altered:
            return Told(proof=proof)
        return _Sorted(ctx, table, objects, backup, rows_restored, objects_restored).told(proof)
    finally:
        comparison.table.close()


def _demand_answer(bucket: Any) -> None:
    """One small listing with a deadline: a server that takes connections and never answers is not waited for."""
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            bucket.require()
        except BaseException as error:  # noqa: BLE001  raised in the thread that waits
            failures.append(error)

    thread = threading.Thread(target=ask, daemon=True, name="pairs-answer")
    thread.start()
    thread.join(ANSWER_SECONDS)
    if thread.is_alive():
        raise QuillkeepError(f"{bucket.where} did not answer for {ANSWER_SECONDS:.0f} s.")
    if failures:
        raise failures[0]


class _Sorted:
    """Rows without their object, sorted by what an admin can do about them."""

    def __init__(
        self,
        ctx: JobContext,
        table: PairsTable,
        objects: ObjectsSide,
        backup: Backup | None,
        rows_restored: bool,
        objects_restored: bool,
    ) -> None:
        self._ctx = ctx
        self._table, self._objects = table, objects
        self._places: dict[str, Place] = {}
        self._backup = backup
        self._id = backup.id if backup is not None else "the backup"
        self._rows_restored, self._objects_restored = rows_restored, objects_restored
        self._broken = list(itertools.islice(table.broken("missing", "size"), LOOKED_AT))
        self._total = table.broken_count("missing", "size")

    def told(self, proof: PairsProof) -> Told:
        """Sentences and verdict."""
        had = self._in_backup()
        good = self._elsewhere([one for one in self._broken if one.row.key not in had])
        newer, before, there = [], [], []
        since = self._since()
        for one in self._broken:
            if one.row.key in had:
                there.append(one)
            elif not self._rows_restored and since and one.row.created > since:
                newer.append(one)
            else:
                before.append(one)
        warnings: list[str] = []
        failed = step = ""
        command = f"quillkeep restore {shlex.quote(self._id)} --only objects --yes"
        if there and self._objects_restored:
            failed = (
                f"{counted(len(there), 'files')} that {self._id} has {_are(there)} not in the bucket as they should be: "
                f"{_named(there)}."
            )
            step = f"Put them again with `{command}`; who deletes objects meanwhile? `quillkeep pairs` names them all."
        elif there:
            warnings.append(
                f"{counted(len(there), 'files')} {_have(there)} {_lack(there)} in the bucket, and {self._id} has "
                f"{by_number(len(there), 'it', 'them')}: {_named(there)}. Put them with `{command}`."
            )
        if newer:
            warnings.append(
                f"{counted(len(newer), 'rows')} of files {by_number(len(newer), 'is', 'are')} newer than {self._id} "
                f"and {_have(newer)} {_lack(newer)}: {_named(newer)}. {self._remedy(newer, good)}"
            )
        if before:
            lacking = f"{self._id} had none of {by_number(len(before), 'it', 'them')} either"
            warnings.append(
                f"{counted(len(before), 'files')} {_have(before)} {_lack(before)}, and {lacking}: {_named(before)}. "
                f"{self._remedy(before, good)}"
            )
        if self._total > len(self._broken):
            warnings.append(
                f"These are the first {len(self._broken):,} of {self._total:,}; `quillkeep pairs` names all."
            )
        parts = [f"{proof.missing:,} without an object"] if proof.missing else []
        parts += [f"{proof.altered:,} with an object of another size"] if proof.altered else []
        detail = f"{counted(proof.rows, 'rows')} of files, {counted(proof.objects, 'objects')}: {', '.join(parts)}."
        return Told(
            proof=replace(
                proof,
                status="fail" if failed else "warn",
                detail=failed or detail,
                newer=len(newer),
                lacking=len(before),
                in_backup=len(there),
                keys=tuple(printable(one.row.key or "") for one in self._broken[:NAMED]),
            ),
            warnings=tuple(warnings),
            failed=failed,
            next=step,
        )

    def _since(self) -> str:
        """When the backup began, as the application writes it."""
        from services.pairs.opening import in_application_words, manifest_of

        if self._backup is None:
            return ""
        manifest = manifest_of(self._backup)
        return in_application_words(manifest.started if manifest else self._backup.created)

    def _in_backup(self) -> set[str]:
        """Which of the keys this very backup has bytes for, of the size the row says."""
        from services.pairs.opening import backup_objects

        backup = self._backup
        if backup is None or "objects" not in backup.parts or backup.objects_path is None:
            return set()
        wanted = {one.row.key: one.row for one in self._broken}
        found = set()
        for entry in backup_objects(backup, self._ctx.profile, scratch=self._ctx.folder).entries():
            row = wanted.get(entry.key)
            if row is None or entry.missing is not None or row.size not in (None, entry.size):
                continue
            if not (row.sha256 and entry.sha256) or row.sha256 == entry.sha256:
                found.add(entry.key)
        return found

    def _elsewhere(self, broken: list[Broken]) -> dict[str, str]:
        from services.pairs.elsewhere import look_elsewhere
        from services.pairs.located import Wanted, locate
        from services.pairs.opening import backup_rows

        if not broken:
            return {}
        wanted: dict[str, Wanted] = {
            one.row.key or "": Wanted(one.row.size, one.row.sha256) for one in broken
        }
        ctx = self._ctx
        catalog = survey(ctx.profile.locations, ctx.profile, ctx.paths)
        good = locate(wanted, catalog.backups, ctx.paths, check=ctx.check, without=self._id).good_in

        def held(keys: Mapping[str, Wanted]) -> Mapping[str, str]:
            return locate(keys, catalog.backups, ctx.paths, check=ctx.check).good_in

        lone = [one.row for one in broken if one.row.key not in good]
        self._places = look_elsewhere(
            self._table,
            self._objects,
            lone,
            catalog.backups,
            lambda other: backup_rows(other, ctx.profile, check=ctx.check, advance=lambda amount: None),
            check=ctx.check,
            locate=held,
        ).rows
        return good

    def _remedy(self, broken: list[Broken], good: dict[str, str]) -> str:
        lying = [place for one in broken if (place := self._places.get(one.row.id))]
        if lying:
            from services.pairs.wording import keys_back

            named: dict[str, int] = {}
            for place in lying:
                if place.good_in:
                    named[place.good_in] = named.get(place.good_in, 0) + 1
            rest = [one for one in broken if one.row.id not in self._places]
            shown = ", ".join(shown_key(place.key) for place in lying[:NAMED])
            words = (
                f"{by_number(len(broken), 'Its bytes lie', f'The bytes of {len(lying):,} of them lie')} under another key "
                f"({shown}{', ...' if len(lying) > NAMED else ''}): {keys_back(named, len(lying))}"
            )
            if then := next((place.objects_in for place in lying if place.objects_in), ""):
                words += f" Then `quillkeep restore {shlex.quote(then)} --only objects --yes`."
            return f"{words} {self._remedy(rest, good)}" if rest else words
        held: dict[str, int] = {}
        for one in broken:
            if id := good.get(one.row.key or ""):
                held[id] = held.get(id, 0) + 1
        if not held:
            return (
                "No backup has these bytes: look for the originals, or delete the files in the application "
                "(`quillkeep pairs` says whose they are and where they are used)."
            )
        best = max(held, key=lambda id: held[id])
        command = f"quillkeep restore {shlex.quote(best)} --only objects --yes"
        return f"{best} has {held[best]:,} of {by_number(len(broken), 'it', 'them')}: `{command}`."


def _named(broken: list[Broken]) -> str:
    shown = ", ".join(printable(one.row.key or "") for one in broken[:NAMED])
    return f"{shown} and {len(broken) - NAMED:,} more" if len(broken) > NAMED else shown


def _have(broken: list[Broken]) -> str:
    return by_number(len(broken), "has", "have")


def _lack(broken: list[Broken]) -> str:
    sizes = sum(one.kind == "size" for one in broken)
    if not sizes:
        return "no object"
    return "an object of another size" if sizes == len(broken) else "no object, or one of another size,"


def _are(broken: list[Broken]) -> str:
    return by_number(len(broken), "is", "are")
