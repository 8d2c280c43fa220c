"""A plan with every kind of analysis that is computed on shares gives on shares, digit by digit, what it gives in numpy."""

from __future__ import annotations

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
    actual, member = released_on_shares(study, sites, committee)

    assert len(expected.analyses) >= 10
    assert expected == actual
    return member.openings


def test_a_plan_gives_on_shares_what_it_gives_in_the_open():
    openings = same_on_shares(random_cohort(5, 400), SMALLEST)

    # What analyses need next is opened together: all of them take hardly more than the deepest.
    assert openings < 250


def bounds_hold(cohort, monkeypatch):
    """Every node of the plan's graph, put together from all members' shares, and every product before it is truncated."""
    study = everything()
    nodes, view = Nodes(monkeypatch), View(SMALLEST, monkeypatch)
    released_on_shares(study, cohort.patients(study), SMALLEST, nodes.watched)

    assert nodes.check(SMALLEST) > 100
    assert view.largest_before_truncation() < 2**K


def test_every_bound_holds_where_all_events_are_tied(monkeypatch):
    bounds_hold(all_tied(), monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize(
    "cohort",
    [nobody(), all_alike(), separated(), censored(random_cohort(7, 120)), random_cohort(8, 300)],
)
def test_every_bound_holds_on_extreme_cohorts(cohort, monkeypatch):
    bounds_hold(cohort, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("committee", COMMITTEES, ids=lambda c: f"{c.size},{c.threshold}")
@pytest.mark.parametrize("seed", range(3))
def test_every_committee_gives_what_numpy_gives(committee, seed):
    same_on_shares(random_cohort(seed, 300), committee)
    same_on_shares(uneven_cohort(seed), committee)
