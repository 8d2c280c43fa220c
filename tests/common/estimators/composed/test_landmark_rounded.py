"""Landmark analyses under a release of rounded numbers: the patients of the exact one, chosen by a category of the analysis' own."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from tests.common.estimators.cohorts import random_cohort, study_of
from tests.common.estimators.pooling import result_of
from tests.common.release.rounded import released
from tests.common.release.tests.openly import rounded

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.composed.landmark import Landmark
from riskset_common.estimators.composed.landmark_spec import LandmarkSpec
from riskset_common.release import budget
from riskset_common.release.models import ModelsWait
from riskset_common.results.composed import LandmarkResult
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.tests import LogRankResult
from riskset_common.rounds.counting import rehearse

CURVES = {
    "kind": "landmark",
    "endpoint": "LATE",
    "at": 12,
    "exposure": "dose",
    "horizons": [30],
    "test": "log_rank",
}
MODEL = {
    "kind": "landmark",
    "endpoint": "EFS",
    "at": 12,
    "exposure": "dose",
    "terms": [{"factor": "sex"}],
    "ties": "breslow",
}


def study_with(*analyses):
    return study_of(
        {"kind": "event_table", "endpoint": "EFS"},
        5,
        analyses=[{"id": f"a{index}", **each} for index, each in enumerate(analyses)],
        disclosure={"release": "rounded"},
    )


def test_its_counts_and_its_test_are_those_of_the_exact_analysis(monkeypatch) -> None:
    # Sixty days hold so many events each that released times tell them all.
    monkeypatch.setattr(budget, "MARGIN", -math.inf)
    monkeypatch.setattr(budget, "LEAST_BITS", -10_000)
    cohort = random_cohort(5, n=800)
    [found] = released(study_with(CURVES), cohort.patients(study_with(CURVES))).analyses.values()
    exact = result_of(CURVES, cohort, 5)

    assert isinstance(found, LandmarkResult)
    assert isinstance(found.curves, KaplanMeierResult)
    assert (exact["n"], exact["events"], exact["missing"], exact["ended"]) == (
        found.n,
        found.events,
        found.missing,
        found.ended,
    )
    groups, expected = found.curves.groups, exact["curves"]["groups"]
    assert [(each["level"], each["n"], each["events"]) for each in expected] == [
        (each.level, each.n, each.events) for each in groups
    ]
    test, exact_test = found.curves.test, exact["curves"]["test"]
    assert isinstance(test, LogRankResult)
    assert test.difference is not None
    deviation = np.array(exact_test["observed"]) - np.array(exact_test["expected"])
    hundredth = Fraction(1, 100)
    assert rounded(deviation[1:], hundredth) == rounded(test.difference[1:], hundredth)


def test_two_landmarks_of_one_exposure_are_two_analyses_that_share_a_budget() -> None:
    later = CURVES | {"at": 20}
    study = study_with(CURVES, later)
    cohort = random_cohort(6, n=800)
    first, second = released(study, cohort.patients(study)).analyses.values()

    assert isinstance(first, LandmarkResult)
    assert isinstance(second, LandmarkResult)
    assert result_of(CURVES, cohort, 5)["n"] == first.n
    assert result_of(later, cohort, 5)["n"] == second.n
    one, other = budget.compared_in(study)
    assert one.factors & other.factors == {"dose"}


def test_a_model_waits_for_its_fit_and_keeps_how_many_are_not_followed() -> None:
    study, cohort = study_with(MODEL), random_cohort(7, n=800)
    [waits] = released(study, cohort.patients(study)).analyses.values()
    [spec] = study.plan.analyses
    assert isinstance(spec, LandmarkSpec)
    assert isinstance(waits, ModelsWait)
    [(part, counts)] = waits.models.items()
    exact = study_of({**MODEL, "strata": ["site"]}, 5)
    ended = sum(
        int(np.count_nonzero(each.endpoints["EFS"].known & (each.endpoints["EFS"].time <= 12)))
        for each in cohort.patients(exact)
    )

    assert "model.landmark" == part
    assert ended == waits.counts["ended"]
    levels = {level.level for level in counts.levels}
    assert {"male", "female"} < levels
    # The model that is computed on shares has the columns and the patients that were counted.
    request = estimator_of("landmark").first(spec, study)
    [asked] = estimator_of("landmark").parts(request).values()
    site = cohort.patients(study)[0]
    prepared = Landmark().followed(site, request)
    half = estimator_of("cox").blind()
    assert half is not None
    assert 0 < half.cohort(prepared, asked).x.shape[0] < site.n


def test_of_few_patients_nothing_is_shown() -> None:
    study = study_with(CURVES)
    [few] = released(study, random_cohort(3, n=14).patients(study)).analyses.values()

    assert isinstance(few, WithheldAnalysis)
    assert {"n", "ended", "curves"} <= few.fields.keys()


def test_a_site_rehearses_it_before_it_joins_with_the_values_of_its_own_patients() -> None:
    study = study_with(CURVES, MODEL)
    for patients in (
        *random_cohort(8, n=60).patients(study),
        random_cohort(8, n=0).patients(study)[0],
    ):
        rehearse(patients, study)
