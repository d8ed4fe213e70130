"""Who is meant by a pid and by a host, and what can be told of an owner from here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.jobs.environment import child_environment, import_root, plain_environment, proxies
from services.jobs.host import HostIdentity, life_of, this_host, this_owner
from services.jobs.process import ProcessIdentity, identify, is_alive, this_process
from services.jobs.systemd import in_login_session, killed_at_logout, wants_scope

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def fake_stat(proc: Path, pid: int, name: str, state: str, started: str) -> None:
    fields = [state, *["0"] * 18, started, *["0"] * 30]
    write(proc / str(pid) / "stat", f"{pid} ({name}) {' '.join(fields)}\n")
    write(proc / "sys/kernel/random/boot_id", "boot-1\n")


def test_a_process_is_alive_while_it_runs_or_is_stopped_and_gone_as_a_zombie() -> None:
    with subprocess.Popen(SLEEP) as process:
        found = identify(process.pid)
        assert found is not None and is_alive(found)
        process.send_signal(signal.SIGSTOP)
        assert is_alive(found)
        process.kill()
        deadline = time.monotonic() + 5
        while is_alive(found) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.returncode is None, "not waited for yet: a zombie"
        assert not is_alive(found)
        assert identify(process.pid) is None


def test_a_reused_pid_is_another_process(tmp_path: Path) -> None:
    fake_stat(tmp_path, 77, "python", "S", "1000")
    first = identify(77, tmp_path)
    assert first == ProcessIdentity(pid=77, started="1000", boot_id="boot-1")
    assert is_alive(first, tmp_path)
    fake_stat(tmp_path, 77, "python", "S", "2000")
    assert not is_alive(first, tmp_path)


def test_another_boot_is_another_process(tmp_path: Path) -> None:
    fake_stat(tmp_path, 77, "python", "S", "1000")
    before = identify(77, tmp_path)
    assert before is not None
    write(tmp_path / "sys/kernel/random/boot_id", "boot-2\n")
    assert not is_alive(before, tmp_path)


@pytest.mark.parametrize("name", ["a b", ") S 1", "((", ")"])
def test_process_names_may_hold_anything(tmp_path: Path, name: str) -> None:
    fake_stat(tmp_path, 77, name, "S", "1234")
    found = identify(77, tmp_path)
    assert found is not None and found.started == "1234"


def test_what_can_be_told_of_an_owner() -> None:
    owner, here = this_owner("j", "backup"), this_host()
    assert here.boot_id and here.pid_namespace
    here = replace(here, machine_id="m")
    owner = replace(owner, host=here)
    dead = replace(owner, process=replace(this_process(), started="1"))

    def at(**more: str) -> HostIdentity:
        return replace(here, **more)

    assert life_of(owner, here) == "alive"
    assert life_of(dead, here) == "dead"
    assert life_of(owner, at(boot_id="other")) == "rebooted"
    assert life_of(dead, at(pid_namespace="pid:[1]")) == "elsewhere"
    assert life_of(dead, at(machine_id="n")) == "elsewhere"
    assert life_of(dead, at(machine_id="n", boot_id="other")) == "elsewhere"
    nameless = replace(owner, host=at(machine_id=""))
    assert life_of(nameless, at(machine_id="", boot_id="other")) == "elsewhere"


def test_children_get_no_credentials() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "TZ": "Europe/Berlin",
        "MONGODB_URI": "mongodb://u:p@h",
        "AWS_SECRET_ACCESS_KEY": "s",
        "HTTPS_PROXY": "http://user:pass@proxy:3128",
        "http_proxy": "http://proxy:3128",
    }
    assert plain_environment(environ) == {
        "PATH": "/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "TZ": "Europe/Berlin",
        "http_proxy": "http://proxy:3128",
    }
    assert proxies(environ)["HTTPS_PROXY"].startswith("http://user:pass")
    child = child_environment(environ)
    assert child["MALLOC_ARENA_MAX"] == "1" and child["RUST_BACKTRACE"] == "0"
    assert "AWS_SECRET_ACCESS_KEY" not in child
    assert "MALLOC_ARENA_MAX" not in plain_environment(environ)


def test_a_child_in_the_root_folder_finds_our_packages() -> None:
    command = [sys.executable, "-P", "-c", "import services.jobs.runner"]
    subprocess.run(command, cwd="/", env=child_environment(), check=True, timeout=30)
    root = import_root()
    assert root is None or os.path.isdir(os.path.join(root, "services"))


def systemd_tree(root: Path, cgroup: str, *settings: tuple[str, str]) -> Path:
    (root / "run/systemd/system").mkdir(parents=True)
    write(root / "proc/self/cgroup", f"0::{cgroup}\n")
    for name, text in settings:
        write(root / name, f"[Login]\n{text}\n")
    return root


SESSION = "/user.slice/user-1000.slice/session-3.scope"


def test_a_scope_is_only_for_root_in_a_login_on_systemd(tmp_path: Path) -> None:
    login = systemd_tree(tmp_path / "a", SESSION)
    cron = systemd_tree(tmp_path / "b", "/system.slice/cron.service")
    assert wants_scope(login, 0) and not wants_scope(login, 1000) and not wants_scope(cron, 0)
    assert not in_login_session(tmp_path / "nowhere") and not wants_scope(tmp_path / "nowhere", 0)


def test_logind_that_kills_at_logout_is_said(tmp_path: Path) -> None:
    base = ("etc/systemd/logind.conf", "#KillUserProcesses=no")
    dropin = ("etc/systemd/logind.conf.d/10-kill.conf", "KillUserProcesses=yes")
    quiet = systemd_tree(tmp_path / "a", SESSION, base)
    kills = systemd_tree(tmp_path / "b", SESSION, base, dropin)
    cron = systemd_tree(tmp_path / "c", "/system.slice/cron.service", dropin)
    spared = systemd_tree(tmp_path / "d", SESSION, dropin, (base[0], "KillExcludeUsers=root ann"))
    assert killed_at_logout(quiet, "ann") is None
    warning = killed_at_logout(kills, "ann")
    assert warning is not None and "KillUserProcesses" in warning and "enable-linger ann" in warning
    assert killed_at_logout(kills, "root") is None
    assert killed_at_logout(cron, "ann") is None
    assert killed_at_logout(spared, "ann") is None
