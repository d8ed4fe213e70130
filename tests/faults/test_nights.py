"""Damage that nobody saw, two nights of backups, and then `restore latest`."""

from __future__ import annotations

from services.catalog.scan import scan
from tests.faults.deployment import Deployment


def test_two_nights_after_the_damage_latest_is_the_state_before_it(deployment: Deployment) -> None:
    """The good backup holds the new state; the live one is damaged from it."""
    deployment.make_new()
    before, objects = deployment.state()
    deployment.db["characters"].delete_many({})
    keys = sorted(objects)
    for key in keys[: len(keys) // 2]:
        deployment.bucket.delete(key)
    for _ in range(2):
        night = deployment.start("backup").wait()
        assert (night.status, night.exit_code) == ("warnings", 3)
        words = " ".join(night.result["suspicious"])
        assert "characters is empty" in words and "The objects fell by" in words
    rows = scan(deployment.profile.locations, deployment.profile, deployment.paths)
    assert [bool(row.suspicious) for row in rows] == [True, True, False]
    restored = deployment.quillkeep("restore", "latest", "--yes", "--allow", "writers")
    assert restored.returncode in (0, 3), restored.stderr
    for row in rows[:2]:
        assert f"Passed over {row.id}" in restored.stderr
    assert deployment.state() == (before, objects)
    deployment.assert_backups_whole()
