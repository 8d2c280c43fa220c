"""Tables and figures of the report. To add one: a module, and a line here."""

from __future__ import annotations

from typing import Final

from riskset_server.displays import (
    baseline,
    cox_table,
    curve,
    estimates,
    events,
    follow_up,
    forest,
    incidence,
)
from riskset_server.displays.display import FigureDisplay, TableDisplay

TABLES: Final[tuple[TableDisplay, ...]] = (
    TableDisplay(("kaplan_meier",), estimates.make, several=True),
    TableDisplay(("cumulative_incidence",), incidence.make, several=True),
    TableDisplay(("cox",), cox_table.make, several=True),
    TableDisplay(("baseline",), baseline.make, several=False),
    TableDisplay(("event_table",), events.make, several=False),
    TableDisplay(("follow_up",), follow_up.make, several=True),
)
"""A kind of analysis has at most one table."""

FIGURES: Final[tuple[FigureDisplay, ...]] = (
    FigureDisplay(("kaplan_meier",), curve.draw, drawn_as="curve"),
    FigureDisplay(("cumulative_incidence",), curve.draw, drawn_as="curve"),
    FigureDisplay(("cox",), forest.draw, drawn_as="forest"),
)
"""A kind of analysis has at most one figure."""
