"""The dump alone in a process of its own, for a comparison with mongodump from start to exit.

`python -m tests.bench.dump_process FILE`, the database named by MONGODB_URI and MONGODB_DATABASE.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from services.mongo.connect import connect, server_info
from services.mongo.dump import dump_database
from services.mongo.dump_model import DumpRequest, Hooks
from services.profile import MongoTarget
from services.secret import Secret


def main() -> None:
    """Dumps and leaves as a job leaves."""
    target = MongoTarget(uri=Secret(os.environ["MONGODB_URI"]), database=os.environ["MONGODB_DATABASE"])
    client = connect(target)
    hooks = Hooks(check=lambda: None, advance=lambda _: None, before_write=lambda _: None, log=lambda _: None)
    request = DumpRequest(database=target.database, tool_version="quillkeep bench")
    dump_database(client, server_info(client), request, Path(sys.argv[1]), hooks)
    os._exit(0)


if __name__ == "__main__":
    main()
