"""`pepper check` of 10,000 keys that name nobody, of 1,000 users: every user may have to be tried for each."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from services.demo.sample import SAMPLE_PEPPER
from services.quilltap.encryption import ITERATIONS, IV_BYTES, KEY_BYTES, TAG_BYTES
from tests.bench.bench import Bench
from tests.bench.model import Figure, Line, Sample, rss, wall
from tests.bench.rounds import Side

USERS, KEYS = 1_000, 10_000
DATABASE = "quilltap_pepper"
LIMIT = 60.0
OURS = "pepper check"


def pepper_lines(bench: Bench) -> list[Line]:
    """Live, with the right pepper; a wrong one takes some seconds more, since no try ends early."""
    stage = bench.stage
    with stage.standalone.client() as client:
        stage.say(f"filling {DATABASE}: {KEYS:,} keys of {USERS:,} users")
        client.drop_database(DATABASE)
        _fill(client[DATABASE])
    location = stage.folder_for("pepper")
    environment = stage.environment(server=stage.standalone, database=DATABASE, location=location)

    def run() -> dict[str, Sample]:
        ran = bench.ours("pepper", "check", environment=environment)
        if (ran.document["opened"], ran.document["total"]) != (KEYS, KEYS):
            raise AssertionError(f"opened {ran.document['opened']:,} of {ran.document['total']:,}")
        return {OURS: ran.sample}

    try:
        series = bench.rounds("pepper", [Side("ours", run)])
    finally:
        with stage.standalone.client() as client:
            client.drop_database(DATABASE)
    return [
        Line(
            name="pepper",
            work=f"pepper check, {KEYS:,} keys of {USERS:,} users",
            against="",
            must=f"{LIMIT:g} s",
            figures=(
                Figure(what="time", value=wall(series, OURS), unit="s", limit=LIMIT),
                Figure(what="RSS", value=rss(series, OURS), unit="MiB"),
            ),
            series=series,
            ours=OURS,
            note="no key names its user, so each is tried with every user's key",
        )
    ]


def _fill(database: Any) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    users = [f"00000000-0000-4000-8000-{number:012d}" for number in range(USERS)]
    pepper = SAMPLE_PEPPER.reveal().encode()
    with ThreadPoolExecutor(2) as pool:
        keys = list(
            pool.map(
                lambda user: hashlib.pbkdf2_hmac("sha256", user.encode(), pepper, ITERATIONS, KEY_BYTES),
                users,
            )
        )
    database["users"].insert_many([{"id": user, "email": f"{user}@example.org"} for user in users])
    documents = []
    for number in range(KEYS):
        iv = os.urandom(IV_BYTES)
        sealed = AESGCM(keys[number * 7_919 % USERS]).encrypt(
            iv, b"sk-" + os.urandom(24).hex().encode(), None
        )
        documents.append(
            {
                "id": f"key-{number}",
                "ciphertext": sealed[:-TAG_BYTES].hex(),
                "iv": iv.hex(),
                "authTag": sealed[-TAG_BYTES:].hex(),
            }
        )
    database["api_keys"].insert_many(documents)
