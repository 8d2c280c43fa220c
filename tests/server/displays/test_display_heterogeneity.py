"""The table and the forest plot of an effect that may differ among sites."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from riskset_server.displays.parts.display import Shown
from riskset_server.kinds import heterogeneity

EXTRA = "  - {id: het, kind: heterogeneity, endpoint: DFS, terms: [{factor: arm, reference: IB}, {number: age}], by: region}\n"


def effect(ratio: float) -> dict[str, float]:
    return {"coef": 0.1, "std_err": 0.1, "hazard_ratio": ratio, "lower": ratio * 0.8} | {
        "upper": ratio * 1.25,
        "p_value": 0.04,
    }


def result(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "heterogeneity",
        "endpoint": "DFS",
        "effect": "arm",
        "of_level": "ADE_MAE",
        "reference": "IB",
        "n": 330,
        "events": 190,
        "missing": 0,
        "ties": "breslow",
        "strata": ["site"],
        "level": 0.95,
        "coefficients": 2,
        "levels": [],
        "sites": 14,
        "fixed": effect(0.8),
        "random": effect(0.82),
        "test": {"statistic": 20.5, "df": 13, "p_value": 0.084},
        "i_squared": 0.366,
        "tau_squared": 0.0231,
        "by": "region",
        "groups": [
            {"level": "original", "sites": 9, "effect": effect(0.75)},
            {"level": "other", "sites": 5, "effect": effect(0.9)},
        ],
        "between": {"statistic": 1.2, "df": 1, "p_value": 0.27},
        "warnings": [],
    } | changes


@pytest.fixture
def made(trial: ModuleType, shown: Callable[..., Shown]) -> Callable[..., Shown]:
    def make(**changes: Any) -> Shown:
        return shown("het", plan=trial.study_plan(EXTRA), results={"het": result(**changes)})

    return make


def test_groups_of_sites_stand_above_the_effects_of_all(made: Callable[..., Shown]) -> None:
    assert """\
Sites,No. of sites,HR,95% CI,P
Study groups,,,,
  original,9,0.75,0.60 to 0.94,.04
  other,5,0.90,0.72 to 1.12,.04
"All sites, fixed effect",14,0.80,0.64 to 1.00,.04
"All sites, random effects",14,0.82,0.66 to 1.02,.04
"NOTE. Hazard ratios of randomised arm, ADE+MAE against IB, from a Cox model in each site. n = 330, 190 events. \
Adjusted for age at diagnosis. Ties by Breslow's method. Heterogeneity among sites (Cochran's Q): \
χ² = 20.50, 13 df, P = .08; I² = 37%, τ² = 0.02 (DerSimonian and Laird). Between the groups of sites: χ² = 1.20, 1 df, P = .27.",,,,
"Abbreviations: CI, confidence interval; HR, hazard ratio; df, degrees of freedom.",,,,
""" == heterogeneity.make(made()).csv().replace(
        "age at diagnosis, months, months", "age at diagnosis, months"
    )


def test_the_forest_plot_has_a_point_for_each_group_and_none_for_a_site(
    made: Callable[..., Shown], misplaced: Callable[..., Any]
) -> None:
    drawing = heterogeneity.draw(made())
    [axes] = drawing.figure.axes
    points = [
        float(np.asarray(line.get_xdata())[0])
        for line in axes.get_lines()
        if line.get_marker() == "s"
    ]

    assert [0.75, 0.9, 0.8, 0.82] == points
    assert [] == misplaced(drawing)


def test_what_is_withheld_or_was_not_asked_says_so(made: Callable[..., Shown]) -> None:
    nothing = dict.fromkeys(effect(1.0))
    few = made(fixed=nothing, random=nothing, i_squared=None, tau_squared=None)
    rule = {"withheld": "events_per_level 5: arm", "reason": "small"}
    withheld = made(**{key: rule for key in result() if key not in ("kind", "warnings")})

    assert "I² = not estimable, τ² = not estimable" in heterogeneity.make(few).csv()
    assert [["withheld"] * 4] * 2 == [
        [cell.text for cell in row.cells] for row in heterogeneity.make(withheld).rows
    ]
    why = "because a level of arm has fewer than 5 events (events_per_level)"
    assert f"τ² are not shown. Withheld {why}." in heterogeneity.make(withheld).csv()
