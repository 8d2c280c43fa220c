"""Placing the boxes of a tree: side by side without touching, each centred above the boxes that it splits into.

Lengths are inches. A tree grows downwards, or to the right where its boxes would be too many side by side. Breadth is the direction in
which siblings stand, depth the one in which the tree grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from riskset_server.displays.parts.figure import line_height, text_width

PADDING = 0.08
SIBLING_GAP = 0.16
BOX_WIDTH = 1.45
WIDEST = 9.5
"""Downwards growing trees that are wider than this grow to the right instead."""


@dataclass(frozen=True)
class Box:
    """A box of text and the boxes below it; `is_list` where its lines begin at its left edge."""

    lines: tuple[str, ...]
    below: tuple[Box, ...] = ()
    is_list: bool = False

    @property
    def height(self) -> float:
        """Its height around the lines."""
        return len(self.lines) * line_height() + 2 * PADDING


@dataclass(frozen=True)
class Standing:
    """A box where it stands: its middle, its size, and the boxes below it; y grows downwards."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    below: tuple[Standing, ...] = field(default=())

    def all(self) -> Iterator[Standing]:
        """This box and every one below it."""
        yield self
        for each in self.below:
            yield from each.all()


def wrapped(text: str, width: float, weight: str = "normal") -> tuple[str, ...]:
    """Text in lines that are not wider than so many inches, except for single words."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, weight=weight) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)


def fitted(text: str) -> tuple[str, ...]:
    """Lines of a box."""
    return wrapped(text, BOX_WIDTH - 2 * PADDING)


def standing(top: Box, gap: float) -> tuple[Standing, bool]:
    """Every box where it stands, from the upper left corner on, and whether the tree grows downwards; `gap` lies between depths."""
    width = _widest(top)
    downwards = _breadth(top, width, downwards=True) <= WIDEST
    rows = [max(size) for size in _depths(top, width, downwards=downwards)]
    starts = [sum(rows[:depth]) + depth * gap for depth in range(len(rows))]
    return _stand(top, 0, 0.0, starts, width, downwards=downwards), downwards


def _widest(box: Box) -> float:
    """One width for all boxes: the usual one, or more for a long word."""
    found = max(text_width(line) for line in box.lines) + 2 * PADDING
    return max([BOX_WIDTH, found, *(_widest(each) for each in box.below)])


def _breadth(box: Box, width: float, *, downwards: bool) -> float:
    """Breadth of a box with all that is below it."""
    own = width if downwards else box.height
    return max(own, _together([_breadth(each, width, downwards=downwards) for each in box.below]))


def _together(breadths: Sequence[float]) -> float:
    return sum(breadths) + SIBLING_GAP * max(len(breadths) - 1, 0)


def _depths(box: Box, width: float, *, downwards: bool) -> list[list[float]]:
    """Sizes of all boxes in the direction of growth, depth by depth."""
    found = [[box.height if downwards else width]]
    for each in box.below:
        for depth, sizes in enumerate(_depths(each, width, downwards=downwards), start=1):
            if depth == len(found):
                found.append([])
            found[depth] += sizes
    return found


def _stand(
    box: Box, depth: int, begin: float, starts: Sequence[float], width: float, *, downwards: bool
) -> Standing:
    breadth = _breadth(box, width, downwards=downwards)
    inside = [_breadth(each, width, downwards=downwards) for each in box.below]
    at = begin + (breadth - _together(inside)) / 2
    below = []
    for each, size in zip(box.below, inside, strict=True):
        below.append(_stand(each, depth + 1, at, starts, width, downwards=downwards))
        at += size + SIBLING_GAP
    middle = begin + breadth / 2
    own = box.height if downwards else width
    along = starts[depth] + own / 2
    x, y = (middle, along) if downwards else (along, middle)
    return Standing(box, x, y, width, box.height, tuple(below))
