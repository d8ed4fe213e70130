"""A tar of a directory dump, with or without folders above it, read as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from services.archive.archive_source import ByteSource
from services.archive.dumpfolder import MAX_METADATA, Assembly, dump_name, is_long
from services.archive.model import ArchiveError, Block, End, Namespace, Prelude, of_stream
from services.archive.names import measured_name, printable
from services.archive.plain_data import plain_documents
from services.errors import Refused
from services.profile import Limits
from services.streams.errors import StreamError
from services.streams.gzip import GZIP_MAGIC, gunzip
from services.streams.tar import TarMember, TarReader


class TarSource:
    """A `DumpSource` over a tar. Descriptions lie anywhere in it: `prelude()` takes a pass of its own.

    `read()` does without that pass while nobody asked for the prelude; it then yields a root's oplog.bson as a
    collection, which the prelude afterwards does not know, and finds out about wrong names at the end.
    """

    sums = False

    def __init__(self, source: ByteSource, *, compressed: bool, limits: Limits) -> None:
        self.form = "tar.gz" if compressed else "tar"
        self._source = source
        self._compressed = compressed
        self._limits = limits
        self._known: tuple[Prelude, Assembly] | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was recognised and left alone."""
        return self.prelude().notes

    def prelude(self) -> Prelude:
        """One pass, unless a `read()` has ended already; `Refused` for a pipe before that."""
        return self._survey()[0]

    def _survey(self) -> tuple[Prelude, Assembly]:
        if self._known is None:
            if not self._source.again:
                raise Refused(
                    "What a tar holds is known at its end only, and a pipe is read once.",
                    next="Write the tar to a file and give that.",
                )
            survey = TarSource(self._source.untapped(), compressed=self._compressed, limits=self._limits)
            for _ in survey._pass(frozenset(), descriptions_only=True):
                pass
            self._known = survey._known
        assert self._known is not None
        return self._known

    def read(self, only: Sequence[Namespace] | None = None) -> Iterator[Block | End]:
        """One pass over every member; see `DumpSource`."""
        chosen = None if only is None else frozenset(only)
        if only is None and self._known is not None:
            chosen = frozenset(entry.namespace for entry in self._known[0].collections)
        return self._pass(chosen)

    def bytes_read(self) -> int:
        """Bytes of the file consumed so far."""
        return self._source.consumed

    def total_bytes(self) -> int:
        """Bytes of the file, 0 for a pipe."""
        return self._source.size()

    def _pass(
        self, chosen: frozenset[Namespace] | None, *, descriptions_only: bool = False
    ) -> Iterator[Block | End]:
        """Every member once; None chooses everything that is a data file."""
        assembly = Assembly(limits=self._limits, file=self._source.name)
        chunks = self._source.uncompressed(compressed=self._compressed, limits=self._limits)
        folders: dict[str, str] = {}
        try:
            reader = TarReader(chunks, limits=self._limits)
            for member in reader:
                if member.folder:
                    continue
                if descriptions_only and dump_name(member.name).role == "data":
                    self._add_data(member, assembly, folders)
                else:
                    yield from self._member(member, reader, assembly, folders, chosen)
        except StreamError as error:
            raise of_stream(error, offset=error.offset, file=self._source.name) from error
        finally:
            chunks.close()
        if not folders:
            raise ArchiveError(
                "a tar of a folder that mongodump wrote", found="no .bson file in it", file=self._source.name
            )
        prelude = assembly.finish()
        self._known = (prelude, assembly)
        for entry in prelude.collections:
            if entry.kind == "view" and (chosen is None or entry.namespace in chosen):
                yield End(entry.namespace, None)

    def _member(
        self,
        member: TarMember,
        reader: TarReader,
        assembly: Assembly,
        folders: dict[str, str],
        chosen: frozenset[Namespace] | None,
    ) -> Iterator[Block | End]:
        database, file = _placed(member)
        name = dump_name(file)
        if name.role == "other":
            assembly.add_other(member.name)
        elif name.role == "prelude":
            assembly.add_versions(self._small(reader, member, compressed=name.compressed))
        elif name.role == "metadata":
            self._one_dump(database, member, folders)
            assembly.add_metadata(
                database, name.stem, self._small(reader, member, compressed=name.compressed)
            )
        else:
            self._add_data(member, assembly, folders)
            body = reader.body()
            if name.stem == "oplog":
                namespace, body = Namespace(database, "oplog"), _below_gzip(body, self._limits)
            else:
                known = not is_long(name.stem) or assembly.has_metadata(database, name.stem)
                named = assembly if known else self._survey()[1]
                namespace = named.name(database, name.stem)
                body = gunzip(body, limits=self._limits) if name.compressed else body
            yield from self._data(namespace, body, member, chosen)

    def _add_data(self, member: TarMember, assembly: Assembly, folders: dict[str, str]) -> None:
        database, file = _placed(member)
        stem = dump_name(file).stem
        if stem != "oplog":
            self._one_dump(database, member, folders)
        assembly.add_data(database, stem, member.name)

    def _one_dump(self, database: str, member: TarMember, folders: dict[str, str]) -> None:
        """Files of one database come from one folder; two dumps in one tar cannot be told apart."""
        folder = member.name.rpartition("/")[0]
        if not database:
            raise ArchiveError(
                "a folder named after the database in the tar",
                found="dump files at its top",
                file=self._source.name,
                next="Unpack it into a folder named after the database and give that.",
            )
        if folders.setdefault(database, folder) != folder:
            raise ArchiveError(
                "one dump in the tar",
                found=f"{printable(database)} in {printable(folders[database])} and in {printable(folder)}",
                file=self._source.name,
                next="Unpack it and give the folder of one dump.",
            )

    def _data(
        self,
        namespace: Namespace,
        chunks: Iterator[bytes],
        member: TarMember,
        chosen: frozenset[Namespace] | None,
    ) -> Iterator[Block | End]:
        wanted = chosen is None or namespace in chosen or measured_name(namespace) in chosen
        internal = namespace.collection == "oplog" or namespace.database == "local"
        for data in plain_documents(chunks, namespace, internal=internal, file=member.name):
            if wanted:
                yield Block(namespace, data)
        if wanted:
            yield End(namespace, None)

    def _small(self, reader: TarReader, member: TarMember, *, compressed: bool) -> bytes:
        if not member.size:
            return b""
        found = b""
        for chunk in gunzip(reader.body(), limits=self._limits) if compressed else reader.body():
            found += chunk
            if len(found) > MAX_METADATA:
                raise StreamError(f"{printable(member.name)} of at most {MAX_METADATA:,} bytes", found="more")
        return found


def _placed(member: TarMember) -> tuple[str, str]:
    """(name of the folder a file lies in, its own name)."""
    folder, _, file = member.name.rpartition("/")
    return folder.rpartition("/")[2], file


def _below_gzip(body: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    """mongodump compresses oplog.bson without renaming it."""
    first = next(body, b"")
    whole = chain([first], body) if first else iter(())
    return gunzip(whole, limits=limits) if first.startswith(GZIP_MAGIC) else whole
