"""First run: an empty machine, what a `.env` file names, each failure in its own words, and the saved profile."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from services.demo.servers import Mongod, Weed
from services.errors import QuillkeepError
from services.paths import Paths
from services.profile import BucketTarget, Profile
from services.settings.flags import Flags
from services.settings.resolve import resolve_settings
from tests.recorded import RecordedBackend, Silent
from tests.tui_support import Console, opened, run
from tui.first_run import OPEN_DEMO, needs_first_run, settings_without_env_file
from tui.store import Store

COLLECTIONS = ("users", "chats", "characters", "memories")
Open = Callable[..., AbstractAsyncContextManager[Console]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder and an empty working folder in it."""
    home = tmp_path / "home"
    work = home / "work"
    work.mkdir(parents=True)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.chdir(work)
    return home


@pytest.fixture
def console_of(home: Path) -> Open:
    """Opens the console as `quillkeep` would in that working folder, with these lines in its `.env`."""

    def make(lines: dict[str, str] | None = None, *, flags: Flags | None = None, **more: Any) -> Any:
        if lines is not None:
            write_env(home / "work" / ".env", lines)
        settings = resolve_settings(flags or Flags())
        more = {"mode": None, **more}
        return opened(settings.profile, Paths(home / "state"), settings=settings, **more)

    return make


@pytest.fixture
def filled(db: Database[Any], bucket: BucketTarget, weed: Weed) -> dict[str, str]:
    """Quilltap's data in a database and a bucket, and the lines that name them."""
    for name in COLLECTIONS:
        db[name].insert_many([{"n": number} for number in range(5)])
    weed.client().put_object(Bucket=bucket.bucket, Key="users/u/IMAGE/x_a.png", Body=b"a")
    return {"MONGODB_DATABASE": db.name, **s3_lines(bucket)}


def s3_lines(bucket: BucketTarget) -> dict[str, str]:
    assert bucket.access_key is not None and bucket.secret_key is not None
    return {
        "S3_ENDPOINT": bucket.endpoint or "",
        "S3_BUCKET": bucket.bucket,
        "S3_ACCESS_KEY": bucket.access_key.reveal(),
        "S3_SECRET_KEY": bucket.secret_key.reveal(),
    }


def write_env(path: Path, lines: dict[str, str]) -> None:
    path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


def flat(console: Console) -> str:
    """The screen without its line breaks, as a reader takes it in."""
    return " ".join(console.text.replace("│", " ").split())


async def tried(console: Console) -> None:
    """Waits until nothing is waited for."""
    await console.until(lambda: "Tried" in console.text and "waiting for" not in console.text)


def test_an_empty_machine(home: Path, console_of: Open) -> None:
    """Every place is named with what is there, and every missing line; Health is one key away."""

    async def test() -> None:
        async with console_of(size=(120, 40)) as console:
            await console.until("Missing")
            text = flat(console)
            for place in (
                f"There is no {home}/work/.env.",
                "/etc/quillkeep/config.toml",
                f"There is no {home}/.config/quillkeep/config.toml.",
                "The environment sets none of MONGODB_URI, S3_BUCKET, BACKUP_DIR",
                "localhost:27017",
                "localhost:9000",
                "/backups/quilltap",
                "e reads Quilltap's .env file; D opens a demo",
                f"Write into {home}/work/.env",
                "ENCRYPTION_MASTER_PEPPER=",
            ):
                assert place in text, place
            await console.press("1")
            assert "first-run" != console.app.current_mode == "health"

    run(test())
    assert not (home / ".config").exists(), "looking writes nothing"


def test_the_first_frame_waits_for_nothing() -> None:
    """A machine that never answers still shows what is waited for, and since when."""

    async def test() -> None:
        backend = RecordedBackend(looks={"discover": Silent})
        async with opened(Profile(), backend, mode="first-run") as console:
            await console.until("Looking around since 03:14:00")
            assert console.app.focused is not None

    run(test())


def test_needs_first_run() -> None:
    """Only when no profile was chosen and the essential is missing."""
    backend = RecordedBackend()
    assert needs_first_run(Store(backend, Profile()))
    assert not needs_first_run(Store(backend, Profile(name="prod")))
    assert not needs_first_run(Store(backend, Profile(demo=True)))


def test_found_tried_saved_and_opened_again(
    home: Path, console_of: Open, mongod: Mongod, filled: dict[str, str], location: Path
) -> None:
    """From a `.env` file to a profile that a new run resolves to; No, Escape and wrong names write nothing."""
    config = home / ".config" / "quillkeep" / "config.toml"
    other = home / "quilltap.env"
    write_env(other, {"MONGODB_URI": mongod.uri, **filled, "BACKUP_DIR": str(location)})

    async def test() -> None:
        async with console_of() as console:
            await console.until("Missing")
            await console.press("w")
            assert "Tried" not in console.text, "nothing to save yet, so nothing is asked"
            await console.press("e", "enter")
            await console.until("No file was named")
            await console.type("../nothing.env")
            await console.press("enter")
            await console.until("There is no")
            await console.press("escape", "e")
            await console.type("../quilltap.env")
            await console.press("enter")
            await tried(console)
            text = flat(console)
            assert "4 collections, 20 documents; it is Quilltap's." in text
            assert "1 object, 1 Byte" in text
            assert "no backup yet, 0 of this deployment's" in text

            await console.press("w")
            await console.press("ctrl+u")
            await console.type("no/good")
            await console.press("enter")
            await console.until("1 to 32 letters")
            await console.press("ctrl+u")
            await console.type("main")
            await console.press("enter")
            await console.until("y writes")
            assert "[profiles.main]" in console.text and "production = true" in console.text
            await console.press("enter")
            assert not config.exists()
            await console.press("w", "enter")
            await console.until("y writes")
            await console.press("escape")
            assert not config.exists()
            await console.press("w", "enter")
            await console.until("y writes")
            await console.press("n")
            assert not config.exists()
            await console.press("w", "enter")
            await console.until("y writes")
            await console.press("y")
            await console.until(lambda: console.app.current_mode == "health")
            assert console.app.store.profile.name == "prod"

    run(test())
    assert config.read_text() == f'[profiles.prod]\nenv_file = "{other}"\nproduction = true\n'
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    again = resolve_settings(Flags())
    assert again.profile.name == "prod"
    assert again.profile.mongo is not None and again.profile.mongo.uri.reveal() == mongod.uri
    assert [each.path for each in again.profile.locations] == [str(location)]
    assert not needs_first_run(Store(RecordedBackend(), again.profile, settings=again))


def test_read_only_stays(console_of: Open, mongod: Mongod) -> None:
    """What is saved under --read-only is read-only."""

    async def test() -> None:
        lines = {"MONGODB_URI": mongod.uri}
        async with console_of(lines, flags=Flags(read_only=True)) as console:
            await tried(console)
            await console.press("w", "enter")
            await console.until("y writes")
            assert "read_only = true" in console.text

    run(test())


def failing(lines: dict[str, str]) -> Callable[[Open], str]:
    """What the screen, and then the question before they are saved, say of settings that do not work."""

    def look(console_of: Open) -> str:
        said: list[str] = []

        async def test() -> None:
            async with console_of(lines, size=(120, 50)) as console:
                await tried(console)
                said.append(flat(console))
                await console.press("w", "enter")
                await console.until("y writes")
                said.append(flat(console))
                await console.press("escape", "1")
                await console.press("8")
                assert console.app.current_mode == "settings", "everything else still works"

        run(test())
        return " ".join(said)

    return look


def test_wrong_password(console_of: Open, mongod_auth: Mongod) -> None:
    """The user or the password; the password is nowhere."""
    said = failing({"MONGODB_URI": mongod_auth.uri_for("root", "hunter22")})(console_of)
    assert "refused the user name or password" in said
    assert "Correct the user, password or authSource in MONGODB_URI" in said
    assert "hunter22" not in said


def test_unreachable_host(console_of: Open) -> None:
    """Nothing listens, or no such name: two different sentences."""
    said = failing({"MONGODB_URI": "mongodb://127.0.0.1:1/"})(console_of)
    assert "nothing listens there" in said and "MONGODB_URI names its port" in said
    assert "! Database: Quillkeep could not reach" in said, "also said before it is saved"
    assert "its host name is not known" in failing({"MONGODB_URI": "mongodb://nowhere.invalid/"})(console_of)


def test_tls(console_of: Open, mongod: Mongod) -> None:
    """A server without TLS, asked with it."""
    said = failing({"MONGODB_URI": f"{mongod.uri}?tls=true"})(console_of)
    assert "TLS with it failed" in said or "tls=" in said


def test_missing_right(console_of: Open, mongod_auth: Mongod) -> None:
    """A user that may only read: what a restore lacks, and the line that grants it."""
    with mongod_auth.client() as client:
        for name in COLLECTIONS:
            client["quilltap_reader"][name].insert_one({})
        uri = mongod_auth.create_user("reader", ["read"], database="quilltap_reader")
        said = failing({"MONGODB_URI": uri, "MONGODB_DATABASE": "quilltap_reader"})(console_of)
        client.drop_database("quilltap_reader")
        client.admin.command("dropUser", "reader")
    assert "A restore lacks rights" in said
    assert 'grantRolesToUser("reader"' in said and "readWrite" in said


def test_wrong_bucket_and_wrong_keys(console_of: Open, weed: Weed, bucket: BucketTarget) -> None:
    """A bucket that is not there names the command that makes it; keys that are wrong name the two settings."""
    lines = s3_lines(bucket)
    said = failing({**lines, "S3_BUCKET": "not-there"})(console_of)
    assert "The bucket not-there does not exist" in said and "s3 mb s3://not-there" in said
    said = failing({**lines, "S3_SECRET_KEY": "wrong-secret"})(console_of)
    assert "does not accept the S3 keys" in said and "S3_ACCESS_KEY, S3_SECRET_KEY" in said
    assert "wrong-secret" not in said


def test_empty_and_foreign_databases(console_of: Open, mongod: Mongod, db: Database[Any]) -> None:
    """Neither an empty database nor somebody else's is taken for Quilltap's."""
    lines = {"MONGODB_URI": mongod.uri, "MONGODB_DATABASE": db.name}
    assert f"The database {db.name} on" in (said := failing(lines)(console_of)) and "is empty" in said
    db["orders"].insert_one({})
    assert "does not look like Quilltap's" in failing(lines)(console_of)


def test_lines_to_copy_and_look_again(home: Path, console_of: Open, mongod: Mongod) -> None:
    """`y` shows the missing lines; once they are written, `r` reads and tries them, a mistake included."""
    env = home / "work" / ".env"

    async def test() -> None:
        async with console_of() as console:
            console.app.flags = Flags()
            await console.until("Missing")
            await console.press("y")
            await console.until("# a bucket")
            await console.press("escape")
            env.write_text('MONGODB_URI="never ends\n')
            await console.press("r")
            await console.until("cannot be understood from line 1 on.")
            write_env(env, {"MONGODB_URI": mongod.uri})
            await console.press("r")
            await tried(console)
            assert "cannot be understood" not in console.text
            assert console.app.store.profile.mongo is not None

    run(test())


def test_an_env_file_that_cannot_be_read(home: Path) -> None:
    """The console opens all the same and says so; one that was named is an error of the command."""
    (home / "work" / ".env").write_text('MONGODB_URI="never ends\n')
    with pytest.raises(QuillkeepError) as unread:
        resolve_settings(Flags())
    assert settings_without_env_file(Flags(), unread.value).profile.mongo is None
    with pytest.raises(QuillkeepError, match="cannot be understood"):
        settings_without_env_file(Flags(env_file=".env"), unread.value)


def test_the_demo_takes_its_place(console_of: Open) -> None:
    """`D` leaves with what makes the command open the demo."""

    async def test() -> None:
        async with console_of() as console:
            await console.until("Missing")
            await console.press("D")
            await console.until(lambda: console.app.return_value is not None)
            assert console.app.return_value == OPEN_DEMO

    run(test())


def test_a_config_that_cannot_be_written(home: Path, console_of: Open, mongod: Mongod) -> None:
    """What forbids it is said; nothing is left behind."""
    (home / ".config").write_text("a file where a folder should be")

    async def test() -> None:
        async with console_of({"MONGODB_URI": mongod.uri}) as console:
            await tried(console)
            await console.press("w", "enter")
            await console.until("y writes")
            await console.press("y")
            await console.until("cannot be written")
            assert "Nothing was written." in flat(console)
            assert console.app.current_mode == "first-run"

    run(test())
    assert os.listdir(home / "work") == [".env"]
