"""The system's gpg as a stream, for messages in forms that are not built in.

It runs with a home of its own, so that the admin's keyring and agent are neither asked nor written; the
passphrase goes over a pipe; what it gives counts only when its status lines say so, since its exit code is 2
for a warning as well as for a refusal. Lines: GnuPG doc/DETAILS.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from services.jobs.environment import plain_environment
from services.redact import redact
from services.streams.errors import StreamError
from services.streams.locked import EncryptedDump, wrong_passphrase
from services.streams.pgp_ciphers import LAYER

READ_BYTES = 256 * 1024
WAIT_SECONDS = 10.0
PROGRAM = "gpg"
PREFIX = "quillkeep-gpg-"
LEFT_SECONDS = 86_400.0
INSTALL = "Install it: sudo apt-get install gnupg"
_CLOSED = frozenset({"ERROR", "NODATA", "DECRYPTION_FAILED", "BAD_PASSPHRASE"})
"""What it says before it gave anything: a wrong passphrase and a damaged beginning look the same to it, too."""


def gpg_plain(chunks: Iterator[bytes], passphrase: bytes, *, file: str, reason: str) -> Iterator[bytes]:
    """The contents of the message in `chunks`; ends normally only when gpg vouched for all of it.

    `EncryptedDump` when gpg is missing or the passphrase does not fit, `StreamError` for damage.
    """
    program = shutil.which(PROGRAM)
    name = file or "The file"
    if program is None:
        raise EncryptedDump(
            "gpg",
            file=file,
            why="no-gpg",
            what=f"{name} needs the program gpg, which is not installed: {reason} is not built in.",
            next=INSTALL,
        )
    _sweep()
    home = tempfile.mkdtemp(prefix=PREFIX)
    try:
        run = _Run(program, home, passphrase, chunks)
        try:
            yield from run.output()
            run.judge(file, reason)
        finally:
            run.stop()
    finally:
        _end_agent(home)
        shutil.rmtree(home, ignore_errors=True)


def _sweep() -> None:
    """Removes what processes that were killed left; it never held a secret."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            status = left.lstat()
            if status.st_uid == os.geteuid() and status.st_mtime < time.time() - LEFT_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _end_agent(home: str) -> None:
    """None is started; should a future gpg start one all the same, it ends with its home."""
    if any(Path(home).glob("S.gpg-agent*")) and (gpgconf := shutil.which("gpgconf")):
        subprocess.run(
            [gpgconf, "--homedir", home, "--kill", "all"],
            check=False,
            timeout=WAIT_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


class _Run:
    """One process, a thread that feeds it and one that reads its status lines."""

    def __init__(self, program: str, home: str, passphrase: bytes, chunks: Iterator[bytes]) -> None:
        secret_out, secret_in = os.pipe()
        status_out, status_in = os.pipe()
        self._gave = False
        self._lines: list[str] = []
        self._trouble: BaseException | None = None
        try:
            # The pipe holds a passphrase whole before anybody reads it.
            os.write(secret_in, passphrase[:4096] + b"\n")
            os.close(secret_in)
            self._process = subprocess.Popen(
                [
                    program,
                    "--homedir",
                    home,
                    "--batch",
                    "--no-tty",
                    "--no-options",
                    "--no-autostart",
                    "--no-symkey-cache",
                    "--pinentry-mode",
                    "loopback",
                    "--passphrase-fd",
                    str(secret_out),
                    "--status-fd",
                    str(status_in),
                    "--decrypt",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(secret_out, status_in),
                env={**plain_environment(), "GNUPGHOME": home, "LC_ALL": "C"},
                bufsize=0,
                start_new_session=True,
            )
        except BaseException:
            os.close(status_out)
            raise
        finally:
            os.close(secret_out)
            os.close(status_in)
        self._feeder = threading.Thread(target=self._feed, args=(chunks,), daemon=True)
        self._listener = threading.Thread(target=self._listen, args=(status_out,), daemon=True)
        self._feeder.start()
        self._listener.start()

    def _feed(self, chunks: Iterator[bytes]) -> None:
        assert self._process.stdin is not None
        try:
            with self._process.stdin as target:
                for chunk in chunks:
                    view = memoryview(chunk)
                    while view:
                        view = view[target.write(view) or 0 :]
        except BrokenPipeError:
            # It has heard enough; its status lines say why.
            return
        except BaseException as error:  # noqa: BLE001 - raised again in the reader's thread
            self._trouble = error
            with contextlib.suppress(OSError):
                self._process.kill()

    def _listen(self, descriptor: int) -> None:
        with os.fdopen(descriptor, errors="replace") as lines:
            for line in lines:
                if line.startswith("[GNUPG:] ") and len(self._lines) < 1000:
                    self._lines.append(line.removeprefix("[GNUPG:] ").strip())

    def output(self) -> Iterator[bytes]:
        """Everything it writes."""
        assert self._process.stdout is not None
        while chunk := self._process.stdout.read(READ_BYTES):
            self._gave = True
            yield chunk
        self._process.wait()
        self._feeder.join()
        self._listener.join()

    def judge(self, file: str, reason: str) -> None:
        """Returns when gpg vouched for the message, raises otherwise."""
        if self._trouble is not None:
            raise self._trouble
        words = {line.split(" ", 1)[0] for line in self._lines}
        if (
            self._process.returncode == 0
            and words >= {"DECRYPTION_OKAY", "GOODMDC"}
            and not (words & {"BADMDC", "DECRYPTION_FAILED", "ERROR", "NODATA"})
        ):
            return
        said = redact("; ".join(line for line in self._lines if _tells(line))) or "nothing"
        if not self._gave and not words.isdisjoint(_CLOSED):
            raise wrong_passphrase(
                "gpg",
                file,
                f"gpg, which reads this form ({reason}), says: {said}.",
                f"Check the passphrase; by hand: gpg --decrypt {file or 'FILE'} > /dev/null",
            )
        raise StreamError(
            "gpg to vouch for the whole message",
            found=f"its exit code {self._process.returncode} and {said}",
            layer=LAYER,
        )

    def stop(self) -> None:
        """Ends the process and its threads, however far they are."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._feeder.join(WAIT_SECONDS)
        self._listener.join(WAIT_SECONDS)


def _tells(line: str) -> bool:
    return line.split(" ", 1)[0] in {
        "BADMDC",
        "DECRYPTION_FAILED",
        "DECRYPTION_OKAY",
        "GOODMDC",
        "ERROR",
        "FAILURE",
        "NODATA",
        "NO_SECKEY",
        "BADARMOR",
        "UNEXPECTED",
    }
