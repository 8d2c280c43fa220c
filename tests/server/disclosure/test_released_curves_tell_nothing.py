"""All released curves of a plan, solved together, tell no number of events below the floor; with one time more they do."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
from tests.common.release.rounded import Computed, computed
from tests.study_folders import study_in_folder

from riskset_common.errors import EstimationError
from riskset_common.results.curves import KaplanMeierResult, KnownPoints
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.survival.arrays.calculator import clear
from riskset_embedded.demos.lung import study_folder
from riskset_server.disclosure.before_publication import require_nothing_told
from riskset_server.disclosure.told_by_curves import told_by_curves

T = TypeVar("T")
CURVES = ("os", "os_sex", "os_sex_by_site", "os_ecog", "os_ecog_by_site")


@pytest.fixture(scope="module")
def lung() -> Computed:
    study, sites = study_in_folder(
        study_folder("lung"), only=CURVES, release="rounded", minimum_cell=5, minimum_at_risk=10
    )
    return computed(study, sites)


def results_of(of: Computed) -> dict[str, ReleasedResult]:
    return {name: each for name, each in of.outcome.analyses.items() if not hasattr(each, "models")}


def test_lung_tells_nothing(lung: Computed) -> None:
    results = results_of(lung)

    assert any(isinstance(each, KaplanMeierResult) for each in results.values())
    assert [] == list(
        told_by_curves(lung.work.study, lung.facts.days, results, lung.facts.patients)
    )
    require_nothing_told(lung.work.study, lung.facts, results)


def test_a_curve_with_a_time_that_was_not_accepted_is_not_published(lung: Computed) -> None:
    results = results_of(lung)
    os = results["os"]
    assert isinstance(os, KaplanMeierResult)
    [group] = os.groups
    points = group.curve
    assert isinstance(points, KnownPoints)
    # Ten days after an accepted time, where two have died since.
    time = points.time[3] + 10.0
    counted = next(
        each
        for each in lung.data
        if getattr(each, "endpoint", None) == "OS" and not getattr(each, "by", None)
    )
    days = np.array(counted.days)  # type: ignore[attr-defined]
    events = clear(lung.data[counted]["events"]).sum(axis=(0, 1))
    until = int(events[days <= time].sum())
    assert 0 < until - int(events[days <= points.time[3]].sum()) < 5

    def with_one_more(values: tuple[T, ...], one: T) -> tuple[T, ...]:
        return (*values[:4], one, *values[4:])

    more = KnownPoints(
        time=with_one_more(points.time, time),
        at_risk=with_one_more(points.at_risk, points.at_risk[3]),
        events_to=with_one_more(points.events_to, until),
        survival=with_one_more(points.survival, points.survival[3]),
        std_err=with_one_more(points.std_err, points.std_err[3]),
        lower=with_one_more(points.lower, points.lower[3]),
        upper=with_one_more(points.upper, points.upper[3]),
        end=points.end,
    )
    results["os"] = replace(os, groups=(replace(group, curve=more),))

    with pytest.raises(EstimationError, match=r"below minimum_cell 5, in os.*Nothing is published"):
        require_nothing_told(lung.work.study, lung.facts, results)


@pytest.mark.slow
def test_the_paper_tells_nothing() -> None:
    study, sites = study_in_folder(
        study_folder("interfant06"), release="rounded", minimum_cell=5, minimum_at_risk=5
    )
    of = computed(study, sites)

    assert [] == list(
        told_by_curves(of.work.study, of.facts.days, results_of(of), of.facts.patients)
    )
