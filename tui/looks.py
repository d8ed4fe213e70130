"""How a cell looks, and the shortest escape sequence from one look to the next."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "7": "27"}
"""What ends one attribute alone on every terminal; the others end with everything."""


class Look(NamedTuple):
    """SGR codes: attributes, foreground and background (empty: the terminal's own), and what it links to."""

    attributes: tuple[str, ...] = ()
    foreground: str = ""
    background: str = ""
    link: str = ""


PLAIN = Look()


@lru_cache(4096)
def look_of(codes: str, link: str = "") -> Look:
    """The look of a style's codes, as textual renders them."""
    attributes: list[str] = []
    colours = ["", ""]
    parts = codes.split(";") if codes else []
    place = 0
    while place < len(parts):
        part = parts[place]
        number = int(part)
        if number in (38, 48):
            size = 3 if parts[place + 1] == "5" else 5
            colours[number == 48] = ";".join(parts[place : place + size])
            place += size
            continue
        if number == 39 or number == 49:
            colours[number == 49] = ""
        elif 30 <= number <= 37 or 90 <= number <= 97:
            colours[0] = part
        elif 40 <= number <= 47 or 100 <= number <= 107:
            colours[1] = part
        else:
            attributes.append(part)
        place += 1
    return _one(Look(tuple(attributes), colours[0], colours[1], link))


@lru_cache(4096)
def _one(look: Look) -> Look:
    """The same object for equal looks, so that rows are compared by identity."""
    return look


@lru_cache(4096)
def blank_of(look: Look) -> Look:
    """What can be seen of a space drawn so: nothing of its foreground, unless that is its line or its ground."""
    seen = tuple(one for one in look.attributes if one not in ("1", "2", "3", "8"))
    return look if seen else _one(Look((), "", look.background, look.link))


@lru_cache(8192)
def change(before: Look, after: Look) -> str:
    """The sequence that makes a terminal which draws as `before` draw as `after`."""
    sequence = ""
    if before[:3] != after[:3]:
        codes = _all(after) if before[:3] == PLAIN[:3] else ["0", *_all(after)]
        fewer = _differing(before, after)
        if fewer is not None and len(";".join(fewer)) < len(";".join(codes)):
            codes = fewer
        sequence = f"\x1b[{';'.join(codes)}m" if codes != ["0"] else "\x1b[m"
    if before.link != after.link:
        sequence += f"\x1b]8;;{after.link}\x1b\\"
    return sequence


def _all(look: Look) -> list[str]:
    return [*look.attributes, *filter(None, (look.foreground, look.background))]


def _differing(before: Look, after: Look) -> list[str] | None:
    """Only what is different; None where an attribute cannot be ended alone."""
    gone = [one for one in before.attributes if one not in after.attributes]
    if not all(one in _OFF for one in gone):
        return None
    codes = list(dict.fromkeys(_OFF[one] for one in gone))
    # 22 ends both bold and dim.
    again = ("1", "2") if "22" in codes else ()
    codes += [one for one in after.attributes if one in again or one not in before.attributes]
    if before.foreground != after.foreground:
        codes.append(after.foreground or "39")
    if before.background != after.background:
        codes.append(after.background or "49")
    return codes
