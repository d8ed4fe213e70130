"""What this machine runs by the clock, as far as this user can read it: crontabs, cron folders, timers."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

MAX_SCRIPT_BYTES = 1 << 20
CRONTAB_SECONDS = 5.0
_SCHEDULE = re.compile(r"^(@\w+|(?:\S+\s+){4}\S+)\s+(.*)$")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*\s*=")
_EXEC = re.compile(r"^Exec(?:Start|StartPre|StartPost|Stop|StopPost)\s*=\s*[-@:+!]*\s*(.*)$")


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """Shell text that is run by the clock, with the variables set around it and the folder it starts in."""

    source: str
    text: str
    variables: dict[str, str] = {}
    cwd: str | None = None


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where schedules are looked for; `own_crontab` also asks `crontab -l`."""

    user_crontabs: tuple[Path, ...] = (Path("/var/spool/cron/crontabs"), Path("/var/spool/cron"))
    system_crontabs: tuple[Path, ...] = (Path("/etc/crontab"), Path("/etc/cron.d"))
    folders: tuple[Path, ...] = (
        Path("/etc/cron.hourly"),
        Path("/etc/cron.daily"),
        Path("/etc/cron.weekly"),
        Path("/etc/cron.monthly"),
    )
    units: tuple[Path, ...] = (
        Path("/etc/systemd/system"),
        Path("/run/systemd/system"),
        Path("/usr/local/lib/systemd/system"),
        Path("/usr/lib/systemd/system"),
        Path("/lib/systemd/system"),
        Path("~/.config/systemd/user"),
        Path("/etc/systemd/user"),
    )
    own_crontab: bool = True


def read_script(path: Path) -> str | None:
    """The text of a readable regular file of at most 1 MiB that is text; None for anything else."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_SCRIPT_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    return None if b"\0" in data[:4096] else data.decode("utf-8", "replace")


def scheduled_scripts(places: Places | None = None) -> Iterator[Script]:
    """Every readable schedule's commands, one `Script` a crontab, folder script or timer's service."""
    where = places or Places()
    for folder in where.user_crontabs:
        for path in _files(folder):
            yield from _crontab(str(path), read_script(path), has_user=False)
    for place in where.system_crontabs:
        for path in _files(place):
            yield from _crontab(str(path), read_script(path), has_user=True)
    if where.own_crontab:
        yield from _crontab("crontab -l", _own_crontab(), has_user=False)
    for folder in where.folders:
        for path in _files(folder):
            text = read_script(path)
            if text is not None:
                yield Script(source=str(path), text=text)
    yield from _timers(where.units)


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    with contextlib.suppress(OSError):
        return sorted(path for path in place.iterdir() if path.is_file())
    return []


def _crontab(source: str, text: str | None, *, has_user: bool) -> Iterator[Script]:
    """A crontab as shell text: its assignments, then its commands without schedule (and user)."""
    if text is None:
        return
    lines = []
    for line in text.splitlines():
        stripped = line.strip()
        schedule = _SCHEDULE.match(stripped)
        if _ASSIGNMENT.match(stripped):
            name, _, value = stripped.partition("=")
            lines.append(f"{name.strip()}={value.strip()}")
        elif schedule and not stripped.startswith("#"):
            command = schedule.group(2)
            if has_user:
                command = command.partition(" ")[2].strip() or command
            lines.append(command)
    yield Script(source=source, text="\n".join(lines))


def _own_crontab() -> str | None:
    try:
        ran = subprocess.run(
            ["crontab", "-l"],
            capture_output=True,
            timeout=CRONTAB_SECONDS,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout.decode("utf-8", "replace") if ran.returncode == 0 else None


def _timers(folders: tuple[Path, ...]) -> Iterator[Script]:
    """The services that timers start, looked for in every folder of units."""
    homes = [folder.expanduser() for folder in folders]
    for folder in homes:
        for timer in _files(folder):
            if timer.suffix != ".timer":
                continue
            named = re.search(r"^Unit\s*=\s*(\S+)", read_script(timer) or "", re.MULTILINE)
            unit = named.group(1) if named else timer.stem + ".service"
            for home in homes:
                text = read_script(home / unit)
                if text is not None:
                    yield _service(str(home / unit), text)
                    break


def _service(source: str, text: str) -> Script:
    variables: dict[str, str] = {}
    commands = []
    cwd = None
    for line in text.replace("\\\n", " ").splitlines():
        key, _, value = line.strip().partition("=")
        if key.strip() == "Environment":
            for pair in re.findall(r'"([^"]*)"|(\S+)', value):
                name, _, content = (pair[0] or pair[1]).partition("=")
                variables[name] = content
        elif key.strip() == "WorkingDirectory":
            cwd = value.strip()
        elif executed := _EXEC.match(line.strip()):
            commands.append(executed.group(1))
    return Script(source=source, text="\n".join(commands), variables=variables, cwd=cwd)
