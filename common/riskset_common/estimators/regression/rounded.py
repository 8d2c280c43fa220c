"""A Cox model under `release: rounded`: what is counted, tested, and computed on shares for it, and how it is printed.

Models whose risk sets cross sites take their deaths from the counts on shares. Models within sites add up each site's own
log-likelihood, score and information. Of either kind no more digits are opened than the result has.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.estimators.cohort.groups import n_groups
from riskset_common.estimators.on_shares import (
    BlindFit,
    Fits,
    RoundedQuestion,
    fits_of_model,
)
from riskset_common.estimators.regression.blind import MAINS, WHOLE, column_range
from riskset_common.estimators.regression.fitting import main_effects
from riskset_common.estimators.regression.result import Survey, result
from riskset_common.estimators.regression.spec import CoxSpec, uses_of
from riskset_common.estimators.regression.terms import columns
from riskset_common.release.counted import Counted
from riskset_common.release.facts import Facts, origin_of
from riskset_common.release.floors import nothing_of
from riskset_common.release.followed import cohort_of, leaving_times
from riskset_common.release.given import Given
from riskset_common.release.models import (
    CodesOfNumber,
    ModelAsked,
    ModelCounts,
    ModelsWait,
    implied_by,
    model_program,
)
from riskset_common.release.program import Opened, Program
from riskset_common.results.regression import CoxResult, CoxTerm, CoxTests, LogLikelihood
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_common.results.tests import PrintedTest
from riskset_common.study.codebook import NumberVariable
from riskset_common.study.study import Study
from riskset_common.survival.regression.printed_digits import (
    digits_of_coefficients,
    rounded_to,
    significant,
)

DIGITS_OF_P = 2
LIKELIHOOD_UNIT = 0.01
"""Of log-likelihoods and of statistics that are differences of them: 16 bits are opened."""

NOT_ON_SHARES: Mapping[str, str] = {
    "penalty": "it needs the third moments of the covariates, sums over risk sets that no result shows",
    "robust": "it needs the products of each site's or each patient's score, which no result shows",
    "ph_test": "it needs score and information weighted by time, which no result shows",
    "baseline_hazard": "each step of it is the reciprocal of a sum over a risk set",
}
"""Keys that a model under `release: rounded` cannot have, and why."""


def not_rounded(spec: CoxSpec, study: Study) -> Iterator[str]:
    """What of a model cannot be computed on shares, in words."""
    for key, why in NOT_ON_SHARES.items():
        if getattr(spec, key) is not None:
            yield f"{key} is not computed on shares: {why}. Leave {key} out, or release exact numbers of public data."
    if spec.convergence == "r":
        yield (
            "convergence: r is the rule of R's coxph, which needs nine digits of the log-likelihood; five are opened. Leave convergence "
            "out."
        )
    for term in spec.terms:
        if term.exposure is not None:
            yield (
                f"exposure {term.exposure} begins during follow-up: how many patients and events there are by it is not counted on shares, "
                "so that nobody knows whether they are enough. Use a landmark analysis."
            )
    for name in spec.numbers:
        variable = study.codebook.variables.get(name)
        if isinstance(variable, NumberVariable) and variable.range is None:
            yield (
                f"number {name} has no range in the codebook. On shares the size of each number must be bounded in public. State its "
                "lowest and highest believable value there (range: [0, 110])."
            )


def asked(spec: CoxSpec, study: Study, facts: Facts) -> ModelAsked:
    """A model as its counts are tested."""
    uses, kinds = uses_of(spec), spec.causes
    cohort = cohort_of(spec, (*uses.categories, *uses.numbers))
    crosses = spec.crosses_sites(study.sites)
    deaths = leaving_times(study, facts, cohort, spec.endpoint, spec.strata, cause=spec.cause)
    factors = set(spec.factors)
    return ModelAsked(
        cohort=cohort,
        endpoint=spec.endpoint,
        kinds=kinds,
        factors=spec.factors,
        pairs=tuple(pair for pair in spec.interaction if factors >= set(pair)),
        numbers=tuple(
            CodesOfNumber(cohort, spec.endpoint, kinds, term.number)
            for term in spec.terms
            if term.number is not None
        ),
        coefficients=len(columns(spec.terms, spec.interaction, study)),
        deaths=deaths if crosses else None,
        told_apart=crosses and spec.tie_method(study) == "efron",
    )


def uploads(spec: CoxSpec, study: Study, facts: Facts) -> tuple[Counted, ...]:
    """What is counted of a model besides the cells of the plan: the values of its numbers, and its deaths."""
    model = asked(spec, study, facts)
    return (*model.numbers, *(() if model.deaths is None else (model.deaths,)))


def program(spec: CoxSpec, given: Given) -> Program[WithheldAnalysis | ModelsWait]:
    """A model up to its fit."""
    found = yield from model_program(given, asked(spec, given.study, given.facts))
    if isinstance(found, Withheld):
        return nothing_of(CoxResult, "cox", found)
    return ModelsWait({"": found}, {})


def implied(
    spec: CoxSpec, given: Given, released: CoxResult | WithheldAnalysis
) -> Mapping[str, Opened]:
    """What the tests of a model's counts must have given; the iterations of its fit are published beside."""
    model, rule = asked(spec, given.study, given.facts), ""
    if isinstance(released, WithheldAnalysis):
        rule = next(iter(released.fields.values())).rule
        told = (re.search(_SAID, warning) for warning in released.warnings)
        most = next((int(each[1]) for each in told if each), None)
    else:
        most = released.ties_at_most
    return implied_by(model, rule, most)


def fitted(spec: CoxSpec, study: Study, counts: ModelCounts, fits: Fits) -> CoxResult:
    """The model as it is released.

    Raises
    ------
    EstimationError
        Where it has no fit. The sentence also says what was opened of its counts.
    """
    try:
        return printed(spec, study, counts, fits_of_model(fits))
    except EstimationError as error:
        if counts.ties_at_most is None:
            raise
        raise EstimationError(f"{error} {_SAYS}{counts.ties_at_most}.") from None


_SAYS = "The most events on one day of a stratum are at most "
_SAID = f"{_SAYS}([0-9]+)"


def questions(
    spec: CoxSpec, study: Study, facts: Facts, counts: ModelCounts
) -> dict[str, RoundedQuestion]:
    """What is asked of the computation: the model, and its main effects alone if the plan compares them."""
    of_model = columns(spec.terms, spec.interaction, study)
    ranges = [column_range(column, study) for column in of_model]
    deaths = asked(spec, study, facts).deaths
    days = () if deaths is None else facts.days[origin_of(study, spec.endpoint)].steps
    strata = 0 if deaths is None else n_groups(study, spec.strata)
    whole = RoundedQuestion(
        columns=tuple(range(len(of_model))),
        ties=spec.tie_method(study),
        max_iterations=spec.iterations_at_most(),
        n_patients=counts.n,
        lower=tuple(low for low, _ in ranges),
        upper=tuple(high for _, high in ranges),
        decimals=counts.decimals,
        slot_strata=tuple(stratum for stratum in range(strata) for _ in days),
        slot_times=tuple(days) * strata,
        deaths=deaths,
        ties_at_most=counts.ties_at_most,
    )
    if spec.interaction_test is None:
        return {WHOLE: whole}
    kept = tuple(main_effects(of_model))
    mains = replace(
        whole,
        columns=kept,
        lower=tuple(whole.lower[i] for i in kept),
        upper=tuple(whole.upper[i] for i in kept),
    )
    return {WHOLE: whole, MAINS: mains}


def printed(
    spec: CoxSpec, study: Study, counts: ModelCounts, fits: Mapping[str, BlindFit]
) -> CoxResult:
    """The model as it is released, from its counts and its fits."""
    whole, mains = fits[WHOLE], fits.get(MAINS)
    survey = Survey(
        columns=tuple(columns(spec.terms, spec.interaction, study)),
        exponent=whole.exponent,
        n=counts.n,
        events=counts.events,
        missing=0,
        by_level={},
    )
    found = result(spec, study, survey, whole.fit, None, None if mains is None else mains.fit)
    fitted = replace(
        found,
        missing=counts.missing,
        levels=counts.levels,
        convergence="digits",
        ties_at_most=counts.ties_at_most,
        decimals=counts.decimals,
    )
    return to_its_digits(fitted)


def to_its_digits(model: CoxResult) -> CoxResult:
    """A model to the digits of a rounded release: four significant ones of coefficients, standard errors and what follows from them."""
    std_err = [term.std_err for term in model.terms]
    return replace(
        model,
        terms=tuple(map(_term, model.terms)),
        covariance=tuple(
            tuple(
                rounded_to(value, _unit_of(std_err[a] * std_err[b])) for b, value in enumerate(row)
            )
            for a, row in enumerate(model.covariance)
        ),
        log_likelihood=LogLikelihood(
            rounded_to(model.log_likelihood.null, LIKELIHOOD_UNIT),
            rounded_to(model.log_likelihood.fitted, LIKELIHOOD_UNIT),
        ),
        tests=_tests(model.tests),
    )


def _term(term: CoxTerm) -> CoxTerm:
    coef, std_err = np.array([term.coef]), np.array([term.std_err])
    unit = digits_of_coefficients(coef, std_err)[0] if term.std_err > 0 else math.nan
    return replace(
        term,
        coef=rounded_to(term.coef, float(unit)),
        std_err=significant(term.std_err),
        hazard_ratio=significant(term.hazard_ratio),
        lower=significant(term.lower),
        upper=significant(term.upper),
        z=rounded_to(term.z, LIKELIHOOD_UNIT),
        p_value=significant(term.p_value, DIGITS_OF_P),
    )


def _tests(tests: CoxTests) -> CoxTests:
    return replace(
        tests,
        wald=_test(tests.wald),
        score=_test(tests.score),
        likelihood_ratio=_test(tests.likelihood_ratio),
        terms={name: _test(test) for name, test in tests.terms.items()},
        interaction=None if tests.interaction is None else _test(tests.interaction),
    )


def _test(test: PrintedTest) -> PrintedTest:
    statistic = rounded_to(test.statistic, LIKELIHOOD_UNIT)
    return PrintedTest(statistic, test.df, significant(test.p_value, DIGITS_OF_P))


def _unit_of(size: float) -> float:
    """The unit of the fourth significant digit of a product of standard errors."""
    return 10.0 ** (math.floor(math.log10(size)) - 3) if size > 0 else math.nan
