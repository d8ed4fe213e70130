"""The look at the references of a live database in a process of its own; what it found goes to stdout as JSON.

`python -m tests.bench.references_process`, the database named by MONGODB_URI and MONGODB_DATABASE.
"""

from __future__ import annotations

import os
import sys

import msgspec

from services.mongo.connect import connect
from services.profile import MongoTarget
from services.reading.live import LiveSide
from services.references.again import LiveAgain
from services.references.look import look_at_references
from services.secret import Secret


def main() -> None:
    """Looks and leaves as a job leaves."""
    target = MongoTarget(uri=Secret(os.environ["MONGODB_URI"]), database=os.environ["MONGODB_DATABASE"])
    database = connect(target)[target.database]
    result = look_at_references(
        LiveSide(database),
        again=LiveAgain(database, lambda: None),
        check=lambda: None,
        advance=lambda amount: None,
    )
    sys.stdout.write(msgspec.json.encode(result).decode())
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
