"""Fine-Gray models as analyses: their rounds, what they refuse, and where they are a Cox model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import censored, problems_of, random_cohort, study_of
from tests.common.estimators.pooling import assert_close, pool, result_of, summary_of
from tests.common.results.kept_types import keeps_types

from riskset_common.errors import ProtocolRefusal
from riskset_common.formats.canonical_json import canonical_json

FINE_GRAY: dict[str, Any] = {
    "kind": "fine_gray",
    "endpoint": "EFS",
    "cause": "relapse",
    "terms": [{"factor": "arm"}, {"number": "age"}],
    "strata": ["site"],
}


def test_pooled_censorings_are_asked_once_and_told_by_no_question() -> None:
    study = study_of(FINE_GRAY, 5)
    survey, counted, *rounds = pool(study, random_cohort(1).patients(study)).questions

    assert survey["count_steps"] is survey["exponent"] is None
    assert 64 == counted["count_steps"]
    assert {tuple(survey)} == {tuple(asked) for asked in rounds}
    assert [None] * len(rounds) == [asked["count_steps"] for asked in rounds]
    assert [False] * (len(rounds) - 1) + [True] == [asked["clusters"] for asked in rounds]


def test_censorings_within_strata_leave_no_site() -> None:
    study = study_of(FINE_GRAY | {"censoring": "strata"}, 5)
    pooled = pool(study, random_cohort(1).patients(study))

    assert [None] * len(pooled.questions) == [asked["count_steps"] for asked in pooled.questions]
    assert "strata" == pooled.result["censoring"]


@pytest.mark.parametrize("censoring", ["pooled", "strata"])
def test_where_nothing_competes_it_is_a_cox_model_with_robust_variances(censoring: str) -> None:
    cohort = random_cohort(2)
    alone = cohort.with_values(event=np.minimum(cohort.event, 1))
    fitted = result_of(FINE_GRAY | {"censoring": censoring}, alone, 5)
    cox = result_of(FINE_GRAY | {"kind": "cox", "robust": "patient"}, alone, 5)

    assert (censoring, 0) == (fitted.pop("censoring"), fitted.pop("competing"))
    assert_close(cox, fitted | {"kind": "cox"}, 1e-8)


def test_events_are_of_the_cause_and_the_others_compete() -> None:
    cohort = random_cohort(3)
    used = (cohort.arm >= 0) & ~np.isnan(cohort.age)
    result = result_of(FINE_GRAY, cohort, 5)

    assert int((cohort.event[used] == 1).sum()) == result["events"]
    assert int((cohort.event[used] == 2).sum()) == result["competing"]
    assert result["events"] == sum(
        level["events"] for level in result["levels"] if level["term"] == "arm"
    )
    assert "patient" == result["robust"]["clustered_by"]


def test_an_effect_on_the_competing_event_alone_shows_in_the_subdistribution() -> None:
    cohort, rng = random_cohort(4, n=600), np.random.default_rng(4)
    dose = rng.integers(0, 2, cohort.n)
    competes = rng.random(cohort.n) < np.where(dose == 1, 0.8, 0.1)
    event = np.where(cohort.event == 0, 0, np.where(competes, 2, 1))
    asked = FINE_GRAY | {"terms": [{"number": "dose"}]}
    [term] = result_of(asked, cohort.with_values(dose=dose, event=event), 5)["terms"]

    assert term["upper"] < 1


@pytest.mark.parametrize("censoring", ["pooled", "strata"])
def test_without_events_there_is_a_result(censoring: str) -> None:
    keeps_types(result_of(FINE_GRAY | {"censoring": censoring}, censored(random_cohort(5)), 5))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cause": None}, "cause is missing"),
        ({"strata": []}, "strata must hold site"),
        ({"endpoint": "LATE"}, "come under observation late"),
        ({"terms": [{"factor": "one_level"}]}, "has only one level"),
    ],
)
def test_what_it_cannot_be_is_said(changes: dict[str, Any], said: str) -> None:
    study = study_of(FINE_GRAY | changes, 5)
    [spec] = study.plan.analyses

    assert [True] == [said in problem for problem in problems_of(spec, study)]


@pytest.mark.parametrize(
    ("censoring", "more", "said"),
    [
        ("pooled", {}, "this site was shown no opening"),
        ("strata", {"count_steps": 64}, "estimates their distribution within strata"),
        ("pooled", {"censoring": {"steps": [1], "values": [0.5]}}, "not one that fine_gray asks"),
    ],
)
def test_a_question_that_does_not_go_with_the_plan_is_refused(
    censoring: str, more: dict[str, Any], said: str
) -> None:
    study = study_of(FINE_GRAY | {"censoring": censoring}, 5)
    site = random_cohort(6).patients(study)[0]
    asked = {"exponent": [0, 0, 0], "beta": [0.0, 0.0, 0.0], **more}

    with pytest.raises(ProtocolRefusal, match=said):
        summary_of(site, study, canonical_json({"asked": asked}))


def test_an_exposure_that_begins_during_follow_up_has_no_place_here() -> None:
    study = study_of(FINE_GRAY | {"terms": [{"exposure": "dose"}]}, 5)
    [spec] = study.plan.analyses

    assert [True] == [
        "exposure dose begins during" in problem for problem in problems_of(spec, study)
    ]
