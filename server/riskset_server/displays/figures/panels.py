"""A figure of several panels: each drawn on its part of one sheet, with its letter and title above, in rows of equal height."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from riskset_server.displays.figures.tree import wrapped
from riskset_server.displays.parts.figure import Drawing, Sheet, line_height

MARGIN, GAP = 0.06, 0.3
LETTER_SIZE, LETTER_ROOM = 11.0, 0.24
COLUMNS = 2


@dataclass(frozen=True)
class _Placed:
    """A panel and the upper left corner of its room, in inches from the upper left corner of the figure.

    `lowered` is how far its drawing is moved down, so that its plot begins where those beside it do.
    """

    letter: str
    title: tuple[str, ...]
    drawing: Drawing
    x: float
    y: float
    lowered: float

    @property
    def head(self) -> float:
        """Height of its letter and title."""
        return _head(self.title)


def letter_of(rank: int) -> str:
    """A, B, C, ..."""
    return chr(ord("A") + rank)


def composed(title: str, panels: Mapping[str, Drawing], columns: int | None = None) -> Drawing:
    """One drawing of several by their letters, in the order of reading, in so many columns; two by default."""
    placed, width, height = _placed(panels, min(columns or COLUMNS, len(panels)))
    drawings = [each.drawing for each in placed]

    def paint(sheet: Sheet) -> None:
        for each in placed:
            _paint(sheet, each)

    names = [each.letter for each in placed]
    return Drawing(
        title,
        width,
        height,
        paint,
        notes=tuple(_named([drawing.notes for drawing in drawings], names)),
        abbreviations=tuple(item for drawing in drawings for item in drawing.abbreviations),
        footnotes=tuple(_named([drawing.footnotes for drawing in drawings], names)),
    )


def _placed(panels: Mapping[str, Drawing], columns: int) -> tuple[list[_Placed], float, float]:
    """Where each panel stands, and width and height of them all."""
    letters, drawings = list(panels), list(panels.values())
    widths = [max(each.width for each in drawings[column::columns]) for column in range(columns)]
    titles = [
        wrapped(drawing.title, widths[rank % columns] - LETTER_ROOM, "bold")
        for rank, drawing in enumerate(drawings)
    ]
    placed = []
    y = MARGIN
    for first in range(0, len(drawings), columns):
        row = range(first, min(first + columns, len(drawings)))
        x = MARGIN
        lowest = max(_head(titles[rank]) + (drawings[rank].above or 0.0) for rank in row)
        height = 0.0
        for rank in row:
            drawing, head = drawings[rank], _head(titles[rank])
            lowered = 0.0 if drawing.above is None else lowest - head - drawing.above
            placed.append(_Placed(letters[rank], titles[rank], drawing, x, y, lowered))
            x += widths[rank - first] + GAP
            height = max(height, head + lowered + drawing.height)
        y += height + GAP
    return placed, sum(widths) + GAP * (columns - 1) + 2 * MARGIN, y - GAP + MARGIN


def _head(title: Sequence[str]) -> float:
    return max(line_height(LETTER_SIZE), line_height() * len(title)) + 0.06


def _paint(sheet: Sheet, panel: _Placed) -> None:
    top = sheet.height - panel.y
    first = top - line_height(LETTER_SIZE) / 2
    sheet.write(panel.x, first, panel.letter, fontsize=LETTER_SIZE, weight="bold")
    for rank, line in enumerate(panel.title):
        sheet.write(panel.x + LETTER_ROOM, first - rank * line_height(), line, weight="bold")
    drawing = panel.drawing
    bottom = top - panel.head - panel.lowered - drawing.height
    drawing.paint(sheet.part(panel.x, bottom, drawing.width, drawing.height))


def _named(lines: Sequence[Iterable[str]], names: Sequence[str]) -> Iterable[str]:
    """Lines below several panels, each once; those that do not hold for all say for which."""
    owners: dict[str, list[str]] = {}
    for name, said in zip(names, lines, strict=True):
        for line in dict.fromkeys(said):
            owners.setdefault(line, []).append(name)
    for line, found in owners.items():
        yield line if len(found) == len(names) else f"{', '.join(found)}: {line}"
