"""Tables and figures of the report. To add one: a module, and a line here."""

from __future__ import annotations

from typing import Final

from riskset_server.displays import (
    baseline,
    consort,
    cox_table,
    curve,
    estimates,
    events,
    flow,
    follow_up,
    forest,
    heterogeneity,
    incidence,
    landmark,
    univariate,
)
from riskset_server.displays.display import FigureDisplay, TableDisplay

TABLES: Final[tuple[TableDisplay, ...]] = (
    TableDisplay(("kaplan_meier",), estimates.make, several=True),
    TableDisplay(("cumulative_incidence",), incidence.make, several=True),
    TableDisplay(("cox",), cox_table.make, several=True),
    TableDisplay(("fine_gray",), cox_table.make, several=True),
    TableDisplay(("baseline",), baseline.make, several=False),
    TableDisplay(("event_table",), events.make, several=False),
    TableDisplay(("flow",), flow.make, several=False),
    TableDisplay(("follow_up",), follow_up.make, several=True),
    TableDisplay(("univariate",), univariate.make, several=False),
    TableDisplay(("landmark",), landmark.make, several=False),
    TableDisplay(("heterogeneity",), heterogeneity.make, several=False),
)
"""A kind of analysis has at most one table."""

FIGURES: Final[tuple[FigureDisplay, ...]] = (
    FigureDisplay(("kaplan_meier",), curve.draw, drawn_as="curve"),
    FigureDisplay(("cumulative_incidence",), curve.draw, drawn_as="curve"),
    FigureDisplay(("cox",), forest.draw, drawn_as="forest"),
    FigureDisplay(("fine_gray",), forest.draw, drawn_as="forest"),
    FigureDisplay(("flow",), consort.draw, drawn_as="consort", several=False),
    FigureDisplay(("landmark",), landmark.draw, drawn_as="curve", several=False),
    FigureDisplay(("heterogeneity",), heterogeneity.draw, drawn_as="forest", several=False),
)
"""A kind of analysis has at most one figure."""
