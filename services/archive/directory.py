"""A directory dump: the folder of one database, or the root above several, plain or gzip."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from services.archive.dumpfolder import MAX_METADATA, Assembly, DumpName, dump_name
from services.archive.model import ArchiveError, Block, End, Namespace, Prelude
from services.archive.names import OPLOG, printable
from services.archive.plain_data import plain_documents
from services.errors import QuillkeepError
from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.files import file_chunks
from services.streams.gzip import GZIP_MAGIC, gunzip
from services.streams.readahead import read_ahead


class _DataFile(msgspec.Struct, frozen=True):
    namespace: Namespace
    path: Path
    size: int
    compressed: bool


class DirectorySource:
    """A directory dump as a `DumpSource`; largest data file first."""

    sums = False

    def __init__(self, path: Path, *, limits: Limits) -> None:
        self._path = path.resolve()
        self._limits = limits
        self._consumed = 0
        self._known: tuple[Prelude, Assembly, list[_DataFile]] | None = None
        self.form = "directory"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was recognised and left alone."""
        return self.prelude().notes

    def prelude(self) -> Prelude:
        """Reads the folders and all metadata, once."""
        return self._scan()[0]

    def read(self, only: Sequence[Namespace] | None = None) -> Iterator[Block | End]:
        """One pass over every data file; see `DumpSource`."""
        prelude, assembly, files = self._scan()
        self._consumed = 0
        chosen = (
            frozenset(entry.namespace for entry in prelude.collections) if only is None else frozenset(only)
        )
        given = 0
        for file in files:
            owner = assembly.contents.owner(file.namespace)
            wanted = file.namespace in chosen or owner in chosen
            for data in self._documents(file):
                given += len(data)
                if given > self._limits.max_bytes:
                    raise ArchiveError(
                        f"at most {self._limits.max_bytes:,} bytes uncompressed",
                        found="more: it may be a bomb",
                        namespace=printable(str(file.namespace)),
                        file=self._path.name,
                    )
                if wanted:
                    yield Block(file.namespace, data)
            if wanted:
                yield End(file.namespace, None)
        for entry in prelude.collections:
            if entry.kind == "view" and entry.namespace in chosen:
                yield End(entry.namespace, None)

    def bytes_read(self) -> int:
        """Bytes of the data files consumed so far."""
        return self._consumed

    def total_bytes(self) -> int:
        """Bytes of all data files."""
        return sum(file.size for file in self._scan()[2])

    def _advance(self, size: int) -> None:
        self._consumed += size

    def _documents(self, file: _DataFile) -> Iterator[memoryview]:
        chunks = file_chunks(file.path, advance=self._advance, follow=False)
        stream = read_ahead(gunzip(chunks, limits=self._limits) if file.compressed else chunks)
        internal = file.namespace == OPLOG or file.namespace.database == "local"
        try:
            yield from plain_documents(
                stream, file.namespace, internal=internal, file=str(file.path.relative_to(self._path))
            )
        finally:
            stream.close()

    def _scan(self) -> tuple[Prelude, Assembly, list[_DataFile]]:
        if self._known is None:
            try:
                self._known = self._read_folders()
            except PermissionError as error:
                raise QuillkeepError(
                    f"No permission to read {error.filename}.", cause=error.strerror or ""
                ) from error
            except OSError as error:
                raise QuillkeepError(f"{self._path} cannot be read.", cause=error.strerror or "") from error
        return self._known

    def _read_folders(self) -> tuple[Prelude, Assembly, list[_DataFile]]:
        assembly = Assembly(limits=self._limits, file=self._path.name)
        found: list[tuple[str, DumpName, os.DirEntry[str]]] = []
        top = list(self._entries(self._path))
        direct = any(
            not entry.is_dir()
            and dump_name(entry.name).role in ("data", "metadata")
            and entry.name != "oplog.bson"
            for entry in top
        )
        oplog: os.DirEntry[str] | None = None
        for entry in top:
            name = dump_name(entry.name)
            if entry.is_dir():
                if direct:
                    assembly.add_other(entry.name + "/")
                else:
                    found += self._database_files(entry, assembly)
            elif entry.name == "oplog.bson" and not direct:
                oplog = entry
            else:
                found.append((self._path.name if direct else "", name, entry))
        if direct and not any(name.role == "prelude" for _, name, _ in found):
            self._parent_versions(assembly)
        return self._assemble(assembly, found, oplog)

    def _database_files(
        self, folder: os.DirEntry[str], assembly: Assembly
    ) -> list[tuple[str, DumpName, os.DirEntry[str]]]:
        inside = [(folder.name, dump_name(entry.name), entry) for entry in self._entries(Path(folder.path))]
        if not any(name.role in ("data", "metadata") for _, name, _ in inside):
            assembly.add_other(folder.name + "/")
            return []
        return inside

    def _assemble(
        self,
        assembly: Assembly,
        found: list[tuple[str, DumpName, os.DirEntry[str]]],
        oplog: os.DirEntry[str] | None,
    ) -> tuple[Prelude, Assembly, list[_DataFile]]:
        waiting: list[tuple[str, DumpName, os.DirEntry[str]]] = []
        compressed = False
        for database, name, entry in found:
            shown = os.path.relpath(entry.path, self._path)
            if name.role == "other" or entry.is_dir():
                assembly.add_other(shown)
                continue
            compressed = compressed or name.compressed
            if name.role == "prelude":
                assembly.add_versions(self._small(entry, compressed=name.compressed))
            elif name.role == "metadata":
                assembly.add_metadata(database, name.stem, self._small(entry, compressed=name.compressed))
            else:
                assembly.add_data(database, name.stem, shown)
                waiting.append((database, name, entry))
        if oplog is not None:
            assembly.add_oplog()
        prelude = assembly.finish()
        files = [
            _DataFile(
                assembly.name(database, name.stem), Path(entry.path), entry.stat().st_size, name.compressed
            )
            for database, name, entry in waiting
        ]
        if oplog is not None:
            files.append(
                _DataFile(OPLOG, Path(oplog.path), oplog.stat().st_size, _begins_like_gzip(Path(oplog.path)))
            )
        files.sort(key=lambda file: (-file.size, file.namespace))
        self.form = "directory.gz" if compressed else "directory"
        return prelude, assembly, files

    def _entries(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= 2 * self._limits.max_members:
                    raise ArchiveError(
                        f"at most {self._limits.max_members:,} collections", found="more files"
                    )
                mode = entry.stat(follow_symlinks=False).st_mode
                if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    kind = "the symbolic link" if stat.S_ISLNK(mode) else "the special file"
                    raise ArchiveError(
                        "regular files and folders only",
                        found=f"{kind} {printable(entry.name)}",
                        file=self._path.name,
                        next="Replace it by what it points at, if you know where that came from.",
                    )
                yield entry

    def _parent_versions(self, assembly: Assembly) -> None:
        """A dump of several databases keeps its prelude.json above them."""
        for name in ("prelude.json", "prelude.json.gz"):
            beside = self._path.parent / name
            if beside.is_file() and not beside.is_symlink():
                chunks = file_chunks(beside, advance=self._advance, follow=False)
                assembly.add_versions(self._joined(beside.name, chunks, compressed=name.endswith(".gz")))

    def _small(self, entry: os.DirEntry[str], *, compressed: bool) -> bytes:
        if entry.stat().st_size == 0:
            return b""
        chunks = file_chunks(Path(entry.path), advance=self._advance, follow=False)
        return self._joined(entry.name, chunks, compressed=compressed)

    def _joined(self, name: str, chunks: Iterator[bytes], *, compressed: bool) -> bytes:
        found = b""
        try:
            for chunk in gunzip(chunks, limits=self._limits) if compressed else chunks:
                found += chunk
                if len(found) > MAX_METADATA:
                    raise StreamError(f"at most {MAX_METADATA:,} bytes", found="more")
        except StreamError as error:
            raise ArchiveError(error.expected, found=error.found, file=printable(name)) from error
        return found


def _begins_like_gzip(path: Path) -> bool:
    """mongodump compresses oplog.bson without renaming it."""
    with path.open("rb") as stream:
        return stream.read(2) == GZIP_MAGIC
