"""The one redactor: what goes into exceptions, logs, journals and screens loses its secrets here."""

from __future__ import annotations

import re

from services.secret import Secret

MASK = "***"
_known: set[str] = set()

_URI_CREDENTIALS = re.compile(r"\b([a-z][a-z0-9+.-]*://)([^/\s@]+)@", re.IGNORECASE)
_KEY_VALUE = re.compile(
    r"(?i)\b((?:aws_|s3_)?(?:secret|access)_?(?:access_)?key(?:_id)?|password|passwd|passphrase|pepper|"
    r"encryption_master_pepper|token|authorization|x-amz-signature|x-amz-credential|signature)"
    r"([\"']?\s*[:=]\s*[\"']?)([^\s\"',;&}]+)"
)
_SERVER_DOCUMENT = re.compile(
    r"(dup key|to execute command|Document failed validation|full error)[:\s]*\{.*", re.DOTALL
)


def remember(*secrets: Secret | None) -> None:
    """Makes these values, and the password inside a URI, unprintable for the rest of the process."""
    for secret in secrets:
        if secret is None:
            continue
        value = secret.reveal()
        if len(value) >= 4:
            _known.add(value)
        credentials = _URI_CREDENTIALS.search(value)
        if credentials and ":" in credentials.group(2):
            password = credentials.group(2).partition(":")[2]
            from urllib.parse import unquote

            for form in (password, unquote(password)):
                if len(form) >= 4:
                    _known.add(form)


def redact(text: str) -> str:
    """The text without credentials, keys, passphrases, and without documents that server errors quote."""
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, MASK)
    text = _URI_CREDENTIALS.sub(rf"\1{MASK}@", text)
    text = _KEY_VALUE.sub(rf"\1\2{MASK}", text)
    return _SERVER_DOCUMENT.sub(rf"\1 {MASK}", text)
