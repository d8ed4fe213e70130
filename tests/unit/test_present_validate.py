"""A validation as an admin reads it: the worst first, what is alike folded, one command for all that is broken."""

from __future__ import annotations

import io
from typing import Any

from tui.present_validate import validate_lines
from tui.terminal import look_at


def finding(**more: Any) -> dict[str, Any]:
    return {
        "kind": "dangling-reference",
        "status": "fail",
        "what": "5 documents of memories refer by characterId to what is not in characters (a): why.",
        "collection": "memories",
        "user": "",
        "count": 5,
        "examples": ["a", "b", "c", "d"],
        "good_in": "quilltap_1",
        "restore": ["characters"],
        "next": "`quillkeep restore`",
        **more,
    }


def row(name: str, status: str = "ok", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "status": status,
        "kind": "collection",
        "known": True,
        "documents": 12,
        "bytes": 3_000,
        "indexes": 2,
        "backup_documents": 10,
        "findings": [],
        **more,
    }


def shown(rows: list[dict[str, Any]], references: list[dict[str, Any]], **more: Any) -> list[str]:
    result = {"status": "fail", "collections": rows, "references": references, "summary": "2 collections"}
    return validate_lines({**result, **more}, look_at(io.StringIO()))


def test_the_worst_first_and_what_is_well_below() -> None:
    lines = shown(
        [row("a"), row("z", "fail", findings=[finding(collection="z", status="warn")])], [finding()]
    )
    assert lines[1].startswith("z") and lines[2].startswith("a") and "+2" in lines[2]
    text = "\n".join(lines)
    assert text.index("fail    5") < text.index("warn    5")
    assert "ids:  a, b, c, and 2 more" in text


def test_many_users_with_the_same_are_two_and_a_count() -> None:
    lines = shown([row("memories", "fail")], [finding(user=f"user {number}") for number in range(40)])
    assert sum("user: " in line for line in lines) == 2
    assert any("the same for 38 more users, 190 in all" in line for line in lines)


def test_different_fields_are_not_folded() -> None:
    other = finding(
        what="1 document of memories refers by chatId to what is not in chats (x): why.", user="u"
    )
    lines = shown([row("memories", "fail")], [finding(user="u"), other])
    assert sum("refer" in line for line in lines) == 2


def test_one_command_for_all_that_is_broken() -> None:
    both = [finding(), finding(collection="chats", restore=["chat messages"], what="other")]
    lines = shown([row("memories", "fail")], both)
    assert "  quillkeep plan quilltap_1 --collections 'characters,chat messages'" in lines
    assert not any("quillkeep plan" in line for line in shown([row("memories", "fail")], [finding()]))


def test_what_was_not_looked_at_says_so() -> None:
    check = {"name": "server-validate", "status": "skipped", "detail": "not allowed", "next": "grant it"}
    text = "\n".join(shown([row("a")], [], checks=[check], leftovers=[{"documents": 3}]))
    assert "server-validate: not allowed" in text and "next: grant it" in text
    assert "3 documents name what was deleted" in text


def test_hostile_names_are_only_text() -> None:
    evil = "\x1b[31m[bold]x"
    lines = shown(
        [row(evil, "fail", findings=[finding(what=evil, user=evil, examples=[evil], next=evil)])], []
    )
    assert "\x1b" not in "\n".join(lines)
