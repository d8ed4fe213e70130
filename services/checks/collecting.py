"""What the data checks of a backup learn in the one pass over its archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.archive.collect import Collecting, Collector
from services.catalog.manifest import Manifest
from services.errors import Cancelled, QuillkeepError

if TYPE_CHECKING:
    from services.checks.evidence import Evidence
    from services.objects.source import SourceEntry
    from services.pairs.collector import PairsCollector
    from services.pairs.model import PairsResult
    from services.pepper.check import PepperCollector
    from services.pepper.model import PepperResult


class DataCollectors:
    """The collectors of one run, hung into the pass as `collecting`; asked for their results after it."""

    def __init__(self, evidence: Evidence) -> None:
        from services.pepper.check import PepperCollector

        self._evidence = evidence
        profile = evidence.ctx.profile if evidence.ctx is not None else None
        self._pepper: PepperCollector = PepperCollector()
        collectors: list[Collector] = [self._pepper]
        manifest = evidence.manifest if evidence.ours else None
        self._pairs: PairsCollector | None = None
        if evidence.ctx is not None and "objects" in evidence.backup.parts:
            from services.pairs.of_backup import pairs_collector

            self._pairs = pairs_collector(
                evidence.ctx, evidence.backup, manifest if isinstance(manifest, Manifest) else None
            )
            collectors.append(self._pairs)
        self.collecting = Collecting(
            collectors,
            database=manifest.database if isinstance(manifest, Manifest) else None,
            preferred=profile.mongo.database if profile is not None and profile.mongo is not None else "",
        )

    def take_object(self, entry: SourceEntry) -> None:
        """One object of a foreign backup, as its own check reads it."""
        if self._pairs is not None:
            self._pairs.add_object(entry)

    def pepper(self) -> PepperResult | QuillkeepError:
        """What the configured pepper opens of a few values of the backup."""
        evidence = self._evidence
        failure = self._failure(self._pepper)
        if failure is not None:
            return failure
        manifest = evidence.manifest if evidence.ours else None
        return self._pepper.result(
            evidence.ctx.profile.pepper if evidence.ctx is not None else None,
            entry=manifest.pepper if isinstance(manifest, Manifest) else None,
            target=evidence.backup.id,
            check=evidence.check,
        )

    def pairs(self) -> PairsResult | QuillkeepError | None:
        """The rows of the backup against its own objects; None where nobody gathered any."""
        evidence = self._evidence
        if self._pairs is None or evidence.ctx is None:
            return None
        if isinstance(evidence.objects, Exception):
            from services.checks.data import NotLooked

            return NotLooked("The pairs were not looked at: the objects could not be read to their end.")
        if (failure := self._failure(self._pairs)) is not None:
            return failure
        from services.pairs.of_backup import pairs_of_backup

        manifest = evidence.manifest if evidence.ours else None
        walked = evidence.walked
        assert not isinstance(walked, Exception)
        # Of a tar it is known only now, where no wanted document came.
        self.collecting.choose(entry.namespace.database for entry in walked.prelude.collections)
        names = {
            namespace.collection
            for namespace in walked.collections
            if namespace.database == self.collecting.database
        }
        try:
            return pairs_of_backup(
                self._pairs,
                evidence.backup,
                evidence.ctx,
                manifest if isinstance(manifest, Manifest) else None,
                names,
                evidence.objects_lines,
                check=evidence.check,
            )
        except Cancelled:
            raise
        except QuillkeepError as error:
            return error
        except OSError as error:
            return QuillkeepError(
                f"The objects of {evidence.backup.id} could not be listed.",
                cause=error.strerror or str(error),
                next="Look at the disk or the mount, then verify again.",
            )

    def _failure(self, collector: Collector) -> QuillkeepError | None:
        error = self.collecting.failure_of(collector)
        if isinstance(error, QuillkeepError):
            return error
        if error is not None:
            return QuillkeepError(f"They could not be gathered: {type(error).__name__}: {error}")
        if self.collecting.ambiguous:
            names = ", ".join(sorted(self.collecting.ambiguous))
            return QuillkeepError(
                f"The dump holds several databases, and which one is the application's is not known: {names}."
            )
        return None
