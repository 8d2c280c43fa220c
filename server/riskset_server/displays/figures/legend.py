"""The lines below a survival figure: what is drawn, how it was released, abbreviations, and what was withheld by which rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from riskset_common.results.shown import Withheld
from riskset_server.displays.figures.inset import Inset
from riskset_server.displays.figures.lines import Line, groups_of
from riskset_server.displays.figures.numbers_at_risk import NumberRow
from riskset_server.displays.parts.cells import CI, SE, Cell, withheld_note
from riskset_server.displays.parts.curve_words import horizons, interval_kinds
from riskset_server.displays.parts.display import Shown, tests_of
from riskset_server.displays.parts.series import Measure, measure_of
from riskset_server.displays.parts.words import listed

MOST_INTERVALS = 3
"""With more curves their intervals would cover one another, and are left to the table."""


def curve_legend(
    shown: Shown,
    curves: Sequence[Line],
    texts: Inset,
    rows: Sequence[NumberRow],
    *,
    shortened: bool,
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Notes and abbreviations. `shortened` says that the rows of numbers abbreviate `withheld` to a letter."""
    cells = [
        *(cell for row in texts.rows for cell in row),
        *(cell for row in rows for cell in row.cells),
    ]
    notes = [*_drawn(shown, curves), *_released(shown, curves), *_withheld(shown, cells)]
    short = [item for cell in cells for item in cell.abbreviations]
    short += _abbreviations(shown, curves)
    if shortened:
        short.append(("w", "withheld"))
    return tuple(notes), tuple(short)


def _drawn(shown: Shown, curves: Sequence[Line]) -> Iterator[str]:
    if measure_of(shown.parts[0]) == Measure.SURVIVAL:
        yield "Kaplan\N{EN DASH}Meier estimates."
        if shown.causes:
            yield "Patients with an event of another kind are censored."
    else:
        yield "Aalen\N{EN DASH}Johansen estimates; events of other kinds compete."
    if len(curves) <= MOST_INTERVALS:
        named = interval_kinds(shown.parts)
        kind = f", {named}" if named else ""
        yield f"Shaded: pointwise {shown.confidence} CIs{kind}."
    undrawn = [line.label for line in curves if line.time.size < 2]
    if undrawn:
        yield f"No curve is drawn for {listed(undrawn)}."


def _released(shown: Shown, curves: Sequence[Line]) -> Iterator[str]:
    """What a reader must know of steps, points and numbers: when they end, and what is known between them."""
    minimum = max((line.minimum_at_risk for line in curves), default=0)
    if not all(line.in_steps for line in curves):
        yield from _known_points(shown, curves, minimum)
        return
    if minimum:
        yield f"Curves end where fewer than {minimum} patients remain at risk."
    if len(groups_of(curves)) == len(curves) and len(shown.display.at_risk or "all") > 1:
        yield "At risk: at that time; censored and events: before it."


def _known_points(shown: Shown, curves: Sequence[Line], minimum: int) -> Iterator[str]:
    """What a reader must know of curves that were released rounded."""
    limits = ", with limits in whole percents" if len(curves) <= MOST_INTERVALS else ""
    yield (
        f"Dots are the estimates that were released{limits}; straight lines join them. After its last event a curve is flat up to the "
        f"last time of the axis with at least {minimum} patients at risk; if later events are not shown, it ends at its last dot."
    )
    yield "Numbers at risk are rounded to multiples of 5, and are never more than the patients without an event."
    if len(shown.display.at_risk or ()) > 1 and measure_of(shown.parts[0]) == Measure.SURVIVAL:
        yield "Censored patients and events are not listed, because with rounded numbers at risk they would not add up."


def _withheld(shown: Shown, cells: Sequence[Cell]) -> Iterator[str]:
    """The footnotes of everything that the figure prints, each once."""
    of_tests = [
        withheld_note(tested.test)
        for part in shown.parts
        for tested in tests_of(part)
        if isinstance(tested.test, Withheld)
    ]
    of_cells = [note for cell in cells for note in cell.notes]
    yield from dict.fromkeys(of_cells + of_tests)


def _abbreviations(shown: Shown, found: Sequence[Line]) -> Iterator[tuple[str, str]]:
    if len(found) <= MOST_INTERVALS or not horizons(shown):
        yield CI
    if horizons(shown):
        yield SE
    for part in shown.parts:
        yield from shown.words.endpoint_abbreviation(part.spec.endpoint_name() or "")
    if any(tests_of(part) for part in shown.parts):
        yield ("df", "degrees of freedom")
