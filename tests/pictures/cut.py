"""What an 80-column screen cuts off without saying so, found by drawing the same screen much wider.

Both drawings are taken apart into phrases: what stands between two blanks, a border or the edge. A phrase of
the wide one that stands in the narrow one only in part, from its first word on, was cut, unless
- an ellipsis stands behind the part that is there,
- the rest goes on at the beginning of a line below (it was wrapped), or
- the narrow screen says the whole phrase elsewhere, or the part is a whole phrase of the wide one as well.
A word that is only the beginning of a word counts as cut in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MUCH_WIDER = (240, 24)
_GAP = re.compile(r"\s{2,}|[│┃▏▕|]|\s*$|\[|\]")
_WORD = re.compile(r"[A-Za-z][\w.-]{2,}")
_ELLIPSES = ("…", "~")
WORDS = 2
"""A phrase of fewer words is too likely to be the beginning of another one by chance: a time, a path."""


def phrases(line: str) -> list[str]:
    """What stands between gaps and borders of a line."""
    return [part for part in (one.strip() for one in _GAP.split(line)) if part]


def cut_off(narrow: str, wide: str) -> Iterator[str]:
    """Each phrase of the wide text of which the narrow one shows a part and nothing of the rest."""
    shown = [phrases(line) for line in narrow.splitlines()]
    starts = [line[0] for line in shown if line]
    flowing = " ".join(" ".join(line) for line in shown)
    wholes = {phrase for line in wide.splitlines() for phrase in phrases(line)}
    for part in sorted({phrase for line in shown for phrase in line} - wholes):
        if part.endswith(_ELLIPSES) or len(_WORD.findall(part)) < WORDS:
            continue
        longer = [whole for whole in wholes if whole.startswith(part)]
        rests = [whole[len(part) :].strip() for whole in longer if whole not in flowing]
        if (
            rests
            and len(rests) == len(longer)
            and not any(_goes_on(rest, start) for rest in rests for start in starts)
        ):
            yield f"{part}|{rests[0]}"


def _goes_on(rest: str, start: str) -> bool:
    """Whether a line that begins so is the rest, or its first words."""
    return rest.startswith(start) or start.startswith(rest) or start.split(" ")[0] == rest.split(" ")[0]


def cut_words(narrow: str, wide: str) -> Iterator[str]:
    """Words at the end of a phrase that are only the beginning of one, the rest being nowhere."""
    whole = set(_WORD.findall(wide))
    starts = [line[0] for line in map(phrases, narrow.splitlines()) if line]
    for line in narrow.splitlines():
        for phrase in phrases(line):
            last = phrase.split(" ")[-1]
            if not _WORD.fullmatch(last) or last in whole:
                continue
            longer = [one for one in whole if one.startswith(last)]
            if longer and not any(_goes_on(one[len(last) :], start) for one in longer for start in starts):
                yield f"{last} of {longer[0]}"
