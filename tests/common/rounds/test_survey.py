"""The survey of a plan with rounded results: what it asks, what it tells, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.estimators.cohorts import Cohort, cohorts, random_cohort, study_of
from tests.common.study.infant_trial import study as infant_study
from tests.examples import examples

from riskset_common.errors import ContradictionError, EstimationError, ProtocolRefusal
from riskset_common.formats.canonical_json import canonical_json, parse_canonical
from riskset_common.planning.read import ReleasePlan
from riskset_common.rounds.survey import (
    LENGTHS,
    LONGEST_GRID,
    QUESTIONS,
    check_survey,
    origins,
    read_survey,
    survey_sections,
    surveyed,
)
from riskset_common.study.study import Study

CURVE = {"kind": "kaplan_meier", "endpoint": "EFS"}


def pooled_of(study: Study, cohort: Cohort) -> dict[str, dict[str, Any]]:
    """The sums over the sites, by where and name."""
    sites = [surveyed(patients, study) for patients in cohort.patients(study)]
    return {
        section.analysis: {section.name: sum(site[section.key] for site in sites)}
        for section in survey_sections(study)
    }


@given(cohort=st.one_of(cohorts(), st.integers(0, 99).map(random_cohort)))
@examples(15)
def test_the_grid_holds_every_step_and_is_no_longer_than_needed(cohort: Cohort) -> None:
    study = study_of(CURVE, 5)

    survey = read_survey(study, pooled_of(study, cohort), 5)

    (n_steps,) = survey.n_steps.values()
    assert cohort.time.max(initial=0) < n_steps <= 2 * max(cohort.time.max(initial=0), 1)


def test_only_powers_of_two_are_asked_whatever_the_plan_analyses() -> None:
    study = study_of(CURVE | {"by": "arm"}, 5)

    asked = {section.key: section.shape for section in survey_sections(study)}

    assert {("time time", LENGTHS): (48,)} == asked
    assert ("time time",) == origins(study)


def test_a_plan_that_has_travelled_is_asked_the_same() -> None:
    trial = infant_study()
    travelled = parse_canonical(canonical_json(trial.plan))
    there = replace(trial, plan=ReleasePlan.model_validate(travelled, strict=False))

    assert 1 < len(origins(trial))
    assert list(trial.plan.endpoints) != list(there.plan.endpoints)
    assert survey_sections(trial) == survey_sections(there)


def test_a_plan_without_endpoints_surveys_nothing() -> None:
    study = study_of({"kind": "flow", "steps": ["arm"]}, 5)

    survey = read_survey(study, pooled_of(study, random_cohort(1)), 5)

    assert {} == survey.n_steps
    assert () == survey.event_days


@pytest.mark.parametrize("marks", [4, 6])
def test_a_sum_that_cannot_be_one_mark_of_each_site_is_refused(marks: int) -> None:
    study = study_of(CURVE, marks)
    pooled = pooled_of(study, random_cohort(1))

    with pytest.raises(ContradictionError, match=f"5 sites holds {marks} marks"):
        read_survey(study, pooled, 5)


def test_a_negative_mark_is_refused() -> None:
    study = study_of(CURVE, 5)
    pooled = pooled_of(study, random_cohort(1))
    pooled["time time"][LENGTHS][:2] += np.array([-1, 1])

    with pytest.raises(ContradictionError, match="each site has one"):
        read_survey(study, pooled, 5)


def test_a_grid_that_is_too_long_is_refused_with_what_to_change() -> None:
    study, cohort = study_of(CURVE, 5), random_cohort(1)
    late = replace(cohort, time=np.where(np.arange(cohort.n) == 0, LONGEST_GRID, cohort.time))

    with pytest.raises(EstimationError, match=r"coarser time\.grid_days"):
        read_survey(study, pooled_of(study, late), 5)


@pytest.mark.parametrize("questions", [b"{}", canonical_json({"asked": {"n_steps": 8}})])
def test_a_site_is_asked_nothing_else(questions: bytes) -> None:
    study = study_of(CURVE, 5)
    check_survey(study, QUESTIONS, survey_sections(study))

    for asked in ((questions, survey_sections(study)), (QUESTIONS, ())):
        with pytest.raises(ProtocolRefusal, match="no plan with rounded results has"):
            check_survey(study, *asked)
