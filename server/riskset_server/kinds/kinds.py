"""The kinds of analysis at the centre. To add one: a line here, and what it needs that no other kind has."""

from __future__ import annotations

from typing import Final

from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_server.displays.figures import consort, curve, forest
from riskset_server.displays.parts.words import Words
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
from riskset_server.kinds import heterogeneity, landmark, sentences, sums
from riskset_server.kinds.kind import FigureDisplay, Kind, TableDisplay

_CURVES = FigureDisplay(curve.draw, "curve")
_FOREST = FigureDisplay(forest.draw, "forest")

KINDS: Final[tuple[Kind, ...]] = (
    Kind(
        "kaplan_meier",
        table=TableDisplay(estimates.make, several=True),
        figures=(_CURVES,),
        methods=sentences.SURVIVAL,
        adds_up=sums.of_curves,
        noun="",
        figure_first=True,
    ),
    Kind(
        "cumulative_incidence",
        table=TableDisplay(incidence.make, several=True),
        figures=(_CURVES,),
        methods=sentences.INCIDENCE,
        adds_up=sums.of_incidences,
        noun="Cumulative incidence of the events of {}",
    ),
    Kind(
        "cox",
        table=TableDisplay(cox.make, several=True),
        figures=(_FOREST,),
        methods=sentences.COX,
        adds_up=sums.of_model,
        noun="Cox model of {}",
    ),
    Kind(
        "fine_gray",
        table=TableDisplay(cox.make, several=True),
        figures=(_FOREST,),
        adds_up=sums.of_model,
        noun="Fine\N{EN DASH}Gray model of {}",
        of_cause=sentences.subdistribution,
    ),
    Kind(
        "baseline",
        table=TableDisplay(baseline.make, several=False),
        methods=sentences.CHARACTERISTICS,
        adds_up=sums.of_characteristics,
        noun="Patient characteristics",
    ),
    Kind(
        "event_table",
        table=TableDisplay(events.make, several=False),
        adds_up=sums.of_events,
        noun="First events of {}",
    ),
    Kind(
        "flow",
        table=TableDisplay(flow.make, several=False),
        figures=(FigureDisplay(consort.draw, "consort", several=False),),
        adds_up=sums.of_flow,
        noun="Flow of patients",
    ),
    Kind(
        "follow_up",
        table=TableDisplay(follow_up.make, several=True),
        methods=sentences.FOLLOW_UP,
        adds_up=sums.of_nothing,
        noun="Follow-up",
    ),
    Kind(
        "univariate",
        table=TableDisplay(univariate.make, several=False),
        methods=sentences.UNIVARIATE,
        adds_up=sums.of_factors,
        noun="Univariate analyses of {}",
    ),
    Kind(
        "landmark",
        table=TableDisplay(landmark.make, several=False),
        figures=(FigureDisplay(landmark.draw, "curve", several=False),),
        methods=sentences.LANDMARK,
        adds_up=sums.of_landmark,
        noun="Landmark analysis of {}",
    ),
    Kind(
        "heterogeneity",
        table=TableDisplay(heterogeneity.make, several=False),
        figures=(FigureDisplay(heterogeneity.draw, "forest", several=False),),
        methods=sentences.AMONG_SITES,
        adds_up=sums.of_model,
        noun="Effect among sites on {}",
    ),
)
"""In the order of a methods section."""


def kind_of(name: str) -> Kind:
    """What the centre knows of a kind. A plan that was read names only kinds that exist."""
    return next(kind for kind in KINDS if kind.name == name)


def words_of(plan: Plan, codebook: Codebook) -> Words:
    """The words of a study."""
    return Words(plan, codebook, {kind.name: kind.noun for kind in KINDS})
