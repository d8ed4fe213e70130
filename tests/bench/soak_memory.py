"""`make soak`: backup, verify and restore of 5 GB in the memory that scale 1 takes, within 20 %."""

from __future__ import annotations

import sys

from tests.bench.__main__ import main

TIMES = 11.6
"""Of the 432 MB at scale 1: 5 GB."""

if __name__ == "__main__":
    sys.exit(main(["--lines=memory", "--runs=1", f"--memory-factor={TIMES}", "--strict", *sys.argv[1:]]))
