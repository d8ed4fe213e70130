"""Damage at random, seeded: everything injected is found and named, and nothing else is."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from services.catalog.find import find_backup
from services.catalog.scan import survey
from services.checks.model import CheckResult
from services.demo.sample import SAMPLE_PEPPER
from services.operations.verify import VerifyPlan, VerifyResult, verify
from services.profile import BucketTarget, Location, MongoTarget, Profile
from services.reading.backup import BackupSide
from services.recovery.contents import read_contents
from services.references.look import look_at_references
from services.secret import Secret
from tests.damage import Injected, harm_data, harm_dump, harm_files, harm_stream, healthy
from tests.deep_support import FAULTS, PEOPLE, write_archive
from tests.fabric import BUCKET, HOST, make_backup
from tests.support import FIXTURE_PASSPHRASE, FIXTURES, RecordingContext, make_context

ROUNDS = 20
KINDS = ("nothing", "files", "data", "dump", "files", "data", "encrypted")
ENCRYPTED = (
    "quilltap-20261101.gz.gpg",
    "quilltap-20261101.gz.enc",
    "quilltap-20261101.pbkdf2.gz.enc",
    "quilltap-20261101.md5.gz.enc",
)
TO_SAY = ("fail", "warn", "unknown")


def context_of(folder: Path, state: Path) -> RecordingContext:
    profile = Profile(
        mongo=MongoTarget(uri=Secret(f"mongodb://{HOST}/"), database="quilltap"),
        bucket=BucketTarget(bucket=BUCKET),
        pepper=SAMPLE_PEPPER,
        passphrase=Secret(FIXTURE_PASSPHRASE),
        locations=(Location(name="disk", path=str(folder)),),
    )
    return make_context(profile, state)


def words(result: CheckResult) -> str:
    found = [text for one in result.found for text in (one.what, one.collection, *one.examples)]
    return "\n".join([result.detail, *result.findings, *found])


def odd(result: VerifyResult) -> dict[str, str]:
    return {one.name: words(one) for one in result.checks if one.status in TO_SAY}


def references(context: RecordingContext, id: str) -> str:
    """What the references of a backup say, empty when they are whole."""
    catalog = survey(context.profile.locations, context.profile, context.paths)
    contents = read_contents(
        find_backup(id, catalog.backups, context.profile).backup,
        limits=context.profile.limits,
        from_database=None,
        target_database="quilltap",
        check=context.check,
        advance=lambda amount: None,
    )
    found = look_at_references(BackupSide(id, contents), check=context.check, advance=lambda amount: None)
    return "\n".join(text for one in found.findings for text in (one.what, one.collection, *one.examples))


def judge(injected: list[Injected], found: dict[str, str], told: str) -> None:
    for fault in injected:
        saying = [name for name in fault.checks if fault.word in found.get(name, "")]
        assert saying, f"{told}: not found: {fault}\n{found}"
    allowed = frozenset(name for fault in injected for name in fault.checks | fault.also)
    assert set(found) <= allowed, f"{told}: {[fault.what for fault in injected]}\n{found}"


def one_round(seed: int, folder: Path) -> None:
    rng = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    location = folder / "backups"
    location.mkdir()
    context = context_of(location, folder / "state")
    if kind == "encrypted":
        name = rng.choice(ENCRYPTED)
        shutil.copy(FIXTURES / name, location)
        what = harm_stream(location / name, rng)
        result = verify(VerifyPlan(backup=name), context)
        assert result.verdict in ("fail", "unknown"), f"round {seed}: {name}: {what}"
        assert all(one.next for one in result.checks if one.status in TO_SAY), (
            f"round {seed}: {result.checks}"
        )
        return
    if kind == "dump":
        target = location / "backup-20261101"
        shutil.copytree(FIXTURES / target.name, target)
        fault = harm_dump(target, rng)
        result = verify(VerifyPlan(backup=target.name), context)
        judge(
            [fault], {name: text for name, text in odd(result).items() if name != "pepper"}, f"round {seed}"
        )
        return
    data = healthy()
    injected = harm_data(data, rng) if kind == "data" else []
    made = make_backup(location, documents=data.documents, objects=data.objects, types=data.types)
    if kind == "files":
        injected = harm_files((location, made), rng)
    result = verify(VerifyPlan(backup=made.id), context)
    found = odd(result)
    if kind != "files" and (text := references(context, made.id)):
        found["references"] = text
    judge(injected, found, f"round {seed}, {kind}")
    if kind == "files":
        assert result.verdict != "ok"
    else:
        assert result.verdict == "ok", f"round {seed}: the data decides nothing"
    if kind == "nothing":
        assert result.status == "ok"


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_everything_injected_is_found_and_nothing_else(seed: int, tmp_path: Path) -> None:
    one_round(seed, tmp_path)


def one_deep_round(seed: int, folder: Path) -> None:
    """Indexes that cannot be built, validators that refuse, options no server takes: some at once."""
    rng = random.Random(seed)
    location = folder / "backups"
    location.mkdir()
    chosen = rng.sample(sorted(FAULTS), rng.randint(1, 3))
    names = {name: f"coll_{rng.randrange(10**6)}" for name in chosen}
    write_archive(location / "made.gz", {"whole": PEOPLE} | {names[name]: FAULTS[name][2] for name in chosen})
    result = verify(VerifyPlan(backup="made.gz", depth="deep"), context_of(location, folder / "state"))
    injected = [Injected(name, frozenset({FAULTS[name][0]}), names[name]) for name in chosen]
    judge(injected, odd(result), f"deep round {seed}: {chosen}")


@pytest.mark.parametrize("seed", range(2))
def test_what_only_a_server_finds_is_found(seed: int, tmp_path: Path) -> None:
    one_deep_round(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_five_hundred_rounds(tmp_path: Path) -> None:
    for seed in range(ROUNDS, 520):
        folder = tmp_path / str(seed)
        folder.mkdir()
        (one_deep_round if seed % 20 == 0 else one_round)(seed, folder)
        shutil.rmtree(folder)
