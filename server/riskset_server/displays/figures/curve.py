"""The figure of survival or cumulative incidence: curves, intervals, labels, estimates and test inside, numbers at risk below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskset_common.release.round_numbers import nice_step, time_ticks
from riskset_server.displays.figures.inset import Inset, draw_inset, inset
from riskset_server.displays.figures.legend import MOST_INTERVALS, curve_legend
from riskset_server.displays.figures.lines import Line, ends_of, groups_of, lines, number_times
from riskset_server.displays.figures.numbers_at_risk import (
    ALL_ROWS,
    MOST_GROUPS_IN_FULL,
    NumberRow,
    draw_rows,
    height_of,
    label_width,
    number_rows,
    number_width,
    overhang,
    shortens,
)
from riskset_server.displays.figures.spread import spread
from riskset_server.displays.parts.curve_words import endpoint_noun
from riskset_server.displays.parts.display import Plot, Shown
from riskset_server.displays.parts.figure import (
    INK,
    Drawing,
    Sheet,
    colour,
    dashes,
    line_height,
    text_width,
)
from riskset_server.displays.parts.series import Measure, measure_of
from riskset_server.displays.parts.words import sentence_case
from riskset_server.results.axis_ticks import apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN, AXIS_HEIGHT, LABEL_GAP = 0.08, 0.5, 0.16
LEADS_TO_END = 0.02
"""Inches before the right end of the plot from which on a line counts as reaching it."""
LABEL_COLUMNS = 24
"""Characters after which a label at a line's end is broken."""


@dataclass(frozen=True)
class Layout:
    """Where the pieces of the figure stand, in inches from its lower left corner.

    `plot` is the size of the plot; `ticks` are the times marked on the axis, `labelled` those with their number, `numbers_at` those of the
    columns below it;
    `labels` are the wrapped labels at the ends of the lines, `strip` is the height of the inset where it stands above the plot.
    """

    plot: Plot
    until: float
    ticks: tuple[float, ...]
    labelled: tuple[float, ...]
    numbers_at: tuple[float, ...]
    rows: tuple[NumberRow, ...]
    labels: tuple[str, ...]
    left: float
    bottom: float
    width: float
    height: float
    strip: float

    def x(self, time: float) -> float:
        """Inches from the left of a time."""
        return self.left + self.plot.width * time / self.until

    def y(self, percent: float) -> float:
        """Inches from the bottom of a percentage."""
        return self.bottom + self.plot.height * percent / 100


def draw(shown: Shown) -> Drawing:
    """Draw the curves of one or several analyses."""
    curves = lines(shown)
    until = shown.display.until or ends_of(curves) or 1.0
    curves = tuple(line.until(until) for line in curves)
    texts = inset(shown, curves)
    layout = _layout(shown, curves, until, texts)
    corner = _free_corner(layout, curves, texts)
    if corner is None:
        layout = _layout(shown, curves, until, texts, strip=texts.height)
        corner = (layout.left, layout.height - MARGIN)
    columns = [layout.x(time) for time in layout.numbers_at]

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes(layout.left, layout.bottom, layout.plot.width, layout.plot.height)
        _draw_axes(axes, shown, layout)
        _draw_lines(axes, curves)
        _draw_labels(sheet, layout, curves)
        draw_inset(sheet, texts, *corner)
        draw_rows(sheet, layout.rows, columns, MARGIN, layout.bottom - AXIS_HEIGHT)

    shortened = shortens(layout.rows, columns)
    notes, abbreviations = curve_legend(shown, curves, texts, layout.rows, shortened=shortened)
    return Drawing(
        shown.title,
        layout.width,
        layout.height,
        paint,
        notes,
        abbreviations,
        above=layout.strip,
    )


def _layout(
    shown: Shown, curves: Sequence[Line], until: float, texts: Inset, *, strip: float = 0.0
) -> Layout:
    """Place the plot, its ticks and the rows of numbers under it, all in inches."""
    ticks = time_ticks(until, shown.display.every or nice_step(until, shown.words.unit))
    counted = groups_of(curves)
    kinds = shown.display.at_risk or (
        ALL_ROWS if len(counted) <= MOST_GROUPS_IN_FULL else ALL_ROWS[:1]
    )
    if measure_of(shown.parts[0]) != Measure.SURVIVAL:
        # Of several causes each has its own events, and of one the competing events leave as well.
        kinds = ALL_ROWS[:1]
    if not all(line.in_steps for line in curves):
        # Rounded numbers at risk would not add up with the other rows.
        kinds = ALL_ROWS[:1]
    wanted, possible = number_times(curves, ticks, until)
    times = [*wanted, *possible]
    inch = until / shown.plot.width
    widest = (
        max(number_width(number_rows(counted, times, kinds)), text_width(_tick_label(ticks[-1])))
        + 0.1
    )
    numbers_at = tuple(apart(wanted, possible, widest * inch))
    labelled = tuple(apart(numbers_at, ticks, (text_width(_tick_label(ticks[-1])) + 0.1) * inch))
    rows = number_rows(counted, numbers_at, kinds)
    labels = tuple("\n".join(textwrap.wrap(line.label, LABEL_COLUMNS)) for line in curves)
    tall = sum(_label_height(label) for label in labels)
    plot = Plot(shown.plot.width, max(shown.plot.height, tall + 0.1))
    left = max(0.62, MARGIN + label_width(rows) + overhang(rows) + 0.1)
    right = LABEL_GAP + max((text_width(label) for label in labels), default=0.0) + MARGIN
    bottom = MARGIN + height_of(rows) + AXIS_HEIGHT
    width = left + max(plot.width + right, texts.width + MARGIN if strip else 0.0)
    return Layout(
        plot=plot,
        until=until,
        ticks=tuple(ticks),
        labelled=labelled,
        numbers_at=numbers_at,
        rows=tuple(rows),
        labels=labels,
        left=left,
        bottom=bottom,
        width=width,
        height=bottom + plot.height + strip + 0.12,
        strip=strip,
    )


def _label_height(label: str) -> float:
    return line_height() * (label.count("\n") + 1)


def _tick_label(time: float) -> str:
    return f"{time:.10g}"


def _free_corner(
    layout: Layout, curves: Sequence[Line], texts: Inset
) -> tuple[float, float] | None:
    """Upper left point of the inset in a corner that no curve or interval enters: lower left, upper right, upper left."""
    if texts.width > layout.plot.width:
        return None
    in_time = layout.until / layout.plot.width
    in_percent = 100 / layout.plot.height
    span = (0.0, texts.width * in_time)
    ranges = [line.range_between(*span) for line in curves]
    if all(lowest > texts.height * in_percent for lowest, _ in ranges):
        return layout.left, layout.bottom + texts.height
    span = (layout.until - texts.width * in_time, layout.until)
    ranges = [line.range_between(*span) for line in curves]
    top = layout.bottom + layout.plot.height
    if all(highest < 100 - texts.height * in_percent for _, highest in ranges):
        return layout.left + layout.plot.width - texts.width, top
    ranges = [line.range_between(0.0, texts.width * in_time) for line in curves]
    if all(highest < 100 - texts.height * in_percent for _, highest in ranges):
        return layout.left, top
    return None


def _draw_axes(axes: Axes, shown: Shown, layout: Layout) -> None:
    endpoints = [part.spec.endpoint_name() or "" for part in shown.parts]
    axes.set_xlim(0, layout.until)
    axes.set_ylim(0, 100)
    axes.set_xticks(layout.labelled, [_tick_label(time) for time in layout.labelled])
    axes.set_xticks([time for time in layout.ticks if time not in layout.labelled], minor=True)
    axes.set_yticks(range(0, 101, 20))
    axes.set_xlabel(shown.words.time_axis(endpoints), labelpad=3)
    axes.set_ylabel(f"{_measured(shown, endpoints)} (%)", labelpad=3)
    axes.spines[["top", "right"]].set_visible(False)


def _measured(shown: Shown, endpoints: Sequence[str]) -> str:
    if measure_of(shown.parts[0]) != Measure.SURVIVAL:
        return "Cumulative incidence"
    if shown.causes:
        return sentence_case(endpoint_noun(shown))
    return shown.words.endpoint(endpoints[0]) if len(set(endpoints)) == 1 else "Survival"


def _draw_lines(axes: Axes, curves: Sequence[Line]) -> None:
    for line in curves:
        if line.time.size < 2:
            continue
        if len(curves) <= MOST_INTERVALS:
            axes.fill_between(
                line.time,
                line.lower,
                line.upper,
                step="post" if line.in_steps else None,
                color=colour(line.style.colour),
                alpha=0.12,
                linewidth=0,
            )
        (drawn,) = axes.plot(
            line.time,
            line.height,
            drawstyle="steps-post" if line.in_steps else "default",
            color=colour(line.style.colour),
            linestyle=dashes(line.style.dashes),
            clip_on=False,
            label=line.label,
            zorder=3,
        )
        if not line.in_steps:
            drawn.set(marker="o", markersize=2.5, markevery=slice(1, line.n_known + 1))


def _draw_labels(sheet: Sheet, layout: Layout, curves: Sequence[Line]) -> None:
    """Write each label right of the plot: a faint leader from the end of its line, or a piece of the line if that ends before.

    Nothing is drawn in the plot beyond the end of a line, where it would be read as a curve that goes on.
    """
    drawn = [rank for rank, line in enumerate(curves) if line.time.size > 1]
    ends = [layout.y(curves[rank].height[-1]) for rank in drawn]
    heights = [_label_height(layout.labels[rank]) for rank in drawn]
    low, high = layout.bottom - 0.06, layout.bottom + layout.plot.height + 0.06
    right = layout.left + layout.plot.width
    for rank, end, y in zip(drawn, ends, spread(ends, heights, low, high), strict=True):
        style = curves[rank].style
        if layout.x(curves[rank].end) < right - LEADS_TO_END:
            x = (right + 0.03, right + LABEL_GAP - 0.03)
            sheet.stroke(x, (y, y), color=colour(style.colour), linewidth=1.5)
        else:
            x = (right, right + LABEL_GAP - 0.04)
            faint = (0, (1, 2))
            sheet.stroke(x, (end, y), color=colour(style.colour), linewidth=0.6, linestyle=faint)
        sheet.write(
            right + LABEL_GAP, y, layout.labels[rank], color=INK, linespacing=1.2, va="center"
        )
