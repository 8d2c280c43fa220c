"""Univariate analyses under a release of rounded numbers are the analyses of their factors, counted once and opened together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import random_cohort, study_of
from tests.common.release.rounded import computation, released
from tests.common.release.tests.openly import opened_by, told

from riskset_common.estimators.composed.univariate import Univariate, UnivariateSpec
from riskset_common.estimators.counts_of_plan import plan_cells
from riskset_common.release.blank import Blank, Unseen
from riskset_common.release.curves.plan_times import times_program
from riskset_common.release.given import Given
from riskset_common.release.models import ModelsWait
from riskset_common.release.program import in_the_open
from riskset_common.release.tables.verdicts import verdicts_program
from riskset_common.results.composed import UnivariateResult
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.survival.arrays.calculator import Clear, InTheOpen

CURVES = {"endpoint": "EFS", "at": [10, 30]}
FACTORS = {"kind": "univariate", "factors": ["arm", "sex"], "test": "log_rank", **CURVES}


def study_with(*analyses: dict[str, Any], **floors: int):
    named = [{"id": f"a{index}", **each} for index, each in enumerate(analyses)]
    rounded = {"release": "rounded", "minimum_cell": 5, "minimum_at_risk": 10, **floors}
    return study_of(
        {"kind": "event_table", "endpoint": "EFS"}, 5, analyses=named, disclosure=rounded
    )


def results(study, cohort):
    return list(released(study, cohort.patients(study)).analyses.values())


@pytest.mark.parametrize("seed", [3, 4])
def test_its_parts_are_the_analyses_of_the_factors(seed) -> None:
    cohort = random_cohort(seed, n=900)
    [found] = results(study_with(FACTORS), cohort)
    everyone, arm, sex = results(
        study_with(
            {"kind": "kaplan_meier", **CURVES},
            *(
                {"kind": "kaplan_meier", "by": [name], "test": "log_rank", **CURVES}
                for name in FACTORS["factors"]
            ),
        ),
        cohort,
    )

    assert isinstance(found, UnivariateResult)
    assert everyone == found.all_patients
    assert [arm, sex] == [each.curves for each in found.factors]
    assert (everyone.n, everyone.events, everyone.missing) == (found.n, found.events, found.missing)


def test_what_the_parts_share_is_counted_once() -> None:
    cohort, study = random_cohort(3, n=300), study_with(FACTORS, FACTORS | {"at": [10]})
    work, facts = computation(study, cohort.patients(study))
    of_one, of_other = (
        Univariate().uploads(spec, study, facts)
        for spec in study.plan.analyses
        if isinstance(spec, UnivariateSpec)
    )

    assert 3 == len(of_one)
    assert of_one == of_other
    assert 4 == len(work.counted(facts))


@pytest.mark.parametrize("models", [{}, {"hazard_ratios": True}], ids=str)
def test_everything_opened_follows_from_what_is_released(models) -> None:
    cohort, study = random_cohort(3, n=900), study_with(FACTORS | models)
    sites = cohort.patients(study)
    work, facts = computation(study, sites)
    data = {
        counted: {
            name: Clear(np.sum([counted.of(each, study)[name] for each in sites], axis=0))
            for name in counted.arrays(study)
        }
        for counted in work.counted(facts)
    }
    verdicts = in_the_open(verdicts_program(plan_cells(study), study, data, InTheOpen()))
    given = Given(study, facts, data, InTheOpen(), verdicts.cells)
    given = replace(given, accepted=in_the_open(times_program(work.curves(facts), given)))
    [spec] = study.plan.analyses
    assert isinstance(spec, UnivariateSpec)
    found, opened = opened_by(Univariate().program(spec, given))
    if isinstance(found, ModelsWait):
        # A model that was not computed is withheld, and tells what was opened of its counts alike.
        assert {"model.arm", "model.sex"} == found.models.keys()
        return
    assert isinstance(found, UnivariateResult)
    implied = Univariate().implied(spec, given, found)

    assert opened.keys() == implied.keys()
    for name, values in opened.items():
        assert values.tolist() == implied[name].tolist(), name
    blank = {
        counted: {name: Blank(*each.shape) for name, each in arrays.items()}
        for counted, arrays in data.items()
    }
    unseen = replace(given, data=blank, calculator=Unseen())
    assert found == told(Univariate().program(spec, unseen), implied)


def test_of_few_patients_nothing_is_shown() -> None:
    [few] = results(study_with(FACTORS), random_cohort(3, n=8))

    assert isinstance(few, WithheldAnalysis)
    assert {"n", "events", "missing", "all_patients", "factors"} <= few.fields.keys()
