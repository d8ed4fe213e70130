"""The stock tools' commands for exactly one backup, with the mistakes of the usual guide avoided.

No database in the URI (it would override --nsInclude and filter by the wrong name), no user or password on
the command line (every process can read it; `--config` of the tools, since 100.3, holds the URI), the dump's
root and not its database folder, `sha256sum -c` from the folder the sidecar names, `pipefail` where a pipe
would hide a failure, `aws s3 cp` instead of `sync`, which skips an older good file of the same size.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import quote

from services.catalog.model import Backup
from services.catalog.naming import ENCRYPTED_ENDING, SIDECAR, printable
from services.profile import MongoTarget, Profile
from services.settings.uri import MongoUri, parse_uri

NO_ARGUMENTS = "# user and password: add --config FILE (0600) holding `uri: ...`, never on the command line"
CONFIG = "mongo.yaml"
"""The file with the URI, in the folder where the commands are run."""
KEPT_OPTIONS = (
    "replicaset",
    "directconnection",
    "loadbalanced",
    "tls",
    "ssl",
    "tlscafile",
    "tlscertificatekeyfile",
    "tlsinsecure",
    "tlsallowinvalidcertificates",
    "tlsallowinvalidhostnames",
    "authsource",
    "authmechanism",
)
"""Options of a URI without which the tools reach another server or none; none of them is a secret."""


def verify_commands(backup: Backup) -> list[str]:
    """How to verify it without Quillkeep."""
    commands = []
    for path in _data_files(backup):
        sidecar = path.with_name(path.name + SIDECAR)
        if sidecar in backup.files or (backup.kind == "quillkeep" and path == backup.database_path):
            commands.append(f"cd {_quoted(sidecar.parent)} && sha256sum -c {_quoted(sidecar.name)}")
        if _locked(path, backup):
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


def prepare_commands(backup: Backup, profile: Profile) -> list[str]:
    """What the restoring commands need first: a file for the URI where it has a user and a password.

    The file is typed into (Ctrl+D ends it), so that the password stands in no command line or shell history.
    """
    if backup.database_path is None or profile.mongo is None:
        return []
    parsed = _parsed(profile.mongo)
    if parsed.username is None:
        return []
    return [
        f"(umask 077; cat > {CONFIG})",
        f"# type this line with the user and password of MONGODB_URI, then Enter and Ctrl+D:  "
        f"uri: {_uri(parsed, 'USER:PASSWORD@')}",
    ]


def aside_commands(backup: Backup, profile: Profile, database: str) -> list[str]:
    """How to load the database part beside the live data, under another name: nothing is overwritten."""
    if backup.database_path is None:
        return []
    names = f"--nsFrom={_quoted(f'{database}.*')} --nsTo={_quoted(f'{database}_restored.*')}"
    return _database(backup, profile, database, names)


def notes(backup: Backup, profile: Profile, escaped: int = 0) -> list[str]:
    """What has to be known before the commands are run; `escaped` objects lie under names that are not their keys."""
    lines = ["Verify first. Stop Quilltap before anything live is replaced: the commands work in place."]
    if backup.database_path is not None:
        lines.append(
            "--drop drops each live collection of the dump before it is loaded; live collections that the "
            "dump does not have stay."
        )
    if backup.encrypted == "openssl":
        lines.append(
            "openssl: add the options it was encrypted with (-pbkdf2, -iter N, -md md5) when it fails."
        )
    if backup.objects_path is not None:
        lines += [
            "aws: export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (S3_ACCESS_KEY, S3_SECRET_KEY) from a file "
            "that only you can read.",
            "Content types are guessed from the names; the true ones, and the metadata, are in the .objects.jsonl.gz.",
            f"With mc: mc alias set q {_endpoint(profile)} (it asks for the keys), then mc mirror --overwrite "
            f"{_quoted(backup.objects_path)} q/{profile.bucket.bucket if profile.bucket else 'BUCKET'}",
        ]
    if escaped:
        lines.append(
            f"{escaped:,} keys cannot be file names: their files have names of ours, and the last command puts "
            "them under their keys. mc mirror does not."
        )
    return lines


def escaped_command(backup: Backup, profile: Profile) -> str:
    """Puts the objects whose keys cannot be file names, each under its key, as the object manifest maps them."""
    bucket = _quoted(profile.bucket.bucket) if profile.bucket else "BUCKET"
    put = f"aws s3api put-object{_endpoint_option(profile)} --bucket {bucket} --key \\(.key|@sh) --body \\(.file|@sh)"
    wanted = 'select((.missing // "") == "" and .file != null)'
    program = f'{wanted} | "{put} </dev/null >/dev/null"'
    return (
        f"cd {_quoted(backup.objects_path or '')} && set -o pipefail && "
        f"gunzip -c {_quoted(backup.objects_list or '')} | jq -r {shlex.quote(program)} | bash -e"
    )


def _parsed(target: MongoTarget) -> MongoUri:
    return parse_uri(target.uri.reveal(), "the profile")


def _uri(parsed: MongoUri, credentials: str = "") -> str:
    """The connection string without its database and with other credentials."""
    options = {name: value for name, value in parsed.options.items() if name in KEPT_OPTIONS}
    if credentials and parsed.path and "authsource" not in options:
        options["authsource"] = parsed.path
    query = "&".join(f"{name}={quote(value, safe='/,')}" for name, value in options.items())
    return f"{parsed.scheme}://{credentials}{','.join(parsed.hosts)}/{f'?{query}' if query else ''}"


def _connection(profile: Profile) -> str:
    if profile.mongo is None:
        return "--uri=mongodb://HOST:27017/"
    parsed = _parsed(profile.mongo)
    return f"--uri={_quoted(_uri(parsed))}" if parsed.username is None else f"--config={CONFIG}"


def _database(backup: Backup, profile: Profile, database: str, mode: str = "--drop") -> list[str]:
    path = backup.database_path
    assert path is not None
    base = f"mongorestore {_connection(profile)} --nsInclude={_quoted(f'{database}.*')} {mode}"
    commands: list[str] = []
    kind = _database_kind(path)
    if _locked(path, backup):
        plain = ENCRYPTED_ENDING.sub("", path.name)
        source = _decrypt(path, backup)
        if kind == "tar" and ENCRYPTED_ENDING.search(path.name):
            return [*commands, f"set -o pipefail; {source} | tar -xzf - -C WORKDIR", f"{base} WORKDIR/FOLDER"]
        gzip = " --gzip" if plain.endswith(".gz") or kind == "tar" else ""
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
    endpoint = _endpoint_option(profile)
    target = f"s3://{bucket}/"
    skip = " --exclude '__quillkeep_*'" if backup.kind == "quillkeep" else ""
    if path.is_dir():
        return [f"aws s3 cp --recursive{skip}{endpoint} {_quoted(path)} {_quoted(target)}"]
    locked = _locked(path, backup)
    source = f"{_decrypt(path, backup)} | tar -xzf -" if locked else f"tar -xf {_quoted(path)}"
    pipe = "set -o pipefail; " if locked else ""
    return [f"{pipe}{source} -C WORKDIR", f"aws s3 cp --recursive{endpoint} WORKDIR/FOLDER {_quoted(target)}"]


def _endpoint(profile: Profile) -> str:
    endpoint = profile.bucket.endpoint if profile.bucket else None
    return endpoint or "https://s3.amazonaws.com"


def _endpoint_option(profile: Profile) -> str:
    endpoint = profile.bucket.endpoint if profile.bucket else None
    return f" --endpoint-url {_quoted(endpoint)}" if endpoint else ""


def _data_files(backup: Backup) -> list[Path]:
    found = [path for path in (backup.database_path, backup.objects_path) if path is not None]
    return [
        path
        for path in found
        if not path.is_dir() and (backup.kind != "quillkeep" or path != backup.objects_path)
    ]


def _locked(path: Path, backup: Backup) -> bool:
    """Whether this file is the encrypted one: of what one run of a script made, the other part may be plain."""
    alone = len(backup.parts) == 1
    return backup.encrypted is not None and (alone or ENCRYPTED_ENDING.search(path.name) is not None)


def _decrypt(path: Path, backup: Backup) -> str:
    gpg = backup.encrypted == "gpg"
    if not ENCRYPTED_ENDING.search(path.name) and path.name.endswith((".tar", ".tar.gz", ".tgz")):
        # The archive in the tar is the encrypted one.
        member = "'*.gpg'" if gpg else "'*.enc'"
        tool = "gpg --decrypt" if gpg else "openssl enc -d -aes-256-cbc"
        return f"tar -xOf {_quoted(path)} --wildcards {member} | {tool}"
    if gpg:
        return f"gpg --decrypt {_quoted(path)}"
    return f"openssl enc -d -aes-256-cbc -in {_quoted(path)}"


def _quoted(path: Path | str) -> str:
    text = str(path)
    if printable(text) != text:
        return "$" + "'" + printable(text.replace("\\", "\\\\").replace("'", "\\'")) + "'"
    return shlex.quote(text)
