"""Archives that only a server finds fault with, and deep verifies of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bson

from services.archive.metadata import encode_metadata
from services.archive.model import CollectionMetadata, Kind, Namespace, Prelude
from services.archive.writer import ArchiveWriter
from services.operations.verify import verify
from services.operations.verify_model import VerifyPlan, VerifyResult
from services.profile import Location, MongoTarget, Profile
from services.secret import Secret
from tests.support import FIXTURE_PASSPHRASE, FIXTURES, RecordingContext, make_context

ID_INDEX = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
DEEP = ("deep-load", "deep-indexes", "deep-compare", "deep-documents", "deep-validate")


@dataclass(frozen=True)
class Made:
    """One collection of an archive: its documents, options and indexes beside `_id_`."""

    documents: Sequence[Mapping[str, Any]] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    indexes: Sequence[Mapping[str, Any]] = ()
    kind: Kind = "collection"


def write_archive(
    path: Path, collections: Mapping[str, Made], *, database: str = "quilltap", version: str = "6.0.5"
) -> Path:
    """A compressed archive as mongodump writes it."""
    described = []
    for name, made in collections.items():
        indexes = [] if made.kind == "view" else [ID_INDEX, *made.indexes]
        raw = encode_metadata(dict(made.options), [dict(index) for index in indexes], None, name, made.kind)
        described.append(CollectionMetadata(namespace=Namespace(database, name), kind=made.kind, raw=raw))
    with path.open("wb") as stream:
        prelude = Prelude(collections=tuple(described), server_version=version, tool_version="100.18")
        writer = ArchiveWriter(stream.write, prelude, compressed=True)
        for name, made in collections.items():
            namespace = Namespace(database, name)
            if made.documents:
                writer.block(namespace, b"".join(bson.encode(one) for one in made.documents))
            writer.end(namespace)
    return path


PEOPLE = Made([{"_id": number, "name": f"n{number}"} for number in range(30)])
FAULTS: dict[str, tuple[str, str, Made]] = {
    "an index that cannot be built": (
        "deep-indexes",
        "1 value is held by more than one document, among them _id 1, 2",
        Made(
            [{"_id": 1, "email": "a"}, {"_id": 2, "email": "a"}, {"_id": 3, "email": "b"}],
            indexes=[
                {"v": 2, "key": {"email": 1}, "name": "email_1", "unique": True},
                {"v": 2, "key": {"n": 1}, "name": "n_1"},
            ],
        ),
    ),
    "an index of a kind that is gone": (
        "deep-indexes",
        "index hay cannot be built",
        Made(
            PEOPLE.documents,
            indexes=[{"v": 2, "key": {"at": "geoHaystack", "n": 1}, "name": "hay", "bucketSize": 1}],
        ),
    ),
    "a TTL index no server takes": (
        "deep-indexes",
        "",
        Made(
            PEOPLE.documents,
            indexes=[{"v": 2, "key": {"at": 1}, "name": "at_1", "expireAfterSeconds": -5}],
        ),
    ),
    "a collation the server lacks": (
        "deep-load",
        "cannot be created",
        Made(PEOPLE.documents, options={"collation": {"locale": "tlh"}}),
    ),
    "a view no server takes": (
        "deep-load",
        "the view cannot be created",
        Made(options={"viewOn": "others", "pipeline": [{"$noSuchStage": 1}]}, kind="view"),
    ),
    "a capped collection too small for its documents": (
        "deep-compare",
        "is not what the backup holds",
        Made(
            [{"_id": number, "text": "x" * 500} for number in range(40)],
            options={"capped": True, "size": 4096},
        ),
    ),
    "two documents of one _id": (
        "deep-documents",
        "another document has its _id",
        Made([{"_id": 7, "n": 1}, {"_id": 8}, {"_id": 7, "n": 2}]),
    ),
    "a validator that refuses": (
        "deep-validate",
        "2 documents are refused by the collection's own validator, among them _id 5",
        Made(
            [*({"_id": number, "age": number} for number in range(5)), {"_id": 5}, {"_id": 6, "age": "x"}],
            options={
                "validator": {
                    "$jsonSchema": {"required": ["age"], "properties": {"age": {"bsonType": "int"}}}
                }
            },
        ),
    ),
}
"""By name: the check that finds it, words of what it says, and the collection."""


class Place:
    """A location, a state folder and a profile of their own, below one folder."""

    def __init__(self, folder: Path, target: MongoTarget | None = None, **more: Any) -> None:
        self.folder = folder
        self.location = folder / "backups"
        self.location.mkdir(mode=0o700)
        self.state = folder / "state"
        self.profile = Profile(
            production=False,
            mongo=target,
            locations=(Location(name="disk", path=str(self.location)),),
            passphrase=Secret(FIXTURE_PASSPHRASE),
            **more,
        )

    def put(self, name: str) -> str:
        """A copy of a fixture in the location."""
        source = FIXTURES / name
        target = self.location / source.name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        return target.name

    def archive(self, collections: Mapping[str, Made], **more: Any) -> str:
        """An archive of these in the location."""
        return write_archive(self.location / "made.gz", collections, **more).name

    def context(self, profile: Profile | None = None) -> RecordingContext:
        """A job's context."""
        return make_context(profile or self.profile, self.state)

    def deep(self, backup: str, *, context: RecordingContext | None = None, **more: Any) -> VerifyResult:
        """A deep verify in this process; `more` goes into the plan."""
        more.setdefault("confirmed", True)
        return verify(VerifyPlan(backup=backup, depth="deep", **more), context or self.context())

    def assert_nothing_left(self) -> None:
        """No folder of an embedded server, neither in the state folder nor in memory."""
        assert not list((self.state / "deep").glob("*"))
        assert not [path for path in Path("/dev/shm").glob("quillkeep-deep-*") if self._is_mine(path)]

    def _is_mine(self, path: Path) -> bool:
        jobs = {one.name for one in (self.state / "jobs").glob("*")}
        return any(job in path.name for job in jobs)


def ends(result: VerifyResult) -> dict[str, str]:
    """How every deep check that ran ended."""
    return {check.name: check.status for check in result.checks if check.name in DEEP}


def detail(result: VerifyResult, name: str) -> str:
    """What a check said, its findings included."""
    (found,) = [check for check in result.checks if check.name == name]
    return " ".join([found.detail, *found.findings])


def make_place(target: MongoTarget | None = None, **more: Any) -> Place:
    """In a short folder: those of pytest are too long for a server's."""
    return Place(Path(tempfile.mkdtemp(prefix="quillkeep-deep-test-")), target, **more)
