"""Univariate and landmark analyses: each part is the analysis that stands on its own page, of the patients it should be of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import CODEBOOK, Cohort, problems_of, random_cohort, study_of
from tests.common.estimators.pooling import pool, result_of

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.planning.check import check_plan, variables_read
from riskset_common.planning.read import ReleasePlan
from riskset_common.rounds.questions import questions_json, read_questions
from riskset_common.study.codebook import DateVariable
from riskset_common.study.patients import NO_DATE, EndpointTimes, Patients
from riskset_common.study.plan import Endpoint
from riskset_common.study.study import Study

UNIVARIATE = {
    "kind": "univariate",
    "endpoint": "EFS",
    "factors": ["arm", "sex"],
    "at": [10, 30],
    "test": {"log_rank": {"rho": 1}},
    "strata": ["site"],
}
LANDMARK = {"kind": "landmark", "endpoint": "EFS", "at": 12, "exposure": "dose"}


def test_every_factor_is_the_analysis_that_it_would_be_alone() -> None:
    cohort = random_cohort(21)
    result = result_of(UNIVARIATE, cohort, 5)
    curve = {"kind": "kaplan_meier", "endpoint": "EFS", "at": [10, 30]}

    assert result_of(curve, cohort, 5) == result["all_patients"]
    for factor in result["factors"]:
        name, test = factor["factor"], {"test": UNIVARIATE["test"], "strata": ["site"]}
        model = {"kind": "cox", "endpoint": "EFS", "terms": [{"factor": name}], "strata": ["site"]}

        assert result_of(curve | test | {"by": name}, cohort, 5) == factor["curves"]
        assert result_of(model, cohort, 5) == factor["model"]


def test_the_rounds_are_those_of_the_longest_part() -> None:
    cohort = random_cohort(22)
    study = study_of(UNIVARIATE, 5)
    rounds = len(pool(study, cohort.patients(study)).questions)
    alone = [
        {"kind": "cox", "endpoint": "EFS", "terms": [{"factor": name}], "strata": ["site"]}
        for name in ("arm", "sex")
    ]
    longest = max(
        len(pool(own, cohort.patients(own)).questions) for own in (study_of(m, 5) for m in alone)
    )

    assert longest == rounds


def test_the_order_of_the_arrays_is_that_of_the_plan_also_when_the_question_has_travelled() -> None:
    study = study_of(UNIVARIATE | {"factors": ["sex", "arm"]}, 5)
    [spec] = study.plan.analyses
    estimator = estimator_of("univariate")
    asked = estimator.first(spec, study)
    [read] = read_questions(study, questions_json({spec.id: asked})).values()

    assert list(estimator.shapes(asked)) == list(estimator.shapes(read))
    assert list(estimator.parts(asked)) == list(estimator.parts(read))


@pytest.mark.parametrize(
    "question",
    [{"curves": {"dose": {}}}, {"models": {"arm_2": {"exponent": None}}}, {"curves": [1]}],
)
def test_a_question_about_no_part_of_the_analysis_is_refused(question: dict[str, Any]) -> None:
    study = study_of(UNIVARIATE, 5)

    with pytest.raises(ProtocolRefusal):
        read_questions(study, canonical_json({"asked": question}))


def test_a_patient_of_whom_one_factor_is_not_known_is_left_out_of_that_factor_only() -> None:
    cohort = random_cohort(23).with_values(sex=np.where(np.arange(150) < 7, -1, 0))
    result = result_of(UNIVARIATE, cohort, 5)
    arm, sex = (factor["curves"] for factor in result["factors"])

    assert (150, 143) == (result["n"], sex["n"])
    assert arm["n"] == int(np.sum(cohort.arm >= 0))
    assert "sex: No patients in female." in result["warnings"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"strata": ["sex", "sex"], "factors": ["arm"]}, "sex stands there 2 times"),
        ({"factors": ["arm", "arm"]}, "arm stands there 2 times"),
        ({"factors": ["site"], "strata": ["site"]}, "site stands there 2 times"),
        ({"at": [-1]}, "negative time"),
        ({"factors": ["one_level"]}, "only one level"),
    ],
)
def test_a_univariate_analysis_that_cannot_be_is_said(asked: dict[str, Any], said: str) -> None:
    study = study_of(UNIVARIATE | asked, 2)
    problems = problems_of(study.plan.analyses[0], study)

    assert any(said in problem for problem in problems)


def by_hand(cohort: Cohort, at: int) -> tuple[Cohort, np.ndarray]:
    """The patients followed beyond the landmark, and whether their dose was reached by then."""
    kept = cohort.time > at
    chosen = replace(cohort, **{name: values[kept] for name, values in vars(cohort).items()})
    return chosen, (chosen.dose <= at).astype(np.int64)


def test_landmark_curves_are_those_of_the_patients_still_followed_by_exposure_until_then() -> None:
    cohort = random_cohort(24)
    chosen, exposed = by_hand(cohort, 12)
    curves = result_of(LANDMARK | {"test": "log_rank", "horizons": [30], "rmean": 40}, cohort, 5)
    plain = result_of(
        {"kind": "kaplan_meier", "endpoint": "EFS", "by": "sex", "test": "log_rank", "at": [30]}
        | {"rmean": 40},
        chosen.with_values(sex=exposed),
        5,
    )

    assert [{"dose_by_landmark": "not exposed"}, {"dose_by_landmark": "exposed"}] == [
        group["level"] for group in curves["curves"]["groups"]
    ]
    assert plain["test"] == curves["curves"]["test"]
    assert [group["curve"] for group in plain["groups"]] == [
        group["curve"] for group in curves["curves"]["groups"]
    ]
    assert (chosen.n, cohort.n - chosen.n) == (curves["n"], curves["ended"])


def test_a_landmark_model_has_the_exposure_as_its_first_term() -> None:
    cohort = random_cohort(25)
    chosen, exposed = by_hand(cohort, 12)
    model = result_of(LANDMARK | {"terms": [{"number": "age"}], "strata": ["site"]}, cohort, 5)
    plain = result_of(
        {"kind": "cox", "endpoint": "EFS", "terms": [{"factor": "sex"}, {"number": "age"}]}
        | {"strata": ["site"]},
        chosen.with_values(sex=exposed),
        5,
    )

    assert ["dose_by_landmark", "age"] == [term["term"] for term in model["model"]["terms"]]
    assert [term["coef"] for term in plain["terms"]] == [
        term["coef"] for term in model["model"]["terms"]
    ]
    assert plain["log_likelihood"] == model["model"]["log_likelihood"]


def test_at_the_landmark_itself_time_has_ended_entry_has_come_and_exposure_counts() -> None:
    six = random_cohort(1, n=6).with_values(
        time=[5, 6, 7, 8, 9, -1],
        event=[1, 1, 1, 0, 1, -1],
        entry=[0, 0, 5, 6, 0, 0],
        dose=[1, 5, 5.01, 1, np.nan, 1],
        sex=np.zeros(6, dtype=int),
        site=np.zeros(6, dtype=int),
    )
    result = result_of(LANDMARK | {"endpoint": "LATE", "at": 5}, six, 1)
    sizes = {group["level"]["dose_by_landmark"]: group["n"] for group in result["curves"]["groups"]}

    # Ended at 5; entered after 5; at risk: 6 (exposed), 7 (too late), 9 (never); the endpoint of the last is not known.
    assert {"exposed": 1, "not exposed": 2} == sizes
    assert (3, 2, 1) == (result["n"], result["ended"], result["missing"])


def dated_study() -> Study:
    """A study whose endpoint runs between dates, with an exposure on a date, in months."""
    base = study_of({"kind": "event_table", "endpoint": "EFS"}, 1)
    dates = {name: DateVariable(kind="date", label=name) for name in ("start", "death", "last")}
    exposure = {"transplant": DateVariable(kind="date", label="Date of transplantation")}
    codebook = CODEBOOK.model_copy(update={"variables": CODEBOOK.variables | dates | exposure})
    written = base.plan.model_dump(mode="json", by_alias=True) | {
        "time": {"unit": "months"},
        "endpoints": {
            "OS": {"label": "OS", "origin": "start", "first_of": {"death": {"date": "death"}}}
            | {"censor": "last"}
        },
        "analyses": [
            {"id": "asked", "kind": "landmark", "endpoint": "OS", "at": 2, "exposure": "transplant"}
        ],
    }
    return Study(ReleasePlan.model_validate(written), codebook, base.sites)


def test_an_exposure_may_be_a_date() -> None:
    study = dated_study()
    day = 60  # two months are 60.875 days
    patients = Patients(
        n=5,
        categories={"site": np.zeros(5, dtype=np.int64)},
        dates={
            "start": np.array([100, 200, 300, 400, NO_DATE]),
            "transplant": np.array([100 + day, 200 + day + 1, NO_DATE, 399, 5]),
        },
        endpoints={
            "OS": EndpointTimes(np.array([61, 80, 90, 100, -1]), np.array([1, 0, 1, 1, -1]))
        },
    )
    check_plan(study)
    result = pool(study, [patients]).result
    groups = {
        group["level"]["transplant_by_landmark"]: (group["n"], group["events"])
        for group in result["curves"]["groups"]
    }

    assert {"exposed": (2, 2), "not exposed": (2, 1)} == groups
    assert {"transplant", "start", "death", "last"} <= variables_read(study)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"ties": "efron"}, "ties belongs to a model, but `terms` is missing"),
        ({"terms": [], "strata": ["site"], "rmean": 3}, "rmean belongs to curves"),
        ({"terms": [{"number": "dose"}]}, "number dose has no range in the codebook"),
        ({"contrast": "survival"}, "contrast: survival needs a time"),
    ],
)
def test_a_landmark_analysis_that_cannot_be_is_said(asked: dict[str, Any], said: str) -> None:
    study = study_of(LANDMARK | asked, 2)
    problems = problems_of(study.plan.analyses[0], study)

    assert any(said in problem for problem in problems)


def test_a_date_of_exposure_needs_an_origin() -> None:
    study = dated_study()
    ready = Endpoint.model_validate(
        {"label": "OS", "time": {"variable": "time"}}
        | {"status": {"variable": "status", "events": {"death": "dead"}}}
    )
    plan = study.plan.model_copy(update={"endpoints": {"OS": ready}})
    taken = study.codebook.variables | {"transplant_by_landmark": study.codebook.variables["arm"]}
    codebook = study.codebook.model_copy(update={"variables": taken})
    problems = problems_of(plan.analyses[0], Study(plan, codebook, study.sites))

    assert "has no origin" in " ".join(problems)
    assert "Rename it." in " ".join(problems)


def test_a_time_of_exposure_in_another_unit_is_converted() -> None:
    in_years = random_cohort(26, n=40)
    in_years = in_years.with_values(age=np.where(np.arange(40) < 10, 12 / 365.25, 13 / 365.25))
    found = result_of(LANDMARK | {"exposure": "age"}, in_years, 5)["curves"]["groups"]
    kept = in_years.time > 12

    assert [int(kept[10:].sum()), int(kept[:10].sum())] == [group["n"] for group in found]
