"""A key as bytes and back, and as it can be printed: a file name that is no text is a key of some backups, too."""

from __future__ import annotations

from services.catalog.naming import printable


def key_bytes(key: str) -> bytes:
    """A key as the bytes it is sorted by."""
    return key.encode("utf-8", "surrogatepass")


def key_text(data: bytes) -> str:
    """The key of `key_bytes` again."""
    return data.decode("utf-8", "surrogatepass")


def shown_key(key: str) -> str:
    """A key that can be printed and written as JSON: what of it is no text as `\\xNN`, the rest as it is."""
    if key.isascii() or not any("\ud800" <= char <= "\udfff" for char in key):
        return key
    return printable(key)
