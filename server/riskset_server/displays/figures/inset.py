"""The estimates printed inside a figure of curves: patients, events, the probability at the horizons with its error, and the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from riskset_common.results.curves import Estimate, GroupCurve
from riskset_common.results.shown import Withheld
from riskset_common.results.tests import GrayResult
from riskset_server.displays.figures.lines import Line
from riskset_server.displays.parts.cells import (
    NOT_REACHED,
    Cell,
    cell,
    count,
    joined,
    p_phrase,
    withheld_cell,
)
from riskset_server.displays.parts.curve_words import (
    endpoint_noun,
    horizons,
    probability_and_error,
)
from riskset_server.displays.parts.display import Part, Shown, Tested, tests_of
from riskset_server.displays.parts.figure import (
    SMALL_SIZE,
    Sheet,
    colour,
    dashes,
    line_height,
    text_width,
)
from riskset_server.displays.parts.series import Measure, Style, measure_of
from riskset_server.displays.parts.words import listed, lower_first, sentence_case

SAMPLE = 0.3
"""Length of the piece of line before a group's name, in inches."""
GAP = 0.14
PADDING = 0.1
MOST_HORIZONS = 4


@dataclass(frozen=True)
class Inset:
    """The texts of the inset.

    Attributes
    ----------
    heads
        Heads of the columns after the names; a head may have two lines.
    names
        Names of the rows, one a curve.
    rows
        Cells of the columns.
    tests
        Lines below the rows.
    styles
        How the curves are drawn, one a row.
    """

    heads: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    tests: tuple[str, ...]
    styles: tuple[Style, ...]

    @property
    def height(self) -> float:
        """Height in inches, padding included."""
        return line_height(SMALL_SIZE) * (2 + len(self.rows) + len(self.tests)) + 2 * PADDING

    @property
    def widths(self) -> tuple[float, ...]:
        """Widths of the column of names and of each further column, in inches."""
        names = max((text_width(name, SMALL_SIZE) for name in self.names), default=0.0)
        columns = [
            max(
                text_width(text, SMALL_SIZE)
                for text in (head, *(row[index].text for row in self.rows))
            )
            for index, head in enumerate(self.heads)
        ]
        return (SAMPLE + 0.08 + names, *columns)

    @property
    def width(self) -> float:
        """Width in inches, padding included."""
        table = sum(self.widths) + GAP * len(self.heads)
        return max(table, *(text_width(test, SMALL_SIZE) for test in self.tests), 0.0) + 2 * PADDING


def inset(shown: Shown, lines: Sequence[Line]) -> Inset:
    """The inset of a display: the plan's last horizons (the table has all of them), else the medians."""
    heads, cells = _estimates(shown, lines)
    sizes = [(cell(line.curve.n, count), cell(line.curve.events, count)) for line in lines]
    return Inset(
        heads=("No.", "Events", *heads),
        names=tuple(line.label for line in lines),
        rows=tuple((*size, *row) for size, row in zip(sizes, cells, strict=True)),
        tests=tuple(
            _test(shown, part, tested) for part in shown.parts for tested in tests_of(part)
        ),
        styles=tuple(line.style for line in lines),
    )


def _estimates(shown: Shown, lines: Sequence[Line]) -> tuple[tuple[str, ...], list[list[Cell]]]:
    """Heads and cells of the estimates; of a cumulative incidence without horizons there are none."""
    measure = measure_of(shown.parts[0])
    noun = endpoint_noun(shown) if measure == Measure.SURVIVAL else "incidence"
    times = horizons(shown)[-MOST_HORIZONS:]
    if times:
        heads = tuple(f"{shown.words.horizon(time)} {noun},\n% (SE)" for time in times)
        return heads, [
            [probability_and_error(line.curve, time) for time in times] for line in lines
        ]
    if measure != Measure.SURVIVAL:
        return (), [[] for _ in lines]
    curves = [line.curve for line in lines]
    medians = [curve.median for curve in curves if isinstance(curve, GroupCurve)]
    return (f"Median (CI),\n{shown.words.unit}",), [[_median(shown, each)] for each in medians]


def _median(shown: Shown, median: Estimate | Withheld) -> Cell:
    if isinstance(median, Withheld):
        return withheld_cell(median)
    found = [
        cell(each, shown.words.duration, NOT_REACHED)
        for each in (median.estimate, median.lower, median.upper)
    ]
    return joined(tuple(found), "{} ({} to {})")


def _test(shown: Shown, part: Part, tested: Tested) -> str:
    """`Log-rank P = .47 (1 df)`, after the endpoint or cause where the figure shows several."""
    test, subjects = tested.test, []
    if len(shown.parts) > 1:
        subjects.append(shown.words.short_endpoint(part.spec.endpoint_name() or ""))
    if tested.cause is not None:
        subjects.append(sentence_case(tested.cause))
    of = f"{', '.join(subjects)}: " if subjects else ""
    if isinstance(test, Withheld):
        return f"{of}Test withheld"
    is_gray = isinstance(test, GrayResult)
    named = "Gray's test" if is_gray else f"{test.name[:1].upper()}{test.name[1:]}"
    strata = [lower_first(shown.words.variable(name)) for name in test.strata]
    if strata:
        named = f"{named}, stratified by {listed(strata)},"
    p = cell(test.p_value, p_phrase, Cell("P not estimable")).text
    post_hoc = ", post hoc" if part.spec.planned == "post_hoc" else ""
    return f"{of}{named} {p} ({test.df} df{post_hoc})"


def draw_inset(sheet: Sheet, texts: Inset, left: float, top: float) -> None:
    """Write the inset below and to the right of a point in inches."""
    step = line_height(SMALL_SIZE)
    left, top = left + PADDING, top - PADDING
    names, *columns = texts.widths
    centres = []
    right = left + names
    for width in columns:
        right += GAP + width
        centres.append(right - width / 2)
    for centre, head in zip(centres, texts.heads, strict=True):
        sheet.write(
            centre,
            top - 2 * step,
            head,
            ha="center",
            va="bottom",
            fontsize=SMALL_SIZE,
            linespacing=1.15,
        )
    for index, (name, cells) in enumerate(zip(texts.names, texts.rows, strict=True)):
        y = top - (2.5 + index) * step
        sheet.stroke(
            (left, left + SAMPLE),
            (y, y),
            color=colour(texts.styles[index].colour),
            linestyle=dashes(texts.styles[index].dashes),
            linewidth=1.5,
        )
        sheet.write(left + SAMPLE + 0.08, y, name, fontsize=SMALL_SIZE)
        for centre, shown in zip(centres, cells, strict=True):
            sheet.write(centre, y, shown.text, ha="center", fontsize=SMALL_SIZE)
    for index, test in enumerate(texts.tests):
        y = top - (2.5 + len(texts.rows) + index) * step
        sheet.write(left, y, test, fontsize=SMALL_SIZE)
