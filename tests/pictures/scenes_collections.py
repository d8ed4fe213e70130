"""Pictures of Collections."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from services.looking.collections import CollectionLive
from tests.pictures import collections_answers as answers
from tests.pictures.hostile import BAD
from tests.pictures.scene import NARROW, Scene
from tests.pictures.scenes_backups import DOWN, keys, settled
from tests.recorded import Silent

BROKEN = answers.looks(answers.broken_live(), answers.broken_held())
WELL = answers.looks()


def hostile_looks() -> dict[str, Any]:
    """Names and findings as bad as they can be."""
    odd = tuple(
        CollectionLive(name=f"c{place}{name}", documents=place, bytes=99) for place, name in enumerate(BAD)
    )
    found = {
        one.name: answers.validation(
            one.name, replace(answers.DANGLING, what=one.name, examples=BAD), status="fail"
        )
        for one in odd[::2]
    }
    held = answers.held_answer()
    return answers.looks(answers.live_answer(*odd), replace(held, validated={**held.validated, **found}))


COLLECTIONS = (
    Scene("collections", settled, mode="collections", looks=BROKEN),
    Scene("collections-well", settled, mode="collections", looks=WELL, sizes=(NARROW,)),
    Scene(
        "collections-down", settled, mode="collections", looks={**WELL, "collections": DOWN}, sizes=(NARROW,)
    ),
    Scene(
        "collections-waiting",
        settled,
        mode="collections",
        looks={**WELL, "collections": Silent},
        sizes=(NARROW,),
    ),
    Scene("collections-ascii", settled, mode="collections", looks=BROKEN, utf8=False, sizes=(NARROW,)),
    Scene(
        "collections-without-colour",
        settled,
        mode="collections",
        looks=BROKEN,
        no_color=True,
        sizes=(NARROW,),
    ),
    Scene("collections-hostile", settled, mode="collections", looks=hostile_looks()),
    Scene(
        "collections-filtered",
        keys("f", "f", wait="failures only"),
        mode="collections",
        looks=BROKEN,
        sizes=(NARROW,),
    ),
    Scene("collection-findings", keys("enter", wait="[Findings 1]"), mode="collections", looks=BROKEN),
    Scene(
        "collection-summary",
        keys("down", "down", "enter", wait="[Summary]"),
        mode="collections",
        looks=BROKEN,
    ),
    Scene(
        "collection-indexes",
        keys("down", "down", "enter", "left"),
        mode="collections",
        looks=BROKEN,
        sizes=(NARROW,),
    ),
    Scene(
        "validate-dialog",
        keys("v", wait="Validate chats?"),
        mode="collections",
        looks=BROKEN,
        sizes=(NARROW,),
    ),
    Scene("documents", keys("d"), mode="collections", looks=BROKEN),
    Scene(
        "documents-found",
        keys("d", "slash", *"5f1c2d3e-0042", "enter"),
        mode="collections",
        looks=BROKEN,
        sizes=(NARROW,),
    ),
    Scene("document", keys("d", "enter", "b", "right"), mode="collections", looks=BROKEN),
    Scene("document-differences", keys("d", "enter", "b"), mode="collections", looks=BROKEN, sizes=(NARROW,)),
    Scene(
        "collection-compared",
        keys("c", wait="2 changed; 425 the same"),
        mode="collections",
        looks=BROKEN,
        journals={"diff": answers.diff_journal},
    ),
)
