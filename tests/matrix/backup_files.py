"""Checks of a backup's files: manifest, sizes, checksum files, archive, objects."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from services.catalog import layout
from services.catalog.manifest import Manifest, ObjectsEntry, encode_manifest
from services.catalog.model import Depth
from services.checks.model import CheckResult
from services.operations.verify import VerifyPlan, verify
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.secret import Secret
from tests.checks_matrix import CASES, Bench, Case, Shown
from tests.fabric import BUCKET, HOST, OBJECTS, make_backup
from tests.support import FIXTURES, make_context

KEY = next(iter(OBJECTS))
Damage = Callable[[Path, Manifest], object]


def folder_of(bench: Bench) -> Path:
    """The location of a bench."""
    folder = bench.folder / "backups"
    folder.mkdir(exist_ok=True)
    return folder


def results_of(bench: Bench, backup: str, depth: Depth = "full", **more: Any) -> Sequence[CheckResult]:
    """What a verify of a backup in the bench's location ends as; `more` goes to the profile."""
    fields: dict[str, Any] = {
        "mongo": MongoTarget(uri=Secret(f"mongodb://{HOST}/"), database="quilltap"),
        "bucket": BucketTarget(bucket=BUCKET),
        "locations": (Location(name="disk", path=str(folder_of(bench))),),
    }
    context = make_context(Profile(**(fields | more)), bench.folder / "state")
    return verify(VerifyPlan(backup=backup, depth=depth), context).checks


def ours(damage: Damage, place: str, depth: Depth = "full") -> Callable[[Bench], Shown]:
    """A backup of ours, damaged."""

    def failing(bench: Bench) -> Shown:
        made = make_backup(folder_of(bench))
        damage(folder_of(bench), made)
        return Shown(results_of(bench, made.id, depth), place)

    return failing


def whole(depth: Depth = "full") -> Callable[[Bench], Sequence[CheckResult]]:
    """A backup of ours, as it was made."""

    def passing(bench: Bench) -> Sequence[CheckResult]:
        return results_of(bench, make_backup(folder_of(bench)).id, depth)

    return passing


def foreign(
    fixture: str, change: Callable[[Path], None] | None = None, depth: Depth = "full", **more: Any
) -> Callable[[Bench], Sequence[CheckResult]]:
    """A copy of a fixture, changed or not."""

    def run(bench: Bench) -> Sequence[CheckResult]:
        source = FIXTURES / fixture
        target = folder_of(bench) / source.name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        if change is not None:
            change(target)
        return results_of(bench, target.name, depth, **more)

    return run


def bad_foreign(
    fixture: str, place: str, change: Callable[[Path], None] | None = None, depth: Depth = "full", **more: Any
) -> Callable[[Bench], Shown]:
    """A fixture that fails."""
    return lambda bench: Shown(foreign(fixture, change, depth, **more)(bench), place)


def write_manifest(folder: Path, made: Manifest, **changes: Any) -> None:
    """The manifest with other fields."""
    changed = msgspec.structs.replace(made, **changes)
    (folder / layout.manifest_name(made.id)).write_bytes(encode_manifest(changed))


def of_chats(folder: Path, made: Manifest, **changes: Any) -> None:
    """Other figures of one collection."""
    entry = msgspec.structs.replace(made.collections["chats"], **changes)
    write_manifest(folder, made, collections={**made.collections, "chats": entry})


def sidecar(ending: str, text: str) -> Callable[[Path], None]:
    """A checksum file beside the artefact; {name} and {sha256} are filled in."""

    def write(path: Path) -> None:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_name(path.name + ending).write_text(text.format(name=path.name, sha256=digest))

    return write


def repack(path: Path, level: int) -> None:
    """The same content in other compressed bytes."""
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), level, mtime=0))


def flip(path: Path, at: int, bits: int = 0xFF) -> None:
    """Other bits in one byte."""
    data = bytearray(path.read_bytes())
    data[at] ^= bits
    os.chmod(path, 0o600)
    path.write_bytes(data)


def _longer_list(folder: Path, made: Manifest) -> None:
    repack(folder / layout.objects_list_name(made.id), 0)


CASES["manifest"] = Case(
    failing=ours(
        lambda folder, made: (folder / layout.manifest_name(made.id)).write_bytes(b'{"schema": 1'),
        "cut off",
    ),
    passing=whole(),
)
CASES["files"] = Case(
    failing=bad_foreign("corrupt/not-gzip.gz", "of no form Quillkeep knows", depth="quick"),
    passing=foreign("quilltap-20261101.gz", depth="quick"),
)
CASES["deployment"] = Case(
    failing=ours(
        lambda folder, made: write_manifest(folder, made, bucket="another-bucket"), "another-bucket"
    ),
    passing=whole(),
)
CASES["database-files"] = Case(
    failing=ours(
        lambda folder, made: (folder / layout.archive_name(made.id)).unlink(), "quilltap_mongo", "quick"
    ),
    passing=whole("quick"),
)
CASES["checksum-file"] = Case(
    failing=ours(lambda folder, made: (folder / layout.sidecar_name(made.id)).write_text("0" * 64), "0" * 64),
    passing=whole(),
)
CASES["dump-files"] = Case(
    failing=bad_foreign(
        "backup-20261101",
        "chats has no .metadata.json",
        lambda path: (path / "quilltap" / "chats.metadata.json").unlink(),
    ),
    passing=foreign("backup-gz-20261101"),
)
CASES["archive"] = Case(
    failing=bad_foreign("corrupt/valid-gzip-wrong-crc64.gz", "quilltap.connection_profiles"),
    passing=foreign("quilltap-20261101.gz"),
)
CASES["sha256"] = Case(
    failing=bad_foreign("quilltap-20261101.gz", "0" * 64, sidecar(".sha256", f"{'0' * 64}  {{name}}\n")),
    passing=foreign("quilltap-20261101.gz", sidecar(".sha256", "{sha256}  /old/{name}\r\n")),
)
CASES["other-sums"] = Case(
    failing=bad_foreign("quilltap-20261101.gz", "0" * 32, sidecar(".md5", f"{'0' * 32}  {{name}}\n")),
    passing=foreign(
        "quilltap-20261101.gz",
        lambda path: sidecar(".md5", hashlib.md5(path.read_bytes()).hexdigest())(path),
    ),
)
CASES["counts"] = Case(
    failing=ours(lambda folder, made: of_chats(folder, made, documents=59), "chats"), passing=whole()
)
CASES["content"] = Case(
    failing=ours(lambda folder, made: of_chats(folder, made, content="0" * 16), "chats"), passing=whole()
)
CASES["metadata"] = Case(
    failing=ours(lambda folder, made: of_chats(folder, made, metadata='{"indexes":[]}'), "chats"),
    passing=whole(),
)
CASES["objects-files"] = Case(
    failing=ours(_longer_list, "objects.jsonl.gz", "quick"),
    passing=whole("quick"),
)
CASES["object-sizes"] = Case(
    failing=ours(
        lambda folder, made: (folder / layout.objects_name(made.id) / KEY).write_bytes(b"short"),
        KEY,
        "quick",
    ),
    passing=whole("quick"),
)
CASES["missing-objects"] = Case(
    failing=ours(
        lambda folder, made: write_manifest(
            folder,
            made,
            objects=msgspec.structs.replace(
                made.objects or ObjectsEntry(count=0, bytes=0), missing=("users/u1/lost",)
            ),
        ),
        "users/u1/lost",
    ),
    passing=whole(),
)
CASES["object-manifest"] = Case(
    # A byte of the gzip header that nobody reads: the time of the file.
    failing=ours(
        lambda folder, made: flip(folder / layout.objects_list_name(made.id), 5), "objects.jsonl.gz"
    ),
    passing=whole(),
)
CASES["objects"] = Case(
    failing=ours(lambda folder, made: flip(folder / layout.objects_name(made.id) / KEY, 0), KEY),
    passing=whole(),
)
CASES["objects-sha256"] = Case(
    failing=bad_foreign("quilltap_s3_20261101_020000.tar.gz", "0" * 128, sidecar(".sha512", "0" * 128)),
    passing=foreign("quilltap_s3_20261101_020000.tar.gz", sidecar(".sha256", "{sha256}")),
)
CASES["objects-checksum-file"] = Case(
    failing=bad_foreign(
        "quilltap_s3_20261101_020000.tar.gz",
        "holds no checksum",
        sidecar(".sha256", "<html>404 not found</html>"),
    ),
    passing=foreign("quilltap_s3_20261101_020000.tar.gz", sidecar(".sha256", "{sha256}")),
)
