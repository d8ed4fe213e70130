"""The terminal's driver: a terminal that is gone ends the console instead of blocking or spinning it."""

from __future__ import annotations

import contextlib
import select
import sys
import termios
import threading
from collections.abc import Callable
from typing import IO, Any

from textual.drivers import linux_driver
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

ALTERNATE_SCREEN = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The alternate screen without a cursor, without line wrap."""


class ConsoleWriter(WriterThread):
    """Writes as long as somebody reads; afterwards it takes everything and keeps nothing.

    Textual's own thread dies at the first error, its queue fills, and the event loop waits for it for ever.
    """

    def __init__(self, file: IO[str]) -> None:
        super().__init__(file)
        self._when_free: Callable[[], object] | None = None

    def run(self) -> None:
        """Runs the thread."""
        reading = True
        while (text := self._queue.get()) is not None:
            if reading:
                try:
                    self._file.write(text)
                    if self._queue.empty():
                        self._file.flush()
                except (OSError, ValueError):
                    reading = False
            self._queue.task_done()
            self._tell_free()
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()

    def when_free(self, call: Callable[[], object]) -> bool:
        """True when everything is written; otherwise `call` is called, in this thread, as soon as it is."""
        with self._queue.mutex:
            if not self._queue.unfinished_tasks:
                return True
            self._when_free = call
            return False

    def _tell_free(self) -> None:
        with self._queue.mutex:
            if self._queue.unfinished_tasks:
                return
            call, self._when_free = self._when_free, None
        if call is not None:
            call()


class ConsoleDriver(LinuxDriver):
    """Textual's driver for Linux, with `gone` called once when the terminal hangs up."""

    gone: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sys.__stdout__ is not None and sys.__stderr__ is not None and not sys.__stderr__.isatty():
            # `quillkeep 2>FILE`: the screen would be drawn into the file.
            self._file = sys.__stdout__
        self._stopped = False
        self._watched = False
        self._raw: list[Any] | None = None

    def start_application_mode(self) -> None:
        """Takes the terminal, and begins to watch it."""
        linux_driver.WriterThread = ConsoleWriter  # type: ignore[attr-defined]
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if not self._watched and self.input_tty:
            self._watched = True
            with contextlib.suppress(termios.error):
                self._raw = termios.tcgetattr(self.fileno)
            threading.Thread(target=self._watch, name="terminal-watch", daemon=True).start()

    def when_free(self, call: Callable[[], object]) -> bool:
        """True when the terminal has taken everything; otherwise `call` is called, in the loop, once it has."""
        writer = self._writer_thread
        if not isinstance(writer, ConsoleWriter):
            return True
        return writer.when_free(lambda: self._tell(call))

    def _watch(self) -> None:
        """Sleeps until the other end of the terminal is closed; a hangup signal may be ignored or never come."""
        poll = select.poll()
        poll.register(self.fileno, 0)
        with contextlib.suppress(OSError):
            poll.poll()
        self._tell(self.gone)

    def _run_input_thread(self) -> None:
        """Reads keys; a terminal that is gone is no defect, and neither is a byte that is no UTF-8."""
        while True:
            try:
                self.run_input_thread()
            except UnicodeDecodeError:
                # A terminal of another encoding: that key is lost, the next one is not.
                continue
            except (OSError, ValueError):
                self._tell(self.gone)
            except Exception as error:  # noqa: BLE001 - told on the terminal like any other defect
                self._tell(self._app._handle_exception, error)
            return

    def _tell(self, call: Callable[..., object], *args: object) -> None:
        """Calls something in the event loop, unless that has ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *args)

    def _sigtstp_application(self, *_: Any) -> None:
        self._stopped = True
        super()._sigtstp_application()

    def _sigcont_application(self, *_: Any) -> None:
        """Takes the terminal again only when it was given back: a bare SIGSTOP and SIGCONT took nothing."""
        if self._stopped:
            self._stopped = False
            super()._sigcont_application()
        elif self._raw is not None:
            # In the background this stops the process until the shell brings it to the front.
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self._raw)
            self.write(ALTERNATE_SCREEN)
            self._loop.call_soon_threadsafe(self._app.post_message, self.SignalResume())
