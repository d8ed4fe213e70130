"""From settled settings to the targets that drivers are given."""

from __future__ import annotations

import os
from pathlib import Path

from services.errors import QuillkeepError, UsageProblem
from services.profile import BucketTarget, MongoTarget
from services.secret import Secret
from services.settings.conflict import DEFAULT_BUCKET, DEFAULT_DATABASE, DEFAULT_REGION
from services.settings.layers import (
    ACCESS_KEY,
    BUCKET,
    CA_FILE,
    DATABASE,
    ENDPOINT,
    PATH_STYLE,
    PEPPER,
    PREFIX,
    REGION,
    SECRET_KEY,
    URI,
    Layer,
)
from services.settings.uri import parse_uri
from services.settings.values import to_bool, to_endpoint

DEFAULT = "default"
_BAD_IN_DATABASE_NAME = frozenset('/\\. "$*<>:|?\0')
_CA_OPTIONS = {
    "tlscafile": "tlsCAFile",
    "tlscertificatekeyfile": "tlsCertificateKeyFile",
    "tlscrlfile": "tlsCRLFile",
}


def mongo_target(settled: Layer, sources: dict[str, str]) -> MongoTarget | None:
    """The database, or None when nothing names a MongoDB; the URI is kept word for word."""
    if URI not in settled:
        return None
    uri = settled[URI]
    parsed = parse_uri(uri.text, uri.source)
    for option, word in _CA_OPTIONS.items():
        if option in parsed.options:
            check_readable(parsed.options[option], f"{word} in {uri.source}")
    database, source = DEFAULT_DATABASE, DEFAULT
    if DATABASE in settled:
        database, source = settled[DATABASE].text, settled[DATABASE].source
    if _BAD_IN_DATABASE_NAME & set(database) or len(database.encode()) > 63:
        raise UsageProblem(
            f"{source} names a database that MongoDB does not allow: {database!r}.", next=f"Correct {source}."
        )
    sources["mongo.uri"], sources["mongo.database"] = uri.source, source
    return MongoTarget(uri=Secret(uri.text.strip()), database=database)


def bucket_target(settled: Layer, sources: dict[str, str]) -> BucketTarget | None:
    """The bucket, or None when nothing names an S3 server, a bucket or its keys."""
    if not any(name in settled and settled[name].text for name in (ENDPOINT, BUCKET, ACCESS_KEY, SECRET_KEY)):
        return None
    if (ACCESS_KEY in settled) != (SECRET_KEY in settled):
        there, lacking = (ACCESS_KEY, SECRET_KEY) if ACCESS_KEY in settled else (SECRET_KEY, ACCESS_KEY)
        raise UsageProblem(
            f"{lacking} is not set, though {there} is ({settled[there].source}).",
            next=f"Set {lacking} beside it.",
        )

    def text(name: str, dotted: str, default: str) -> str:
        sources[dotted] = settled[name].source if name in settled else DEFAULT
        return settled[name].text if name in settled else default

    endpoint = to_endpoint(text(ENDPOINT, "bucket.endpoint", ""), sources["bucket.endpoint"])
    style = text(PATH_STYLE, "bucket.path_style", "true" if endpoint else "false")
    ca_file = text(CA_FILE, "bucket.ca_file", "") or None
    if ca_file:
        ca_file = str(Path(ca_file).expanduser())
        check_readable(ca_file, sources["bucket.ca_file"])
    for name, dotted in ((ACCESS_KEY, "bucket.access_key"), (SECRET_KEY, "bucket.secret_key")):
        sources[dotted] = settled[name].source if name in settled else "not set"
    return BucketTarget(
        bucket=text(BUCKET, "bucket.bucket", DEFAULT_BUCKET),
        endpoint=endpoint,
        region=text(REGION, "bucket.region", DEFAULT_REGION),
        access_key=Secret(settled[ACCESS_KEY].text.strip()) if ACCESS_KEY in settled else None,
        secret_key=Secret(settled[SECRET_KEY].text.strip()) if SECRET_KEY in settled else None,
        prefix=text(PREFIX, "bucket.prefix", ""),
        path_style=to_bool(style, f"{PATH_STYLE} ({sources['bucket.path_style']})"),
        ca_file=ca_file,
    )


def pepper(settled: Layer, sources: dict[str, str]) -> Secret | None:
    """The pepper as it stands, blanks and quotes included: any change gives another key."""
    if PEPPER not in settled:
        return None
    sources["pepper"] = settled[PEPPER].source
    return Secret(settled[PEPPER].text)


def check_readable(path: str, source: str) -> None:
    """Raises when a file that a setting names cannot be opened."""
    if not os.path.exists(path):
        raise QuillkeepError(f"{path}, named by {source}, does not exist.", next=f"Correct {source}.")
    if not os.access(path, os.R_OK):
        raise QuillkeepError(
            f"No permission to read {path}, named by {source}.", next="Run as a user who may read it."
        )
