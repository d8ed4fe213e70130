"""The one redactor: what goes into exceptions, logs, journals and screens loses its secrets here."""

from __future__ import annotations

import re

from services.secret import Secret

MASK = "***"
HIDDEN = "(not shown)"
"""What stands for a value that is never shown; beside the name of a secret it stays as it is."""
PUBLIC_WORDS = frozenset(
    {"quilltap", "quillkeep", "quilltap-files", "mongodb", "minioadmin", "admin", "root"}
)
"""Passwords and keys of compose files that are also names of things: hiding them would hide databases and
backups. Beside a key name or in a URI they are hidden like any other."""
_known: set[str] = set()

_URI_CREDENTIALS = re.compile(r"\b([a-z][a-z0-9+.-]*://)([^/\s@]+)@", re.IGNORECASE)
_KEY_VALUE = re.compile(
    r"(?i)\b((?:aws_|s3_)?(?:secret|access)_?(?:access_?)?key(?:_?id)?|password|passwd|passphrase|pepper|"
    r"encryption_master_pepper|(?<=[?&])api[-_]?key|token|authorization|x-amz-signature|x-amz-credential|signature)"
    r"([\"']?\s*[:=]\s*[\"']?)([^\s\"',;&}]+)"
)
_SENTENCE = re.compile(r"(?:ok|warn|fail|skipped|unknown)(?![\w+/=.-])|[A-Z][a-z]{0,13} [a-z]+[ ,.;:]")
"""How what is said of the pepper begins: with a check's status, or as a sentence does."""
_HIDDEN = re.compile(re.escape(HIDDEN) + r"(?=[\"',;}\]]|$)")
_AWS_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_PASSWORD_HASH = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")
_SERVER_DOCUMENT = re.compile(
    r"(dup key|to execute command|Document failed validation|full error|keyValue|errInfo)(['\"]?[:\s]*)\{.*",
    re.DOTALL,
)


def remember(*secrets: Secret | None) -> None:
    """Makes these values, and the password inside a URI, unprintable for the rest of the process."""
    for secret in secrets:
        if secret is None:
            continue
        value = secret.reveal().strip()
        _remember_text(value)
        scheme, separator, rest = value.partition("://")
        if separator and scheme.startswith("mongodb"):
            # The last @ before the query ends the credentials, however badly they are escaped.
            credentials = rest.partition("?")[0].rpartition("@")[0]
        else:
            found = _URI_CREDENTIALS.search(value)
            credentials = found.group(2) if found else ""
        if ":" in credentials:
            from urllib.parse import unquote

            password = credentials.partition(":")[2]
            _remember_text(password)
            _remember_text(unquote(password))


def _remember_text(value: str) -> None:
    if len(value) < 4 or value.lower() in PUBLIC_WORDS:
        return
    from urllib.parse import quote

    _known.update({value, quote(value, safe=""), value.replace("\\", "\\\\").replace('"', '\\"')})


def redact(text: str) -> str:
    """The text without credentials, keys, passphrases, and without documents that server errors quote."""
    for value in sorted(_known, key=len, reverse=True):
        if value not in text:
            continue
        if len(value) < 8:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", MASK, text)
        else:
            text = text.replace(value, MASK)
    text = _URI_CREDENTIALS.sub(rf"\1{MASK}@", text)
    text = _KEY_VALUE.sub(_without_value, text)
    text = _AWS_KEY_ID.sub(MASK, text)
    text = _PASSWORD_HASH.sub(MASK, text)
    return _SERVER_DOCUMENT.sub(rf"\1 {MASK}", text)


def _without_value(match: re.Match[str]) -> str:
    name, between, _ = match.groups()
    # `pepper` is a check, too: `pepper: No pepper is configured.` gives nothing away. A pepper has 32 characters
    # or more, and what stands in quotes or after a `=` is never a sentence.
    said = name == "pepper" and between in (": ", ":  ") and _SENTENCE.match(match.string, match.start(3))
    hidden = _HIDDEN.match(match.string, match.start(3))
    return match.group(0) if said or hidden else f"{name}{between}{MASK}"


def redact_values(text: str) -> str:
    """The text without remembered secrets of 12 characters and more, and otherwise as it is.

    For facts that are read back, such as names and keys in checkpoints, which `redact` might mistake.
    """
    for value in sorted(_known, key=len, reverse=True):
        if len(value) >= 12:
            text = text.replace(value, MASK)
    return text
