"""Chats that count more messages than there are: a chat whose messages are gone says so itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import TYPE_CHECKING

from services.counted import by_number, counted
from services.findings import MAX_EXAMPLES, Finding
from services.references.again import Again
from services.references.model import Sought
from services.references.second import python_value, walked

if TYPE_CHECKING:
    from services.references.engine import References

AT_ONCE = 1_000
PAUSE_SECONDS = 0.3
LOOKS = 5
"""How often a chat that keeps changing is looked at."""
Short = tuple[int, int, int]
"""(place of the chat, messages there, messages it says)."""


def short_chats(
    references: References,
    *,
    live: bool,
    present: Collection[str],
    again: Again | None,
    check: Callable[[], None],
) -> tuple[list[tuple[Finding, Sought | None]], int]:
    """Findings by user of chats without messages they count, and how many were only in the middle of a change."""
    groups: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
    totals: dict[tuple[str, str], list[int]] = {}
    moved = 0
    rows = ((place, there or 0, said) for place, there, said in references.store.short())
    while chunk := list(islice(rows, AT_ONCE)):
        check()
        settled = chunk if again is None else _settled(references, chunk, again, check)
        moved += len(chunk) - len(settled)
        for place, there, said in settled:
            noted = references.store.noted(place)
            user = noted.user.decode("utf-8", "replace")[:100]
            kind = "fewer-messages" if there else "messages-gone"
            key = (kind, user if len(totals) < 1_000 or (kind, user) in totals else "")
            total = totals.setdefault(key, [0, 0, 0])
            total[0] += 1
            total[1] += there
            total[2] += said
            shown = groups.setdefault(key, [])
            if len(shown) < AT_ONCE:
                shown.append((noted.label.decode("utf-8", "replace"), there, said))
    where = (
        ""
        if "chat_messages" in present
        else f" ({'the database' if live else 'the backup'} has no chat_messages)"
    )
    return [
        (_finding(kind, user, totals[kind, user], shown, where), _sought(shown))
        for (kind, user), shown in groups.items()
    ], moved


def _finding(
    kind: str, user: str, total: list[int], shown: list[tuple[str, int, int]], where: str
) -> Finding:
    chats, there, said = total
    if kind == "messages-gone":
        what = (
            f"{counted(chats, 'chats')} {by_number(chats, 'counts', 'count')} {counted(said, 'messages')}, "
            f"and none of them {by_number(said, 'is', 'are')} there{where}."
        )
    else:
        what = (
            f"{counted(chats, 'chats')} {by_number(chats, 'counts', 'count')} {counted(said, 'messages')}, "
            f"and only {there:,} {by_number(there, 'is', 'are')} there."
        )
    return Finding(
        kind=kind,
        status="fail",
        what=what,
        collection="chat_messages",
        user=user,
        count=chats,
        examples=tuple(label[:100] for label, _, _ in shown[:MAX_EXAMPLES]),
    )


def _sought(shown: Iterable[tuple[str, int, int]]) -> Sought:
    return Sought(
        collection="chat_messages",
        field="chatId",
        values=tuple(label for label, _, _ in shown),
        counts=tuple(said for _, _, said in shown),
    )


def _settled(
    references: References, chunk: list[Short], again: Again, check: Callable[[], None]
) -> list[Short]:
    """Those that lack messages in two looks one after the other that saw the same."""
    waiting = {place: (there, said) for place, there, said in chunk}
    done: list[Short] = []
    for _ in range(LOOKS):
        now = _now(references, list(waiting), again)
        done += [(place, *found) for place, found in now.items() if waiting[place] == found]
        waiting = {place: found for place, found in now.items() if waiting[place] != found}
        if not waiting:
            break
        check()
        time.sleep(PAUSE_SECONDS)
    return sorted(done)


def _now(references: References, places: list[int], again: Again) -> dict[int, tuple[int, int]]:
    """(messages there, messages it says) of the chats that lack some now, the count read before the messages."""
    noted = [references.store.noted(place) for place in sorted(places)]
    place_of = {(one.kind, one.raw_id): place for one, place in zip(noted, sorted(places), strict=True)}
    ids = [python_value(one.kind, one.raw_id) for one in noted]
    said: dict[bytes, tuple[int, int]] = {}
    for name in sorted(references.names.get("chats", {"chats"})):
        for seen in walked(references, "chats", again, name, "_id", ids, ("id", "messageCount")):
            own, count = seen.text("id"), seen.number("messageCount")
            if own and count:
                said[own] = (place_of[seen.kept["_id"]], count)
    there: dict[bytes, int] = {}
    chats = [own.decode("utf-8", "replace") for own in said]
    for seen in walked(
        references, "chat_messages", again, "chat_messages", "chatId", chats, ("chatId", "messages.type")
    ):
        chat = seen.text("chatId")
        if chat:
            there[chat] = there.get(chat, 0) + seen.counts.get("messages", 0)
    return {
        place: (there.get(own, 0), count) for own, (place, count) in said.items() if there.get(own, 0) < count
    }
