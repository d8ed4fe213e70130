"""What a byte pipeline raises when the bytes are not what they claim to be."""

from __future__ import annotations


class StreamError(Exception):
    """A layer below the documents is damaged: what was expected, what was found instead.

    `offset` counts bytes of the layer that failed, from its start; None where it means nothing. `layer`
    names a layer of encryption, empty for what lies above it.
    """

    def __init__(self, expected: str, *, found: str = "", offset: int | None = None, layer: str = "") -> None:
        super().__init__(f"expected {expected}" + (f", found {found}" if found else ""))
        self.expected = expected
        self.found = found
        self.offset = offset
        self.layer = layer
