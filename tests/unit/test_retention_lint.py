"""The guide's retention line, in every place and spelling it is met in, and lines that only look like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.retention_lint import deletions_by_age
from services.retention_sources import Places, Script, scheduled_scripts

ARCHIVE = "quilltap_mongo_20261122_020000.gz"
FOLDER = "quilltap_s3_20261122_020000"
NAMES = [ARCHIVE, f"{ARCHIVE}.sha256", FOLDER, "quilltap_20261122_020000.json"]


def nowhere(folder: Path) -> Places:
    """No schedule of the machine the tests run on."""
    return Places(user_crontabs=(), system_crontabs=(), folders=(), units=(), own_crontab=False)


def judged(location: Path, text: str, *, cwd: str | None = None) -> list[str]:
    script = Script(source="backup.sh", text=text.replace("LOCATION", str(location)), cwd=cwd)
    return [found.matches for found in deletions_by_age(location, NAMES, scripts=[script])]


@pytest.mark.parametrize(
    "text",
    [
        'BACKUP_DIR="LOCATION"\n# old ones\nfind "$BACKUP_DIR" -name "quilltap_mongo_*.gz" -mtime +7 -delete\n',
        "export BACKUP_DIR=LOCATION\nfind ${BACKUP_DIR} -name 'quilltap_*.gz' -mtime +7 -exec rm {} \\;\n",
        "find ${BACKUP_DIR:-LOCATION} -type f -mtime +30 -exec rm -f {} +",
        "find LOCATION \\\n  -name '*.gz' \\\n  -mtime +7 -print0 | xargs -0 rm -f",
        "cd LOCATION && find . -name '*.gz' -ctime +7 -delete",
        "BACKUP_DIR=LOCATION; /usr/bin/find $BACKUP_DIR/ -maxdepth 1 -iname 'QUILLTAP_*' -mmin +9999 -delete",
        "find LOCATION/.. -name '*.gz' -mtime +7 -exec /bin/rm {} ';'",
        "bash -c \"find LOCATION -name '*.gz' -mtime +7 -delete\"",
        "if true; then find LOCATION \\( -name '*.tar.gz' -o -name '*.gz' \\) -mtime +7 -delete; fi",
        "find LOCATION ! -name '*.json' -type f -mtime +7 -delete",
        "find $UNKNOWN -name 'quilltap_mongo_*.gz' -mtime +7 -delete",
    ],
)
def test_a_deletion_by_age_that_matches_ours_is_found(tmp_path: Path, text: str) -> None:
    assert judged(tmp_path, text) == [ARCHIVE]


@pytest.mark.parametrize(
    "text",
    [
        "# find LOCATION -name '*.gz' -mtime +7 -delete",
        "find LOCATION -name 'quilltap_*.tar.gz' -mtime +7 -delete",
        "find LOCATION -name '*.gz' -mtime +7 -print",
        "find LOCATION -name '*.gz' -mtime -1 -delete",
        "find LOCATION -name '*.gz' -delete",
        "find /somewhere/else -name '*.gz' -mtime +7 -delete",
        "find LOCATION/other -name '*.gz' -mtime +7 -delete",
        "find LOCATION/.. -maxdepth 1 -name '*.gz' -mtime +7 -delete",
        "find $UNKNOWN -name '*.log' -mtime +7 -delete",
        "echo 'find LOCATION -name *.gz -mtime +7 -delete'",
    ],
)
def test_a_line_that_leaves_ours_alone_is_not_found(tmp_path: Path, text: str) -> None:
    assert judged(tmp_path, text) == []


def test_a_folder_deleted_by_age_is_found(tmp_path: Path) -> None:
    line = "find LOCATION -maxdepth 1 -type d -name 'quilltap_s3_*' -mtime +7 -exec rm -rf {} +"
    assert judged(tmp_path, line) == [FOLDER]


def test_the_finding_names_the_file_and_the_line(tmp_path: Path) -> None:
    line = f"find {tmp_path} -name '*.gz' -mtime +7 -delete"
    (found,) = deletions_by_age(tmp_path, NAMES, scripts=[Script(source="/etc/cron.d/backup", text=line)])
    assert line in found.sentence()
    assert "/etc/cron.d/backup" in found.sentence()


def places(root: Path) -> Places:
    return Places(
        user_crontabs=(root / "spool",),
        system_crontabs=(root / "crontab", root / "cron.d"),
        folders=(root / "cron.daily",),
        units=(root / "units",),
        own_crontab=False,
    )


@pytest.mark.parametrize("where", ["spool", "crontab", "cron.d", "cron.daily", "units"])
def test_every_place_that_runs_by_the_clock_is_looked_through(tmp_path: Path, where: str) -> None:
    location = tmp_path / "backups"
    location.mkdir()
    script = tmp_path / "retention.sh"
    script.write_text('#!/bin/bash\nfind "$BACKUP_DIR" -name "quilltap_mongo_*.gz" -mtime +7 -delete\n')
    root = tmp_path / "etc"
    for folder in ("spool", "cron.d", "cron.daily", "units"):
        (root / folder).mkdir(parents=True)
    if where == "spool":
        (root / "spool/root").write_text(
            f"BACKUP_DIR={location}\n0 2 * * * {script} >> /var/log/b.log 2>&1\n"
        )
    elif where in ("crontab", "cron.d"):
        path = root / "crontab" if where == "crontab" else root / "cron.d/backup"
        path.write_text(f"BACKUP_DIR={location}\n@daily root /bin/bash {script}\n")
    elif where == "cron.daily":
        (root / "cron.daily/backup").write_text(f"#!/bin/sh\nBACKUP_DIR={location}\n. {script}\n")
    else:
        (root / "units/backup.timer").write_text("[Timer]\nOnCalendar=daily\n")
        (root / "units/backup.service").write_text(
            f"[Service]\nEnvironment=BACKUP_DIR={location}\nExecStart=/bin/sh {script}\n"
        )
    found = deletions_by_age(location, NAMES, scripts=scheduled_scripts(places(root)))
    assert [(one.source, one.matches) for one in found] == [(str(script), ARCHIVE)]


def test_once_the_line_is_gone_nothing_is_found(tmp_path: Path) -> None:
    assert deletions_by_age(tmp_path, NAMES, scripts=scheduled_scripts(places(tmp_path / "etc"))) == []
    assert list(scheduled_scripts(nowhere(tmp_path))) == []
