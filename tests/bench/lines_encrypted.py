"""Full verify of an encrypted archive against the same archive in the clear."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from services.files import make_private_folder
from tests.bench.bench import Bench
from tests.bench.model import Figure, Line, Sample, quotient, rss, wall
from tests.bench.peers import mongodump
from tests.bench.rounds import Side

PLAIN, ENCRYPTED, GPG = "verify, plain", "verify, .gpg", "gpg -d"
PASSPHRASE = "correct horse battery staple"
LIMIT = 1.6


def encrypted_lines(bench: Bench) -> list[Line]:
    """An archive of mongodump's, and the same below `gpg --symmetric`."""
    stage, peers = bench.stage, bench.peers
    work, against = "full verify, .gz.gpg", "full verify, the same .gz"
    if not peers.have("mongodump", "gpg"):
        return [
            Line(
                name="verify-encrypted",
                work=work,
                against=against,
                must=f"{LIMIT:g}x",
                figures=(),
                series={},
                note=peers.why_not("mongodump", "gpg"),
            )
        ]
    tool, gpg = peers.path("mongodump"), peers.path("gpg")
    assert tool is not None and gpg is not None
    location = stage.folder_for("encrypted")
    archive = location / "quilltap-20261101.gz"
    bench.theirs(mongodump(tool, stage.standalone.uri, stage.database(bench.options.scale), archive))
    secret = location.parent / "passphrase"
    descriptor = os.open(secret, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.write(descriptor, PASSPHRASE.encode() + b"\n")
    os.close(descriptor)
    locked = _encrypt(gpg, archive, secret, location.parent / "gnupg")
    environment = {
        **stage.environment(server=None, location=location),
        "QUILLKEEP_PASSPHRASE_FILE": str(secret),
    }

    def run(name: str, path: Path) -> dict[str, Sample]:
        stage.settle()
        return {name: bench.ours("verify", str(path), environment=environment).sample}

    for path in (archive, locked):
        path.read_bytes()
    series = bench.rounds(
        "verify-encrypted",
        [Side("ours", lambda: run(ENCRYPTED, locked)), Side("plain", lambda: run(PLAIN, archive))],
    )
    slower = quotient(wall(series, ENCRYPTED), wall(series, PLAIN))
    return [
        Line(
            name="verify-encrypted",
            work=work,
            against=against,
            must=f"{LIMIT:g}x",
            figures=(
                Figure(what="the time", value=slower, unit="x", limit=LIMIT),
                Figure(what="RSS", value=rss(series, ENCRYPTED), unit="MiB"),
            ),
            series=series,
            ours=ENCRYPTED,
            theirs=PLAIN,
        )
    ]


def _encrypt(gpg: Path, archive: Path, secret: Path, home: Path) -> Path:
    """The archive below gpg's own symmetric encryption, made without the admin's keyring or agent."""
    locked = archive.with_name(archive.name + ".gpg")
    make_private_folder(home)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "GNUPGHOME": str(home), "LANG": "C.UTF-8"}
    command = [str(gpg), "--batch", "--yes", "--pinentry-mode", "loopback", "--compress-algo", "none"]
    command += ["--no-symkey-cache", "--passphrase-file", str(secret), "--cipher-algo", "AES256"]
    try:
        subprocess.run([*command, "-o", str(locked), "-c", str(archive)], env=environment, check=True)
    finally:
        subprocess.run(
            ["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], env=environment, check=False
        )
    return locked
