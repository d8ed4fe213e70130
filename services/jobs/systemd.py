"""What systemd does to a job: a scope of its own as root, and whether logind kills it at logout."""

from __future__ import annotations

import os
from pathlib import Path

from services.jobs.host import user_name

ROOT = Path("/")
LOGIND_FILES = "etc/systemd/logind.conf"
LOGIND_DROPINS = (
    "usr/lib/systemd/logind.conf.d",
    "usr/local/lib/systemd/logind.conf.d",
    "run/systemd/logind.conf.d",
    "etc/systemd/logind.conf.d",
)
"""logind.conf(5): later files win; of equal names the one in the later folder."""


def systemd_runs(root: Path = ROOT) -> bool:
    """sd_booted(3)."""
    return (root / "run/systemd/system").is_dir()


def in_login_session(root: Path = ROOT) -> bool:
    """Whether this process is in a login's session scope and not in a unit such as cron's."""
    try:
        text = (root / "proc/self/cgroup").read_text()
    except OSError:
        return False
    lines = [line.split(":", 2)[2] for line in text.splitlines() if line.count(":") >= 2]
    return any("/session-" in path and path.endswith(".scope") for path in lines)


def wants_scope(root: Path = ROOT, uid: int | None = None) -> bool:
    """Whether a job should run under `systemd-run --scope`: root, on systemd, from a login."""
    return (os.geteuid() if uid is None else uid) == 0 and systemd_runs(root) and in_login_session(root)


def killed_at_logout(root: Path = ROOT, user: str | None = None) -> str | None:
    """A warning when logind will kill this user's job at logout, else None (logind.conf(5))."""
    name = user or user_name()
    if not systemd_runs(root) or not in_login_session(root):
        return None
    settings = _logind_settings(root)
    if settings.get("KillUserProcesses", "no").lower() not in ("yes", "true", "on", "1", "y", "t"):
        return None
    only = settings.get("KillOnlyUsers", "").split()
    excluded = settings.get("KillExcludeUsers", "root").split()
    if name in excluded or (only and name not in only):
        return None
    return (
        f"systemd-logind kills {name}'s processes at logout (KillUserProcesses=yes), this job too: stay logged "
        "in until it ended, or start it with `systemd-run --user --scope quillkeep ...` "
        f"after `loginctl enable-linger {name}`."
    )


def _logind_settings(root: Path) -> dict[str, str]:
    files = [root / LOGIND_FILES]
    dropins: dict[str, Path] = {}
    for folder in LOGIND_DROPINS:
        for path in sorted((root / folder).glob("*.conf")):
            dropins[path.name] = path
    files += [dropins[name] for name in sorted(dropins)]
    settings: dict[str, str] = {}
    for path in files:
        try:
            text = path.read_text()
        except OSError:
            continue
        for line in text.splitlines():
            name, separator, value = line.strip().partition("=")
            if separator and not name.startswith(("#", ";")):
                settings[name.strip()] = value.strip()
    return settings
