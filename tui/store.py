"""What the console knows right now: settings, the newest answer of every look, and the jobs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from services.catalog.model import Backup
from services.catalog.scan import Catalog
from services.errors import QuillkeepError
from services.profile import Profile
from services.redact import redact, remember
from services.secret import Secret
from tui.backend import Backend
from tui.bridge import apart

if TYPE_CHECKING:
    from services.demo.breaking import Breakable
    from services.jobs.launch import StartedJob
    from services.jobs.listing import JobSummary
    from services.settings.resolve import Settings

T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error as a screen shows it."""

    what: str
    cause: str = ""
    touched: str = ""
    next: str = ""

    @classmethod
    def of(cls, error: QuillkeepError) -> Problem:
        """The error's four sentences, without the credentials a driver may have put into them."""
        return cls(**{name: redact(text) for name, text in error.as_dict().items()})


class Looked(Generic[T]):
    """The newest answer of a look, when it was asked for and when it came; an old answer stays until a new one."""

    __slots__ = ("answered", "asked", "problem", "value")

    def __init__(self) -> None:
        self.value: T | None = None
        self.problem: Problem | None = None
        self.asked: datetime | None = None
        self.answered: datetime | None = None

    @property
    def waiting(self) -> bool:
        """Whether an answer is still to come; `asked` is since when."""
        return self.asked is not None and (self.answered is None or self.answered < self.asked)

    @property
    def known(self) -> bool:
        """Whether there was an answer or a problem."""
        return self.value is not None or self.problem is not None


class Store:
    """One per console. `changed` is called with the topic: a look's name, `jobs` or `profile`."""

    def __init__(
        self,
        backend: Backend,
        profile: Profile,
        *,
        settings: Settings | None = None,
        problem: Problem | None = None,
        demo: Breakable | None = None,
        hint: str = "",
    ) -> None:
        self.backend = backend
        self.profile = profile
        self.demo = demo
        self.hint = hint
        """What Health and the first notice say to somebody who opened the demo."""
        self.settings = settings
        self.settings_problem = problem
        self.jobs: Looked[list[JobSummary]] = Looked()
        self.changed: Callable[[str], None] = lambda topic: None
        self.marked: Backup | None = None
        """The backup that waits for a second one to be compared with."""
        self.shown: set[str] = set()
        """Jobs whose end was shown: none of them is taken up once more while the list of jobs lags."""
        self._looks: dict[str, Looked[Any]] = {}

    def looked(self, name: str) -> Looked[Any]:
        """The state of a look by name."""
        return self._looks.setdefault(name, Looked())

    @property
    def catalog(self) -> Looked[Catalog]:
        """Every backup of every location."""
        return self.looked("catalog")

    @property
    def running(self) -> list[JobSummary]:
        """The jobs that run on this host now, newest first."""
        return [job for job in self.jobs.value or () if job.state in ("running", "cancelling")]

    def set_profile(self, profile: Profile, settings: Settings | None = None) -> None:
        """Another deployment: whatever was looked up of the last one is forgotten."""
        self.profile = profile
        self.settings = settings or self.settings
        self._looks.clear()
        self.marked = None
        self.changed("profile")

    def make_read_only(self) -> None:
        """From here on every job is started READ-ONLY; nothing turns it off again."""
        self.profile = msgspec.structs.replace(self.profile, read_only=True)
        self.changed("profile")

    def keep_passphrase(self, passphrase: Secret) -> None:
        """Opens encrypted backups from here on; it lies in memory alone, and no screen or log shows it."""
        remember(passphrase)
        self.profile = msgspec.structs.replace(self.profile, passphrase=passphrase)

    async def refresh(self, name: str, request: msgspec.Struct | None = None) -> None:
        """Looks again; one that is already under way is waited for by nobody and not asked twice."""
        looked = self.looked(name)
        if looked.waiting:
            return
        profile = self.profile
        await self._fill(name, looked, lambda: self.backend.look(name, profile, request))

    async def refresh_jobs(self) -> None:
        """Reads the heads and tails of the journals."""
        if not self.jobs.waiting:
            await self._fill("jobs", self.jobs, self.backend.list_jobs, quiet=True)

    async def start_job(self, verb: str, plan: msgspec.Struct) -> StartedJob:
        """Starts a job for the profile in hand. Errors: `QuillkeepError`."""
        started = await apart(self.backend.start_job, verb, plan, self.profile)
        await self.refresh_jobs()
        return started

    async def _fill(
        self, topic: str, looked: Looked[Any], ask: Callable[[], Any], *, quiet: bool = False
    ) -> None:
        """Asks, and tells of the beginning and the end; when `quiet`, only of another answer than the last."""
        looked.asked = self.backend.now()
        if not quiet:
            self.changed(topic)
        before = (looked.value, looked.problem, looked.known)
        try:
            value = await apart(ask)
        except QuillkeepError as error:
            looked.problem = Problem.of(error)
        else:
            looked.value, looked.problem = value, None
        finally:
            if looked.answered is None or looked.answered < looked.asked:
                looked.answered = self.backend.now()
        if not quiet or (looked.value, looked.problem, looked.known) != before:
            self.changed(topic)
