"""Watches a process tree for plaintext on disk: every regular file it has open, and what its folders hold."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import psutil

LOOK_SECONDS = 0.01
MOST = 32 << 20


class Watch:
    """While it is entered, looks at the children of this process and at folders; `found` names plaintext.

    `marks` are bytes that stand in the documents and in no file that the process may write. `known` are files
    that hold it by their nature.
    """

    def __init__(self, marks: Sequence[bytes], folders: Sequence[Path], known: Sequence[Path] = ()) -> None:
        self._marks = tuple(marks)
        self._folders = tuple(folders)
        self._known = {path.resolve() for path in known}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._before = self._servers()
        self.found: set[str] = set()
        self.opened: set[str] = set()
        self.looks = 0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look_at_folders()

    def _servers(self) -> set[int]:
        return {child.pid for child in psutil.Process().children(recursive=True)}

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.looks += 1
            for child in psutil.Process().children(recursive=True):
                if child.pid not in self._before:
                    self._look_at(child.pid)
            self._look_at_folders()

    def _look_at(self, pid: int) -> None:
        try:
            entries = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            return
        for entry in entries:
            path = f"/proc/{pid}/fd/{entry}"
            try:
                target = os.readlink(path)
            except OSError:
                continue
            # A memory file is no disk; deleted files keep their bytes on it until they are closed.
            if not target.startswith("/") or target.startswith(("/dev/", "/proc/", "/memfd:")):
                continue
            if Path(target.removesuffix(" (deleted)")).resolve() in self._known:
                continue
            self.opened.add(target)
            self._judge(path, f"open in the process: {target}")

    def _look_at_folders(self) -> None:
        for folder in self._folders:
            for where, _, names in os.walk(folder):
                for name in names:
                    path = Path(where, name)
                    if path.resolve() not in self._known:
                        self._judge(str(path), str(path))

    def _judge(self, path: str, words: str) -> None:
        try:
            with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
                data = stream.read(MOST)
        except OSError:
            return
        for mark in self._marks:
            if mark in data:
                self.found.add(f"{words} holds {mark!r}")
