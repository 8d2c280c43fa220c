"""A plan with every kind of analysis that is computed on shares gives on shares, digit by digit, what it gives in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from tests.common.estimators.analyses import ALL
from tests.common.estimators.cohorts import (
    all_alike,
    all_tied,
    censored,
    nobody,
    random_cohort,
    separated,
    study_of,
    uneven_cohort,
)
from tests.common.release.rounded import released
from tests.common.secure.blind.member_views import Nodes, View
from tests.common.secure.blind.on_shares import COMMITTEES, SMALLEST
from tests.common.secure.blind.plan_on_shares import released_on_shares

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.secure.blind.arithmetic.parts import K

ROUNDED = {"release": "rounded"}


def everything():
    """A study of five sites with all these analyses in one plan."""
    asked = []
    for number, analysis in enumerate(ALL.values()):
        study = study_of(analysis, 5, disclosure=ROUNDED)
        (spec,) = study.plan.analyses
        if not list(estimator_of(spec.kind).not_rounded(spec, study)):
            asked.append({"id": f"analysis-{number}", **analysis})
    return study_of(asked[0], 5, analyses=asked, disclosure=ROUNDED)


def same_on_shares(cohort, committee):
    study = everything()
    sites = cohort.patients(study)
    expected = released(study, sites)
    actual, _ = released_on_shares(study, sites, committee)

    assert len(expected.analyses) >= 25
    assert repr(expected) == repr(actual)


def test_a_plan_gives_on_shares_what_it_gives_in_the_open():
    same_on_shares(random_cohort(5, 250), SMALLEST)


@pytest.mark.slow
@pytest.mark.parametrize(
    "cohort",
    [
        nobody(),
        all_tied(),
        all_alike(),
        separated(),
        censored(random_cohort(7, 120)),
        random_cohort(8, 300),
    ],
    ids=["nobody", "tied", "alike", "separated", "censored", "random"],
)
def test_every_bound_holds_in_whole_plans(cohort, monkeypatch):
    """Every node of the graph, put together from all members' shares, and every product before it is truncated."""
    study = everything()
    sites = cohort.patients(study)
    nodes, view = Nodes(monkeypatch), View(SMALLEST, monkeypatch)
    actual, _ = released_on_shares(study, sites, SMALLEST, nodes.watched)

    assert repr(released(study, sites)) == repr(actual)
    assert nodes.check(SMALLEST) > 100
    assert view.largest_before_truncation() < 2**K


@pytest.mark.slow
@pytest.mark.parametrize("committee", COMMITTEES, ids=lambda c: f"{c.size},{c.threshold}")
@pytest.mark.parametrize("seed", range(3))
def test_every_committee_gives_what_numpy_gives(committee, seed):
    same_on_shares(random_cohort(seed, 300), committee)
    same_on_shares(uneven_cohort(seed), committee)


@pytest.mark.slow
def test_every_bound_holds_where_what_is_counted_tells_of_different_patients(monkeypatch):
    """Sites that make patients up, others for each thing that is counted: groups and covariates belong to other times and events."""
    study, cohort = everything(), random_cohort(9, 150)
    others = []
    for seed in (1, 2):
        place = np.random.default_rng(seed).permutation(cohort.n)
        moved = {name: getattr(cohort, name)[place] for name in ("arm", "sex", "age", "dose")}
        others.append(cohort.with_values(**moved).patients(study))
    nodes, view = Nodes(monkeypatch), View(SMALLEST, monkeypatch)
    released_on_shares(study, cohort.patients(study), SMALLEST, nodes.watched, others)

    assert nodes.check(SMALLEST) > 1000
    assert view.largest_before_truncation() < 2**K
