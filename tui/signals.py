"""SIGHUP, SIGTERM and a terminal that is gone end the console cleanly; jobs are not touched."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING

from tui.driver import ConsoleDriver

if TYPE_CHECKING:
    from tui.app import QuillkeepApp

ENDING = (signal.SIGHUP, signal.SIGTERM)


def heed_signals(app: QuillkeepApp) -> None:
    """From here on the ending signals leave with 128 + their number; call it in the event loop."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in ENDING:
        loop.add_signal_handler(number, app.end, 128 + number)
    if isinstance(app._driver, ConsoleDriver):
        app._driver.gone = lambda: app.end(128 + signal.SIGHUP)
