"""Runs one server for its owner and ends it with its owner, however that ends.

Started by path with `-I -S` and nothing of ours imported. The owner writes one JSON line (`argv`, `env`,
`cwd`, `log`, `grace`, `remove`, `sweep`) to stdin and keeps the pipe: its end of file, or another parent than at the
start, is the owner's death. The kernel's parent-death signal covers a kill of this process; it follows the
thread that forked, which is why a process with one thread does it, and not the owner.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import time
from typing import Any

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""
POLL_SECONDS = 0.5


def start(order: dict[str, Any]) -> int:
    """Forks and executes the server, which the kernel kills when this process dies; its pid."""
    parent = os.getpid()
    library = ctypes.CDLL(None, use_errno=True)
    pid = os.fork()
    if pid:
        return pid
    try:
        library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(127)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.umask(0o077)
        os.chdir(order["cwd"])
        null = os.open(os.devnull, os.O_RDONLY)
        log = os.open(order["log"], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 256)
        os.execve(order["argv"][0], order["argv"], order["env"])
    except OSError as error:
        os.write(2, f"cannot start {order['argv'][0]}: {error}\n".encode())
    os._exit(127)


def say(line: str) -> None:
    """One line to the owner, who may be gone."""
    try:
        os.write(1, line.encode() + b"\n")
    except OSError:
        return


def clear(order: dict[str, Any], *, orphaned: bool) -> None:
    """Removes the server's sockets, and the folders of an owner that can no longer do it."""
    for name in order["remove"]:
        if os.path.lexists(name):
            os.unlink(name)
    if orphaned:
        for folder in order["sweep"]:
            for _ in range(20):
                shutil.rmtree(folder, ignore_errors=True)
                if not os.path.lexists(folder):
                    break
                time.sleep(0.1)


def main() -> None:
    """Serves one owner: `term`, `kill` and `leave` come in, `pid N` and `exit N` go out."""
    owner = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    waker, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    buffer = b""
    while b"\n" not in buffer:
        start_of_order = os.read(0, 65536)
        if not start_of_order:
            return
        buffer += start_of_order
    first, _, buffer = buffer.partition(b"\n")
    order = json.loads(first)
    pid = start(order)
    alive = True
    forced: float | None = None
    say(f"pid {pid}")
    while True:
        ready, _, _ = select.select([0, waker], [], [], 0.05 if forced else POLL_SECONDS)
        if waker in ready:
            os.read(waker, 512)
        chunk = os.read(0, 4096) if 0 in ready else None
        buffer += chunk or b""
        orphaned = chunk == b"" or os.getppid() != owner
        *lines, buffer = buffer.split(b"\n")
        if alive and (orphaned or b"kill" in lines):
            os.kill(pid, signal.SIGKILL)
        elif alive and b"term" in lines:
            os.kill(pid, signal.SIGTERM)
            forced = time.monotonic() + order["grace"]
        if alive and forced and time.monotonic() > forced:
            os.kill(pid, signal.SIGKILL)
        if alive:
            done, status = os.waitpid(pid, 0 if orphaned else os.WNOHANG)
            if done:
                alive = False
                forced = None
                clear(order, orphaned=False)
                say(f"exit {os.waitstatus_to_exitcode(status)}")
        if orphaned:
            clear(order, orphaned=True)
            return
        if b"leave" in lines and not alive:
            return


if __name__ == "__main__":
    main()
