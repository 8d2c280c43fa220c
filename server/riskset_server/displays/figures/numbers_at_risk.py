"""The rows below a survival figure: patients at risk, censored and with an event (KMunicate: Morris et al, BMJ Open 2019)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from riskset_server.displays.figures.lines import Line, Standing, standing
from riskset_server.displays.parts.cells import Cell
from riskset_server.displays.parts.figure import (
    SMALL_SIZE,
    Sheet,
    colour,
    dashes,
    line_height,
    text_width,
)
from riskset_server.displays.parts.series import Style

NAMES = {"at_risk": "At risk", "censored": "Censored", "events": "Events"}
_NUMBERS: Final[Mapping[str, Callable[[Standing], Cell]]] = {
    "at_risk": lambda patients: patients.at_risk,
    "censored": lambda patients: patients.censored,
    "events": lambda patients: patients.events,
}
ALL_ROWS = ("at_risk", "censored", "events")
MOST_GROUPS_IN_FULL = 6
"""With more groups, and unless the plan says which rows, only the patients at risk are listed."""

SAMPLE = 0.3
GROUP_GAP = 0.05
WITHHELD_SHORT = "w"


@dataclass(frozen=True)
class NumberRow:
    """One line: a heading of a group (without cells), or a row of numbers. `style` is that of the piece of line before it."""

    label: str
    style: Style | None
    cells: tuple[Cell, ...] = ()


def number_rows(
    lines: Sequence[Line], times: Sequence[float], kinds: Sequence[str]
) -> list[NumberRow]:
    """The rows of every curve, in blocks of a heading and its rows; without headings where one row a group, or one curve, is shown."""
    rows: list[NumberRow] = []
    if len(kinds) == 1 and len(lines) > 1:
        rows.append(NumberRow(f"No. {NAMES[kinds[0]].lower()}", None))
    for line in lines:
        if len(kinds) == 1 and len(lines) > 1:
            rows.append(_row(line.label, line.style, line, times, kinds[0]))
            continue
        if len(lines) > 1:
            rows.append(NumberRow(line.label, line.style))
        rows += [_row(NAMES[kind], None, line, times, kind) for kind in kinds]
    return rows


def _row(
    label: str, style: Style | None, line: Line, times: Sequence[float], kind: str
) -> NumberRow:
    return NumberRow(label, style, tuple(_NUMBERS[kind](standing(line, time)) for time in times))


def height_of(rows: Sequence[NumberRow]) -> float:
    """Height of the rows in inches."""
    headings = sum(not row.cells for row in rows)
    return line_height(SMALL_SIZE) * len(rows) + GROUP_GAP * headings


def label_width(rows: Sequence[NumberRow]) -> float:
    """Room that the labels beside numbers need, in inches; headings have a line for themselves."""
    widths = (
        text_width(row.label, SMALL_SIZE) + (SAMPLE + 0.08 if row.style is not None else 0.0)
        for row in rows
        if row.cells
    )
    return max(widths, default=0.0)


def number_width(rows: Sequence[NumberRow]) -> float:
    """Width of the widest number in inches; what was withheld counts by its short form."""
    texts = {cell.text for row in rows for cell in row.cells if not _is_withheld(cell)}
    return max((text_width(text, SMALL_SIZE) for text in texts), default=0.1)


def overhang(rows: Sequence[NumberRow]) -> float:
    """How far the first column reaches to the left of its middle, in inches."""
    return max(
        (text_width(row.cells[0].text, SMALL_SIZE) / 2 for row in rows if row.cells), default=0.0
    )


def _is_withheld(cell: Cell) -> bool:
    return cell.text == "withheld"


def shortens(rows: Sequence[NumberRow], columns: Sequence[float]) -> bool:
    """Whether columns at these places (inches) leave no room for the word `withheld`, so that a letter stands for it."""
    found = any(_is_withheld(cell) for row in rows for cell in row.cells)
    pitch = min((right - left for left, right in itertools.pairwise(columns)), default=math.inf)
    return found and text_width("withheld", SMALL_SIZE) + 0.08 > pitch


def draw_rows(
    sheet: Sheet, rows: Sequence[NumberRow], columns: Sequence[float], left: float, top: float
) -> None:
    """Write the rows from `top` downwards: labels at `left`, numbers centred at `columns`, all in inches."""
    step = line_height(SMALL_SIZE)
    short = shortens(rows, columns)
    y = top
    for row in rows:
        if not row.cells:
            y -= GROUP_GAP
        middle, x = y - step / 2, left
        if row.style is not None:
            sheet.stroke(
                (left, left + SAMPLE),
                (middle, middle),
                color=colour(row.style.colour),
                linestyle=dashes(row.style.dashes),
                linewidth=1.5,
            )
            x += SAMPLE + 0.08
        sheet.write(
            x, middle, row.label, fontsize=SMALL_SIZE, weight="normal" if row.cells else "bold"
        )
        for column, cell in zip(columns, row.cells, strict=bool(row.cells)):
            text = WITHHELD_SHORT if short and _is_withheld(cell) else cell.text
            if text:
                sheet.write(column, middle, text, ha="center", fontsize=SMALL_SIZE)
        y -= step
