"""Saving a profile: word for word what was shown, beside what was there, and no secret in it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from services.errors import QuillkeepError, Refused, UsageProblem
from services.settings.flags import Flags
from services.settings.resolve import Settings, resolve_settings
from services.settings.save import Draft, draft_profile, save_profile

SECRETS = {
    "MONGODB_URI": "mongodb://me:hunter22@db.example/quilltap",
    "S3_ACCESS_KEY": "access-hunter22",
    "S3_SECRET_KEY": "secret-hunter22",
    "ENCRYPTION_MASTER_PEPPER": "pepper-hunter22",
}
PLAIN = {"S3_ENDPOINT": "http://s3.example:9000", "S3_BUCKET": "files", "S3_FORCE_PATH_STYLE": "true"}


def draft_of(config: Path, cwd: Path, name: str = "prod", **environ: str) -> tuple[Draft, Settings]:
    environ = {"QUILLKEEP_CONFIG": str(config), **environ}
    if not config.exists():
        config.write_text("")
    settings = resolve_settings(Flags(), environ, cwd)
    return draft_profile(name, settings.profile, settings, env_file=settings.env_file), settings


def test_secrets_of_the_environment_stay_there(tmp_path: Path) -> None:
    """Plain settings are written, secrets are named in a note; both together resolve to the same deployment."""
    config = tmp_path / "c.toml"
    environ = {**SECRETS, **PLAIN, "BACKUP_DIR": str(tmp_path / "b")}
    draft, before = draft_of(config, tmp_path, **environ)
    assert "hunter22" not in draft.text + " ".join(draft.notes)
    assert 's3_endpoint = "http://s3.example:9000"' in draft.text
    assert f'path = "{tmp_path}/b"' in draft.text
    notes = " ".join(draft.notes)
    assert "MONGODB_URI holds a password" in notes and "S3_ACCESS_KEY, S3_SECRET_KEY" in notes
    save_profile(draft)
    after = resolve_settings(Flags(profile="prod", config=str(config)), environ, tmp_path).profile
    assert (after.mongo, after.bucket, after.pepper) == (
        before.profile.mongo,
        before.profile.bucket,
        before.profile.pepper,
    )
    assert [each.path for each in after.locations] == [str(tmp_path / "b")]


def test_an_env_file_is_referred_to(tmp_path: Path) -> None:
    """Its path and nothing of what stands in it; odd paths are quoted."""
    folder = tmp_path / 'we "ird\\ földer'
    folder.mkdir()
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in (SECRETS | PLAIN).items()))
    config = tmp_path / "c.toml"
    draft, before = draft_of(config, folder)
    assert draft.text.count("\n") == 3, draft.text
    save_profile(draft)
    after = resolve_settings(Flags(config=str(config)), {}, tmp_path)
    assert after.profile.name == "prod"
    assert (after.profile.mongo, after.profile.bucket) == (before.profile.mongo, before.profile.bucket)
    assert after.env_file == str(folder / ".env")


def test_what_was_there_stays(tmp_path: Path) -> None:
    """Another profile, comments and a last line without its end; the file becomes 0600."""
    config = tmp_path / "c.toml"
    old = '# mine\n[profiles.old]\nmongodb_uri = "mongodb://h/"\n[[locations]]\nname = "backups"\npath = "/b"'
    config.write_text(old)
    config.chmod(0o644)
    environ = {"QUILLKEEP_CONFIG": str(config), "MONGODB_URI": "mongodb://other/", "BACKUP_DIR": "/c"}
    settings = resolve_settings(Flags(), environ, tmp_path)
    draft = draft_profile("new", settings.profile, settings)
    save_profile(draft)
    assert config.read_text() == f"{old}\n\n{draft.text}"
    assert 'name = "backups-2"' in draft.text
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    with pytest.raises(Refused, match="never overwritten"):
        draft_of(config, tmp_path, "old", MONGODB_URI="mongodb://h/")


def test_refusals(tmp_path: Path) -> None:
    """A bad name, nothing to save, a file that changed meanwhile, one that is no file."""
    config = tmp_path / "c.toml"
    for name in ("", "a/b", "-x", "ü", "a b", "x" * 33):
        with pytest.raises(UsageProblem, match="1 to 32 letters"):
            draft_of(config, tmp_path, name, MONGODB_URI="mongodb://h/")
    with pytest.raises(Refused, match="nothing to save"):
        draft_of(config, tmp_path)
    draft, _ = draft_of(config, tmp_path, MONGODB_URI="mongodb://h/")
    config.write_text("# somebody else\n")
    with pytest.raises(Refused, match="changed by somebody else"):
        save_profile(draft)
    assert config.read_text() == "# somebody else\n"
    with pytest.raises(Refused, match="no file that could be written"):
        draft_of(Path("/dev/null"), tmp_path, MONGODB_URI="mongodb://h/")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Nothing is written, and the lines are said to be had by hand."""
    (tmp_path / "file").touch()
    draft = Draft(name="prod", path=str(tmp_path / "file" / "c.toml"), text="[profiles.prod]\n", before=None)
    with pytest.raises(QuillkeepError, match="cannot be written") as caught:
        save_profile(draft)
    assert "Nothing was written." in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """A config.toml that is kept elsewhere is written there."""
    real = tmp_path / "dotfiles.toml"
    real.write_text("# kept in a repository\n")
    link = tmp_path / "c.toml"
    link.symlink_to(real)
    draft, _ = draft_of(link, tmp_path, MONGODB_URI="mongodb://h/")
    save_profile(draft)
    assert link.is_symlink() and "[profiles.prod]" in real.read_text()
