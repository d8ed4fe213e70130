"""Which source of settings wins, what a named profile refuses, and what errors say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.errors import QuillkeepError, Refused, UsageProblem
from services.redact import redact
from services.secret import Secret
from services.settings.resolve import Flags, resolve, resolve_settings

ENV_FILE = """
# Quilltap
MONGODB_URI="mongodb://quilltap:s3cr3t-pw@mongo:27017/?authSource=admin"
MONGODB_DATABASE=quilltap
export S3_ENDPOINT=http://minio:9000/
S3_REGION='eu-central-1'
S3_ACCESS_KEY=AKIAEXAMPLE
S3_SECRET_KEY=abc$HOME${UNSET}def
S3_BUCKET=files
S3_PATH_PREFIX=tenant/
S3_FORCE_PATH_STYLE=true
ENCRYPTION_MASTER_PEPPER="pepper with = and # in it, 32 characters"
OTHER=ignored
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no config file but those a test writes."""
    monkeypatch.setattr("services.settings.resolve.SYSTEM_CONFIG", tmp_path / "etc.toml")
    monkeypatch.setattr("services.settings.resolve.user_config_file", lambda: tmp_path / "user.toml")
    monkeypatch.setattr("services.settings.resolve.GUIDE_FOLDER", tmp_path / "guide")
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def prod(home: Path, extra: str = "", env: str = ENV_FILE) -> dict[str, str]:
    write(home / "quilltap.env", env)
    write(home / "config.toml", f'[profiles.prod]\nenv_file = "{home}/quilltap.env"\n{extra}')
    return {"QUILLKEEP_CONFIG": str(home / "config.toml")}


def test_nothing_set(home: Path) -> None:
    profile = resolve(environ={}, cwd=home)
    assert (profile.name, profile.mongo, profile.bucket, profile.pepper, profile.locations) == (
        None,
        None,
        None,
        None,
        (),
    )
    assert profile.production
    assert (profile.rpo_hours, profile.rto_minutes) == (24.0, 30.0)


def test_env_file_is_read_as_it_stands(home: Path) -> None:
    before = dict(os.environ)
    profile = resolve(Flags(env_file=str(write(home / "q.env", ENV_FILE))), {"HOME": "/root"}, home)
    assert dict(os.environ) == before
    assert profile.mongo and profile.bucket and profile.pepper
    assert profile.mongo.uri.reveal() == "mongodb://quilltap:s3cr3t-pw@mongo:27017/?authSource=admin"
    assert profile.mongo.database == "quilltap"
    assert profile.bucket.endpoint == "http://minio:9000"
    assert profile.bucket.secret_key and profile.bucket.secret_key.reveal() == "abc$HOME${UNSET}def"
    assert (profile.bucket.bucket, profile.bucket.region, profile.bucket.prefix) == (
        "files",
        "eu-central-1",
        "tenant/",
    )
    assert profile.bucket.path_style
    assert profile.pepper.reveal() == "pepper with = and # in it, 32 characters"
    assert profile.sources["mongo.uri"] == f".env at {home}/q.env"
    assert "s3cr3t-pw" not in repr(profile) and "abc$HOME" not in repr(profile)


def test_working_folders_env_file_counts_when_nothing_else_is_set(home: Path) -> None:
    write(home / ".env", ENV_FILE)
    profile = resolve(environ={}, cwd=home)
    assert profile.mongo and profile.mongo.database == "quilltap"
    elsewhere = resolve(environ={"MONGODB_URI": "mongodb://h/other"}, cwd=home)
    assert elsewhere.mongo and elsewhere.mongo.database == "other"
    assert elsewhere.bucket is None


def test_rising_order_without_a_named_profile(home: Path) -> None:
    environ = prod(home)
    write(home / "flag.env", "MONGODB_URI=mongodb://flag/one\nS3_BUCKET=one\n")
    environ["S3_REGION"] = "from-environment"
    by_profile = resolve(environ=environ, cwd=home)
    assert by_profile.name == "prod"
    assert by_profile.bucket and by_profile.bucket.region == "from-environment"
    assert by_profile.sources["bucket.region"] == "environment S3_REGION"
    by_flag = resolve(Flags(env_file=str(home / "flag.env")), environ, home)
    assert by_flag.mongo and by_flag.mongo.database == "one"
    over = resolve(Flags(env_file=str(home / "flag.env")), environ | {"MONGODB_DATABASE": "two"}, home)
    assert over.mongo and (over.mongo.database, over.sources["mongo.database"]) == (
        "two",
        "environment MONGODB_DATABASE",
    )


def test_a_uris_own_database_goes_with_it(home: Path) -> None:
    write(home / "flag.env", "MONGODB_URI=mongodb://flag/one\n")
    flags = Flags(env_file=str(home / "flag.env"))
    profile = resolve(flags, {"MONGODB_URI": "mongodb://elsewhere"}, home)
    assert profile.mongo and profile.mongo.database == "quilltap"


def test_an_unnamed_profile_is_not_mixed_with_another_deployment(home: Path) -> None:
    environ = prod(home, 'app = {stop = "systemctl stop quilltap"}\n')
    profile = resolve(environ=environ | {"MONGODB_URI": "mongodb://mongo/staging"}, cwd=home)
    assert (profile.name, profile.app, profile.bucket, profile.pepper) == (None, None, None, None)
    assert profile.mongo and profile.mongo.database == "staging"


@pytest.mark.parametrize(
    ("name", "value", "ours", "theirs"),
    [
        ("MONGODB_URI", "mongodb://quilltap:s3cr3t-pw@other:27017/quilltap", "mongo:27017", "other:27017"),
        ("MONGODB_URI", "mongodb://mongo/elsewhere", "quilltap", "elsewhere"),
        ("MONGODB_DATABASE", "elsewhere", "quilltap", "elsewhere"),
        ("S3_BUCKET", "elsewhere", "files", "elsewhere"),
        ("S3_ENDPOINT", "http://other:9000", "http://minio:9000", "http://other:9000"),
        ("S3_PATH_PREFIX", "tenant", "tenant/", "tenant"),
    ],
)
def test_a_named_profile_refuses_what_differs(
    home: Path, name: str, value: str, ours: str, theirs: str
) -> None:
    environ = prod(home) | {name: value}
    with pytest.raises(Refused) as caught:
        resolve(Flags(profile="prod"), environ, home)
    error = caught.value
    assert error.exit_code == 4
    assert f".env at {home}/quilltap.env" in error.what and f"environment {name}" in error.what
    assert ours in error.what and theirs in error.what
    assert f"unset {name}" in error.next
    assert "s3cr3t-pw" not in str(error)


@pytest.mark.parametrize("name", ["S3_SECRET_KEY", "S3_ACCESS_KEY", "ENCRYPTION_MASTER_PEPPER"])
def test_differing_secrets_are_refused_without_their_values(home: Path, name: str) -> None:
    with pytest.raises(Refused) as caught:
        resolve(Flags(profile="prod"), prod(home) | {name: "another-secret-value-of-32-letters"}, home)
    assert f"environment {name}" in caught.value.what
    assert "another-secret" not in str(caught.value) and "AKIAEXAMPLE" not in str(caught.value)


def test_a_named_profile_takes_what_it_leaves_open(home: Path) -> None:
    environ = prod(home, env="MONGODB_URI=mongodb://mongo/quilltap\n")
    environ |= {
        "S3_BUCKET": "files",
        "S3_ENDPOINT": "https://s3.example",
        "MONGODB_URI": "mongodb://MONGO:27017",
    }
    profile = resolve(Flags(profile="prod"), environ, home)
    assert profile.bucket and (profile.bucket.bucket, profile.bucket.endpoint) == (
        "files",
        "https://s3.example",
    )
    assert profile.sources["bucket.bucket"] == "environment S3_BUCKET"
    assert profile.mongo and profile.mongo.uri.reveal() == "mongodb://mongo/quilltap"


@pytest.mark.parametrize(
    ("env", "name", "value"),
    [
        ("MONGODB_URI=mongodb://mongo\n", "MONGODB_DATABASE", "other"),
        ("S3_BUCKET=files\n", "S3_ENDPOINT", "http://localhost:9000"),
        ("S3_ENDPOINT=http://minio:9000\n", "S3_BUCKET", "other"),
    ],
)
def test_a_profile_that_names_a_server_has_decided_on_its_defaults(
    home: Path, env: str, name: str, value: str
) -> None:
    with pytest.raises(Refused) as caught:
        resolve(Flags(profile="prod"), prod(home, env=env) | {name: value}, home)
    assert "default of profile prod" in caught.value.what


def test_an_empty_endpoint_means_aws(home: Path) -> None:
    profile = resolve(environ={"S3_BUCKET": "b", "S3_ENDPOINT": ""}, cwd=home)
    assert profile.bucket and profile.bucket.endpoint is None
    assert not profile.bucket.path_style
    styled = resolve(
        environ={"S3_BUCKET": "b", "S3_ENDPOINT": "https://h:1", "S3_FORCE_PATH_STYLE": "False"}, cwd=home
    )
    assert styled.bucket and not styled.bucket.path_style


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"S3_BUCKET": "b", "S3_ENDPOINT": "minio:9000"}, "http://localhost:9000"),
        ({"S3_BUCKET": "b", "S3_ENDPOINT": "http://minio:9000/bucket"}, "S3_BUCKET"),
        ({"S3_BUCKET": "b", "S3_ENDPOINT": "http://minio:port"}, "http://localhost:9000"),
        ({"S3_BUCKET": "b", "S3_FORCE_PATH_STYLE": "maybe"}, "true or false"),
        ({"S3_BUCKET": "b", "S3_ACCESS_KEY": "AKIA"}, "S3_SECRET_KEY is not set"),
        ({"MONGODB_URI": "mongodb://h", "MONGODB_DATABASE": "a b"}, "does not allow"),
        ({"BACKUP_DIR": "relative/folder"}, "absolute"),
    ],
)
def test_values_that_cannot_be(home: Path, environ: dict[str, str], words: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        resolve(environ=environ, cwd=home)
    assert words in caught.value.what


def test_ca_files_must_be_there(home: Path) -> None:
    uri = f"mongodb://h/q?tls=true&tlsCAFile={home}/ca.pem"
    with pytest.raises(QuillkeepError, match="tlsCAFile in environment MONGODB_URI"):
        resolve(environ={"MONGODB_URI": uri}, cwd=home)
    write(home / "ca.pem", "-")
    profile = resolve(
        environ={"MONGODB_URI": uri, "S3_BUCKET": "b", "S3_CA_FILE": f"{home}/ca.pem"}, cwd=home
    )
    assert profile.bucket and profile.bucket.ca_file == f"{home}/ca.pem"


@pytest.mark.parametrize(
    ("text", "unknown", "nearest"),
    [
        ("[profiles.prod]\nenvfile = 'x'\n", "envfile", "env_file"),
        ("[profile.prod]\n", "profile", "profiles"),
        ("[[locations]]\npth = '/x'\n", "pth", "path"),
        ("[retention]\ndayly = 3\n", "dayly", "daily"),
        ("[profiles.prod]\napp = {stopp = 'x'}\n", "stopp", "stop"),
    ],
)
def test_unknown_keys_name_the_nearest(home: Path, text: str, unknown: str, nearest: str) -> None:
    write(home / "config.toml", text)
    with pytest.raises(UsageProblem) as caught:
        resolve(Flags(config=str(home / "config.toml")), {}, home)
    assert f"unknown key `{unknown}`" in caught.value.what
    assert f"`{nearest}`" in caught.value.what
    assert "config.toml" in caught.value.what


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[targets]\nrpo = 'soon'\n", "targets.rpo must be a duration"),
        ("[retention]\ndaily = -1\n", "retention.daily"),
        ("[schedule]\nat = '25:00'\n", "schedule.at"),
        ("[profiles.p]\nproduction = 'yes'\n", "production"),
        ("[profiles.p]\nmongodb_uri = 'mongodb://a:hunter22@h'\n", "holds a password"),
        ("not toml", "not valid TOML"),
        ("[[locations]]\nname = 'x'\n", "absolute `path`"),
    ],
)
def test_wrong_values_in_the_config_file(home: Path, text: str, words: str) -> None:
    write(home / "config.toml", text)
    with pytest.raises(UsageProblem) as caught:
        resolve(Flags(config=str(home / "config.toml")), {}, home)
    assert words in caught.value.what
    assert "hunter22" not in str(caught.value)


def test_system_and_user_files_merge(home: Path) -> None:
    write(home / "etc.toml", "[targets]\nrpo='12h'\n[[locations]]\nname='nas'\npath='/mnt/old'\n")
    write(
        home / "user.toml",
        "[targets]\nrto='1h'\n[[locations]]\nname='nas'\npath='/mnt/nas'\n[[locations]]\npath='/b'\n",
    )
    settings = resolve_settings(environ={}, cwd=home)
    assert (settings.profile.rpo_hours, settings.profile.rto_minutes) == (12.0, 60.0)
    assert [(place.name, place.path) for place in settings.profile.locations] == [
        ("nas", "/mnt/nas"),
        ("b", "/b"),
    ]
    assert settings.config.retention.daily == 7
    assert str(home / "etc.toml") in settings.profile.sources["rpo_hours"]


def test_named_config_file_alone_is_read_and_must_exist(home: Path) -> None:
    write(home / "user.toml", "[targets]\nrpo='1h'\n")
    with pytest.raises(QuillkeepError, match=r"nowhere\.toml, named by QUILLKEEP_CONFIG, does not exist"):
        resolve(environ={"QUILLKEEP_CONFIG": str(home / "nowhere.toml")}, cwd=home)


def test_backup_dir_and_locations(home: Path) -> None:
    assert resolve(environ={"BACKUP_DIR": "/b"}, cwd=home).locations[0].path == "/b"
    (home / "guide").mkdir()
    assert resolve(environ={}, cwd=home).locations[0].path == str(home / "guide")
    environ = prod(home, "[[locations]]\nname='nas'\npath='/mnt/nas'\n")
    assert [place.path for place in resolve(environ=environ, cwd=home).locations] == ["/mnt/nas"]
    unnamed = resolve(environ=environ | {"BACKUP_DIR": "/b"}, cwd=home)
    assert [place.path for place in unnamed.locations] == ["/b", "/mnt/nas"]
    with pytest.raises(Refused, match=r"/mnt/nas.*environment BACKUP_DIR"):
        resolve(Flags(profile="prod"), environ | {"BACKUP_DIR": "/b"}, home)


def test_profiles_by_name(home: Path) -> None:
    environ = prod(home, "read_only = true\nproduction = false\n[profiles.staging]\n")
    with pytest.raises(UsageProblem, match="nearest known one is `prod`"):
        resolve(Flags(profile="prd"), environ, home)
    with pytest.raises(Refused, match="prod, staging"):
        resolve(environ=environ, cwd=home)
    profile = resolve(Flags(profile="prod"), environ, home)
    assert profile.read_only and not profile.production
    assert resolve(Flags(profile="staging", read_only=True), environ, home).read_only


def test_secret_files_and_app_commands(home: Path) -> None:
    write(home / "uri", "mongodb://me:pa55word@h/q\n")
    write(home / "pepper", " pepper kept as it is \n")
    write(
        home / "config.toml",
        f"[profiles.p]\nmongodb_uri_file='{home}/uri'\npepper_file='{home}/pepper'\n"
        "health_url='http://localhost:3000/api/health'\napp={stop='a', start='b', status='c'}\n"
        "[limits]\nmax_members = 7\n[encrypt]\npassphrase_file='/p'\nopenssl_iterations = 600000\n",
    )
    profile = resolve(Flags(config=str(home / "config.toml")), {}, home)
    assert profile.mongo and profile.mongo.uri.reveal() == "mongodb://me:pa55word@h/q"
    assert profile.pepper and profile.pepper.reveal() == " pepper kept as it is "
    assert profile.app and (profile.app.stop, profile.app.start, profile.app.status) == ("a", "b", "c")
    assert profile.health_url == "http://localhost:3000/api/health"
    assert (profile.limits.max_members, profile.passphrase_file) == (7, "/p")
    by_flag = resolve(
        Flags(config=str(home / "config.toml"), passphrase_file="/f"),
        {"QUILLKEEP_PASSPHRASE_FILE": "/e"},
        home,
    )
    assert by_flag.passphrase_file == "/f" and by_flag.openssl_iterations == 600_000
    assert profile.sources["openssl_iterations"].startswith("encrypt.openssl_iterations in ")


def test_a_profile_may_have_a_passphrase_file_of_its_own(home: Path) -> None:
    environ = prod(
        home, "passphrase_file = '/own'\n[profiles.staging]\n[encrypt]\npassphrase_file = '/common'\n"
    )
    own, common = (resolve(Flags(profile=name), environ, home) for name in ("prod", "staging"))
    assert (own.passphrase_file, common.passphrase_file) == ("/own", "/common")
    assert own.sources["passphrase_file"].startswith("profiles.prod.passphrase_file in ")
    with pytest.raises(Refused, match="different passphrase files"):
        resolve(Flags(profile="prod"), environ | {"QUILLKEEP_PASSPHRASE_FILE": "/other"}, home)
    flags = Flags(profile="prod", passphrase_file="/flag")
    assert resolve(flags, environ, home).passphrase_file == "/flag"


def test_a_relative_passphrase_file_is_settled_and_a_pipe_is_read_here(home: Path) -> None:
    """A job has another working folder, and no access to what only the command was given."""
    relative = resolve(Flags(passphrase_file="secret/phrase"), {}, home)
    assert relative.passphrase_file == str(home / "secret/phrase") and relative.passphrase is None
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        stream.write("a phrase of words\nsecond line\n")
    piped = resolve(Flags(passphrase_file=f"/dev/fd/{reading}"), {}, home)
    os.close(reading)
    assert piped.passphrase == Secret("a phrase of words") and piped.passphrase_file is None
    assert "a phrase of words" not in redact("it was: a phrase of words.")
    config = write(home / "config.toml", "[encrypt]\nopenssl_iterations = 0\n")
    with pytest.raises(UsageProblem, match="openssl_iterations"):
        resolve(Flags(config=str(config)), {}, home)


def test_a_file_without_permission_is_named(home: Path) -> None:
    if os.geteuid() == 0:
        path = home / "dir.env"
        path.mkdir()
        words = "cannot be read"
    else:
        path = write(home / "q.env", ENV_FILE)
        path.chmod(0)
        words = "No permission to read"
    with pytest.raises(QuillkeepError, match=words) as caught:
        resolve(Flags(env_file=str(path)), {}, home)
    assert str(path) in caught.value.what


def test_an_env_file_that_cannot_be_understood_names_the_line(home: Path) -> None:
    path = write(home / "q.env", "A=1\nMONGODB_URI='mongodb://me:hunter22@h\nS3_BUCKET=b\n")
    with pytest.raises(QuillkeepError, match="line 2") as caught:
        resolve(Flags(env_file=str(path)), {}, home)
    assert "hunter22" not in str(caught.value)
