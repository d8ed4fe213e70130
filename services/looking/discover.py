"""Looks at what a machine shows without settings: files, ports and the guide's folder, each in words."""

from __future__ import annotations

from pathlib import Path

import msgspec

from services.paths import Paths
from services.profile import Profile
from services.settings.discover import LOCAL_MONGODB, LOCAL_S3, Finding, look_around
from services.settings.resolve import GUIDE_FOLDER


class DiscoverRequest(msgspec.Struct, frozen=True, kw_only=True):
    """As `services.settings.discover.look_around`; `folder`, `server` and `s3` are the usual places."""

    cwd: str = "/"
    env_file: str = ""
    config_files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    folder: str = str(GUIDE_FOLDER)
    server: tuple[str, int] = LOCAL_MONGODB
    s3: tuple[str, int] = LOCAL_S3


class DiscoverAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every place that was looked at, found or not."""

    findings: tuple[Finding, ...]


def look(request: DiscoverRequest, profile: Profile, paths: Paths) -> DiscoverAnswer:
    """Reads and connects, sends nothing. What cannot be read is a finding with its words."""
    findings = look_around(
        Path(request.cwd),
        env_file=request.env_file,
        config_files=request.config_files,
        names=request.names,
        folder=Path(request.folder),
        server=request.server,
        s3=request.s3,
    )
    return DiscoverAnswer(findings=findings)
