"""`quillkeep demo --script`: a backup, five kinds of damage, a restore, a rollback, told for a person.

Everything runs on servers started for it; no config file and no variable that names a deployment is read.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from services.demo import damage
from services.demo.compare import Comparison, Content, backup_content, compare, live_content
from services.demo.jobs import Ran, Runner, Say
from services.demo.sample import SAMPLE_PEPPER, fill_bucket, fill_database
from services.demo.servers import DemoServers, scrub_environment
from services.demo.telling import Teller, megabytes
from services.demo.token import mark_as_ours
from services.demo.writer import BusyWriter
from services.files import make_private_folder
from services.mongo.connect import connect
from services.names import OURS
from services.operations.backup_model import BackupPlan
from services.operations.restore_model import ReleasePlan, RestorePlan, RollbackPlan
from services.operations.verify import VerifyPlan
from services.paths import Paths
from services.profile import Location, MongoTarget, Profile
from services.recovery.request import RestoreRequest
from services.secret import Secret

SCALE = 0.02
SEED = 20_261_122
DATABASE = "quilltap"
BUCKET = "quilltap-files"
WRITTEN = frozenset({"chats", "chat_messages", "memories", "files"})
"""Collections the writer writes to; in all others nothing moves between the filling and the damage."""
HEAD_START_SECONDS = 0.4
BUSY_SECONDS = 0.7
"""How long the writer goes on after the backup, so that the damage period adds something."""


class Played(msgspec.Struct, frozen=True):
    """How the demo went; `status` is `failed` when any comparison differs."""

    status: str
    warnings: tuple[str, ...]
    seconds: float
    backup: str
    comparisons: tuple[dict[str, Any], ...]
    jobs: tuple[dict[str, str], ...]


def play(*, replica_set: bool = False, say: Say = print, as_json: bool = False) -> int:
    """Plays it all and gives the exit code: 0, or 1 when a job failed or a comparison differs.

    With `as_json` the one document goes to stdout. Raises `QuillkeepError` when a server or a job fails.
    """
    played = perform(replica_set=replica_set, say=say)
    if as_json:
        sys.stdout.write(msgspec.json.encode(played).decode() + "\n")
        sys.stdout.flush()
    return 0 if played.status == "ok" else 1


def perform(
    *, replica_set: bool = False, say: Say = print, parent: Path | None = None, scale: float = SCALE
) -> Played:
    """The demo itself, in a temporary folder (below `parent`) that is gone afterwards."""
    begun = time.monotonic()
    removed = scrub_environment()
    if removed:
        say(f"Not looked at, since the demo reads no settings: {', '.join(sorted(removed))}.")
    teller = Teller(say, begun)
    teller.step(
        "Starting a MongoDB" + (" replica set" if replica_set else "") + " and an S3 server of its own"
    )
    with DemoServers(replica_set=replica_set, parent=parent) as servers:
        profile, paths = _deployment(servers)
        teller.say(f"{servers.mongod.uri} and {servers.weed.endpoint}, in {servers.folder}")
        story = _Story(profile, paths, teller, scale)
        story.play()
        folder = servers.folder
    teller.say(f"The servers are stopped and {folder} is gone.")
    different = [each for each in story.comparisons if not each.equal]
    seconds = round(time.monotonic() - begun, 1)
    if different:
        say(f"\nFAILED: {len(different)} of {len(story.comparisons)} comparisons differ ({seconds:.0f} s).")
    else:
        say(f"\nAll {len(story.comparisons)} comparisons by content are equal ({seconds:.0f} s).")
    return Played(
        status="failed" if different else "ok",
        warnings=tuple(teller.warnings),
        seconds=seconds,
        backup=story.backup,
        comparisons=tuple(
            {"what": each.what, "equal": each.equal, "differences": list(each.differences)}
            for each in story.comparisons
        ),
        jobs=tuple({"id": ran.job, "verb": ran.verb, "status": ran.status} for ran in story.runner.done),
    )


def _deployment(servers: DemoServers) -> tuple[Profile, Paths]:
    backups = servers.folder / "backups"
    make_private_folder(backups)
    profile = Profile(
        name="demo",
        production=False,
        demo=True,
        mongo=MongoTarget(uri=Secret(servers.mongod.uri), database=DATABASE),
        bucket=servers.weed.create_bucket(BUCKET),
        pepper=SAMPLE_PEPPER,
        locations=(Location(name="demo", path=str(backups)),),
    )
    return profile, Paths(servers.folder / "state")


class _Story:
    """The demo's steps on one deployment; what is compared ends up in `comparisons`."""

    def __init__(self, profile: Profile, paths: Paths, teller: Teller, scale: float) -> None:
        self.profile = profile
        self.runner = Runner(profile, paths, teller.say)
        self.comparisons: list[Comparison] = []
        self.backup = ""
        self._teller = teller
        self._scale = scale
        self._token = Secret("")
        self._begun = 0.0
        self._quiet = Content({}, {})
        self._saved = Content({}, {})
        self._damaged = Content({}, {})
        self._writer = BusyWriter(profile, seed=SEED)

    def play(self) -> None:
        """All of it; the writer ends whatever happens."""
        try:
            self.fill()
            self.back_up()
            self.verify()
            self.damage()
            self.restore()
            self.roll_back()
            self.restore_again()
            self.clean_up()
        finally:
            self._writer.stop()

    def fill(self) -> None:
        """The sample data, and the token that lets it be damaged."""
        tell = self._teller
        tell.step("Filling them with sample data in Quilltap's own shapes")
        assert self.profile.mongo is not None
        assert self.profile.bucket is not None
        with connect(self.profile.mongo) as client:
            counts = fill_database(client[DATABASE], scale=self._scale, seed=SEED)
        filled = fill_bucket(self.profile.bucket, scale=self._scale, seed=SEED)
        self._token = mark_as_ours(self.profile)
        whole = live_content(self.profile)
        quiet = {name: sums for name, sums in whole.collections.items() if name not in WRITTEN}
        self._quiet = Content(quiet, whole.objects)
        tell.say(
            f"{sum(counts.values()):,} documents in {len(counts)} collections, {filled.count} objects ({megabytes(filled.bytes)})"
        )
        tell.say("A random token now marks both servers as the demo's own: only these will be damaged.")

    def back_up(self) -> None:
        """A backup while the writer is busy; what was acknowledged before it must be in it."""
        tell = self._teller
        tell.step("Backing up while a writer is busy (quillkeep backup)")
        self._writer.start()
        time.sleep(HEAD_START_SECONDS)
        self._begun = time.time()
        result = self._run("backup", BackupPlan(reason="demo")).result
        self.backup = str(result["id"])
        assert isinstance(result["database"], dict)
        folder = Path(str(result["path"])).parent
        self._saved = backup_content(folder, self.backup, result["database"]["collections"])
        tell.say(f"{self.backup}: {self._saved.documents:,} documents, {len(self._saved.objects)} objects")
        tell.say(
            f"consistency {result.get('consistency')}: {result.get('consistency_detail') or 'as recorded'}"
        )

    def verify(self) -> None:
        """Every byte of the backup read again, while the writer goes on a little."""
        tell = self._teller
        tell.step("Verifying it, every byte (quillkeep verify)")
        result = self._run("verify", VerifyPlan(backup=self.backup, depth="full")).result
        checks = result.get("checks") or []
        tell.say(f"{result['status']}: {len(checks)} checks, proof by {result.get('proof')}")
        time.sleep(BUSY_SECONDS)
        self._writer.stop()
        tell.say(
            f"The writer stops after {self._writer.count:,} acknowledged writes, {sum(self._writer.failures.values())} failed."
        )

    def damage(self) -> None:
        """Five kinds of damage, each behind a look at the token."""
        tell = self._teller
        tell.step("Now the bad day: damage in five ways")
        for kind in damage.FIVE_KINDS:
            tell.say(kind(self.profile, self._token).text)
        self._damaged = live_content(self.profile)

    def restore(self) -> None:
        """The plan, the restore started from it, and the proof by content."""
        tell = self._teller
        tell.step(f"What a restore would change (quillkeep plan {self.backup})")
        plan = self._run("plan", RestoreRequest(backup=self.backup)).result
        tell.plan(plan)
        tell.step(f"Restoring (quillkeep restore {self.backup} --yes)")
        ran = self._restore(str(plan["fingerprint"]))
        self._compare("restored = backup", self._saved)
        self._compare_before()
        self._tell_added(ran.job)

    def _compare_before(self) -> None:
        """Without asking the backup: what was there when it began must be there again."""
        found = live_content(self.profile)
        kept = {name: sums for name, sums in found.collections.items() if name not in WRITTEN}
        self._note(
            compare(
                "restored = before the backup", self._quiet, Content(kept, found.objects), extra_objects=True
            )
        )
        assert self.profile.mongo is not None
        with connect(self.profile.mongo) as client:
            lost = self._writer.lost(client[DATABASE], before=self._begun, live_only=True)
        missing = tuple(f"{each.kind} {each.document} of {each.collection} is gone" for each in lost)
        self._note(Comparison("every write acknowledged before the backup is back", len(WRITTEN), 0, missing))

    def _tell_added(self, job: str) -> None:
        """What exists only in the rollback copies: the damage, and what was written after the backup."""
        tell = self._teller
        tell.step(
            f"What the damage period had added, kept aside (quillkeep rollback {job} would bring it back)"
        )
        found = self._run("release", ReleasePlan(job=job, dry_run=True)).result
        for each in sorted(found["collections"], key=lambda each: -int(each["only_here"])):
            if each["only_here"]:
                tell.say(f"{each['name']}: {each['only_here']:,} documents that are only in {each['copy']}")

    def roll_back(self) -> None:
        """Back to the damaged state, exactly."""
        tell = self._teller
        tell.step("Rolling back (quillkeep rollback --yes): the state before the restore, damage and all")
        self._run("rollback", RollbackPlan())
        self._compare("rolled back = damaged", self._damaged)
        tell.say("Objects the restore had added stay: they harm nothing, and are named.")

    def restore_again(self) -> None:
        """And forward again."""
        tell = self._teller
        tell.step(f"Restoring again (quillkeep restore {self.backup} --yes)")
        self._restore(None)
        self._compare("restored again = backup", self._saved)

    def clean_up(self) -> None:
        """Releases every rollback copy; nothing of ours but the token and the journal's collection stays."""
        tell = self._teller
        tell.step("Cleaning up (quillkeep release JOB --yes)")
        swaps = [ran for ran in self.runner.done if ran.verb in ("restore", "rollback")]
        for ran in reversed(swaps):
            if self._copies():
                released = self._run("release", ReleasePlan(job=ran.job)).result
                tell.say(
                    f"{ran.job}: {len(released['collections'])} copies and {released['objects']} objects released"
                )
        left = self._copies()
        self._note(Comparison("no rollback copy is left", 0, 0, tuple(f"{name} is left" for name in left)))
        self._compare("after the release = backup", self._saved)

    def _restore(self, fingerprint: str | None) -> Ran:
        request = RestoreRequest(backup=self.backup)
        ran = self._run("restore", RestorePlan(request=request, fingerprint=fingerprint))
        collections = ran.result["collections"]
        objects = ran.result.get("objects") or {}
        self._teller.say(
            f"{len(collections)} collections by {ran.result['strategy']}, "
            f"{objects.get('put', 0)} objects put, {objects.get('kept', 0)} kept"
        )
        return ran

    def _run(self, verb: str, plan: msgspec.Struct) -> Ran:
        ran = self.runner.run(verb, plan)
        for warning in ran.result.get("warnings") or ():
            self._teller.warn(f"{verb}: {warning}")
        return ran

    def _compare(self, what: str, expected: Content) -> None:
        """Reads everything back from the servers; objects added since the backup always stay live."""
        self._note(compare(what, expected, live_content(self.profile), extra_objects=True))

    def _note(self, comparison: Comparison) -> None:
        """Keeps a comparison and tells it."""
        self.comparisons.append(comparison)
        self._teller.comparison(comparison)

    def _copies(self) -> list[str]:
        assert self.profile.mongo is not None
        with connect(self.profile.mongo) as client:
            names = client[DATABASE].list_collection_names()
        return sorted(
            name for name in names if name.startswith((f"{OURS}old_", f"{OURS}late_", f"{OURS}new_"))
        )
