"""The child process of a look: its order on standard input, its reply on standard output."""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from pathlib import Path

import msgspec

from services.errors import QuillkeepError
from services.jobs.spec import secrets_of
from services.looking.registry import entry_of, function_of, type_of
from services.looking.wire import Order, Reply, decode, encode
from services.paths import Paths
from services.redact import redact, remember


def main() -> None:
    """Looks once; the process leaves without Python's exit, since a thread may hang on a dead mount."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    order = decode(sys.stdin.buffer.read(), Order)
    # Whoever asked may be gone: nothing here outlives its time.
    signal.setitimer(signal.ITIMER_REAL, order.seconds + 1.0)
    remember(*secrets_of(order.profile), *order.proxies.values())
    os.environ.update({name: value.reveal() for name, value in order.proxies.items()})
    data = encode(_reply(order))
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]
    os._exit(0)


def _reply(order: Order) -> Reply:
    try:
        entry = entry_of(order.name)
        request = decode(order.request, type_of(entry, entry.request))
        answer = function_of(entry)(request, order.profile, Paths(Path(order.state)))
        return Reply(value=msgspec.Raw(encode(answer)))
    except QuillkeepError as error:
        words = {name: redact(text) for name, text in error.as_dict().items()}
        return Reply(error=words, exit_code=error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last border: a defect is told without its data
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        words = {
            "what": f"The look `{order.name}` stopped at a defect of Quillkeep's own: {type(error).__name__}.",
            "cause": redact(f"{error} (at {' < '.join(reversed(places[-4:]))})"),
            "touched": "Nothing was changed: it only looked.",
            "next": "Please report this text.",
        }
        return Reply(error=words)


if __name__ == "__main__":
    main()
