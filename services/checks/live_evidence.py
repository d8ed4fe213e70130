"""What the checks of live data look at, gathered once: the server's answers, one pass over the documents, backups."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from services.errors import Cancelled, QuillkeepError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.jobs.context import JobContext
    from services.pairs.model import PairsResult
    from services.pepper.model import PepperResult
    from services.recovery.session import Session
    from services.references.model import ReferencesResult
    from services.validating.live import Live


class LiveEvidence:
    """The live database's evidence; each piece is gathered when a check first asks for it, and kept.

    `chosen` are collections, () for all; `full` is the server's own validation's depth.
    """

    def __init__(
        self, ctx: JobContext, session: Session, *, chosen: Sequence[str] = (), full: bool = False
    ) -> None:
        self.ctx = ctx
        self._session = session
        self._chosen = tuple(chosen)
        self._full = full

    @cached_property
    def live(self) -> Live:
        """The validation. Errors: `UsageProblem` for a collection that does not exist."""
        from services.validating.live import Live

        return Live(self.ctx, self._session, chosen=self._chosen, full=self._full)

    @cached_property
    def references(self) -> ReferencesResult | None:
        """The references between documents, as the one pass saw them; None when none of it was read."""
        import msgspec

        result = self.live.seen.references
        if not result.documents:
            return None
        return msgspec.structs.replace(result, findings=self.live.told(self.live.references))

    @cached_property
    def pairs(self) -> PairsResult | QuillkeepError:
        """The live rows against the live objects, by listings; or why that could not be told."""
        from services.operations.pairs import PairsPlan, pairs

        try:
            return pairs(PairsPlan(), self.ctx)
        except Cancelled:
            raise
        except QuillkeepError as error:
            return error

    @cached_property
    def pepper(self) -> PepperResult | QuillkeepError:
        """What the configured pepper opens of the live values; or why that could not be told."""
        from services.operations.pepper_check import PepperPlan, pepper_check

        try:
            return pepper_check(PepperPlan(), self.ctx)
        except Cancelled:
            raise
        except QuillkeepError as error:
            return error
