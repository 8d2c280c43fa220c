"""Which tables and figures a report has, under which headings and file names: the plan's displays, or one default set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from riskset_common.errors import PlanError, did_you_mean
from riskset_common.estimators.estimator import AnalysisSpec
from riskset_common.plan import Display, Plan
from riskset_server.displays import FIGURES, TABLES
from riskset_server.displays.display import FigureDisplay, TableDisplay

_UNSAFE = re.compile(r"[^A-Za-z0-9.+-]+")


@dataclass(frozen=True)
class Placed:
    """One display of the report: its entry, its heading in the journal's words, the stem of its files, and what makes it."""

    display: Display
    heading: str
    stem: str
    made_by: TableDisplay | FigureDisplay


def placed(plan: Plan) -> tuple[Placed, ...]:
    """Every display of the plan in its order; of a plan without displays, those that each kind of analysis has by default.

    Raises
    ------
    PlanError
        Where a display cannot be made of its analyses, or two would be written to one file.
    """
    found = tuple(_planned(plan)) if plan.displays else tuple(_default(plan))
    seen: dict[tuple[type, str], str] = {}
    for one in found:
        key = (type(one.made_by), one.stem.lower())
        if key in seen:
            raise PlanError(
                f"displays {seen[key]!r} and {one.heading!r} would be written to the same file {one.stem!r}. "
                "Give one of them another name."
            )
        seen[key] = one.heading
    return found


def _planned(plan: Plan) -> Iterator[Placed]:
    for display in plan.displays:
        name = display.table or display.figure or ""
        stem = _UNSAFE.sub("_", name).strip("._")
        if not stem:
            raise PlanError(
                f"display {name!r}: its name is that of a file; give it a letter or digit."
            )
        yield Placed(
            display, name, stem, _maker(display, [plan.analysis(one) for one in display.of])
        )


def _maker(display: Display, specs: Sequence[AnalysisSpec]) -> TableDisplay | FigureDisplay:
    name = display.table or display.figure
    known: Sequence[TableDisplay | FigureDisplay] = TABLES if display.table is not None else FIGURES
    word = "table" if display.table is not None else "figure"
    kinds = sorted({spec.kind for spec in specs})
    if len(kinds) > 1:
        raise PlanError(
            f"{word} {name!r} shows analyses of different kinds: {', '.join(kinds)}. Give each kind a display of its own."
        )
    fitting = [one for one in known if kinds[0] in one.kinds]
    if not fitting:
        able = ", ".join(kind for one in known for kind in one.kinds)
        raise PlanError(
            f"{word} {name!r} shows {display.of[0]}: no {word} shows a {kinds[0]}, only {able}."
        )
    chosen = fitting[0]
    if display.drawn_as is not None and display.drawn_as != chosen.drawn_as:
        raise PlanError(
            f"{word} {name!r}: a {kinds[0]} as a {word} is drawn as {chosen.drawn_as!r}, not {display.drawn_as!r}. "
            f"{did_you_mean(display.drawn_as, [chosen.drawn_as])}"
        )
    if len(specs) > 1 and not chosen.several:
        raise PlanError(
            f"{word} {name!r} shows several analyses. Give each {kinds[0]} a {word} of its own."
        )
    return chosen


def _default(plan: Plan) -> Iterator[Placed]:
    """The figure and the table of each analysis; a survival curve without groups has only the figure."""
    numbers = {"Figure": 0, "Table": 0}
    for spec in plan.analyses:
        figures = [one for one in FIGURES if spec.kind in one.kinds]
        tables = [one for one in TABLES if spec.kind in one.kinds]
        grouped = bool(getattr(spec, "by", ()))
        if figures and spec.kind == "kaplan_meier" and not grouped:
            tables = []
        makers: list[TableDisplay | FigureDisplay] = [*tables, *figures]
        for made_by in reversed(makers) if spec.kind == "kaplan_meier" else makers:
            word = "Table" if isinstance(made_by, TableDisplay) else "Figure"
            numbers[word] += 1
            heading = f"{word} {numbers[word]}"
            display = (
                Display(table=heading, of=(spec.id,))
                if word == "Table"
                else Display(figure=heading, of=(spec.id,))
            )
            yield Placed(display, heading, spec.id, made_by)
