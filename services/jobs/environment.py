"""The environment of the processes we start: what they need and no secret."""

from __future__ import annotations

import os
import site
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import services

KEPT = ("PATH", "HOME", "TZ", "LANG", "LANGUAGE", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "67108864",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
    "MALLOC_ARENA_MAX": "1",
}
"""glibc mallopt(3): without them replies of 1-16 MB are mapped and unmapped one by one (a quarter of a dump)."""


def plain_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Path, home, time zone, locale, certificates and such proxies as carry no password."""
    source = os.environ if environ is None else environ
    kept = {name: value for name, value in source.items() if name in KEPT or name.startswith("LC_")}
    kept.setdefault("PATH", DEFAULT_PATH)
    kept.update({name: value for name, value in proxies(source).items() if "@" not in value})
    return kept


def proxies(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The proxy variables in either case, those with passwords too: for the pipe, never for an environment."""
    source = os.environ if environ is None else environ
    return {name: value for name, value in source.items() if name.lower() in PROXIES}


def child_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a job or a watcher."""
    child = {**plain_environment(environ), **ALLOCATOR, "RUST_BACKTRACE": "0"}
    root = import_root()
    if root is not None:
        child["PYTHONPATH"] = root
    return child


def import_root() -> str | None:
    """The folder our packages lie in when that is a checkout, which `python -P` would not look into."""
    root = Path(services.__file__).resolve().parents[1]
    known = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()}
    if site.ENABLE_USER_SITE:
        known.add(site.getusersitepackages())
    return None if root in {Path(folder).resolve() for folder in known} else str(root)
