"""Free loopback ports that outgoing connections do not take meanwhile."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST = 10_000
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def _ceiling() -> int:
    """Ports below the kernel's ephemeral range are never given to an outgoing connection."""
    try:
        first = int(EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first = 32_768
    return first if first > LOWEST + 2_000 else 60_000


def free_ports(count: int) -> list[int]:
    """`count` different ports of 127.0.0.1 that can be bound now; whoever binds them retries when one was taken."""
    generator = random.SystemRandom()
    top = _ceiling()
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                candidate.bind((LOOPBACK, generator.randrange(LOWEST, top)))
            except OSError:
                candidate.close()
                continue
            held.append(candidate)
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()


def answers(port: int, seconds: float = 0.5) -> bool:
    """Whether somebody listens on this loopback port."""
    try:
        socket.create_connection((LOOPBACK, port), seconds).close()
    except OSError:
        return False
    return True


def wait_until(ready: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Calls `ready` until it says True or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        if ready():
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
