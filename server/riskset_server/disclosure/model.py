"""The release of a regression model: whole, with seven digits, or not at all.

The coefficient of a level with few patients, or few events, reads those patients back.
"""

from __future__ import annotations

from collections.abc import Sequence

from riskset_common.results.regression import (
    CoxResult,
    CoxTerm,
    CoxTests,
    FactorLevel,
    FineGrayResult,
    HazardRow,
    LogLikelihood,
    PrintedHazard,
    ProportionalityTest,
    RobustVariance,
)
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis, exact
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure import shortened
from riskset_server.disclosure.table import held_back, is_small
from riskset_server.disclosure.withheld import (
    fewest_patients,
    small_count,
    too_few_patients,
    unless_small,
    whole,
)


def released_cox(model: CoxResult, disclosure: Disclosure) -> CoxResult | WithheldAnalysis:
    """A model is released whole or not at all: coefficients of a level with few patients read those patients back."""
    few = few_behind(exact(model.levels), exact(model.events), len(model.terms), disclosure)
    if few is not None:
        return whole(model, few)
    levels, n, events = exact(model.levels), exact(model.n), exact(model.events)
    return CoxResult(
        kind=model.kind,
        endpoint=model.endpoint,
        cause=model.cause,
        n=n,
        events=unless_few_survivors(n, events, disclosure),
        missing=unless_small(model.missing, disclosure),
        ties=model.ties,
        strata=model.strata,
        level=model.level,
        iterations=model.iterations,
        convergence=model.convergence,
        converged=model.converged,
        terms=tuple(map(_term, model.terms)),
        levels=released_levels(levels, disclosure),
        covariance=shortened.rows(model.covariance),
        log_likelihood=_log_likelihood(model.log_likelihood),
        tests=_tests(model.tests),
        warnings=model.warnings,
        penalty=model.penalty,
        offset=model.offset,
        robust=_robust(model.robust),
        ph_test=_ph_test(model.ph_test),
        baseline_hazard=_hazard(model.baseline_hazard),
    )


def released_fine_gray(
    model: FineGrayResult, disclosure: Disclosure
) -> FineGrayResult | WithheldAnalysis:
    """A model; patients with the cause, with a competing event, and without one are a table like any other."""
    levels, n, events = exact(model.levels), exact(model.n), exact(model.events)
    few = few_behind(levels, events, len(model.terms), disclosure)
    if few is not None:
        return whole(model, few)
    competing, rule = exact(model.competing), small_count(disclosure)
    parts = [[events], [competing], [n - events - competing]]
    is_held = held_back(parts, frozenset(), disclosure.minimum_cell).anything
    # The events of all levels add up to those of the cause.
    shown_levels = _without_events(levels, rule) if is_held else released_levels(levels, disclosure)
    return FineGrayResult(
        kind=model.kind,
        endpoint=model.endpoint,
        cause=model.cause,
        n=n,
        events=rule if is_held else unless_few_survivors(n, events, disclosure),
        missing=unless_small(model.missing, disclosure),
        ties=model.ties,
        strata=model.strata,
        level=model.level,
        iterations=model.iterations,
        convergence=model.convergence,
        converged=model.converged,
        terms=tuple(map(_term, model.terms)),
        levels=shown_levels,
        covariance=shortened.rows(model.covariance),
        log_likelihood=_log_likelihood(model.log_likelihood),
        tests=_tests(model.tests),
        warnings=model.warnings,
        penalty=model.penalty,
        offset=model.offset,
        robust=_robust(model.robust),
        ph_test=_ph_test(model.ph_test),
        baseline_hazard=_hazard(model.baseline_hazard),
        competing=rule if is_held else competing,
        censoring=model.censoring,
    )


def few_behind(
    levels: Sequence[FactorLevel], events: int, coefficients: int, disclosure: Disclosure
) -> Withheld | None:
    """The rule by which a model is based on too few patients or events; None if there are enough."""
    fewest, smallest = fewest_patients(disclosure), disclosure.minimum_cell
    for level in levels:
        n = exact(level.n)
        if 0 < n < fewest:
            return Withheld(f"{too_few_patients(disclosure).rule}: {level.term}")
        if n > 0 and exact(level.events) < smallest:
            return Withheld(f"minimum_cell {smallest} events: {level.term}")
    if events < smallest * coefficients:
        return Withheld(f"minimum_cell {smallest} events for each of {coefficients} coefficients")
    return None


def unless_few_survivors(n: int, events: int, disclosure: Disclosure) -> Shown[int]:
    """Events of a model, unless hardly any patient had none."""
    few = is_small(n - events, disclosure.minimum_cell)
    return small_count(disclosure) if few else events


def released_levels(
    levels: Sequence[FactorLevel], disclosure: Disclosure
) -> tuple[FactorLevel, ...]:
    """Patients and events by level. Events of a factor are withheld if almost all patients of one level had the event."""
    rule = small_count(disclosure)
    few = {
        level.term
        for level in levels
        if is_small(exact(level.n) - exact(level.events), disclosure.minimum_cell)
    }
    return tuple(
        FactorLevel(
            term=level.term,
            level=level.level,
            n=level.n,
            events=rule if level.term in few else level.events,
        )
        for level in levels
    )


def _without_events(levels: Sequence[FactorLevel], rule: Withheld) -> tuple[FactorLevel, ...]:
    return tuple(
        FactorLevel(term=level.term, level=level.level, n=level.n, events=rule) for level in levels
    )


def _term(term: CoxTerm) -> CoxTerm:
    return CoxTerm(
        term=term.term,
        level=term.level,
        reference=term.reference,
        coef=shortened.real(term.coef),
        std_err=shortened.real(term.std_err),
        hazard_ratio=shortened.real(term.hazard_ratio),
        lower=shortened.real(term.lower),
        upper=shortened.real(term.upper),
        z=shortened.real(term.z),
        p_value=shortened.real(term.p_value),
        aliased=term.aliased,
        monotone=term.monotone,
    )


def _log_likelihood(found: LogLikelihood) -> LogLikelihood:
    return LogLikelihood(null=shortened.real(found.null), fitted=shortened.real(found.fitted))


def _tests(tests: CoxTests) -> CoxTests:
    return CoxTests(
        wald=shortened.test(tests.wald),
        score=shortened.test(tests.score),
        likelihood_ratio=shortened.test(tests.likelihood_ratio),
        terms=shortened.tests(tests.terms),
        interaction=None if tests.interaction is None else shortened.test(tests.interaction),
    )


def _robust(robust: RobustVariance | None) -> RobustVariance | None:
    if robust is None:
        return None
    naive = shortened.reals(robust.naive_std_err)
    # A number of sites tells of no patient.
    return RobustVariance(
        clustered_by=robust.clustered_by, naive_std_err=naive, clusters=robust.clusters
    )


def _ph_test(test: ProportionalityTest | None) -> ProportionalityTest | None:
    if test is None:
        return None
    return ProportionalityTest(
        transform=test.transform,
        terms=shortened.tests(test.terms),
        global_test=shortened.test(test.global_test),
    )


def _hazard(hazard: PrintedHazard | None) -> PrintedHazard | None:
    if hazard is None:
        return None
    return PrintedHazard(
        numbers={name: shortened.real(value) for name, value in hazard.numbers.items()},
        rows=tuple(
            HazardRow(
                stratum=row.stratum,
                time=shortened.real(row.time),
                cumulative_hazard=shortened.real(row.cumulative_hazard),
                std_err=shortened.real(row.std_err),
            )
            for row in hazard.rows
        ),
    )
