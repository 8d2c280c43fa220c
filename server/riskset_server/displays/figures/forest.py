"""The forest plot of a Cox model: hazard ratios with their intervals on a logarithmic axis, and the numbers beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskset_server.displays.parts.cells import CI, Cell, joined
from riskset_server.displays.parts.display import Shown
from riskset_server.displays.parts.effects import Effect, effects, model_notes, ratio_name
from riskset_server.displays.parts.figure import FAINT, INK, TEXT_SIZE, Drawing, Sheet, text_width
from riskset_server.displays.parts.table import letter
from riskset_server.displays.parts.words import sentence_case
from riskset_server.results.axis_ticks import ratio_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOT_WIDTH = 2.6
ROW, INDENT, GAP, MARGIN = 0.19, 0.16, 0.22, 0.1
AXIS_HEIGHT = 0.56
WIDEST = 32.0
"""The axis reaches at most from 1/32 to 32; intervals beyond it end in an arrow."""

COLOUR = "#0072B2"


@dataclass(frozen=True)
class Columns:
    """The texts beside the plot: heads and cells before it and after it, column by column."""

    before: tuple[tuple[str, ...], ...]
    after: tuple[tuple[str, ...], ...]
    marks: dict[str, str]


def draw(shown: Shown) -> Drawing:
    """Draw the terms of one or several models."""
    notes = ("Diamonds are reference levels.", *model_notes(shown))
    return draw_effects(shown, tuple(effects(shown)), notes)


def draw_effects(shown: Shown, rows: Sequence[Effect], notes: tuple[str, ...]) -> Drawing:
    """Draw hazard ratios below each other, with notes under the figure."""
    columns = _columns(shown, rows)
    low, high = axis_range(rows)
    lefts, plot_left = _placed(columns.before, MARGIN)
    rights, right = _placed(columns.after, plot_left + PLOT_WIDTH + GAP)
    shift = _label_width(rows, plot_left - MARGIN + PLOT_WIDTH) + GAP
    plot_left += shift
    top = AXIS_HEIGHT + ROW * (len(rows) + 1)

    def paint(sheet: Sheet) -> None:
        _write_labels(sheet, rows, top)
        for column, left in zip((*columns.before, *columns.after), (*lefts, *rights), strict=True):
            _write_column(sheet, column, left + shift, top)
        axes = sheet.axes(plot_left, AXIS_HEIGHT, PLOT_WIDTH, ROW * len(rows))
        _draw_axis(axes, low, high, len(rows), ratio_name(shown)[1])
        for index, effect in enumerate(rows):
            _draw_effect(axes, effect, len(rows) - 0.5 - index, low, high)
        _write_directions(sheet, plot_left, low, high)

    return Drawing(
        shown.title,
        right + shift - GAP + MARGIN,
        top + MARGIN,
        paint,
        notes=notes,
        abbreviations=(CI, ("df", "degrees of freedom"), ratio_name(shown)),
        footnotes=tuple(f"[{mark}] {note}" for note, mark in columns.marks.items()),
    )


def _columns(shown: Shown, rows: Sequence[Effect]) -> Columns:
    notes = dict.fromkeys(
        note for effect in rows for cell in (effect.hazard_ratio, effect.p) for note in cell.notes
    )
    marks = {note: letter(index) for index, note in enumerate(notes)}

    def text(found: Cell) -> str:
        return found.text + "".join(f" [{marks[note]}]" for note in found.notes if note in marks)

    counted = any(effect.n.text for effect in rows)
    before = []
    if counted:
        before.append(("No.", *(effect.n.text for effect in rows)))
        before.append(("Events", *(effect.events.text for effect in rows)))
    level = shown.confidence
    ratios = [
        effect.hazard_ratio
        if not effect.interval.text
        else joined((effect.hazard_ratio, effect.interval), "{} ({})")
        for effect in rows
    ]
    return Columns(
        before=tuple(before),
        after=(
            (
                f"{ratio_name(shown)[0]} ({f'{level} ' if level else ''}CI)",
                *(text(ratio) for ratio in ratios),
            ),
            ("P", *(text(effect.p) for effect in rows)),
        ),
        marks=marks,
    )


def _label_width(rows: Sequence[Effect], beside: float) -> float:
    """Width of the labels in inches; the title of a model has its line to itself and may run on `beside` them."""
    return max(
        (
            effect.indent * INDENT
            + text_width(effect.label.text, weight=_weight(effect))
            - effect.is_title * beside
            for effect in rows
        ),
        default=1.0,
    )


def _weight(effect: Effect) -> str:
    return "normal" if effect.hazard_ratio.text else "bold"


def _placed(columns: Sequence[Sequence[str]], left: float) -> tuple[list[float], float]:
    """Left edges of columns one beside the other, and where the next one may begin; inches."""
    edges = []
    for column in columns:
        edges.append(left)
        left += (
            max(
                text_width(text, weight="bold" if text == column[0] else "normal")
                for text in column
            )
            + GAP
        )
    return edges, left


def axis_range(rows: Sequence[Effect]) -> tuple[float, float]:
    """Range of the axis: a power of two (of ten, where wide) around everything to draw, 1 always inside."""
    found = [ratio for effect in rows for ratio in effect.drawn if ratio > 0]
    low = max(min([*found, 0.8]), 1 / WIDEST)
    high = min(max([*found, 1.25]), WIDEST)
    return 2.0 ** math.floor(math.log2(low) + 1e-9), 2.0 ** math.ceil(math.log2(high) - 1e-9)


def _write_labels(sheet: Sheet, rows: Sequence[Effect], top: float) -> None:
    for index, effect in enumerate(rows):
        y = top - (index + 1.5) * ROW
        sheet.write(MARGIN + effect.indent * INDENT, y, effect.label.text, weight=_weight(effect))


def _write_column(sheet: Sheet, column: Sequence[str], left: float, top: float) -> None:
    for index, text in enumerate(column):
        if text:
            weight = "bold" if index == 0 else "normal"
            sheet.write(left, top - (index + 0.5) * ROW, text, weight=weight)


def _draw_axis(axes: Axes, low: float, high: float, n_rows: int, ratio: str) -> None:
    from matplotlib.ticker import NullLocator

    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(0, n_rows)
    ticks = ratio_ticks(low, high)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ticks, [f"{tick:.4g}" for tick in ticks])
    axes.set_yticks([])
    axes.set_xlabel(f"{sentence_case(ratio)} (logarithmic axis)", labelpad=14)
    axes.spines[["left", "right", "top"]].set_visible(False)


def _draw_effect(axes: Axes, effect: Effect, y: float, low: float, high: float) -> None:
    ratio, lower, upper = effect.drawn
    if not effect.is_title:
        axes.plot(
            [1, 1], [y - 0.5, y + 0.5], color=FAINT, linewidth=0.8, zorder=1, solid_capstyle="butt"
        )
    if effect.is_reference:
        axes.plot(
            [1],
            [y],
            marker="D",
            markersize=4,
            color="white",
            markeredgecolor=INK,
            markeredgewidth=0.8,
        )
    if not ratio > 0:
        return
    start, end = max(lower, low) if lower > 0 else low, min(upper, high) if upper > 0 else high
    axes.plot(
        [start, end],
        [y, y],
        color=COLOUR,
        linewidth=1.3,
        solid_capstyle="butt",
        label=effect.label.text,
    )
    for cut, limit, marker in ((not lower >= low, low, "<"), (not upper <= high, high, ">")):
        if cut:
            axes.plot(
                [limit],
                [y],
                marker=marker,
                markersize=5,
                color=COLOUR,
                clip_on=False,
                linestyle="none",
            )
    if low <= ratio <= high:
        axes.plot([ratio], [y], marker="s", markersize=5, color=COLOUR, linestyle="none", zorder=3)


def _write_directions(sheet: Sheet, plot_left: float, low: float, high: float) -> None:
    """Say below the axis which way is which."""
    one = plot_left + PLOT_WIDTH * -math.log(low) / (math.log(high) - math.log(low))
    y = AXIS_HEIGHT - 0.28
    size = TEXT_SIZE - 1
    sheet.write(one - 0.08, y, "\N{LEFTWARDS ARROW} lower hazard", ha="right", fontsize=size)
    sheet.write(one + 0.08, y, "higher hazard \N{RIGHTWARDS ARROW}", fontsize=size)
