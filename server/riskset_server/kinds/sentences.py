"""Sentences of the methods section for each kind of analysis, from the plan and the results."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from riskset_common.estimators.composed.landmark_spec import LandmarkSpec
from riskset_common.estimators.curves.cumulative_incidence import CumulativeIncidenceSpec
from riskset_common.estimators.curves.follow_up import FollowUpSpec
from riskset_common.estimators.regression.fine_gray import FineGraySpec
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.results.composed import UnivariateResult
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.follow_up import FollowUpResult
from riskset_common.results.incidence import CumulativeIncidenceResult
from riskset_common.results.regression import FittedModel
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis
from riskset_common.results.tables import BaselineResult
from riskset_common.study.codebook import DAY_LEVELS, DateVariable
from riskset_server.displays.parts.cells import cell, count, level_percent, plain
from riskset_server.displays.parts.curve_words import interval_kinds, test_noun
from riskset_server.displays.parts.display import Part, spec_of, tests_of
from riskset_server.displays.parts.effects import TIES, exposures
from riskset_server.displays.parts.words import Words, listed, lower_first, sentence_case
from riskset_server.displays.tables.baseline import test_names
from riskset_server.displays.tables.follow_up import method_in_words
from riskset_server.kinds.kind import Methods, Paragraph
from riskset_server.results.typed import distinct


def cause_specific(part: Part, cause: str, words: Words) -> str:
    """An analysis in which patients with another event than the cause are censored."""
    del words
    return (
        f"In {part.spec.id} the event is {lower_first(sentence_case(cause))}, and patients with another event are censored "
        "at that time: it is about the cause-specific hazard."
    )


def subdistribution(part: Part, cause: str, words: Words) -> str:
    """A Fine-Gray model."""
    spec = spec_of(FineGraySpec, part)
    of = "all patients" if spec.censoring == "pooled" else "each stratum"
    return (
        f"The model {part.spec.id} is of the subdistribution hazard of {lower_first(sentence_case(cause))} (Fine and Gray), stratified "
        f"by {_named(spec.strata, words)}, with the censoring distribution of {of} and robust standard errors."
    )


def _named(variables: Sequence[str], words: Words) -> str:
    return listed([lower_first(words.variable(name)) for name in variables])


def _levels(parts: Sequence[Part]) -> str:
    results = [part.result for part in parts]
    levels = distinct(
        result.level
        for result in results
        if isinstance(result, KaplanMeierResult | CumulativeIncidenceResult | FittedModel)
    )
    return listed([level_percent(level) for level in levels]) or "95%"


def _survival(parts: Sequence[Part], words: Words) -> Iterator[str]:
    named = interval_kinds(parts)
    yield "Probabilities are estimated by the Kaplan\N{EN DASH}Meier method with Greenwood's standard errors;"
    yield f"{_levels(parts)} confidence intervals are pointwise{f' and {named}' if named else ''}."
    by_test: dict[str, list[str]] = {}
    for part in parts:
        test = part.result.test if isinstance(part.result, KaplanMeierResult) else None
        if test is not None and not isinstance(test, Withheld):
            stratified = f" stratified by {_named(test.strata, words)}" if test.strata else ""
            by_test.setdefault(f"{test_noun(test.name)}{stratified}", []).append(part.spec.id)
    for name, ids in by_test.items():
        yield f"Groups are compared by the {name} ({', '.join(ids)})."


def _follow_up(parts: Sequence[Part], words: Words) -> Iterator[str]:
    del words
    if any(isinstance(part.spec, FollowUpSpec) and part.spec.completeness for part in parts):
        yield (
            "Completeness of follow-up is the ratio of observed to potential person-time until the closing date (Clark, Altman and "
            "De Stavola 2002)."
        )
    results = [part.result for part in parts]
    for method in distinct(
        result.method for result in results if isinstance(result, FollowUpResult)
    ):
        yield f"Median follow-up is estimated by the {method_in_words(method)} method."


def _incidence(parts: Sequence[Part], words: Words) -> Iterator[str]:
    named = interval_kinds(parts)
    yield (
        "Cumulative incidence under competing risks is estimated by the Aalen\N{EN DASH}Johansen method with Aalen's standard errors; "
        f"{_levels(parts)} confidence intervals are pointwise{f' and {named}' if named else ''}."
    )
    for part in (part for part in parts if tests_of(part)):
        strata = part.spec.strata if isinstance(part.spec, CumulativeIncidenceSpec) else ()
        stratified = f" stratified by {_named(strata, words)}" if strata else ""
        yield f"Groups are compared by Gray's test{stratified} ({part.spec.id})."


def _cox(parts: Sequence[Part], words: Words) -> Iterator[str]:
    yield "Hazard ratios are from Cox proportional hazards models fitted to complete cases."
    models = [part.result for part in parts if isinstance(part.result, FittedModel)]
    named = listed([TIES[name] for name in distinct(each.ties for each in models) if name in TIES])
    if named:
        yield f"Tied event times are handled by {named} method."
    for part in parts:
        strata = part.result.strata if isinstance(part.result, FittedModel) else ()
        if strata:
            yield f"The model {part.spec.id} is stratified by {_named(strata, words)}."
    for part in parts:
        if named := exposures(words, part):
            yield (
                f"In {part.spec.id} the exposure ({named}) is time-dependent: patients count as not exposed until that day and as "
                "exposed afterwards."
            )
    yield from _beside_the_fit(parts)
    criteria = distinct(each.convergence for each in models)
    if "tight" in criteria:
        yield "Coefficients are those at the maximum of the partial likelihood."
    if "digits" in criteria:
        yield "Coefficients are those at the maximum of the partial likelihood, to four significant digits."
    if "r" in criteria:
        yield "Iterations stop by the default rule of R's coxph where the plan says so."
    yield (
        f"{_levels(parts)} confidence intervals and P values of coefficients are Wald's; likelihood-ratio, score and Wald "
        "tests are given for the models."
    )


def _beside_the_fit(parts: Sequence[Part]) -> Iterator[str]:
    """The penalty of some models, and the test that hazards are proportional."""
    penalised = [
        part.spec.id
        for part in parts
        if isinstance(part.result, FittedModel) and part.result.penalty == "firth"
    ]
    if penalised:
        yield f"Firth's penalty keeps the estimates of {listed(penalised)} finite."
    tested = [part.spec.id for part in parts if _tests_proportionality(part)]
    if tested:
        yield (
            f"Whether hazards are proportional is tested by the score test of Grambsch and Therneau ({', '.join(tested)})."
        )


def _tests_proportionality(part: Part) -> bool:
    if isinstance(part.result, WithheldAnalysis):
        return isinstance(part.spec, CoxSpec) and part.spec.ph_test is not None
    return isinstance(part.result, FittedModel) and part.result.ph_test is not None


def _univariate(parts: Sequence[Part], words: Words) -> Iterator[str]:
    for part in parts:
        result = part.result if isinstance(part.result, UnivariateResult) else None
        names = distinct(_names_of_tests(result)) if result else []
        tests = f" and the {listed([test_noun(name) for name in names])}" if names else ""
        yield (
            f"Factors are analysed one at a time ({part.spec.id}): Kaplan\N{EN DASH}Meier estimates by level{tests}."
        )
        if result and result.strata:
            yield f"Tests, and Cox models of one factor each, are stratified by {_named(result.strata, words)}."


def _names_of_tests(result: UnivariateResult) -> Iterator[str]:
    for factor in result.factors:
        test = factor.curves.test if isinstance(factor.curves, KaplanMeierResult) else None
        if test is not None and not isinstance(test, Withheld):
            yield test.name


def _landmark(parts: Sequence[Part], words: Words) -> Iterator[str]:
    for part in parts:
        if isinstance(part.spec, LandmarkSpec):
            at = f"{plain(part.spec.at)} {words.unit}"
            exposure = words.under(
                lower_first(words.variable(part.spec.exposure)), part.spec.exposure_where
            )
            yield (
                f"The landmark analysis {part.spec.id} is of patients still followed after {at}, by {exposure} until then; later "
                "changes do not count."
            )


def _among_sites(parts: Sequence[Part], words: Words) -> Iterator[str]:
    del words
    for part in parts:
        yield (
            f"In {part.spec.id} each site fits a Cox model; the effect is pooled by inverse variances, with random effects by DerSimonian "
            "and Laird, and its heterogeneity among sites is tested by Cochran's Q. No site's estimate is seen."
        )


def _characteristics(parts: Sequence[Part], words: Words) -> Iterator[str]:
    for part in parts:
        if isinstance(part.result, BaselineResult):
            yield from _days_not_known(part.result, words)
    names = distinct(name for part in parts for name in test_names(part))
    if names:
        yield f"Characteristics are compared between groups by the {listed(names)} test on patients in whom they are known."


def _days_not_known(result: BaselineResult, words: Words) -> Iterator[str]:
    """How many days the sites set themselves and how many nobody knows, of each date and time whose days the table counts."""
    totals = {(row.variable, row.level): row.total for row in result.rows}
    for name in distinct(row.variable for row in result.rows):
        about = words.codebook.with_day(name)
        if about is None:
            continue
        numbers = [totals[name, level] for level in DAY_LEVELS]
        _, approximate, unknown = numbers
        is_date = isinstance(words.codebook.variables[about], DateVariable)
        label = lower_first(words.happening(about))
        kind = f"{'dates' if is_date else 'values'} of {label}"
        if approximate != 0:
            begun = (
                "The day of the month was not known"
                if is_date
                else "The day was taken from a rounded time"
            )
            ended = " and was set by the sites" if is_date else ""
            yield f"{begun} for {_of_them(approximate, numbers, kind)}{ended}."
        if unknown != 0:
            yield (
                f"The day is unknown for {_of_them(unknown, numbers, kind)}; patients whose endpoint depends on it are left out."
            )


def _of_them(number: Shown[int], all_numbers: Collection[Shown[int]], kind: str) -> str:
    """So many of all of a kind, in words; without the number of all where one of them is withheld."""
    whole = [each for each in all_numbers if not isinstance(each, Withheld)]
    of = f" of {count(sum(whole))}" if len(whole) == len(all_numbers) else ""
    return f"{cell(number, count).text}{of} {kind}"


SURVIVAL: Final = Methods(Paragraph.ESTIMATION, _survival)
FOLLOW_UP: Final = Methods(Paragraph.ESTIMATION, _follow_up)
INCIDENCE: Final = Methods(Paragraph.COMPETING_RISKS, _incidence)
COX: Final = Methods(Paragraph.REGRESSION, _cox)
UNIVARIATE: Final = Methods(Paragraph.PARTS, _univariate)
LANDMARK: Final = Methods(Paragraph.PARTS, _landmark)
AMONG_SITES: Final = Methods(Paragraph.SITES, _among_sites)
CHARACTERISTICS: Final = Methods(Paragraph.TABLES, _characteristics)
