"""What is found on a machine without any settings, in words."""

from __future__ import annotations

import socket
from pathlib import Path

from services.settings.discover import discover


def test_nothing_is_said_as_nothing(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        findings = discover(tmp_path, folder=tmp_path / "none", server=("127.0.0.1", port))
    assert [finding.found for finding in findings] == [False, False, False]
    assert f"Nothing answers at 127.0.0.1:{port}." in [finding.text for finding in findings]
    assert all(not finding.use for finding in findings)


def test_what_is_there_is_named_with_the_command_that_uses_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MONGODB_URI=mongodb://me:hunter22@h/q\nOTHER=1\n")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "one").touch()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        findings = discover(tmp_path, folder=tmp_path / "b", server=server.getsockname())
    text = " ".join(finding.text + finding.use for finding in findings)
    assert [finding.found for finding in findings] == [True, True, True]
    assert "MONGODB_URI" in text and "OTHER" not in text and "hunter22" not in text
    assert "1 entries" in text
    assert f"--env-file {tmp_path}/.env" in text
