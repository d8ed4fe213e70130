"""Checks of what is encrypted: the wrong passphrase, and a bit of the ciphertext."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.checks.model import CheckResult
from services.secret import Secret
from tests.checks_matrix import CASES, Bench, Case, Shown
from tests.matrix.backup_files import bad_foreign, flip, folder_of, foreign, results_of
from tests.support import FIXTURE_PASSPHRASE, FIXTURES
from tests.unit.streams.pgp_builder import literal, message

KEY = Secret(FIXTURE_PASSPHRASE)
DUMP = "quilltap-20261101.gz.gpg"
OBJECTS = "quilltap_s3_20261101_020000.tar.gz"

CASES["encryption"] = Case(
    failing=bad_foreign(
        DUMP, "wrong passphrase or option, or damaged beginning", depth="quick", passphrase=Secret("another")
    ),
    passing=foreign("quilltap-20261101.pbkdf2.gz.enc", depth="quick", passphrase=KEY),
)
CASES["decrypt"] = Case(
    failing=bad_foreign(
        DUMP, "in its encryption (OpenPGP)", lambda path: flip(path, path.stat().st_size // 2), passphrase=KEY
    ),
    passing=foreign(DUMP, passphrase=KEY),
    # What cannot be decrypted to its end cannot be read as an archive either.
    also=frozenset({"archive"}),
)


def _objects(*, damaged: bool) -> Callable[[Bench], Sequence[CheckResult]]:
    def run(bench: Bench) -> Sequence[CheckResult]:
        path = folder_of(bench) / f"{OBJECTS}.gpg"
        path.write_bytes(message(literal((FIXTURES / OBJECTS).read_bytes())))
        if damaged:
            flip(path, path.stat().st_size // 2)
        return results_of(bench, path.name, passphrase=KEY)

    return run


CASES["objects-decrypt"] = Case(
    failing=lambda bench: Shown(_objects(damaged=True)(bench), f"{OBJECTS}.gpg"),
    passing=_objects(damaged=False),
    also=frozenset({"objects"}),
)
