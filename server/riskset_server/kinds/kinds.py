"""The table and the figure of each kind of analysis. To add one: a module, and a line here."""

from __future__ import annotations

from typing import Final

from riskset_server.displays.figures import consort, curve, forest
from riskset_server.displays.parts.display import FigureDisplay, TableDisplay
from riskset_server.displays.tables import (
    baseline,
    cox,
    estimates,
    events,
    flow,
    follow_up,
    incidence,
    univariate,
)
from riskset_server.kinds import heterogeneity, landmark

TABLES: Final[tuple[TableDisplay, ...]] = (
    TableDisplay(("kaplan_meier",), estimates.make, several=True),
    TableDisplay(("cumulative_incidence",), incidence.make, several=True),
    TableDisplay(("cox",), cox.make, several=True),
    TableDisplay(("fine_gray",), cox.make, several=True),
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
