"""What the tests of validate share: one sound database with a good backup, made new for each test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo.database import Database

from services.demo.sample_indexes import INDEXES
from services.demo.servers import Mongod
from services.findings import Finding
from services.operations.validate import ValidatePlan, validate
from services.validating.model import CollectionValidated, ValidateResult
from tests.references_support import Documents, sample
from tests.services.swap_support import Deployment, Hook, deployed

SCALE, SEED = 0.002, 7


class Validated(Deployment):
    """A deployment filled with sample data, of which `backup_id` is a good backup."""

    backup_id: str = ""
    sound: Documents

    def again(self) -> None:
        """Makes the database what the backup has, indexes included; collections that are whole keep their files."""
        there = set(self.db.list_collection_names())
        for name in sorted(name for name in there - set(self.sound) if not name.startswith("system.")):
            self.db.drop_collection(name)
        for name, documents in self.sound.items():
            wanted = INDEXES.get(name, [])
            if name in there and _forms(self.db[name].list_indexes()) == _forms(wanted):
                self.db[name].delete_many({})
            else:
                self.db.drop_collection(name)
                if wanted:
                    self.db.command("createIndexes", name, indexes=wanted)
            self.db[name].insert_many(documents)

    def validate(self, *collections: str, hooks: tuple[Hook, ...] = (), full: bool = False) -> ValidateResult:
        """One validation in this process."""
        return validate(ValidatePlan(collections=collections, full=full), self.context(*hooks))


def _forms(indexes: Iterable[Mapping[str, Any]]) -> dict[str, bool]:
    return {str(one["name"]): bool(one.get("unique")) for one in indexes if one["name"] != "_id_"}


@contextmanager
def validated(server: Mongod, folder: Path, **more: Any) -> Iterator[Validated]:
    """A filled deployment with one good backup, gone afterwards."""
    with deployed(server, folder, **more) as made:
        deployment = Validated.__new__(Validated)
        deployment.__dict__.update(made.__dict__)
        deployment.sound = sample(SCALE, SEED)
        deployment.again()
        deployment.backup_id = deployment.backup()
        yield deployment


def rows(result: ValidateResult) -> dict[str, CollectionValidated]:
    """The collections by name."""
    return {row.name: row for row in result.collections}


def kinds(result: ValidateResult) -> dict[str, set[str]]:
    """The kinds of findings by collection; those between collections under ``."""
    found = {row.name: {one.kind for one in row.findings} for row in result.collections if row.findings}
    if result.references:
        found[""] = {one.kind for one in result.references}
    return found


def only(result: ValidateResult, collection: str) -> Finding:
    """The one finding of the whole result, which is of this collection."""
    found = [one for row in result.collections for one in row.findings] + list(result.references)
    assert len(found) == 1, found
    (finding,) = found
    assert finding.collection == collection, finding
    return finding


def statuses(result: ValidateResult) -> dict[str, str]:
    """How each check ended."""
    return {one.name: one.status for one in result.checks}


def first(db: Database[Any], name: str, number: int = 0) -> dict[str, Any]:
    """A document by its place in the order of `_id`."""
    return dict(next(iter(db[name].find().sort("_id", 1).skip(number).limit(1))))
