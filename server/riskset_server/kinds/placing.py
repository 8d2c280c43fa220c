"""The tables and figures of a report, with headings and file names: the plan's displays, or one default set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from riskset_common.errors import PlanError, did_you_mean
from riskset_common.study.displays import Display, Panel
from riskset_common.study.plan import Plan
from riskset_server.displays.figures.panels import letter_of
from riskset_server.kinds.kind import FigureDisplay, Kind, TableDisplay
from riskset_server.kinds.kinds import KINDS, kind_of

_UNSAFE = re.compile(r"[^A-Za-z0-9.+-]+")


@dataclass(frozen=True)
class Panels:
    """What draws a figure of several panels: one maker for each."""

    makers: tuple[FigureDisplay, ...]
    drawn_as: str = "panels"


Maker = TableDisplay | FigureDisplay | Panels


@dataclass(frozen=True)
class Placed:
    """One display of the report: its entry, its heading in the journal's words, the stem of its files, and what makes it."""

    display: Display
    heading: str
    stem: str
    made_by: Maker

    @property
    def word(self) -> Literal["table", "figure"]:
        """Whether it is a table or a figure."""
        return "table" if isinstance(self.made_by, TableDisplay) else "figure"


def placed(plan: Plan) -> tuple[Placed, ...]:
    """Every display of the plan in its order; of a plan without displays, those that each kind of analysis has by default.

    Raises
    ------
    PlanError
        Where a display cannot be made of its analyses, or two would be written to one file.
    """
    displays = tuple(_planned(plan)) if plan.displays else tuple(_default(plan))
    seen: dict[tuple[str, str], str] = {}
    for one in displays:
        key = (one.word, one.stem.lower())
        if key in seen:
            raise PlanError(
                f"displays {seen[key]!r} and {one.heading!r} would be written to the same file {one.stem!r}. "
                "Give one of them another name."
            )
        seen[key] = one.heading
    return displays


def _planned(plan: Plan) -> Iterator[Placed]:
    for display in plan.displays:
        stem = _UNSAFE.sub("_", display.name).strip("._")
        if not stem:
            raise PlanError(
                f"display {display.name!r}: its name is that of a file; give it a letter or digit."
            )
        yield Placed(display, display.name, stem, _maker(display, plan))


AnyDisplay = TypeVar("AnyDisplay", TableDisplay, FigureDisplay)


def _maker(display: Display, plan: Plan) -> Maker:
    if display.table is not None:
        return _fitting("table", _tables, display, plan, f"table {display.name!r}")
    if not display.panels:
        return _fitting("figure", _figures, display, plan, f"figure {display.name!r}")
    return Panels(
        tuple(
            _fitting(
                "figure",
                _figures,
                panel,
                plan,
                f"figure {display.name!r}, panel {letter_of(rank)}",
            )
            for rank, panel in enumerate(display.panels)
        )
    )


def _tables(kind: Kind) -> tuple[TableDisplay, ...]:
    return (kind.table,)


def _figures(kind: Kind) -> tuple[FigureDisplay, ...]:
    return kind.figures


def _fitting(
    word: Literal["table", "figure"],
    displays: Callable[[Kind], tuple[AnyDisplay, ...]],
    panel: Panel,
    plan: Plan,
    where: str,
) -> AnyDisplay:
    """What makes a table, a figure or a panel: of those of its kind the one that `as` names, or the first; `where` says which one it is."""
    kinds = sorted({plan.analysis(name).kind for name in panel.of})
    if len(kinds) > 1:
        raise PlanError(
            f"{where} shows analyses of different kinds: {', '.join(kinds)}. Give each kind a display of its own."
        )
    fitting = displays(kind_of(kinds[0]))
    if not fitting:
        able = ", ".join(kind.name for kind in KINDS if displays(kind))
        raise PlanError(f"{where} shows {panel.of[0]}: no {word} shows a {kinds[0]}, only {able}.")
    names = [one.drawn_as for one in fitting]
    if panel.drawn_as is not None and panel.drawn_as not in names:
        raise PlanError(
            f"{where}: a {kinds[0]} as a {word} is drawn as {' or '.join(map(repr, names))}, not {panel.drawn_as!r}. "
            f"{did_you_mean(panel.drawn_as, names)}"
        )
    chosen = fitting[0 if panel.drawn_as is None else names.index(panel.drawn_as)]
    if len(panel.of) > 1 and not chosen.several:
        raise PlanError(
            f"{where} shows several analyses. Give each {kinds[0]} a {word} of its own."
        )
    return chosen


def _default(plan: Plan) -> Iterator[Placed]:
    """The table and the first figure of each analysis, in the order of its kind."""
    numbers = {"Figure": 0, "Table": 0}
    for spec in plan.analyses:
        for made_by in _default_makers(kind_of(spec.kind), grouped=bool(spec.grouped_by())):
            word = "Table" if isinstance(made_by, TableDisplay) else "Figure"
            numbers[word] += 1
            heading = f"{word} {numbers[word]}"
            display = (
                Display(table=heading, of=(spec.id,))
                if word == "Table"
                else Display(figure=heading, of=(spec.id,))
            )
            yield Placed(display, heading, spec.id, made_by)


def _default_makers(kind: Kind, *, grouped: bool) -> Iterator[TableDisplay | FigureDisplay]:
    """What a plan without displays shows of an analysis of a kind."""
    if not kind.figure_first:
        yield kind.table
    yield from kind.figures[:1]
    if kind.figure_first and grouped:
        yield kind.table
