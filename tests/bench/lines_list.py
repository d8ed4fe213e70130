"""`list` of many backups."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from services.catalog import layout
from services.catalog.manifest import ArchiveFile, Manifest, decode_manifest, encode_manifest
from tests.bench.bench import Bench
from tests.bench.model import Figure, Line, Sample, wall
from tests.bench.rounds import Side

SIZES = {1_000: 0.3, 10_000: 2.0}
"""Backups -> seconds they may take."""
NEWEST = datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)


def list_lines(bench: Bench) -> list[Line]:
    """1,000 and 10,000 backups, each with the manifest and the notes of a real one of this size."""
    stage = bench.stage
    source = stage.folder_for("location")
    bucket = stage.bucket()
    environment = stage.environment(
        server=stage.standalone,
        database=stage.database(bench.options.scale),
        bucket=bucket,
        location=source,
    )
    made = bench.ours("backup", "--yes", environment=environment)
    bench.ours("verify", "latest", environment=environment)
    lines = []
    for count, limit in SIZES.items():
        stage.say(f"making {count:,} backups to list")
        location = stage.folder_for("many")
        clone_backups(source, str(made.document["id"]), location, count)
        lines.append(_line(bench, count, limit, {**environment, "BACKUP_DIR": str(location)}))
    shutil.rmtree(stage.scratch / "many")
    return lines


def _line(bench: Bench, count: int, limit: float, environment: dict[str, str]) -> Line:
    name = f"list of {count:,}"

    def ours() -> dict[str, Sample]:
        ran = bench.ours("list", environment=environment)
        assert len(ran.document["backups"]) == count
        return {name: ran.sample}

    bench.stage.settle()
    ours()
    series = bench.rounds(name, [Side("ours", ours)])
    seconds = Figure(what="seconds", value=wall(series, name), unit="s", limit=limit)
    return Line(
        name=f"list-{count}",
        work=f"list of {count:,} backups, whole command",
        against="the clock",
        must=f"{limit:g} s",
        figures=(seconds,),
        series=series,
        ours=name,
        note="no cache of ours; manifests and notes are those of a backup of this data",
    )


def clone_backups(source: Path, id: str, location: Path, count: int) -> None:
    """Makes `count` complete backups, one a night, whose files are sparse and of the right sizes."""
    manifest = decode_manifest((source / layout.manifest_name(id)).read_bytes())
    notes = (source / layout.notes_name(id)).read_bytes()
    for number in range(count):
        moment = NEWEST - timedelta(days=number)
        other = layout.backup_id(moment)
        cloned = _as_of(manifest, id, other, moment)
        for file in cloned.files:
            _sparse(location / file.name, file.bytes)
        (location / layout.objects_name(other)).mkdir()
        (location / layout.notes_name(other)).write_bytes(notes)
        (location / layout.manifest_name(other)).write_bytes(encode_manifest(cloned))


def _as_of(manifest: Manifest, id: str, other: str, moment: datetime) -> Manifest:
    before, after = layout.stamp_of(id), layout.stamp_of(other)

    def renamed(file: ArchiveFile) -> ArchiveFile:
        return msgspec.structs.replace(file, name=file.name.replace(before, after))

    return msgspec.structs.replace(
        manifest,
        id=other,
        started=moment,
        finished=moment + timedelta(seconds=3),
        files=tuple(renamed(file) for file in manifest.files),
    )


def _sparse(path: Path, size: int) -> None:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    try:
        os.ftruncate(handle, size)
    finally:
        os.close(handle)
