"""Single values that do not open: the backup that has this very value whole is named, and its collection restored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.findings import Finding
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.pepper.model import PepperResult
from services.profile import Profile
from tests.services.test_pepper import OTHER, PEPPER, Contexts, check, key, sealed

Damage = Callable[[Database[Any]], Any]


def saved(profile: Profile, make_context: Contexts) -> str:
    made = backup(BackupPlan(only="database"), make_context(profile))
    assert made.status == "ok"
    return made.id


def only(result: PepperResult) -> Finding:
    (finding,) = result.findings
    assert result.status == "fail" and result.next == finding.next
    return finding


@pytest.fixture
def sound(profile: Profile, db: Database[Any]) -> Profile:
    db.users.insert_many([{"id": "ann", "totp": sealed("ann")}, {"id": "bo"}, {"id": "cy"}])
    db.api_keys.insert_many([key("mine", "ann", userId="ann"), key("voted", "bo"), key("lone", "cy")])
    db.connection_profiles.insert_one({"id": "p", "apiKeyId": "voted", "userId": "bo"})
    return msgspec.structs.replace(profile, pepper=PEPPER)


DAMAGES: list[tuple[Damage, str, str]] = [
    (lambda db: db.api_keys.update_one({"id": "mine"}, {"$set": {"ciphertext": "00ff"}}), "api_keys", "open"),
    (lambda db: db.api_keys.update_one({"id": "lone"}, {"$set": {"authTag": "00" * 16}}), "api_keys", "open"),
    (lambda db: db.api_keys.update_one({"id": "voted"}, {"$set": {"iv": "zz"}}), "api_keys", "damaged"),
    (lambda db: db.api_keys.update_one({"id": "mine"}, {"$unset": {"authTag": 1}}), "api_keys", "damaged"),
    (lambda db: db.api_keys.update_one({"id": "mine"}, {"$set": {"userId": "bo"}}), "api_keys", "open"),
    (lambda db: db.users.update_one({"id": "ann"}, {"$set": {"totp.iv": "00" * 16}}), "users", "open"),
    (lambda db: db.users.delete_one({"id": "cy"}), "users", "open"),
    (lambda db: db.users.update_one({"id": "ann"}, {"$unset": {"id": 1}}), "users", "damaged"),
    (
        lambda db: db.api_keys.replace_one({"id": "mine"}, key("mine", "ann", OTHER, userId="ann")),
        "api_keys",
        "open",
    ),
]


@pytest.mark.parametrize(("damage", "collection", "kind"), DAMAGES)
def test_the_backup_that_has_it_whole(
    sound: Profile, db: Database[Any], make_context: Contexts, damage: Damage, collection: str, kind: str
) -> None:
    good = saved(sound, make_context)
    damage(db)
    if kind == "damaged":
        # A backup made of the damage is no help.
        saved(sound, make_context)
    finding = only(check(sound, make_context))
    assert finding.kind == ("does-not-open" if kind == "open" else "damaged-value")
    assert (finding.good_in, finding.restore) == (good, (collection,))
    assert f"`quillkeep restore {good} --collections {collection} --yes`" in finding.next
    assert "ENCRYPTION_MASTER_PEPPER" not in finding.next


def test_what_no_backup_has_is_stored_again(
    sound: Profile, db: Database[Any], make_context: Contexts
) -> None:
    db.api_keys.update_one({"id": "mine"}, {"$set": {"ciphertext": "00ff"}})
    finding = only(check(sound, make_context))
    assert finding.good_in == "" and "No good backup could be asked" in finding.next
    saved(sound, make_context)
    finding = only(check(sound, make_context))
    assert finding.good_in == "" and "None of the newest 1 good backup has it whole" in finding.next
    assert "stores it again in the application" in finding.next


def test_a_part_of_them_is_said_to_be_one(sound: Profile, db: Database[Any], make_context: Contexts) -> None:
    good = saved(sound, make_context)
    db.api_keys.update_one({"id": "mine"}, {"$set": {"ciphertext": "00ff"}})
    db.api_keys.insert_one({**key("since", "ann", userId="ann"), "authTag": "00" * 16})
    finding = only(check(sound, make_context))
    assert finding.count == 2 and finding.good_in == good
    assert finding.next.endswith(f"{good} has 1 of 2 of them.")


def test_another_pepper_is_advised_where_most_do_not_open(
    sound: Profile, db: Database[Any], make_context: Contexts
) -> None:
    saved(sound, make_context)
    for name, owner in (("mine", "ann"), ("lone", "cy"), ("voted", "bo")):
        db.api_keys.replace_one({"id": name}, key(name, owner, OTHER))
    result = check(sound, make_context)
    assert result.opened == 1 and result.status == "fail"
    assert all(one.good_in == "" and "ENCRYPTION_MASTER_PEPPER" in one.next for one in result.findings)


def test_a_backup_that_cannot_be_read_is_said(
    sound: Profile, db: Database[Any], make_context: Contexts
) -> None:
    good = saved(sound, make_context)
    broken = saved(sound, make_context)
    (archive,) = Path(sound.locations[0].path).glob(f"*{broken.removeprefix('quilltap_')}*.gz")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)
    db.api_keys.update_one({"id": "mine"}, {"$set": {"ciphertext": "00ff"}})
    result = check(sound, make_context)
    assert only(result).good_in == good
    assert [one for one in result.warnings if broken in one]


def test_a_backup_with_the_same_damage_says_where_to_look(
    sound: Profile, db: Database[Any], make_context: Contexts
) -> None:
    db.api_keys.update_one({"id": "mine"}, {"$set": {"ciphertext": "00ff"}})
    saved(sound, make_context)
    finding = only(check(sound, make_context, target="latest"))
    assert "`quillkeep pepper check`" in finding.next and "ENCRYPTION_MASTER_PEPPER" not in finding.next
