"""The pepper in a restore's last proof: what did not open in the backup is a warning, only worse is a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from services.errors import QuillkeepError
from services.operations.backup import backup
from services.operations.backup_model import BackupPlan
from services.operations.finish import finish
from services.operations.restore import restore
from services.operations.restore_model import FinishPlan, RestorePlan
from services.profile import Profile
from services.quilltap.encryption import encrypt_value
from services.recovery.request import RestoreRequest
from services.secret import Secret
from tests.services.restore_support import job_id, run_restore
from tests.support import FIXTURE_PEPPER, RecordingContext
from tests.support import make_context as restore_context

Contexts = Callable[..., RecordingContext]
PEPPER = Secret(FIXTURE_PEPPER)
OTHER = Secret("another-pepper-of-at-least-32-characters")


def key(name: str, pepper: Secret = PEPPER) -> dict[str, Any]:
    value = encrypt_value("plain", "ann", pepper)
    return {"id": name, "ciphertext": value.ciphertext, "iv": value.iv, "authTag": value.authTag}


@pytest.fixture
def filled(profile: Profile, db: Database[Any]) -> Profile:
    db.users.insert_one({"id": "ann"})
    db.api_keys.insert_many([key(f"k{number}") for number in range(3)])
    db.tags.insert_one({"id": "t"})
    return msgspec.structs.replace(profile, bucket=None, pepper=PEPPER)


def made(profile: Profile, make_context: Contexts) -> str:
    return backup(BackupPlan(only="database"), make_context(profile)).id


def test_what_opened_opens_again(filled: Profile, make_context: Contexts, tmp_path: Path) -> None:
    id = made(filled, make_context)
    result, _ = run_restore(filled, tmp_path / "state", id)
    assert result.pepper is not None and (result.pepper.status, result.pepper.opened) == ("ok", 3)
    assert not [text for text in result.warnings if "pepper" in text]
    result, _ = run_restore(filled, tmp_path / "state", id, collections=("tags",))
    assert result.pepper is None, "no such value came back"


def test_without_a_pepper_it_is_skipped(filled: Profile, make_context: Contexts, tmp_path: Path) -> None:
    id = made(filled, make_context)
    result, _ = run_restore(msgspec.structs.replace(filled, pepper=None), tmp_path / "state", id)
    assert result.pepper is not None and result.pepper.status == "skipped"
    assert not [text for text in result.warnings if "pepper" in text], "the plan said so already"


def test_another_pepper_is_a_warning(filled: Profile, make_context: Contexts, tmp_path: Path) -> None:
    id = made(filled, make_context)
    result, _ = run_restore(msgspec.structs.replace(filled, pepper=OTHER), tmp_path / "state", id)
    assert result.status == "warnings" and result.pepper is not None and result.pepper.status == "warn"
    assert any("it is not the one of the backup" in text for text in result.warnings)


def test_what_did_not_open_in_the_backup_is_a_warning(
    filled: Profile, db: Database[Any], make_context: Contexts, tmp_path: Path
) -> None:
    db.api_keys.insert_one(key("old", OTHER))
    id = made(filled, make_context)
    result, _ = run_restore(filled, tmp_path / "state", id)
    assert result.pepper is not None and (result.pepper.opened, result.pepper.total) == (3, 4)
    assert result.pepper.status == "warn" and "1 did not open there either" in result.pepper.detail


def test_only_worse_is_a_failure(
    filled: Profile, db: Database[Any], location: Path, make_context: Contexts, tmp_path: Path
) -> None:
    """A manifest that says more opened than does: as if values had changed on their way."""
    db.api_keys.insert_one(key("old", OTHER))
    id = made(filled, make_context)
    path = location / f"{id}.json"
    manifest = json.loads(path.read_text())
    manifest["pepper"]["opened"] = manifest["pepper"]["tried"]
    path.chmod(0o600)
    path.write_text(json.dumps(manifest))
    with pytest.raises(QuillkeepError) as caught:
        run_restore(filled, tmp_path / "state", id)
    assert "do not open as they did" in caught.value.what and "it opened 4 of 4" in caught.value.cause
    assert "quillkeep rollback" in caught.value.next
    assert db.api_keys.count_documents({}) == 4
    result, _ = run_restore(filled, tmp_path / "state", id, collections=("api_keys",))
    assert result.pepper is not None and result.pepper.status == "warn", "a part may not be judged"


def test_a_foreign_backup(profile: Profile, tmp_path: Path) -> None:
    right = msgspec.structs.replace(profile, bucket=None, pepper=PEPPER)
    result, _ = run_restore(right, tmp_path / "state", only="database")
    assert result.pepper is not None and result.pepper.status == "ok" and result.pepper.total >= 6
    wrong = msgspec.structs.replace(profile, bucket=None, pepper=OTHER)
    result, _ = run_restore(wrong, tmp_path / "state", only="database")
    assert result.pepper is not None and result.pepper.status == "warn"
    assert "is not known" in result.pepper.detail


def test_a_finish_proves_it_too(
    filled: Profile,
    db: Database[Any],
    make_context: Contexts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    db.api_keys.insert_one(key("old", OTHER))
    id = made(filled, make_context)
    context = restore_context(filled, tmp_path / "state", job=job_id())
    plan = RestorePlan(request=RestoreRequest(backup=id), allow=("writers",))

    def dies(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("services.recovery.ending.prove_live", dies)
        with pytest.raises(KeyboardInterrupt):
            restore(plan, context)
    ctx = restore_context(filled, tmp_path / "state", job=job_id())
    result = finish(FinishPlan(job=context.job), ctx)
    assert result.pepper is not None
    assert (result.pepper.status, result.pepper.opened, result.pepper.total) == ("warn", 3, 4)
    assert any("did not open there either" in text for text in result.warnings)
