"""Which host is meant, and whether the owner of a lock still runs on it."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path
from typing import Literal

import msgspec

from services.jobs.process import ProcessIdentity, boot_id, is_alive, this_process

MACHINE_ID_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
"""machine-id(5); the second is where D-Bus keeps its copy on systems without systemd."""

Life = Literal["alive", "dead", "rebooted", "elsewhere"]
"""`rebooted`: this machine, another boot, so dead unless the machine-id was cloned; `elsewhere`: cannot tell."""


class HostIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """machine-id + boot id + pid namespace; the host name is for words only."""

    machine_id: str
    boot_id: str
    pid_namespace: str
    hostname: str

    @property
    def words(self) -> str:
        """How a person knows the host."""
        return self.hostname or self.machine_id[:8] or "an unnamed host"


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a lock or a mark."""

    job: str
    verb: str
    host: HostIdentity
    process: ProcessIdentity
    user: str


def this_host() -> HostIdentity:
    """The host this process runs on, as its pid namespace sees it."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return HostIdentity(
        machine_id=_machine_id(),
        boot_id=boot_id(),
        pid_namespace=namespace,
        hostname=socket.gethostname(),
    )


def this_owner(job: str, verb: str) -> Owner:
    """The calling process as the owner of a lock."""
    return Owner(job=job, verb=verb, host=this_host(), process=this_process(), user=user_name())


def user_name(uid: int | None = None) -> str:
    """The name of a user, by default the effective one, or its number where it has none."""
    number = os.geteuid() if uid is None else uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def life_of(owner: Owner, here: HostIdentity | None = None) -> Life:
    """Whether the process behind a lock still runs, as far as it can be told from here.

    A container shares the boot id with its host but not the pids, so another pid namespace of the same
    boot is `elsewhere`.
    """
    here = here or this_host()
    theirs = owner.host
    if theirs.machine_id != here.machine_id:
        return "elsewhere"
    if theirs.boot_id != here.boot_id:
        return "rebooted" if here.machine_id else "elsewhere"
    if theirs.pid_namespace != here.pid_namespace:
        return "elsewhere"
    return "alive" if is_alive(owner.process) else "dead"


def _machine_id() -> str:
    for path in MACHINE_ID_FILES:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text:
            return text
    return ""
