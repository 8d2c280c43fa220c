"""The flow of patients as a table: every box below the one that it was split from, with its share of that one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from riskset_common.results.flow import FlowBox, FlowResult
from riskset_server.displays.parts.boxes import box_label
from riskset_server.displays.parts.cells import EMPTY, Cell, cell, count, percent
from riskset_server.displays.parts.display import Shown
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.parts.words import Words
from riskset_server.results.typed import of_kind

NOTE = "Percentages are of the box above."


def make(shown: Shown) -> Table:
    """One row a box, indented by its depth, its variable named before its level; `not known` only where there is somebody."""
    part, words = shown.only, shown.words
    boxes = of_kind(FlowResult, part.result).boxes
    return Table(
        title=shown.title,
        heads=("Patients", "No.", "%"),
        rows=tuple(_rows(boxes, words, words.population(part.spec))),
        notes=(f"Indented patients are part of those above. {NOTE}",),
        abbreviations=(("No.", "number of patients"),),
    )


def _rows(boxes: Sequence[FlowBox], words: Words, everybody: str) -> Iterator[Row]:
    for box in boxes:
        if box.level is None and box.n == 0 and box.depth > 0:
            continue
        share = EMPTY if box.depth == 0 else cell(box.percent, percent)
        label = box_label(box, words, everybody, named=True)
        yield Row(Cell(label), (cell(box.n, count), share), indent=box.depth)
