"""A Cox model whose risk sets reach across sites: what is counted for it in public, and what a computation on shares is asked.

The estimator knows neither the computation nor who carries it out. After the survey one round counts the deaths of each stratum at
each step of the time grid; from its sum every party can say which sums over risk sets the model needs, and the fit comes back from
those who compute them where nobody sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from riskset_common.errors import ContradictionError, EstimationError
from riskset_common.estimators.cohort.causes import cause_specific_times
from riskset_common.estimators.cohort.groups import group_codes, n_groups
from riskset_common.estimators.curves.counts import BY_STEP, count_shapes, step_shapes, step_summary
from riskset_common.estimators.estimator import Request, Shape, Summary
from riskset_common.estimators.on_shares import (
    BlindCohort,
    BlindFit,
    BlindQuestion,
    HazardEntries,
)
from riskset_common.estimators.regression.baseline_hazard import printed_hazard
from riskset_common.estimators.regression.fitting import main_effects
from riskset_common.estimators.regression.proportionality import (
    proportionality,
    transform_of,
)
from riskset_common.estimators.regression.result import Survey, result
from riskset_common.estimators.regression.rows import cohort_of, rows_at_risk
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.regression.survey import case_shapes, count_cases
from riskset_common.estimators.regression.terms import Column, columns, design
from riskset_common.results.regression import CoxResult, PrintedHazard, ProportionalityTest
from riskset_common.study.codebook import NumberVariable
from riskset_common.study.patients import Integers, Patients
from riskset_common.study.study import Study
from riskset_common.survival.regression.cox import CoxSums
from riskset_common.survival.regression.newton import (
    NewtonState,
    advance,
    start,
)
from riskset_common.survival.regression.proportionality import TimeScores

WHOLE, MAINS = "", "main effects"
"""The model as the plan has it, and the one without interactions that their test compares it with."""

CoxRequest = Request[CoxSpec, Any]


@dataclass(frozen=True)
class BlindMemory:
    """What the centre keeps of a blind model: the survey, and the pooled deaths once they are counted."""

    survey: Survey
    pooled: Summary | None = None


def death_shapes(spec: CoxSpec, study: Study, n_steps: int) -> Mapping[str, Shape]:
    """Patients and events, in total and by cell, deaths by stratum and step, shape (n_strata, n_steps), and what a test counts."""
    by_step = count_shapes(n_groups(study, spec.strata), n_steps, left_truncated=False)["events"]
    entry = study.endpoint(spec.endpoint).entry
    return {
        **case_shapes(spec, study),
        "deaths": by_step,
        **(step_shapes(n_steps, left_truncated=entry is not None) if spec.counts_times else {}),
    }


def count_deaths(patients: Patients, request: CoxRequest, n_steps: int) -> Summary:
    """One site's share of the counts."""
    study, spec = request.study, request.spec
    chosen = cohort_of(patients, request).patients
    times = cause_specific_times(chosen, study, spec)
    event = times.event > 0
    deaths = np.zeros((n_groups(study, spec.strata), n_steps), dtype=np.int64)
    if bool(np.any(times.time[event] >= n_steps)):
        raise EstimationError(
            f"analysis {spec.id}: an event lies beyond the time grid that was agreed. The records have changed since; start a new run."
        )
    stratum = group_codes(study, chosen, spec.strata)
    np.add.at(deaths, (stratum[event], times.time[event]), 1)
    return {
        **count_cases(rows_at_risk(chosen, study, spec), spec, study),
        "deaths": deaths,
        **(step_summary(times, n_steps) if spec.counts_times else {}),
    }


def blind_questions(request: CoxRequest, pooled: Summary) -> dict[str, BlindQuestion]:
    """What is asked of the computation, from the pooled counts: the model, and its main effects alone if the plan compares them.

    Raises
    ------
    ContradictionError
        If the counts contradict themselves.
    """
    spec, study = request.spec, request.study
    model_columns = columns(spec.terms, spec.interaction, study)
    deaths, n_patients, n_events = _counted(spec, pooled)
    stratum, time = np.nonzero(deaths)
    ranges = [column_range(column, study) for column in model_columns]
    whole = BlindQuestion(
        columns=tuple(range(len(model_columns))),
        ties=spec.tie_method(study),
        convergence=spec.convergence,
        max_iterations=spec.iterations_at_most(),
        n_patients=n_patients,
        n_events=n_events,
        lower=tuple(low for low, _ in ranges),
        upper=tuple(high for _, high in ranges),
        slot_strata=tuple(stratum.tolist()),
        slot_times=tuple(time.tolist()),
        deaths=tuple(deaths[stratum, time].tolist()),
        ph_test=spec.ph_test,
        transformed=_transformed(spec, time, pooled),
    )
    hazard = spec.baseline_hazard
    if hazard is not None:
        at = hazard.covariates(model_columns)
        whole = replace(whole, hazard_steps=hazard.steps(study), hazard_at=at)
    if spec.interaction_test is None:
        return {WHOLE: whole}
    return {WHOLE: whole, MAINS: _of_main_effects(whole, model_columns)}


def _counted(spec: CoxSpec, pooled: Summary) -> tuple[Integers, int, int]:
    """Deaths by stratum and step, patients, and events, which must agree."""
    deaths: Integers = pooled["deaths"]
    n_patients, n_events = int(pooled["n"]), int(pooled["events"])
    if int(deaths.sum()) != n_events or bool((deaths < 0).any()) or n_events > n_patients:
        raise ContradictionError(
            f"analysis {spec.id}: the deaths at the event times do not add up to the events. A site's report is inconsistent; which "
            "one cannot be told from the sum. Have the sites compare their outboxes with their records."
        )
    return deaths, n_patients, n_events


def _transformed(spec: CoxSpec, time: Integers, pooled: Summary) -> tuple[float, ...]:
    """The function of time at each event time, where it follows from the times of all patients."""
    if spec.ph_test is None or not spec.counts_times:
        return ()
    counted = {name: each for name, each in pooled.items() if name.endswith(BY_STEP)}
    if not np.array_equal(counted["events" + BY_STEP][0], pooled["deaths"].sum(axis=0)):
        raise ContradictionError(
            f"analysis {spec.id}: the events at the steps of the time grid are not the deaths of the strata. A site's report is "
            "inconsistent; which one cannot be told from the sum. Have the sites compare their outboxes with their records."
        )
    return tuple(transform_of(spec.ph_test, counted).at(time).tolist())


def _of_main_effects(whole: BlindQuestion, model_columns: list[Column]) -> BlindQuestion:
    kept = tuple(main_effects(model_columns))
    return replace(
        whole,
        columns=kept,
        lower=tuple(whole.lower[i] for i in kept),
        upper=tuple(whole.upper[i] for i in kept),
        ph_test=None,
        transformed=(),
        hazard_steps=(),
        hazard_at=(),
    )


def column_range(column: Column, study: Study) -> tuple[float, float]:
    """The lowest and highest value that a column can have: the product of the ranges of its parts."""
    low, high = 1.0, 1.0
    for part in column.parts:
        variable = study.codebook.variables.get(part.variable)
        known = isinstance(variable, NumberVariable) and part.level is None and variable.range
        ends = known or (0.0, 1.0)
        products = [low * ends[0], low * ends[1], high * ends[0], high * ends[1]]
        low, high = min(products), max(products)
    return low, high


def blind_cohort(patients: Patients, request: CoxRequest) -> BlindCohort:
    """This site's patients of the model."""
    study, spec = request.study, request.spec
    rows = rows_at_risk(cohort_of(patients, request).patients, study, spec)
    return BlindCohort(
        times=rows.times,
        x=design(columns(spec.terms, spec.interaction, study), rows.patients, study),
        stratum=group_codes(study, rows.patients, spec.strata),
        offset=None if spec.offset is None else rows.patients.numbers[spec.offset],
    )


def blind_result(request: CoxRequest, fits: Mapping[str, BlindFit]) -> CoxResult:
    """The printed model, from the fits of what `blind_questions` asked. Run by the centre."""
    memory: BlindMemory = request.memory
    whole, mains = fits[WHOLE], fits.get(MAINS)
    printed = result(
        request.spec,
        request.study,
        replace(memory.survey, exponent=whole.exponent),
        whole.fit,
        None,
        None if mains is None else mains.fit,
        _tested(request.spec, memory.survey, whole),
    )
    return replace(printed, baseline_hazard=_hazard(request, whole.hazard))


def _hazard(request: CoxRequest, found: HazardEntries | None) -> PrintedHazard | None:
    """The baseline hazard; none where nothing was opened, as without finite coefficients at the maximum."""
    spec = request.spec
    if spec.baseline_hazard is None or found is None:
        return None
    return printed_hazard(spec.baseline_hazard, spec.strata, request.study, found)


def _tested(spec: CoxSpec, survey: Survey, whole: BlindFit) -> ProportionalityTest | None:
    """The test of proportional hazards; none where a coefficient is infinite or not at the maximum, for then nothing is opened."""
    fit, p = whole.fit, len(survey.columns)
    if spec.ph_test is None or not fit.converged or bool(fit.monotone.any()):
        return None
    # Nothing is opened either where all columns are aliased or all events are at one time: there is nothing to test.
    nothing = TimeScores(np.zeros(p), np.zeros((p, p)), np.zeros((p, p)))
    return proportionality(spec.ph_test, survey.columns, whole.times or nothing, fit.covariance)


def without_events(request: CoxRequest, survey: Survey) -> CoxResult:
    """The printed model where nobody had an event: no coefficient can be estimated, and nothing need be computed."""
    spec = request.spec
    sizes = {WHOLE: len(survey.columns)}
    if spec.interaction_test is not None:
        sizes[MAINS] = sum(len(column.parts) == 1 for column in survey.columns)
    fits: dict[str, BlindFit] = {}
    for name, p in sizes.items():
        state = start(p, spec.convergence, spec.iterations_at_most())
        reached = advance(state, CoxSums(0.0, np.zeros(p), np.zeros((p, p))))
        if isinstance(reached, NewtonState):
            raise EstimationError(f"analysis {spec.id}: a model without events cannot be fitted.")
        fits[name] = BlindFit(reached, (0,) * p)
    return blind_result(replace(request, memory=BlindMemory(survey)), fits)
