"""Ids and values of documents as text: Extended JSON, cut, and never what is under a secret field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.comparing.fields import Value
from services.comparing.identity import id_of
from services.quilltap import stored_name
from services.quilltap.secret_fields import is_secret_name, masked
from services.redact import redact

ID_CHARACTERS = 200
VALUE_CHARACTERS = 200
DECODED_BYTES = 64 << 10
"""Larger values are told by their size."""
OAUTH = "accounts"
_OPEN_OF_OAUTH = frozenset({"_id", "id", "userId", "type", "provider", "createdAt", "updatedAt"})
"""All that is shown of the collection that holds OAuth tokens in clear."""
STRING = 2
NO_ID = "(no _id)"


def shown_id(raw: bytes) -> str:
    """The `_id` of a raw document as relaxed Extended JSON."""
    found = id_of(raw)
    return NO_ID if found is None else _cut(_json(raw, found), ID_CHARACTERS)


def own_id(raw: bytes, collection: str) -> str:
    """The application's own `id`, by which documents refer to each other; empty without one.

    Of messages, which have none, it is their chat's: by that the application and every finding name them.
    """
    from services.archive.elements import NotBson, elements

    wanted = b"chatId\0" if stored_name(collection) == "chat_messages" else b"id\0"
    try:
        for kind, name, value, end in elements(raw):
            if kind == STRING and raw.startswith(wanted, name):
                return _cut(raw[value + 4 : end - 1].decode("utf-8", "replace"), ID_CHARACTERS)
    except NotBson:
        return ""
    return ""


def is_hidden(collection: str, names: Sequence[str]) -> bool:
    """Whether a field's value is never shown: by any name on its path, and all of OAuth's."""
    if any(is_secret_name(name) for name in names):
        return True
    return collection == OAUTH and bool(names) and names[0] not in _OPEN_OF_OAUTH


def shown_value(raw: bytes, value: Value) -> str:
    """A value that is not hidden, as relaxed Extended JSON; secret fields within it are masked."""
    kind, start, end = value
    if kind == STRING:
        text = raw[start + 4 : min(end - 1, start + 4 + 4 * VALUE_CHARACTERS)].decode("utf-8", "replace")
        cut = end - start - 5 > 4 * VALUE_CHARACTERS or len(text) > VALUE_CHARACTERS
        import json

        shown = json.dumps(redact(text)[:VALUE_CHARACTERS], ensure_ascii=False)
        return f"{shown} … ({end - start - 5:,} bytes)" if cut else shown
    if end - start > DECODED_BYTES:
        return f"({end - start:,} bytes)"
    return _cut(redact(_json(raw, value)), VALUE_CHARACTERS)


def _json(raw: bytes, value: Value) -> str:
    from bson import CodecOptions, decode
    from bson.codec_options import DatetimeConversion
    from bson.errors import BSONError
    from bson.json_util import RELAXED_JSON_OPTIONS, dumps

    kind, start, end = value
    body = bytes([kind]) + b"v\0" + raw[start:end] + b"\0"
    options: CodecOptions[dict[str, Any]] = CodecOptions(
        unicode_decode_error_handler="replace", datetime_conversion=DatetimeConversion.DATETIME_AUTO
    )
    try:
        found = decode((len(body) + 4).to_bytes(4, "little") + body, options)["v"]
        return dumps(masked(found), json_options=RELAXED_JSON_OPTIONS, ensure_ascii=False)
    except (BSONError, ValueError, OverflowError, RecursionError):
        return f"({end - start:,} bytes that cannot be shown)"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + " …"
