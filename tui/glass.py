"""What the terminal shows and what it shall show: only the cells between the two are sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.color import ColorSystem
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.strip import Strip

from tui.cells import REST, cells_of, is_steady
from tui.looks import PLAIN, Look, blank_of, change

NEAR = 4
"""Unchanged cells that are sent again rather than skipped: skipping takes as many bytes."""
UNKNOWN = "\0"
"""Stands in no cell that is drawn: whatever the terminal shows there is sent again."""


class Glass:
    """One terminal's cells; `take` what shall be shown, `send` what differs from what is."""

    def __init__(self) -> None:
        self.size = (0, 0)
        self._chars: list[list[str]] = []
        self._looks: list[list[Look]] = []
        self._shown_chars: list[list[str]] = []
        self._shown_looks: list[list[Look]] = []
        self._touched: set[int] = set()
        self._lost = False

    def forget(self) -> None:
        """What the terminal shows is not known any more, until all of it was drawn again."""
        width, height = self.size
        self._shown_chars = [[UNKNOWN] * width for _ in range(height)]
        self._shown_looks = [[PLAIN] * width for _ in range(height)]
        self._lost = True

    def take(self, update: LayoutUpdate | ChopsUpdate, size: tuple[int, int], colours: ColorSystem) -> None:
        """Cells as they shall be, of a whole frame of this size or of parts of it."""
        if size != self.size:
            self.size = width, height = size
            self._chars = [[" "] * width for _ in range(height)]
            self._looks = [[PLAIN] * width for _ in range(height)]
            self._touched.clear()
            self.forget()
        if isinstance(update, LayoutUpdate):
            if self._lost:
                self.forget()
                self._lost = False
                self._touched.update(range(size[1]))
            pieces = _whole(update)
        else:
            pieces = _parts(update)

        def codes_of(style: Style) -> str:
            return Strip.render_ansi(style, colours)

        for x, y, strip in pieces:
            if 0 <= y < size[1] and x < size[0]:
                chars, looks = cells_of(strip, codes_of)
                self._put(x, y, chars, looks)

    def _put(self, x: int, y: int, chars: list[str], looks: list[Look]) -> None:
        row, row_looks = self._chars[y], self._looks[y]
        end = min(x + len(chars), self.size[0])
        if end - x < len(chars):
            chars, looks = chars[: end - x], looks[: end - x]
        if row[x:end] == chars and row_looks[x:end] == looks:
            return
        self._touched.add(y)
        # Half a wide character is none.
        if x and row[x] == REST:
            row[x - 1] = " "
        if end < len(row) and row[end] == REST:
            row[end] = " "
        row[x:end], row_looks[x:end] = chars, looks

    def send(self) -> str:
        """The sequence that makes the terminal show what it shall; empty when it does."""
        pen = Pen()
        for y in sorted(self._touched):
            chars, looks = self._chars[y], self._looks[y]
            before, before_looks = self._shown_chars[y], self._shown_looks[y]
            if chars == before and looks == before_looks:
                continue
            if _is_steady_row(chars) and _is_steady_row(before):
                _draw_changes(pen, y, chars, looks, before, before_looks)
            else:
                _draw_unsteady(pen, y, chars, looks)
            self._shown_chars[y], self._shown_looks[y] = chars.copy(), looks.copy()
        self._touched.clear()
        return pen.finish()


class Pen:
    """Draws cells by the shortest sequences, knowing where the cursor is and how it draws."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._look = PLAIN
        self._at = (-1, -1)

    def move(self, x: int, y: int) -> None:
        """To a cell."""
        at_x, at_y = self._at
        if (x, y) == self._at:
            return
        if y == at_y and x > at_x:
            self._out.append(f"\x1b[{x - at_x}C" if x - at_x > 1 else "\x1b[C")
        elif x == 0 and y == at_y + 1 and at_y >= 0:
            self._out.append("\r\n")
        else:
            self._out.append(f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H")
        self._at = (x, y)

    def draw(self, chars: Sequence[str], looks: Sequence[Look], width: int) -> None:
        """Cells side by side from where it is, in a row of this width."""
        out, look = self._out, self._look
        for char, wanted in zip(chars, looks, strict=True):
            if wanted is not look and not (char == " " and blank_of(look) == wanted):
                out.append(change(look, wanted))
                look = wanted
            out.append(char)
        self._look = look
        x, y = self._at
        x += len(chars)
        # After the last column terminals differ in where the cursor is.
        self._at = (x, y) if x < width else (-1, -1)

    def clear_rest(self) -> None:
        """Blank to the end of the row, in the terminal's own background."""
        self._out.append(change(self._look, PLAIN) + "\x1b[K")
        self._look = PLAIN

    def lose(self) -> None:
        """Where it is has become uncertain."""
        self._at = (-1, -1)

    def finish(self) -> str:
        """Everything drawn, ending in the terminal's own look."""
        if self._out:
            self._out.append(change(self._look, PLAIN))
        return "".join(self._out)


def _whole(update: LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield x, y, strip
            x += strip.cell_length


def _parts(update: ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    for y, start, stop in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < stop and end > start:
                yield x, y, strip


def _is_steady_row(chars: list[str]) -> bool:
    return REST not in chars and all(map(is_steady, set(chars)))


def _draw_changes(
    pen: Pen, y: int, chars: list[str], looks: list[Look], before: list[str], before_looks: list[Look]
) -> None:
    width = len(chars)
    blank_from = width
    while blank_from and chars[blank_from - 1] == " " and looks[blank_from - 1] is PLAIN:
        blank_from -= 1
    start = -1
    last = -1
    for x in range(width):
        if chars[x] == before[x] and looks[x] is before_looks[x]:
            continue
        if start < 0:
            start = x
        elif x - last - 1 > NEAR or not _goes_on(chars, looks, last, x):
            pen.move(start, y)
            pen.draw(chars[start : last + 1], looks[start : last + 1], width)
            start = x
        last = x
        if x >= blank_from and width - x > NEAR:
            if x > start:
                pen.move(start, y)
                pen.draw(chars[start:x], looks[start:x], width)
            pen.move(x, y)
            pen.clear_rest()
            return
    if start >= 0:
        pen.move(start, y)
        pen.draw(chars[start : last + 1], looks[start : last + 1], width)


def _goes_on(chars: list[str], looks: list[Look], last: int, x: int) -> bool:
    """Whether what lies between two changed cells is drawn in the look of the first."""
    look = looks[last]
    return all(
        looks[at] is look or (chars[at] == " " and looks[at] is blank_of(look)) for at in range(last + 1, x)
    )


def _draw_unsteady(pen: Pen, y: int, chars: list[str], looks: list[Look]) -> None:
    """All of a row whose characters terminals measure differently: each such run is put where it belongs."""
    width = len(chars)
    x = 0
    pen.lose()
    while x < width:
        end = x
        steady = is_steady(chars[x])
        while end < width and is_steady(chars[end]) == steady:
            end += 1
        pen.move(x, y)
        if not steady:
            pen.draw([" "] * (end - x), [blank_of(look) for look in looks[x:end]], width)
            pen.lose()
            pen.move(x, y)
        pen.draw(chars[x:end], looks[x:end], width)
        if not steady:
            pen.lose()
        x = end
