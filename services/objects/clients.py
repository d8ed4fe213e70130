"""The two S3 clients, built so that nothing in the admin's shell or home can redirect them.

obstore and boto3 both read `AWS_*` variables; boto3 reads ~/.aws too. `AWS_ENDPOINT_URL_S3` even wins over
obstore's explicit endpoint. Only HTTP_PROXY and NO_PROXY keep their meaning.
"""

from __future__ import annotations

import functools
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from services.errors import Refused
from services.profile import BucketTarget
from services.redact import remember

if TYPE_CHECKING:
    from botocore.loaders import Loader
    from botocore.session import Session
    from obstore.store import S3Store
    from types_boto3_s3 import S3Client

THREADS = 16
"""Transfers at once: 16 threads were the fastest (8 and 32 within 7 %, 64 slower)."""
PART_BYTES = 8 << 20
CONNECT_SECONDS = 5
READ_SECONDS = 30


class Clients(msgspec.Struct, frozen=True):
    """boto3 for listing, administration and odd objects; obstore stores for transfers down and up."""

    exact: S3Client
    down: S3Store
    up: S3Store
    endpoint: str


@functools.cache
def _loader() -> Loader:
    """botocore's descriptions of S3, parsed once: that is half of what making a client takes."""
    from botocore.loaders import create_loader

    return create_loader()


def _session(target: BucketTarget) -> Session:
    """A botocore session in which every setting is its default; credentials are the target's, or AWS's own chain."""
    from botocore.session import Session

    defaults: dict[str, tuple[Any, Any, Any, Any]] = {}
    for name, (in_file, _, default, convert) in Session.SESSION_VARIABLES.items():
        defaults[name] = (in_file, None, default, convert)
    for name in ("config_file", "credentials_file"):
        defaults[name] = (None, None, os.devnull, None)
    session = Session(session_vars=defaults)
    session.register_component("data_loader", _loader())
    # Times stay text: a listing is compared with the last one's, and parsing them is half of a listing's time.
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    if target.access_key is not None and target.secret_key is not None:
        remember(target.access_key, target.secret_key)
        session.set_credentials(target.access_key.reveal(), target.secret_key.reveal())
        return session
    if target.access_key is not None or target.secret_key is not None:
        raise Refused(
            "Only one half of the S3 keys is set.",
            next="Set both S3_ACCESS_KEY and S3_SECRET_KEY, or neither.",
        )
    if target.endpoint is not None:
        raise Refused(
            f"No S3 keys are set for {target.endpoint}.", next="Set S3_ACCESS_KEY and S3_SECRET_KEY."
        )
    found = Session().get_credentials()
    if found is None:
        raise Refused(
            "No S3 keys are set, and AWS's own credential chain has none.",
            next="Set S3_ACCESS_KEY and S3_SECRET_KEY, or give this machine a role.",
        )
    adopting: Any = session
    adopting._credentials = found
    return session


def _exact_client(session: Session, target: BucketTarget) -> S3Client:
    from botocore.config import Config

    settings: dict[str, Any] = {"ignore_configured_endpoint_urls": True}
    config = Config(
        signature_version="s3v4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=THREADS + 4,
        retries={"mode": "standard", "total_max_attempts": 2},
        s3={"addressing_style": "path" if target.path_style else "virtual"},
        request_checksum_calculation="when_required",
        **settings,
    )
    client = session.create_client(
        "s3",
        region_name=target.region,
        endpoint_url=target.endpoint,
        config=config,
        verify=target.ca_file or True,
    )
    return cast("S3Client", client)


def _host_endpoint(endpoint: str, bucket: str) -> str:
    scheme, _, host = endpoint.partition("://")
    return f"{scheme}://{bucket}.{host}"


def build_clients(target: BucketTarget) -> Clients:
    """Builds the clients without a request. Raises `Refused` when credentials are missing or the CA file unreadable."""
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import S3Store

    authority = None
    if target.ca_file is not None:
        try:
            authority = Path(target.ca_file).read_text()
        except OSError as error:
            raise Refused(
                f"The CA file {target.ca_file} of the S3 endpoint cannot be read.",
                cause=error.strerror or "",
                next="Correct its path or mode, or run the command as a user that may read it.",
            ) from error
    session = _session(target)
    exact = _exact_client(session, target)
    endpoint = (target.endpoint or exact.meta.endpoint_url).rstrip("/")
    address = endpoint if target.path_style else _host_endpoint(endpoint, target.bucket)

    def store(timeout: str, read_timeout: str | None) -> S3Store:
        options: dict[str, object] = {
            "timeout": timeout,
            "connect_timeout": f"{CONNECT_SECONDS}s",
            "allow_http": endpoint.startswith("http://"),
        }
        if read_timeout:
            options["read_timeout"] = read_timeout
        if authority:
            options["root_certificate"] = authority
        return S3Store(
            target.bucket,
            config={
                "endpoint": address,
                "aws_endpoint_url_s3": address,
                "skip_signature": False,
                "region": target.region,
                "virtual_hosted_style_request": not target.path_style,
            },  # type: ignore[arg-type, unused-ignore]
            credential_provider=Boto3CredentialProvider(session),
            client_options=options,  # type: ignore[arg-type]
            # Short: the outer loop (`patience`) rides out restarts, resumes bodies and hears a cancel.
            retry_config={
                "max_retries": 3,
                "retry_timeout": timedelta(minutes=1),
                "backoff": {
                    "init_backoff": timedelta(seconds=0.1),
                    "max_backoff": timedelta(seconds=1),
                    "base": 2,
                },
            },
        )

    # An upload has no read timeout: there it would bound the whole body.
    return Clients(exact, store("24h", f"{READ_SECONDS}s"), store("15m", None), endpoint)
