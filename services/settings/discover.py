"""What a machine shows without any settings: said in words, used only after somebody chose it."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Literal

import msgspec

from services.errors import QuillkeepError, UsageProblem
from services.profile import MongoTarget, Profile
from services.secret import Secret
from services.settings.config import SYSTEM_CONFIG, parse_config
from services.settings.flags import Flags
from services.settings.layers import ENDPOINT, PEPPER, URI, env_file_layer
from services.settings.resolve import GUIDE_FOLDER, Settings, resolve_settings
from services.settings.values import read_text

LOCAL_MONGODB = ("localhost", 27017)
LOCAL_S3 = ("localhost", 9000)
"""MinIO's usual port, which the guide's examples use."""
LOOK_SECONDS = 0.5
FOUND_HERE = "found on this machine, not set up yet"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One place that was looked at, what is there, and the command that uses it ("" when there is nothing)."""

    place: str
    found: bool
    text: str
    use: str = ""
    kind: Literal["env-file", "config", "environment", "mongodb", "s3", "folder"]


def discover(
    cwd: Path, *, folder: Path = GUIDE_FOLDER, server: tuple[str, int] = LOCAL_MONGODB
) -> tuple[Finding, ...]:
    """Looks at the working folder's `.env`, at MongoDB on this machine and at the guide's folder; under 1 s."""
    return (_env_file(cwd / ".env"), _server(*server), _folder(folder))


class Lack(msgspec.Struct, frozen=True, kw_only=True):
    """Something that nothing names: what it is needed for, and the lines to write for it."""

    what: str
    lines: tuple[str, ...]


def look_around(
    cwd: Path,
    *,
    env_file: str = "",
    config_files: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
    folder: Path = GUIDE_FOLDER,
    server: tuple[str, int] = LOCAL_MONGODB,
    s3: tuple[str, int] = LOCAL_S3,
) -> tuple[Finding, ...]:
    """Everything that is looked for without settings, found or not; under 2 s unless a disk is dead.

    `env_file` is one that was named, read instead of the working folder's; `names` are the settings that the
    environment makes, which only the process that has it can tell.
    """
    return (
        _env_file(Path(env_file) if env_file else cwd / ".env"),
        *(_config(Path(path)) for path in config_files or (str(SYSTEM_CONFIG),)),
        _environment(names),
        _server(*server),
        _s3(*s3),
        _folder(folder),
    )


def with_found(profile: Profile, findings: tuple[Finding, ...]) -> Profile:
    """The profile with a local MongoDB in the place of none; what else it lacks stays away."""
    here = next((each.place for each in findings if each.kind == "mongodb" and each.found), "")
    if profile.mongo is not None or not here:
        return profile
    sources = {"mongo.uri": FOUND_HERE, "mongo.database": "default"}
    return msgspec.structs.replace(
        profile,
        mongo=MongoTarget(uri=Secret(f"mongodb://{here}")),
        sources={**profile.sources, **sources},
    )


def lacking(profile: Profile, findings: tuple[Finding, ...] = ()) -> tuple[Lack, ...]:
    """What a deployment needs and nothing names, the essential first; lines for Quilltap's `.env` file."""
    lacks = []
    s3 = next((f"http://{each.place}" for each in findings if each.kind == "s3" and each.found), "")
    if profile.mongo is None:
        lacks.append(
            Lack(what="a MongoDB", lines=(f"{URI}=mongodb://USER:PASSWORD@HOST:27017/?authSource=admin",))
        )
    if profile.bucket is None:
        lines = (
            f"{ENDPOINT}={s3 or 'http://HOST:9000'}",
            "S3_BUCKET=quilltap-files",
            "S3_ACCESS_KEY=KEY",
            "S3_SECRET_KEY=SECRET",
        )
        lacks.append(Lack(what="a bucket", lines=lines))
    if not profile.locations:
        lacks.append(Lack(what="a folder for backups", lines=(f"BACKUP_DIR={GUIDE_FOLDER}",)))
    if profile.pepper is None:
        lacks.append(
            Lack(what="the pepper, which opens stored API keys", lines=(f"{PEPPER}=AS-IN-QUILLTAP",))
        )
    return tuple(lacks)


def choose_env_file(
    named: str, *, config: str | None = None, read_only: bool = False, cwd: Path | None = None
) -> Settings:
    """The deployment that a Quilltap `.env` file describes, as with --env-file.

    Errors: `UsageProblem` for a file without a setting of Quilltap's; `QuillkeepError` for one that cannot
    be read or understood.
    """
    here = cwd or Path.cwd()
    path = here / Path(named.strip()).expanduser()
    if ".." in path.parts:
        path = path.parent.resolve() / path.name
    if not named.strip() or path.is_dir():
        what = f"{path} is a folder." if named.strip() else "No file was named."
        raise UsageProblem(what, next="Type the path of Quilltap's .env file.")
    if not os.path.lexists(path):
        raise UsageProblem(f"There is no {path}.", next="Type the path of Quilltap's .env file.")
    if not env_file_layer(path, "this question"):
        raise UsageProblem(
            f"{path} holds no settings of Quilltap's.",
            cause="MONGODB_URI, S3_BUCKET, ENCRYPTION_MASTER_PEPPER and their like were looked for.",
            next="Type the path of the .env file that Quilltap is started with.",
        )
    return resolve_settings(Flags(env_file=str(path), config=config, read_only=read_only), cwd=here)


def _config(path: Path) -> Finding:
    place = str(path)
    if not os.path.lexists(path):
        return Finding(kind="config", place=place, found=False, text=f"There is no {place}.")
    try:
        _, config = parse_config(read_text(path, "its usual place"), place)
    except QuillkeepError as error:
        return Finding(kind="config", place=place, found=False, text=str(error))
    names = ", ".join(config.profiles)
    text = f"{place} has the profile{'s' * (len(config.profiles) > 1)} {names}." if names else ""
    return Finding(
        kind="config", place=place, found=bool(names), text=text or f"{place} holds no profile.", use=""
    )


def _environment(names: tuple[str, ...]) -> Finding:
    if names:
        text = f"The environment sets {', '.join(names)}."
        return Finding(kind="environment", place="environment", found=True, text=text)
    text = "The environment sets none of MONGODB_URI, S3_BUCKET, BACKUP_DIR and their like."
    return Finding(kind="environment", place="environment", found=False, text=text)


def _s3(host: str, port: int) -> Finding:
    place = f"{host}:{port}"
    if not _answers(host, port):
        return Finding(kind="s3", place=place, found=False, text=f"Nothing answers at {place}.")
    text = f"Something answers at {place}, MinIO's usual port; its keys are not known."
    return Finding(kind="s3", place=place, found=True, text=text)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=LOOK_SECONDS).close()
    except OSError:
        return False
    return True


def _env_file(path: Path) -> Finding:
    if not os.path.lexists(path):
        return Finding(kind="env-file", place=str(path), found=False, text=f"There is no {path}.")
    try:
        names = sorted(env_file_layer(path, "the working folder"))
    except QuillkeepError as error:
        return Finding(kind="env-file", place=str(path), found=False, text=str(error))
    if not names:
        return Finding(
            kind="env-file", place=str(path), found=False, text=f"{path} holds no settings of Quilltap's."
        )
    return Finding(
        kind="env-file",
        place=str(path),
        found=True,
        text=f"{path} sets {', '.join(names)}.",
        use=f"quillkeep --env-file {path}",
    )


def _server(host: str, port: int) -> Finding:
    place = f"{host}:{port}"
    if not _answers(host, port):
        return Finding(kind="mongodb", place=place, found=False, text=f"Nothing answers at {place}.")
    return Finding(
        kind="mongodb",
        place=place,
        found=True,
        text=f"Something answers at {place}, MongoDB's usual port.",
        use=f"MONGODB_URI=mongodb://{place} quillkeep",
    )


def _folder(folder: Path) -> Finding:
    place = str(folder)
    try:
        count = sum(1 for _ in os.scandir(folder))
    except PermissionError:
        return Finding(kind="folder", place=place, found=False, text=f"No permission to read {place}.")
    except OSError:
        return Finding(kind="folder", place=place, found=False, text=f"There is no folder {place}.")
    return Finding(
        kind="folder",
        place=place,
        found=True,
        text=f"{place} holds {count:,} entries.",
        use=f"BACKUP_DIR={place} quillkeep",
    )
