"""Two databases side by side: by counts, bytes and content sums, by indexes and options."""

from __future__ import annotations

from typing import Any

from services.comparing.databases import DatabaseSide, HeldCollection
from services.mongo.specs import comparable, comparable_options, secondary
from services.operations.diff_model import CollectionDiff, Held, RowState

ORDER: dict[RowState, int] = {"differs": 0, "only in A": 1, "only in B": 2, "not compared": 3, "same": 4}


def compare_collections(a: DatabaseSide, b: DatabaseSide) -> tuple[CollectionDiff, ...]:
    """One row a name, those that differ first."""
    names = sorted(a.collections.keys() | b.collections.keys())
    rows = [_row(name, a.collections.get(name), b.collections.get(name), a, b) for name in names]
    rows.sort(key=lambda row: (ORDER[row.state], row.name))
    return tuple(rows)


def _row(
    name: str, one: HeldCollection | None, other: HeldCollection | None, a: DatabaseSide, b: DatabaseSide
) -> CollectionDiff:
    there = one or other
    assert there is not None
    kind = there.kind
    if one is None or other is None:
        lacking, letter = (a, "A") if one is None else (b, "B")
        if name in lacking.left_out:
            detail = (f"{letter} was made without it",)
            return CollectionDiff(
                name=name, state="not compared", kind=kind, a=_held(one), b=_held(other), detail=detail
            )
        state: RowState = "only in B" if one is None else "only in A"
        return CollectionDiff(name=name, state=state, kind=kind, a=_held(one), b=_held(other))
    problems = [f"{letter}: {held.problem}" for letter, held in (("A", one), ("B", other)) if held.problem]
    words = _differences(one, other)
    if problems:
        state = "differs" if words else "not compared"
        return CollectionDiff(
            name=name,
            state=state,
            kind=kind,
            a=None if one.problem else _held(one),
            b=None if other.problem else _held(other),
            detail=(*words, *problems),
        )
    documents = (one.documents, one.bytes, one.content) == (other.documents, other.bytes, other.content)
    if one.kind == "view" or other.kind == "view":
        documents = True
    if documents and words and one.kind == other.kind != "view":
        words.insert(0, "the documents are the same")
    return CollectionDiff(
        name=name,
        state="same" if documents and not words else "differs",
        kind=kind if one.kind == other.kind else f"{one.kind} / {other.kind}",
        a=_held(one),
        b=_held(other),
        detail=tuple(words),
    )


def _held(held: HeldCollection | None) -> Held | None:
    if held is None:
        return None
    if held.kind == "view":
        return Held()
    return Held(documents=held.documents, bytes=held.bytes, content=held.content)


def _differences(one: HeldCollection, other: HeldCollection) -> list[str]:
    """Kinds, options and indexes, in words; what a form does not hold is no difference."""
    if one.kind != other.kind:
        return [f"a {one.kind} in A, a {other.kind} in B"]
    words: list[str] = []
    if one.options is not None and other.options is not None:
        left, right = comparable_options(one.options), comparable_options(other.options)
        if one.kind == "view" and left != right:
            return ["its definition differs"]
        changed = sorted(key for key in left.keys() | right.keys() if left.get(key) != right.get(key))
        words += [f"option {key} differs" for key in changed]
    if one.kind != "view" and one.indexes is not None and other.indexes is not None:
        words += _indexes(secondary(one.indexes), secondary(other.indexes))
    return words


def _indexes(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> list[str]:
    ours = {str(index.get("name")): comparable(index) for index in left}
    theirs = {str(index.get("name")): comparable(index) for index in right}
    words = [f"index {name} only in A" for name in ours if name not in theirs]
    words += [f"index {name} only in B" for name in theirs if name not in ours]
    words += [f"index {name} differs" for name in ours if name in theirs and ours[name] != theirs[name]]
    return sorted(words)
