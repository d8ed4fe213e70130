"""Starts workers by their function: one that ends before it began then leaves no coroutine that nobody awaited."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from textual.dom import DOMNode

if TYPE_CHECKING:
    from textual.worker import WorkType


def start_work(
    node: DOMNode,
    function: Callable[[], Coroutine[Any, Any, object]],
    *,
    group: str = "default",
    description: str = "",
    exclusive: bool = False,
    exit_on_error: bool = True,
) -> None:
    """`node.run_worker` of an async function without arguments."""
    node.run_worker(
        cast("WorkType[object]", function),
        group=group,
        description=description,
        exclusive=exclusive,
        exit_on_error=exit_on_error,
    )
