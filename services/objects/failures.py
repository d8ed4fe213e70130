"""What obstore and boto3 raise, turned into the few kinds an operation decides by, and into words for the admin."""

from __future__ import annotations

import re
from typing import Literal

from services.errors import QuillkeepError
from services.redact import redact

Kind = Literal[
    "gone",
    "changed",
    "denied",
    "outage",
    "rejected",
    "no-bucket",
    "credentials",
    "metadata",
    "short",
    "mismatch",
]

_STATUS = re.compile(r"status(?: code)?:? (\d{3})|\b(4\d\d|5\d\d) [A-Z][a-z]+")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_WRONG_KEYS = frozenset(
    ("InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "ExpiredToken", "InvalidToken")
)
_OUTAGE_STATUS = frozenset((408, 425, 429))


class StoreError(QuillkeepError):
    """A request to the bucket that failed; `kind` says what to do about it, `text` is the server's redacted word."""

    def __init__(self, kind: Kind, text: str, *, key: str = "", code: str = "") -> None:
        self.kind: Kind = kind
        self.text = text
        self.key = key
        self.code = code
        self.server_down = False
        about = f" for {key!r}" if key else ""
        super().__init__(f"The bucket's server did not do what was asked{about}.", cause=text)


class BucketMissing(QuillkeepError):
    """The bucket does not exist."""


class BucketForbidden(QuillkeepError):
    """The server knows these keys but does not let them use the bucket."""


class WrongCredentials(QuillkeepError):
    """The server does not accept the access key, the secret key or this machine's clock."""


class BucketUnreachable(QuillkeepError):
    """Nothing answers, or only with errors, until the deadline."""


def _text(error: BaseException) -> str:
    plain = str(error).split("\n\nDebug source")[0].strip() or type(error).__name__
    return redact(" ".join(plain.split()))[:500]


def _by_status(status: int, code: str) -> Kind:
    if code in ("NoSuchBucket",):
        return "no-bucket"
    if code in _WRONG_KEYS:
        return "credentials"
    if status == 404:
        return "gone"
    if status == 412:
        return "changed"
    if status in (401, 403):
        return "denied"
    if status >= 500 or status in _OUTAGE_STATUS or code in ("SlowDown", "RequestTimeout", "InternalError"):
        return "outage"
    return "rejected"


def from_obstore(error: BaseException, key: str) -> StoreError:
    """Classifies what obstore raised; a Rust panic and unknown types are `rejected` (retrying would not help)."""
    from obstore import exceptions

    text = _text(error)
    found = _CODE.search(str(error))
    code = found.group(1) if found else ""
    kind: Kind
    if code in _WRONG_KEYS:
        kind = "credentials"
    elif "NoSuchBucket" in text:
        kind = "no-bucket"
    elif isinstance(error, FileNotFoundError):
        kind = "gone"
    elif isinstance(error, exceptions.PreconditionError | exceptions.AlreadyExistsError):
        kind = "changed"
    elif isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        kind = "denied"
    elif "non UTF-8 characters" in text:
        kind = "metadata"
    elif isinstance(error, exceptions.GenericError):
        status = _STATUS.search(text)
        number = int(status.group(1) or status.group(2)) if status else 0
        kind = _by_status(number, code) if number else "outage"
        if "Content-Length" in text or "builder error" in text:
            kind = "rejected"
    else:
        kind = "rejected"
    return StoreError(kind, text, key=key, code=code)


def from_boto(error: BaseException, key: str = "") -> StoreError:
    """Classifies what boto3 raised; anything that is not an answer of the server counts as an outage."""
    from botocore import exceptions

    text = _text(error)
    if isinstance(error, exceptions.ClientError):
        answer = error.response
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
        if not status and code.isdigit():
            status = int(code)
        return StoreError(_by_status(status, code), text, key=key, code=code)
    if isinstance(error, exceptions.ParamValidationError):
        return StoreError("metadata" if "Non ascii" in text else "rejected", text, key=key)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return StoreError("credentials", text, key=key)
    if isinstance(error, exceptions.FlexibleChecksumError):
        return StoreError("short", text, key=key)
    return StoreError("outage", text, key=key)


def about_bucket(error: StoreError, *, bucket: str, where: str, make: str) -> QuillkeepError:
    """The same failure in an admin's words, when it concerns the whole bucket; `make` is the command that creates it."""
    if error.kind in ("no-bucket", "gone"):
        return BucketMissing(
            f"The bucket {bucket} does not exist at {where}.",
            cause=error.text,
            next=f"Check S3_BUCKET and S3_ENDPOINT, or make it: {make}",
        )
    if error.kind == "credentials":
        return WrongCredentials(
            f"{where} does not accept the S3 keys: {error.code or 'wrong access key or secret key'}.",
            cause=error.text,
            next="Check S3_ACCESS_KEY, S3_SECRET_KEY and this machine's clock: `quillkeep doctor`.",
        )
    if error.kind == "denied":
        return BucketForbidden(
            f"{where} does not let these keys use the bucket {bucket}.",
            cause=error.text,
            next="Give the keys list, get and put on the bucket (or correct S3_ACCESS_KEY and S3_SECRET_KEY).",
        )
    if error.kind == "outage":
        return BucketUnreachable(
            f"{where} does not answer.",
            cause=error.text,
            next="Check S3_ENDPOINT and that the server runs: `quillkeep doctor`.",
        )
    return QuillkeepError(
        f"{where} refused a request about the bucket {bucket}.",
        cause=error.text,
        next="Check S3_ENDPOINT, S3_REGION and S3_FORCE_PATH_STYLE: `quillkeep doctor`.",
    )
