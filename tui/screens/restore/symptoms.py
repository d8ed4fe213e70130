"""What may have happened, in an admin's words, and what each preselects."""

from __future__ import annotations

from typing import Literal, NamedTuple

from services.catalog.manifest import Part

Names = Literal["", "missing", "fewer"]
"""Which collections a symptom names: none, those seen missing, or those seen missing or with fewer documents."""


class Symptom(NamedTuple):
    """One row of the first step; `names` only narrows the choice when such collections were really seen."""

    name: str
    title: str
    only: Part | None
    names: Names
    exact: bool
    objects_from_any: bool
    why: str


SYMPTOMS: tuple[Symptom, ...] = (
    Symptom(
        "data",
        "Messages, characters or chats are gone or wrong",
        "database",
        "fewer",
        False,
        False,
        "Pictures and files are not in the database, so the bucket stays as it is.",
    ),
    Symptom(
        "collection",
        "A whole collection is missing",
        "database",
        "missing",
        False,
        False,
        "Only what is missing comes back; every other collection keeps what was written since.",
    ),
    Symptom(
        "files",
        "Pictures or files do not load",
        "objects",
        "",
        False,
        True,
        "Only objects are put back; the database stays as it is. What the snapshot lacks is taken from older backups.",
    ),
    Symptom(
        "database",
        "The app does not start; its database is empty or gone",
        "database",
        "",
        False,
        False,
        "The whole database comes back; the bucket stays as it is.",
    ),
    Symptom(
        "upgrade",
        "Wrong data after an upgrade or a deployment",
        "database",
        "",
        True,
        False,
        "The database goes back to before it; collections the upgrade added are set aside, not dropped.",
    ),
    Symptom(
        "bucket",
        "The bucket is empty or was deleted",
        "objects",
        "",
        False,
        True,
        "Every object is put back; the database stays as it is. What the snapshot lacks is taken from older backups.",
    ),
    Symptom(
        "everything",
        "Everything is gone (a new server)",
        None,
        "",
        False,
        True,
        "Database and objects come back together, so that they fit each other.",
    ),
    Symptom(
        "practise",
        "Nothing: I only want to look, or to practise",
        None,
        "",
        False,
        False,
        "A plan is read-only: it shows what a restore would change. You can stop at it.",
    ),
)


def symptom_of(name: str) -> Symptom | None:
    """A symptom by its name."""
    return next((symptom for symptom in SYMPTOMS if symptom.name == name), None)
