"""The objects of one side of a comparison: an object manifest, a foreign folder or tar, or the live bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from services.catalog.model import Backup
from services.jobs.context import JobContext
from services.objects.keys import is_our_key
from services.objects.source import ObjectsSource, SourceEntry, entry_of, open_objects
from services.passphrase import key_of


class ObjectsSide:
    """`where` in words; `source` where the side knows no sums and its bytes can be read; `is_md5` of a bucket."""

    def __init__(
        self,
        where: str,
        entries: Callable[[], Iterator[SourceEntry]],
        *,
        source: ObjectsSource | None = None,
        is_md5: Callable[[str], bool] | None = None,
    ) -> None:
        self.where = where
        self.entries = entries
        self.source = source
        self.is_md5 = is_md5


def open_side(side: Backup | None, ctx: JobContext) -> ObjectsSide:
    """Opens one side; None is the live bucket. Errors: `QuillkeepError`."""
    if side is None:
        return _live(ctx)
    path, lines = side.objects_path, side.objects_list
    assert path is not None
    prefix = ctx.profile.bucket.prefix if ctx.profile.bucket else ""
    if side.kind == "quillkeep" and lines is not None:
        from services.objects.manifest import read_lines

        return ObjectsSide(
            f"the objects of {side.id}", lambda: (entry_of(line) for line in read_lines(lines))
        )
    source = open_objects(path, limits=ctx.profile.limits, scratch=ctx.folder, key=key_of(ctx.profile))
    return ObjectsSide(
        f"the objects of {side.id}",
        lambda: (entry for entry in source.entries() if not is_our_key(entry.key, prefix)),
        source=source,
    )


def _live(ctx: JobContext) -> ObjectsSide:
    from services.objects.bucket import open_bucket
    from services.objects.failures import StoreError

    assert ctx.profile.bucket is not None
    bucket = open_bucket(ctx.profile.bucket, check=ctx.check, say=ctx.log)

    def entries() -> Iterator[SourceEntry]:
        for info in bucket.list():
            yield SourceEntry(key=info.key, size=info.size, etag=info.etag)

    def is_md5(key: str) -> bool:
        try:
            return bucket.etag_is_md5(key)
        except StoreError:
            # Gone or forbidden since it was listed: its ETag then proves nothing.
            return False

    return ObjectsSide(f"the bucket {bucket.name}", entries, is_md5=is_md5)
