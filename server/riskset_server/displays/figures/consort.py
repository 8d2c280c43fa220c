"""The flow of patients as a CONSORT diagram: a box for each group, joined to the box that it was split from.

Boxes that hold nobody are left out; the table of the same analysis has them. Several boxes of which none is split further stand as
lines in one box, as the reasons for exclusion do in the diagrams of journals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from riskset_common.results.flow import FlowBox, FlowResult
from riskset_server.displays.figures.tree import PADDING, Box, Standing, fitted, standing
from riskset_server.displays.parts.boxes import box_label
from riskset_server.displays.parts.cells import Cell, cell, count
from riskset_server.displays.parts.display import Shown
from riskset_server.displays.parts.figure import INK, Drawing, Sheet, line_height
from riskset_server.displays.parts.table import letter
from riskset_server.displays.parts.words import Words
from riskset_server.results.typed import of_kind

MARGIN = 0.12
GAP = 0.34
NO_BREAK = "\N{NO-BREAK SPACE}"
SEVERAL = 3
"""From this many boxes on, those that end the flow stand in one box."""


@dataclass(frozen=True)
class _Labels:
    """What the boxes say, and the letters of their footnotes."""

    words: Words
    everybody: str
    marks: dict[str, str]

    def text(self, box: FlowBox) -> str:
        """`Male (n = 128)`, or `Male (withheld [a])`."""
        found: Cell = cell(box.n, count)
        for note in found.notes:
            self.marks.setdefault(note, letter(len(self.marks)))
        marked = "".join(f" [{self.marks[note]}]" for note in found.notes)
        number = found.text + marked if found.notes else f"n = {found.text}"
        label = box_label(box, self.words, self.everybody, named=False)
        return f"{label} ({number.replace(' ', NO_BREAK)})"


def draw(shown: Shown) -> Drawing:
    """Draw the boxes of one analysis."""
    part, words = shown.only, shown.words
    labels = _Labels(words, words.population(part.spec), {})
    boxes = of_kind(FlowResult, part.result).boxes
    peopled = [box for box in boxes if box.n != 0]
    top, downwards = standing(_box(peopled or boxes[:1], labels), GAP)
    placed = list(top.all())
    width = max(each.x + each.width / 2 for each in placed) + 2 * MARGIN
    height = max(each.y + each.height / 2 for each in placed) + 2 * MARGIN

    def paint(sheet: Sheet) -> None:
        for each in placed:
            _draw_box(sheet, each)
            for below in each.below:
                _draw_arrow(sheet, each, below, downwards=downwards)

    return Drawing(
        shown.title,
        width,
        height,
        paint,
        notes=("Groups without patients are left out.",),
        footnotes=tuple(f"[{mark}] {note}" for note, mark in labels.marks.items()),
    )


def _box(boxes: Sequence[FlowBox], labels: _Labels) -> Box:
    """The first box, with all that are below it."""
    first, families = boxes[0], list(_families(boxes[1:]))
    lines = fitted(labels.text(first))
    if len(families) >= SEVERAL and all(len(family) == 1 for family in families):
        listed = [line for family in families for line in _item(labels.text(family[0]))]
        return Box(lines, (Box(tuple(listed), is_list=True),))
    return Box(lines, tuple(_box(family, labels) for family in families))


def _item(text: str) -> Iterator[str]:
    """Lines of one entry in a box of several; what runs on is indented."""
    first, *others = fitted(text)
    yield first
    for line in others:
        yield f"  {line}"


def _families(boxes: Sequence[FlowBox]) -> Iterator[list[FlowBox]]:
    """The boxes directly below one, each with all that are below itself."""
    family: list[FlowBox] = []
    for box in boxes:
        if family and box.depth == boxes[0].depth:
            yield family
            family = []
        family.append(box)
    if family:
        yield family


def _at(sheet: Sheet, x: float, y: float) -> tuple[float, float]:
    """A place of the tree on the sheet, whose lengths run upwards."""
    return x + MARGIN, sheet.height - MARGIN - y


def _draw_box(sheet: Sheet, box: Standing) -> None:
    left, right = box.x - box.width / 2, box.x + box.width / 2
    above, below = box.y - box.height / 2, box.y + box.height / 2
    corners = [(left, above), (right, above), (right, below), (left, below), (left, above)]
    x, y = zip(*(_at(sheet, *corner) for corner in corners), strict=True)
    sheet.stroke(x, y, color=INK, linewidth=0.8, solid_joinstyle="miter")
    middle = (len(box.box.lines) - 1) / 2
    for index, line in enumerate(box.box.lines):
        at = left + PADDING if box.box.is_list else box.x
        place = _at(sheet, at, box.y + (index - middle) * line_height())
        sheet.write(*place, line, ha="left" if box.box.is_list else "center")


def _draw_arrow(sheet: Sheet, above: Standing, below: Standing, *, downwards: bool) -> None:
    """From the edge of a box to the middle of the gap, along it, and on to the other box, where it ends in a head."""
    if downwards:
        start, end = above.y + above.height / 2, below.y - below.height / 2
        turn = end - GAP / 2
        route = [(above.x, start), (above.x, turn), (below.x, turn), (below.x, end)]
    else:
        start, end = above.x + above.width / 2, below.x - below.width / 2
        turn = end - GAP / 2
        route = [(start, above.y), (turn, above.y), (turn, below.y), (end, below.y)]
    x, y = zip(*(_at(sheet, *place) for place in route), strict=True)
    sheet.stroke(x, y, color=INK, linewidth=0.8)
    # The head's middle lies half its size before the edge, so that its point touches it.
    size, head = 4.0, _at(sheet, *route[-1])
    shift = size / 2 / 72
    tip = (head[0], head[1] + shift) if downwards else (head[0] - shift, head[1])
    sheet.stroke(
        [tip[0]],
        [tip[1]],
        color=INK,
        marker="v" if downwards else ">",
        markersize=size,
        markeredgewidth=0,
        linestyle="none",
    )
