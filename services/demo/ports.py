"""Free loopback ports that outgoing connections do not take meanwhile."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

LOOPBACK = "127.0.0.1"
LISTEN = "0A"
"""The state in /proc/net/tcp, from include/net/tcp_states.h."""
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


def listens(pid: int, port: int) -> bool:
    """Whether it is this process that listens on 127.0.0.1:`port`, and not a stranger who was quicker (Linux)."""
    local = f"0100007F:{port:04X}"
    inodes = {
        f"socket:[{fields[9]}]"
        for fields in (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[1] == local and fields[3] == LISTEN
    }
    if not inodes:
        return False
    try:
        return any(os.readlink(handle) in inodes for handle in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:
        return False


def wait_until(ready: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Calls `ready` until it says True or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        if ready():
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
