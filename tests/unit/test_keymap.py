"""`[keys]`: every binding has an id, none fights another, and what is written wrongly is told in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.errors import UsageProblem
from services.settings.config import keys_of, read_config
from tui.keymap import clashes, every_binding, every_owner, keymap_of, own_bindings

BOUND = every_binding()


def test_every_binding_has_an_id() -> None:
    without = [
        f"{owner.__module__}.{owner.__name__}: {binding.key} {binding.action}"
        for owner in every_owner()
        for binding in own_bindings(owner)
        if not binding.id
    ]
    assert not without


def test_no_binding_takes_a_key_of_the_console_or_of_its_own_class() -> None:
    assert not clashes(BOUND, {})


def test_no_binding_uses_a_key_that_terminals_send_for_another() -> None:
    bad = {"ctrl+m", "ctrl+i", "ctrl+h", "ctrl+j", "ctrl+s", "ctrl+a", "ctrl+b", "shift+enter", "ctrl+enter"}
    assert not [(one.id, key) for one in BOUND for key in one.keys if key in bad]


def test_an_action_gets_another_key() -> None:
    assert keymap_of({"archives.backup": "B"}, "config.toml", BOUND) == {"archives.backup": "B"}
    assert keymap_of({"app.help": "f1,?"}, "config.toml", BOUND) == {"app.help": "f1,question_mark"}


def test_two_actions_may_change_places() -> None:
    asked = {"mode.jobs": "7", "mode.history": "6"}
    assert keymap_of(asked, "config.toml", BOUND) == asked


def test_quit_and_back_cannot_be_lost() -> None:
    assert keymap_of({"app.quit": "ctrl+x"}, "config.toml", BOUND) == {"app.quit": "ctrl+x,ctrl+q"}
    assert keymap_of({"modal.back": "x"}, "config.toml", BOUND) == {"modal.back": "x,escape"}
    with pytest.raises(UsageProblem, match=r"taken by `app.quit`"):
        keymap_of({"app.help": "ctrl+q"}, "config.toml", BOUND)


@pytest.mark.parametrize(
    ("name", "key", "told"),
    [
        ("archives.bakup", "b", r"nearest one is `archives.backup`"),
        ("archives.backup", "1", r"taken by `mode.health`"),
        ("archives.backup", "ctrl+m", r"for Enter"),
        ("archives.backup", "y", r"says yes"),
        ("archives.backup", "foo", r"`foo` is no key"),
        ("archives.backup", "", r"is no key"),
        ("app.commands", "x", r"lost to typing"),
        ("confirm.yes", "x", r"cannot be moved"),
        ("backup.yes", "x", r"cannot be moved"),
    ],
)
def test_what_cannot_be_is_said_with_the_file(name: str, key: str, told: str) -> None:
    with pytest.raises(UsageProblem, match=told) as caught:
        keymap_of({name: key}, "/etc/quillkeep/config.toml", BOUND)
    assert "/etc/quillkeep/config.toml" in caught.value.what
    assert caught.value.next


def test_ids_may_be_quoted_or_not(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[console]\ntheme = "terminal"\n[keys]\n"app.help" = "f1"\narchives.backup = "B"\n')
    config, origin = read_config([path], "--config")
    assert keys_of(config) == {"app.help": "f1", "archives.backup": "B"}
    assert config.console.theme == "terminal"
    assert origin["console.theme"] == str(path) == origin["keys.archives.backup"]


def test_an_unknown_key_of_the_console_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[console]\ntheem = "terminal"\n')
    with pytest.raises(UsageProblem, match=r"nearest known one is `theme`"):
        read_config([path], "--config")


def test_a_key_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[keys]\napp.help = 1\n")
    with pytest.raises(UsageProblem, match="keys"):
        read_config([path], "--config")
