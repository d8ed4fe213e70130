"""A whole pair check: two sides compared, what is broken looked up, and the document of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from services.catalog.model import Backup
from services.catalog.scan import accepted_lost
from services.errors import QuillkeepError
from services.pairs.compare import SETTLE_SECONDS, Compared, Comparison, Stage
from services.pairs.elsewhere import look_elsewhere
from services.pairs.facts import BROKEN
from services.pairs.located import Located, Wanted, locate
from services.pairs.model import LIVE, MAX_LISTED, PairsDepth, PairsResult
from services.pairs.origin import origin_of
from services.pairs.report import LOOKED_FOR, Circumstances, report
from services.pairs.rows import FILES
from services.pairs.sides import NoFiles, RowsSide
from services.pairs.stores import ObjectsSide
from services.pairs.table import PairsTable
from services.pairs.usage import Usage, find_usage
from services.paths import Paths
from services.quilltap.collections import KNOWN_COLLECTIONS


class Surroundings(msgspec.Struct, kw_only=True):
    """What a pair check may look into beside its two sides.

    `backups` gives the catalog's, newest first, and is asked only when something is missing or altered;
    None looks none up. `bucket` is the bucket's name. `started` is when a backup began, in the
    application's words, `newer_rows` and `newer_objects` as in `Circumstances`. `open_rows` opens
    the rows of a backup, to see which had another key there. `usage` reads who uses what
    is broken. `full_list` is where a long list goes, but not of a `sealed` side, whose plaintext is written
    to no disk.
    """

    paths: Paths | None = None
    backups: Callable[[], Sequence[Backup]] | None = None
    bucket: str = ""
    started: str = ""
    newer_rows: str = ""
    newer_objects: str = ""
    open_rows: Callable[[Backup], RowsSide] | None = None
    usage: bool = True
    full_list: Path | None = None
    sealed: bool = False


def check_pairs(
    rows: RowsSide,
    objects: ObjectsSide,
    around: Surroundings,
    *,
    depth: PairsDepth = "shallow",
    check: Callable[[], None],
    stage: Stage,
    settle: float = SETTLE_SECONDS,
) -> PairsResult:
    """Compares rows with objects and answers the `pairs` document. Changes nothing.

    Memory does not grow with either side, unless one is sealed. Errors: `NoFiles`, and `QuillkeepError` or `OSError` when a side
    cannot be read to its end; whatever `check` raises.
    """
    comparison = Comparison(
        rows,
        objects,
        depth=depth,
        check=check,
        stage=stage,
        settle=settle,
        table=PairsTable(sealed=around.sealed),
    )
    try:
        found = comparison.run()
        return conclude(found, rows, objects, around, check=check, stage=stage)
    except NoFiles:
        there = rows.data.collections()
        if comparison.found.objects or not before_uploads(there):
            raise
        return nothing_yet(depth, rows.data.name, objects.name)
    finally:
        comparison.table.close()


def before_uploads(there: Collection[str]) -> bool:
    """Whether these collections are the application's, which makes `files` with the first upload."""
    return FILES not in there and not KNOWN_COLLECTIONS.isdisjoint(there)


def nothing_yet(depth: PairsDepth, rows_of: str, objects_of: str) -> PairsResult:
    """Nobody has uploaded anything: whole."""
    return PairsResult(
        status="ok", depth=depth, rows_of=rows_of, objects_of=objects_of, summary="no rows and no objects"
    )


def conclude(
    found: Compared,
    rows: RowsSide,
    objects: ObjectsSide,
    around: Surroundings,
    *,
    check: Callable[[], None],
    stage: Stage,
) -> PairsResult:
    """The document of a comparison; what is broken is looked up in rows and backups. Errors as `check_pairs`."""
    if around.started:
        found.table.excuse(around.started)
    about = Circumstances(
        rows_of=rows.data.name,
        objects_of=objects.name,
        where=objects.where,
        bucket=around.bucket,
        prefix=objects.prefix,
        newer_rows=around.newer_rows,
        newer_objects=around.newer_objects,
        full_list=None if around.sealed else around.full_list,
        sealed=around.sealed,
    )
    broken = found.table.broken_count(*BROKEN)
    others = found.table.broken_count("claimed", "metadata") + found.table.rows_count("stranger")
    if broken or others or found.table.orphan_count():
        _look_up(found, rows, objects, around, about, broken, check, stage)
    return report(found, about)


def _held(
    keys: Mapping[str, Wanted], catalog: Sequence[Backup], paths: Paths | None, check: Callable[[], None]
) -> Mapping[str, str]:
    return locate(keys, catalog, paths, check=check).good_in if paths is not None else {}


def _look_up(
    found: Compared,
    rows: RowsSide,
    objects: ObjectsSide,
    around: Surroundings,
    about: Circumstances,
    broken: int,
    check: Callable[[], None],
    stage: Stage,
) -> None:
    ids: set[str] = set()
    users: set[str] = set()
    wanted: dict[str, Wanted] = {}
    for one in itertools.islice(found.table.broken(*BROKEN), LOOKED_FOR):
        ids.add(one.row.id)
        users.add(one.row.user)
        wanted[one.row.key or ""] = Wanted(one.row.size, one.row.sha256)
    for orphan in found.table.orphans(limit=MAX_LISTED):
        if user := origin_of(orphan, about.prefix, None).user:
            users.add(user)
    users.update(one.row.user for one in found.table.broken("claimed", "metadata", limit=MAX_LISTED))
    users.update(row.user for row in found.table.rows_where("stranger", limit=MAX_LISTED) if row.user)
    if around.usage and (ids or users):
        advance = stage("looking up use", f"where {rows.data.name} uses them", None, "bytes")
        try:
            about.usage = find_usage(rows.data, ids, users, check=check, advance=advance)
        except QuillkeepError as error:
            about.usage = Usage(())
            about.remarks.append(f"Where they are used could not be read: {error.what}")
    alone = about.rows_of == about.objects_of
    lost = alone and bool(found.table.orphan_count())
    if around.backups is None or not (broken or lost):
        return
    stage("looking up backups", "which one has them", None, "backups")
    catalog = around.backups()
    about.lost = accepted_lost(catalog)
    if around.paths is not None and wanted:
        # What a backup's own objects lack, they cannot give.
        own = about.objects_of if about.objects_of != LIVE else ""
        about.located = locate(wanted, catalog, around.paths, check=check, without=own)
    else:
        about.located = Located()
    if alone:
        good = about.located.good_in
        lone = [one.row for one in itertools.islice(found.table.broken(*BROKEN), LOOKED_FOR)]
        lone = [row for row in lone if row.key not in good]
        if lost:
            lone += found.table.rows_where("outside", limit=LOOKED_FOR)
        about.elsewhere = look_elsewhere(
            found.table,
            objects,
            lone,
            catalog,
            around.open_rows,
            check=check,
            without="" if about.rows_of == LIVE else about.rows_of,
            locate=lambda keys: _held(keys, catalog, around.paths, check),
        )
