"""The methods section: what was done, in sentences for a paper, from the plan and what the results say of themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from riskset_common import __version__
from riskset_common.study.plan import Endpoint
from riskset_server.displays.parts.cells import level_percent, plain
from riskset_server.displays.parts.curve_words import interval_kinds, test_noun
from riskset_server.displays.parts.display import Part, tests_of
from riskset_server.displays.parts.effects import TIES, exposures
from riskset_server.displays.parts.words import Words, listed, lower_first, sentence_case
from riskset_server.displays.tables.baseline import test_names
from riskset_server.displays.tables.follow_up import method_in_words
from riskset_server.report.secrecy import secrecy
from riskset_server.results.reading import distinct, entries, value


def methods(results: Mapping[str, Any], parts: Mapping[str, Part], words: Words) -> tuple[str, ...]:
    """Paragraphs of the methods section."""
    paragraphs = (
        _design(results, words),
        _times(words),
        _endpoints(parts.values(), words),
        _estimation(parts.values(), words),
        _competing_risks(parts.values(), words),
        _regression(parts.values(), words),
        _blind(results),
        _made_of_parts(parts.values(), words),
        _among_sites(parts.values()),
        _tables(parts.values(), words),
        _conduct(parts.values(), words),
        (_software(),),
    )
    return tuple(text for sentences in paragraphs if (text := " ".join(sentences)))


def _design(results: Mapping[str, Any], words: Words) -> Iterator[str]:
    sites = len(results.get("sites", ()))
    yield (
        f"The statistical analysis plan {words.plan.plan} (version {words.plan.version}) was carried out"
        + (f" over {sites} sites" if sites else "")
        + ". Patient records stayed at the sites. Each site sent counts and sums that were masked, so that the coordinating "
        "centre could read only their totals over all sites; estimates and tests are computed from these totals."
    )
    yield from secrecy(results)
    if words.plan.data_cutoff is not None:
        yield f"Data were cut off on {words.plan.data_cutoff.isoformat()}."


def _times(words: Words) -> Iterator[str]:
    time = words.plan.time
    days = plain(float(time.days_in(time.unit)))
    step = f"{plain(time.grid_days)} {'day' if time.grid_days == 1 else 'days'}"
    shown = "days" if time.unit == "days" else f"{time.unit} of {days} days"
    yield f"Times are counted in whole steps of {step} and shown in {shown}."
    yield (
        "Patients at risk at a time are those followed to that time or longer; an event precedes a censoring at the same time."
    )


def _endpoints(parts: Collection[Part], words: Words) -> Iterator[str]:
    for name in distinct(part.spec.endpoint_name() for part in parts):
        if name in words.plan.endpoints:
            yield _endpoint(name, words.plan.endpoints[name], words)


def _endpoint(name: str, endpoint: Endpoint, words: Words) -> str:
    short = words.short_endpoint(name)
    label = endpoint.label if short == endpoint.label else f"{endpoint.label} ({short})"
    if endpoint.first_of is not None:
        events = listed([lower_first(sentence_case(key)) for key in endpoint.first_of])
        first = f"the first of {events}" if len(endpoint.first_of) > 1 else events
        censor = lower_first(words.variable(endpoint.censor or ""))
        return f"{label} is the time from {words.origin(name)} to {first}; patients without are censored at the {censor}."
    variable = words.variable(endpoint.time.variable) if endpoint.time is not None else ""
    events = listed([lower_first(sentence_case(key)) for key in endpoint.events])
    return f"{label} is read from the column {lower_first(variable)}; its events: {events}."


def _of_kind(parts: Collection[Part], kind: str) -> list[Part]:
    return [part for part in parts if part.spec.kind == kind]


def _levels(parts: Collection[Part]) -> str:
    found = distinct(value(part.result, "level") for part in parts)
    return listed([level_percent(level) for level in found]) or "95%"


def _estimation(parts: Collection[Part], words: Words) -> Iterator[str]:
    curves, follow_ups = _of_kind(parts, "kaplan_meier"), _of_kind(parts, "follow_up")
    if curves:
        named = interval_kinds(curves)
        yield "Probabilities are estimated by the Kaplan\N{EN DASH}Meier method with Greenwood's standard errors;"
        yield f"{_levels(curves)} confidence intervals are pointwise{f' and {named}' if named else ''}."
    by_test: dict[str, list[str]] = {}
    for part in curves:
        test = value(part.result, "test")
        if isinstance(value(test, "name"), str):
            strata = [lower_first(words.variable(name)) for name in entries(value(test, "strata"))]
            stratified = f" stratified by {listed(strata)}" if strata else ""
            named = test_noun(value(test, "name"))
            by_test.setdefault(f"{named}{stratified}", []).append(part.spec.id)
    for test, names in by_test.items():
        yield f"Groups are compared by the {test} ({', '.join(names)})."
    if any(value(part.result, "completeness") for part in follow_ups):
        yield (
            "Completeness of follow-up is the ratio of observed to potential person-time until the closing date (Clark, Altman and "
            "De Stavola 2002)."
        )
    for method in distinct(value(part.result, "method") for part in follow_ups):
        yield f"Median follow-up is estimated by the {method_in_words(method)} method."


def _competing_risks(parts: Collection[Part], words: Words) -> Iterator[str]:
    for part in parts:
        cause = getattr(part.spec, "cause", None)
        if cause and part.spec.kind == "fine_gray":
            yield from _subdistribution(part, cause, words)
        elif cause:
            yield (
                f"In {part.spec.id} the event is {lower_first(sentence_case(cause))}, and patients with another event are censored "
                "at that time: it is about the cause-specific hazard."
            )
    incidences = _of_kind(parts, "cumulative_incidence")
    if not incidences:
        return
    named = interval_kinds(incidences)
    yield (
        "Cumulative incidence under competing risks is estimated by the Aalen\N{EN DASH}Johansen method with Aalen's standard errors; "
        f"{_levels(incidences)} confidence intervals are pointwise{f' and {named}' if named else ''}."
    )
    tested = [part for part in incidences if tests_of(part)]
    for part in tested:
        strata = [lower_first(words.variable(name)) for name in getattr(part.spec, "strata", ())]
        stratified = f" stratified by {listed(strata)}" if strata else ""
        yield f"Groups are compared by Gray's test{stratified} ({part.spec.id})."


def _subdistribution(part: Part, cause: str, words: Words) -> Iterator[str]:
    """A Fine-Gray model in a paper's words."""
    strata = [lower_first(words.variable(name)) for name in getattr(part.spec, "strata", ())]
    of = "all patients" if value(part.result, "censoring") == "pooled" else "each stratum"
    yield (
        f"The model {part.spec.id} is of the subdistribution hazard of {lower_first(sentence_case(cause))} (Fine and Gray), stratified "
        f"by {listed(strata)}, with the censoring distribution of {of} and robust standard errors."
    )


def _regression(parts: Collection[Part], words: Words) -> Iterator[str]:
    fitted = _of_kind(parts, "cox")
    if not fitted:
        return
    yield "Hazard ratios are from Cox proportional hazards models fitted to complete cases."
    ties = distinct(value(part.result, "ties") for part in fitted)
    named = listed([TIES[name] for name in ties if name in TIES])
    if named:
        yield f"Tied event times are handled by {named} method."
    for part in fitted:
        strata = [
            lower_first(words.variable(name)) for name in entries(value(part.result, "strata"))
        ]
        if strata:
            yield f"The model {part.spec.id} is stratified by {listed(strata)}."
    for part in fitted:
        if named := exposures(words, part):
            yield (
                f"In {part.spec.id} the exposure ({named}) is time-dependent: patients count as not exposed until that day and as "
                "exposed afterwards."
            )
    yield from _beside_the_fit(fitted)
    criteria = distinct(value(part.result, "convergence") for part in fitted)
    if "tight" in criteria:
        yield "Coefficients are those at the maximum of the partial likelihood."
    if "r" in criteria:
        yield "Iterations stop by the default rule of R's coxph where the plan says so."
    yield (
        f"{_levels(fitted)} confidence intervals and P values of coefficients are Wald's; likelihood-ratio, score and Wald "
        "tests are given for the models."
    )


def _blind(results: Mapping[str, Any]) -> Iterator[str]:
    """Who computed the models whose risk sets reach across sites."""
    blind = value(results, "secure", "blind")
    if not isinstance(blind, Mapping):
        return
    names = distinct(name.partition("/")[0] for name in blind["evaluations"])
    yield (
        f"Risk sets of {listed(names)} reach across sites. Sums over them were seen by nobody: the models were computed on secret "
        f"shares by a committee of {listed(blind['committee'])}, of which any {_NUMBERS[blind['threshold']]} could learn nothing beyond "
        "the log-likelihood, score and information of the whole model at each iteration."
    )


_NUMBERS = {1: "single one", 2: "two together"}


def _beside_the_fit(fitted: Collection[Part]) -> Iterator[str]:
    """The penalty of some models, and the test that hazards are proportional."""
    penalised = [part.spec.id for part in fitted if value(part.result, "penalty") == "firth"]
    if penalised:
        yield f"Firth's penalty keeps the estimates of {listed(penalised)} finite."
    tested = [part.spec.id for part in fitted if value(part.result, "ph_test") is not None]
    if tested:
        yield (
            f"Whether hazards are proportional is tested by the score test of Grambsch and Therneau ({', '.join(tested)})."
        )


def _made_of_parts(parts: Collection[Part], words: Words) -> Iterator[str]:
    for part in _of_kind(parts, "univariate"):
        curves = [factor["curves"] for factor in entries(value(part.result, "factors"))]
        names = distinct(value(found, "test", "name") for found in curves)
        tests = f" and the {listed([test_noun(name) for name in names])}" if names else ""
        yield (
            f"Factors are analysed one at a time ({part.spec.id}): Kaplan\N{EN DASH}Meier estimates by level{tests}."
        )
        strata = [
            lower_first(words.variable(name)) for name in entries(value(part.result, "strata"))
        ]
        if strata:
            yield f"Tests, and Cox models of one factor each, are stratified by {listed(strata)}."
    for part in _of_kind(parts, "landmark"):
        at = f"{plain(getattr(part.spec, 'at', 0))} {words.unit}"
        exposure = lower_first(words.variable(getattr(part.spec, "exposure", "")))
        yield (
            f"The landmark analysis {part.spec.id} is of patients still followed after {at}, by {exposure} until then; later "
            "changes do not count."
        )


def _among_sites(parts: Collection[Part]) -> Iterator[str]:
    for part in _of_kind(parts, "heterogeneity"):
        yield (
            f"In {part.spec.id} each site fits a Cox model; the effect is pooled by inverse variances, with random effects by DerSimonian "
            "and Laird, and its heterogeneity among sites is tested by Cochran's Q. No site's estimate is seen."
        )


def _tables(parts: Collection[Part], words: Words) -> Iterator[str]:
    names = distinct(name for part in _of_kind(parts, "baseline") for name in test_names(part))
    if names:
        yield f"Characteristics are compared between groups by the {listed(names)} test on patients in whom they are known."


def _conduct(parts: Collection[Part], words: Words) -> Iterator[str]:
    plan = words.plan
    pairs = [part.spec.id for part in parts if entries(value(part.result, "tests", "pairwise"))]
    if pairs:
        yield (
            f"Tests are two-sided; those of pairs of groups ({', '.join(pairs)}) are adjusted by Holm's method, others are not "
            "adjusted for their number."
        )
    else:
        yield "Tests are two-sided, without adjustment for their number."
    primary = [part.spec.id for part in parts if part.spec.primary]
    post_hoc = [part.spec.id for part in parts if part.spec.planned == "post_hoc"]
    if primary:
        yield f"Primary: {', '.join(primary)}."
    if post_hoc:
        yield f"Post hoc: {', '.join(post_hoc)}."
    like = {"sas": "SAS (Breslow ties, log-log intervals)", "r": "R (Efron ties, log intervals)"}
    yield f"Where the plan does not say otherwise, conventions are those of {like[plan.conventions]}."
    disclosure = plan.disclosure
    if disclosure.release == "exact":
        yield "Results are released at full precision."
    else:
        yield (
            f"Results are released rounded, with a minimum of {disclosure.minimum_cell} patients in a cell and of "
            f"{disclosure.minimum_at_risk} at risk; values held back by a rule read “withheld”."
        )


def _software() -> str:
    return f"Computed with riskset-server {server_version()}."


def server_version() -> str:
    """Version of the server as installed; in a checkout that is not installed, that of its source."""
    try:
        return version("riskset-server")
    except PackageNotFoundError:
        return __version__
