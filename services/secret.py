"""A value that must never be seen: it prints as `set`, and leaves the process only over a pipe."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Secret:
    """A password, key or URI; `reveal()` is the only way to its text."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret's text, for a driver's constructor and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(set)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Secret is not pickled")


def _reveal(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"cannot encode {type(value).__name__}")


def _conceal(kind: type, value: Any) -> Any:
    if kind is Secret:
        return Secret(value)
    raise TypeError(f"cannot decode {kind.__name__}")


def encode_for_pipe(value: Any) -> bytes:
    """JSON with every secret in clear, only ever written to a pipe to our own child process."""
    return msgspec.json.encode(value, enc_hook=_reveal)


def decode_from_pipe(data: bytes, kind: type[T]) -> T:
    """The other end of `encode_for_pipe`."""
    return msgspec.json.decode(data, type=kind, dec_hook=_conceal)
