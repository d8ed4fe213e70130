"""Every setting there is: what it means, its name in the environment and in config.toml, and an example."""

from __future__ import annotations

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is dotted, of the profile or (`of_config`) of the config; `env` its name in `.env` and environment.

    `section` is `profile`, or a section of config.toml, `key` stands in it; `secret_key` refers to a file that
    holds a secret. `hint` is written where there is no value to write, `bare` values have no quotes, and
    `unit` follows a number in the file.
    """

    name: str
    group: str
    what: str
    env: str = ""
    section: str = "profile"
    key: str = ""
    secret_key: str = ""
    hint: str = ""
    secret: bool = False
    bare: bool = False
    unit: str = ""
    of_config: bool = False
    note: str = ""


_LATER = "It is read and checked; this version does not act on it yet."

ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="name",
        group="Profile",
        what="The deployment this console works on.",
        note="quillkeep --profile NAME names it; key P switches.",
    ),
    Entry(
        name="production",
        group="Profile",
        what="Whether PROD stands in the target bar.",
        key="production",
        bare=True,
    ),
    Entry(
        name="read_only",
        group="Profile",
        what="READ-ONLY forbids every change to the database, the bucket and the app, and deleting backups.",
        key="read_only",
        bare=True,
        note="quillkeep --read-only and key L turn it on; nothing in a running console turns it off.",
    ),
    Entry(
        name="mongo.uri",
        group="Database",
        what="Where MongoDB is. A URI with a password stands in the .env file or in a file of its own (0600).",
        env="MONGODB_URI",
        key="mongodb_uri",
        secret_key="mongodb_uri_file",
        hint="/etc/quillkeep/mongodb.uri",
        secret=True,
    ),
    Entry(
        name="mongo.database",
        group="Database",
        what="The database's name.",
        env="MONGODB_DATABASE",
        key="mongodb_database",
        hint="quilltap",
    ),
    Entry(
        name="bucket.endpoint",
        group="Bucket",
        what="The S3 server; empty means AWS.",
        env="S3_ENDPOINT",
        key="s3_endpoint",
        hint="http://localhost:9000",
    ),
    Entry(
        name="bucket.bucket",
        group="Bucket",
        what="The bucket's name.",
        env="S3_BUCKET",
        key="s3_bucket",
        hint="quilltap-files",
    ),
    Entry(
        name="bucket.region",
        group="Bucket",
        what="The bucket's region.",
        env="S3_REGION",
        key="s3_region",
        hint="us-east-1",
    ),
    Entry(
        name="bucket.prefix",
        group="Bucket",
        what="What every key begins with, put before it as it is.",
        env="S3_PATH_PREFIX",
        key="s3_path_prefix",
        hint="",
    ),
    Entry(
        name="bucket.path_style",
        group="Bucket",
        what="Whether the bucket's name stands in the path and not in the host name.",
        env="S3_FORCE_PATH_STYLE",
        key="s3_force_path_style",
        hint="true",
        bare=True,
    ),
    Entry(
        name="bucket.ca_file",
        group="Bucket",
        what="Certificates the S3 server is checked against.",
        env="S3_CA_FILE",
        key="s3_ca_file",
        hint="/etc/ssl/certs/minio.pem",
    ),
    Entry(
        name="bucket.access_key",
        group="Bucket",
        what="The access key; in config.toml the file that holds it.",
        env="S3_ACCESS_KEY",
        key="s3_access_key_file",
        hint="/etc/quillkeep/s3.access",
        secret=True,
    ),
    Entry(
        name="bucket.secret_key",
        group="Bucket",
        what="The secret key; in config.toml the file that holds it.",
        env="S3_SECRET_KEY",
        key="s3_secret_key_file",
        hint="/etc/quillkeep/s3.secret",
        secret=True,
    ),
    Entry(
        name="pepper",
        group="Secrets",
        what="ENCRYPTION_MASTER_PEPPER; without it stored API keys are lost. In config.toml the file that holds it.",
        env="ENCRYPTION_MASTER_PEPPER",
        key="pepper_file",
        hint="/etc/quillkeep/pepper",
        secret=True,
    ),
    Entry(
        name="passphrase_file",
        group="Secrets",
        what="The file that holds the passphrase of encrypted backups.",
        env="QUILLKEEP_PASSPHRASE_FILE",
        section="encrypt",
        key="passphrase_file",
        hint="/etc/quillkeep/passphrase",
    ),
    Entry(
        name="openssl_iterations",
        group="Secrets",
        what="The N of backups made by `openssl enc -pbkdf2 -iter N`; the usual counts are tried without it.",
        section="encrypt",
        key="openssl_iterations",
        hint="100000",
        bare=True,
    ),
    Entry(
        name="locations",
        group="Backups",
        what="The folders of the backups; new ones go to the first.",
        env="BACKUP_DIR",
        section="locations",
        key="locations",
        hint="/backups/quilltap",
    ),
    Entry(
        name="app.stop",
        group="Application",
        what="The command that stops Quilltap before a restore.",
        key="app.stop",
        hint="docker compose -f /srv/quilltap/docker-compose.yml stop app",
    ),
    Entry(
        name="app.start",
        group="Application",
        what="The command that starts Quilltap again.",
        key="app.start",
        hint="docker compose -f /srv/quilltap/docker-compose.yml start app",
    ),
    Entry(
        name="app.status",
        group="Application",
        what="A command that ends with 0 while Quilltap runs.",
        key="app.status",
        hint="docker compose -f /srv/quilltap/docker-compose.yml ps --status running -q app | grep -q .",
    ),
    Entry(
        name="health_url",
        group="Application",
        what="The address that answers while Quilltap is well.",
        key="health_url",
        hint="http://localhost:3000/api/health",
    ),
    Entry(
        name="rpo_hours",
        group="Targets",
        what="RPO: how old the newest good backup may be, in hours.",
        section="targets",
        key="rpo",
        unit="h",
    ),
    Entry(
        name="rto_minutes",
        group="Targets",
        what="RTO: how long a recovery may take, in minutes.",
        section="targets",
        key="rto",
        unit="m",
    ),
    Entry(
        name="console.theme",
        group="Console",
        what="The console's colours.",
        section="console",
        key="theme",
        hint="terminal",
        of_config=True,
    ),
    *(
        Entry(
            name=f"{section}.{key}",
            group=group,
            what=what,
            section=section,
            key=key,
            hint=hint,
            bare=bare,
            of_config=True,
            note=_LATER,
        )
        for section, key, group, what, hint, bare in (
            ("retention", "within", "Retention", "Every backup younger than this is kept.", "48h", False),
            ("retention", "daily", "Retention", "Days of which one backup is kept.", "7", True),
            ("retention", "weekly", "Retention", "Weeks of which one backup is kept.", "4", True),
            ("retention", "monthly", "Retention", "Months of which one backup is kept.", "12", True),
            ("retention", "minimum", "Retention", "Backups that are kept whatever their age.", "3", True),
            ("schedule", "at", "Schedule", "When the nightly backup runs, local time.", "02:00", False),
            ("alerts", "urls_file", "Alerts", "Addresses that alerts go to.", "/etc/quillkeep/alerts", False),
            (
                "alerts",
                "ping_file",
                "Alerts",
                "The address a good night pings.",
                "/etc/quillkeep/ping",
                False,
            ),
        )
    ),
    *(
        Entry(
            name=f"limits.{key}",
            group="Limits",
            what=what,
            section="limits",
            key=key,
            bare=True,
            of_config=True,
        )
        for key, what in (
            (
                "max_ratio",
                "Most that an archive may grow when it is decompressed: a guard against zip bombs.",
            ),
            ("max_bytes", "Most bytes a backup may have uncompressed."),
            ("max_members", "Most members a tar may have."),
        )
    ),
)
