"""Stopping and starting by three shell commands, proven by status, and the health URL."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from services.app_control import AppController, run_command, start_app, stop_app
from services.app_health import probe_health
from services.errors import QuillkeepError
from services.jobs.events import Checkpoint
from services.profile import AppControl, Profile
from services.redact import remember
from services.secret import Secret


def app_of(flag: Path, **more: Any) -> AppControl:
    """An application that runs while a file is there."""
    commands = {"stop": f"rm -f {flag}", "start": f"touch {flag}", "status": f"test -e {flag}"}
    return AppControl(**{**commands, **more})


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    path = tmp_path / "running"
    path.touch()
    return path


def test_it_is_stopped_and_started_and_both_are_proven(flag: Path) -> None:
    app = AppController(app_of(flag))
    assert app.state() == "running"
    assert app.stop() and app.state() == "stopped"
    assert app.start() and app.state() == "running"


@pytest.mark.parametrize("status", [None, "no-such-command-anywhere", "kill -9 $$", "exec sleep 5"])
def test_a_status_that_tells_nothing_is_unknown_and_proves_nothing(flag: Path, status: str | None) -> None:
    app = AppController(app_of(flag, status=status), command_seconds=0.3, proof_seconds=0.1)
    assert app.state() == "unknown"
    assert app.stop() is False
    assert not flag.exists()


def test_a_failing_command_shows_its_output_without_secrets(flag: Path) -> None:
    remember(Secret("open-sesame-9000"))
    app = AppController(app_of(flag, stop="echo login with open-sesame-9000 failed >&2; exit 7"))
    with pytest.raises(QuillkeepError) as caught:
        app.stop()
    assert "ended with 7" in caught.value.what and caught.value.cause == "login with *** failed"
    assert "not stopped" in caught.value.touched and "app.stop" in caught.value.next


def test_a_command_that_hangs_is_ended_with_all_it_started(flag: Path, tmp_path: Path) -> None:
    late = tmp_path / "late"
    app = AppController(app_of(flag, stop=f"(sleep 1; touch {late}) & sleep 30"), command_seconds=0.3)
    with pytest.raises(QuillkeepError, match="did not end within"):
        app.stop()
    time.sleep(1.1)
    assert not late.exists()


def test_an_application_that_goes_on_running_is_an_error(flag: Path) -> None:
    app = AppController(app_of(flag, stop="true"), proof_seconds=0.3)
    with pytest.raises(QuillkeepError, match="still running"):
        app.stop()


def test_without_a_command_it_says_which_setting_is_missing(flag: Path) -> None:
    with pytest.raises(QuillkeepError) as caught:
        AppController(app_of(flag, start=None)).start()
    assert "app.start" in caught.value.next


def test_a_daemon_that_keeps_the_output_open_is_not_waited_for_and_lives_on(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    begun = time.monotonic()
    assert run_command(f"(sleep 0.7; touch {alive}) & echo started", 20).output == "started"
    assert time.monotonic() - begun < 0.6
    time.sleep(1.0)
    assert alive.exists()


def test_commands_see_no_secret_of_ours_and_an_ordinary_umask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_URI", "mongodb://u:p@h/quilltap")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    shown = run_command("env; umask; pwd", 20).output
    assert "MONGODB_URI" not in shown and "MALLOC" not in shown
    assert shown.splitlines()[-2:] == ["0022", "/"]


def test_the_checkpoints_tell_the_watcher_what_was_found(flag: Path, make_context: Any) -> None:
    app = AppController(app_of(flag))
    ctx = make_context(Profile())
    assert stop_app(app, ctx) and start_app(app, ctx)
    flag.unlink()
    assert stop_app(app, ctx)
    states = [(event.data["state"], event.data.get("found")) for event in ctx.of(Checkpoint)]
    assert states == [
        ("stopping", "running"),
        ("stopped", "running"),
        ("starting", None),
        ("started", None),
        ("found-stopped", "stopped"),
    ]


class _Health(BaseHTTPRequestHandler):
    # Stands in for the application, whose answers are quoted from the real one.
    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(1.0)
        code = 503 if self.path == "/ill" else 200
        word = "unhealthy" if code == 503 else "healthy"
        body = {
            "status": word,
            "services": {
                "mongodb": {"status": "healthy", "message": "Successfully connected"},
                "s3": {"status": word, "message": "S3 connection test failed: secret_key=hunter2222"},
            },
        }
        with contextlib.suppress(BrokenPipeError):
            self.send_response(code)
            self.end_headers()
            self.wfile.write(b"<html>" if self.path == "/page" else json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture(scope="module")
def health_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_health_tells_each_service(health_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    well, ill = probe_health(f"{health_url}/"), probe_health(f"{health_url}/ill")
    assert well.healthy and well.status_code == 200
    assert not ill.healthy and ill.status_code == 503 and ill.state == "answering"
    assert ill.services == {"mongodb": "healthy", "s3": "unhealthy"}
    assert "S3 connection test failed" in ill.detail and "hunter2" not in ill.detail
    assert probe_health(f"{health_url}/page").state == "answering"


def test_refusing_is_told_from_not_knowing(health_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert probe_health(f"http://127.0.0.1:{port}/").state == "refusing"
    assert probe_health(f"{health_url}/slow", 0.2).state == "unknown"
    assert probe_health("http://no-such-host.invalid/").state == "unknown"
    assert probe_health("file:///etc/passwd").state == "unknown"


def test_without_a_status_command_a_refusing_url_proves_the_stop(flag: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app = AppController(app_of(flag, status=None), health_url=f"http://127.0.0.1:{port}/api/health")
    assert app.state() == "stopped" and app.stop()
