"""The stock tools' commands for exactly one backup, with the mistakes of the usual guide avoided.

No database in the URI (it would override --nsInclude and filter by the wrong name), the dump's root and
not its database folder, `sha256sum -c` from the folder the sidecar names, `pipefail` where a pipe would
hide a failure, `aws s3 cp` instead of `sync`, which skips an older good file of the same size.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from services.catalog.model import Backup
from services.catalog.naming import ENCRYPTED_ENDING, SIDECAR, printable
from services.mongo.connect import host_of
from services.profile import Profile

NO_ARGUMENTS = "# user and password: add --config FILE (0600) holding `uri: ...`, never on the command line"


def verify_commands(backup: Backup) -> list[str]:
    """How to verify it without Quillkeep."""
    commands = []
    for path in _data_files(backup):
        sidecar = path.with_name(path.name + SIDECAR)
        if sidecar in backup.files or (backup.kind == "quillkeep" and path == backup.database_path):
            commands.append(f"cd {_quoted(sidecar.parent)} && sha256sum -c {_quoted(sidecar.name)}")
        if backup.encrypted:
            commands.append(f"set -o pipefail; {_decrypt(path, backup)} | gunzip -t")
        elif path.name.endswith((".gz", ".tgz")):
            commands.append(f"gunzip -t {_quoted(path)}")
    if backup.kind == "quillkeep" and backup.objects_list is not None and backup.objects_path is not None:
        commands.append(
            f"cd {_quoted(backup.objects_path)} && set -o pipefail && gunzip -c {_quoted(backup.objects_list)} | "
            'jq -r \'select((.missing // "") == "") | .sha256 + "  " + (.file // .key)\' | sha256sum --quiet -c -'
        )
    return commands


def restore_commands(backup: Backup, profile: Profile, database: str) -> list[str]:
    """How to restore it without Quillkeep; they drop and load in place, so the application must be stopped."""
    commands = []
    if backup.database_path is not None:
        commands += _database(backup, profile, database)
    if backup.objects_path is not None:
        commands += _objects(backup, profile)
    return commands


def _database(backup: Backup, profile: Profile, database: str) -> list[str]:
    path = backup.database_path
    assert path is not None
    uri = f"mongodb://{host_of(profile.mongo)}/" if profile.mongo else "mongodb://HOST:27017/"
    base = f"mongorestore --uri={_quoted(uri)} --nsInclude={_quoted(f'{database}.*')} --drop"
    commands = [NO_ARGUMENTS]
    kind = _database_kind(path)
    if backup.encrypted:
        plain = ENCRYPTED_ENDING.sub("", path.name)
        source = _decrypt(path, backup)
        if kind == "tar":
            return [*commands, f"set -o pipefail; {source} | tar -xzf - -C WORKDIR", f"{base} WORKDIR/FOLDER"]
        gzip = " --gzip" if plain.endswith(".gz") else ""
        return [*commands, f"set -o pipefail; {source} | {base} --archive{gzip}"]
    if kind == "tar":
        return [*commands, f"tar -xf {_quoted(path)} -C WORKDIR", f"{base} WORKDIR/FOLDER"]
    if kind == "directory":
        root, gzip = _dump_root(path)
        return [*commands, f"{base}{gzip} {_quoted(root)}"]
    gzip = " --gzip" if path.name.endswith(".gz") else ""
    return [*commands, f"{base} --archive={_quoted(path)}{gzip}"]


def _database_kind(path: Path) -> str:
    name = ENCRYPTED_ENDING.sub("", path.name)
    if path.is_dir():
        return "directory"
    return "tar" if name.endswith((".tar", ".tar.gz", ".tgz")) else "archive"


def _dump_root(path: Path) -> tuple[Path, str]:
    names = [entry.name for entry in path.iterdir()]
    inside = any(
        name.endswith((".bson", ".bson.gz", ".metadata.json", ".metadata.json.gz")) for name in names
    )
    every = (
        names
        if inside
        else [entry.name for below in path.iterdir() if below.is_dir() for entry in below.iterdir()]
    )
    gzip = " --gzip" if any(name.endswith(".bson.gz") for name in every) else ""
    return (path.parent if inside else path), gzip


def _objects(backup: Backup, profile: Profile) -> list[str]:
    path = backup.objects_path
    assert path is not None
    bucket = profile.bucket.bucket if profile.bucket else "BUCKET"
    endpoint = (
        f" --endpoint-url {_quoted(profile.bucket.endpoint)}"
        if profile.bucket and profile.bucket.endpoint
        else ""
    )
    target = f"s3://{bucket}/"
    skip = " --exclude '__quillkeep_*'" if backup.kind == "quillkeep" else ""
    if path.is_dir():
        return [f"aws s3 cp --recursive{skip}{endpoint} {_quoted(path)} {_quoted(target)}"]
    source = f"{_decrypt(path, backup)} | tar -xzf -" if backup.encrypted else f"tar -xf {_quoted(path)}"
    pipe = "set -o pipefail; " if backup.encrypted else ""
    return [f"{pipe}{source} -C WORKDIR", f"aws s3 cp --recursive{endpoint} WORKDIR/FOLDER {_quoted(target)}"]


def _data_files(backup: Backup) -> list[Path]:
    found = [path for path in (backup.database_path, backup.objects_path) if path is not None]
    return [
        path
        for path in found
        if not path.is_dir() and (backup.kind != "quillkeep" or path != backup.objects_path)
    ]


def _decrypt(path: Path, backup: Backup) -> str:
    if backup.encrypted == "gpg":
        return f"gpg --decrypt {_quoted(path)}"
    return f"openssl enc -d -aes-256-cbc -in {_quoted(path)}"


def _quoted(path: Path | str) -> str:
    text = str(path)
    if printable(text) != text:
        return "$" + "'" + printable(text.replace("\\", "\\\\").replace("'", "\\'")) + "'"
    return shlex.quote(text)
