"""What a dump holds, gathered entry by entry: names checked, kinds known, the rest named and left alone."""

from __future__ import annotations

from collections import Counter

from services.archive.metadata import kind_of, parse_metadata
from services.archive.model import ArchiveError, CollectionMetadata, Namespace, Prelude
from services.archive.names import Use, bucket_name, measured_name, printable, too_long, use_of
from services.profile import Limits

_NOTES: dict[Use, str] = {
    "users-and-roles": "Users and roles are in this dump; they are left alone.",
    "oplog": "The dump holds an oplog; it is not replayed.",
    "server": "The server's own collections in this dump are left alone: {names}.",
    "ours": "Quillkeep's own collections in this dump are left alone: {names}.",
}
_SHOWN = 5


class Contents:
    """Entries and data of one dump; `prelude()` once all are known.

    `ArchiveError` for names that are not allowed to exist, for two entries of one name, for too many of
    them and for metadata that cannot be read.
    """

    def __init__(self, *, limits: Limits, file: str = "") -> None:
        self._limits = limits
        self._file = file
        self._entries: dict[Namespace, CollectionMetadata] = {}
        self._uses: dict[Namespace, Use] = {}
        self._notes: list[str] = []

    def use(self, namespace: Namespace) -> Use:
        """How a name is used, checked once."""
        known = self._uses.get(namespace)
        if known is None:
            if len(self._uses) >= self._limits.max_members:
                raise self._wrong(f"at most {self._limits.max_members:,} collections", "more", namespace)
            known = self._uses[namespace] = use_of(namespace, file=self._file)
        return known

    def declare(self, namespace: Namespace, raw: str, kind: str) -> None:
        """One collection as the dump describes it; `kind` may be empty."""
        if namespace in self._entries:
            raise self._wrong("each collection once", "it a second time", namespace)
        use = self.use(namespace)
        if use in ("oplog", "users-and-roles", "server"):
            self._entries[namespace] = CollectionMetadata(namespace=namespace, raw=raw)
            return
        try:
            document = parse_metadata(raw)
        except ArchiveError as error:
            raise self._wrong(error.expected, error.found, namespace) from error
        written = document.get("type", "")
        known = kind_of(kind or (written if isinstance(written, str) else ""), document)
        if known is None:
            raise self._wrong(
                "the type collection, view or timeseries",
                printable(str(kind or written)) or "none",
                namespace,
            )
        self._entries[namespace] = CollectionMetadata(namespace=namespace, kind=known, raw=raw)

    def note(self, text: str) -> None:
        """A sentence for whoever restores."""
        self._notes.append(text)

    def names(self) -> list[Namespace]:
        """Everything declared."""
        return list(self._entries)

    def kind(self, namespace: Namespace) -> str:
        """The kind of a declared collection."""
        return self._entries[namespace].kind

    def owner(self, namespace: Namespace) -> Namespace | None:
        """The declared collection whose documents a namespace holds; None when there is none."""
        if namespace in self._entries:
            return namespace
        series = measured_name(namespace)
        entry = self._entries.get(series) if series is not None else None
        return series if entry is not None and entry.kind == "timeseries" else None

    def prelude(self, *, server_version: str = "", tool_version: str = "", concurrent: int = 1) -> Prelude:
        """Everything gathered so far, sorted by name."""
        loaded, left = [], []
        for namespace, entry in sorted(self._entries.items()):
            use = self._uses[namespace]
            if use == "buckets" and self.owner(measured_name(namespace) or namespace) is None:
                raise self._wrong("the time series that these buckets belong to", "none", namespace)
            if use == "load":
                loaded.append(entry)
            elif use != "buckets":
                left.append(namespace)
        return Prelude(
            collections=tuple(loaded),
            server_version=server_version,
            tool_version=tool_version,
            concurrent_collections=concurrent,
            left_alone=tuple(left),
            notes=tuple(self._sentences(loaded, left)),
        )

    def _sentences(self, loaded: list[CollectionMetadata], left: list[Namespace]) -> list[str]:
        notes = list(self._notes)
        counted = Counter(self._uses[namespace] for namespace in left)
        for use in counted:
            names = [printable(str(namespace)) for namespace in left if self._uses[namespace] == use]
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            notes.append(_NOTES[use].format(names=", ".join(names[:_SHOWN]) + more))
        notes += [
            f"{printable(str(entry.namespace))} is longer than the server allows."
            for entry in loaded
            if too_long(entry.namespace)
        ]
        return notes

    def data_names(self, namespace: Namespace) -> tuple[Namespace, ...]:
        """The names under which a declared collection's documents may come."""
        if self._entries[namespace].kind == "timeseries":
            return (namespace, bucket_name(namespace))
        return (namespace,)

    def _wrong(self, expected: str, found: str, namespace: Namespace) -> ArchiveError:
        return ArchiveError(expected, found=found, namespace=printable(str(namespace)), file=self._file)
