"""Does an effect differ among the sites? Every site fits its own Cox model; only sums over the sites of its estimate are opened.

Cochran's Q, I² and the pooled effects follow from sums of w, w b, w b² and w² with w = 1/var(b), see `survival.tests.heterogeneity`.
No site's own estimate is seen by anybody else. How many sites have an estimate is counted first, because sums over few could be
taken apart. A site takes that number, and the variance between sites, from sums whose opening it checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.estimators.disclosed import BY_CODE, BY_LEVEL, LEFT_OUT, Disclosed, shows
from riskset_common.estimators.estimator import (
    Analysed,
    Estimator,
    Request,
    Shape,
    State,
    Summary,
    Uses,
    counts,
    one,
    reals,
)
from riskset_common.estimators.heterogeneity.result import (
    HeterogeneityMemory,
    heterogeneity_result,
)
from riskset_common.estimators.heterogeneity.spec import (
    EFFECT_SUMS,
    FEWEST_SITES,
    SITES_COUNTED,
    HeterogeneitySpec,
    effect_problems,
    groups_are_shown,
)
from riskset_common.estimators.regression.cox import Cox
from riskset_common.estimators.regression.problems import model_problems
from riskset_common.estimators.regression.rows import rows_at_risk
from riskset_common.estimators.regression.spec import opened_by_model, uses_of
from riskset_common.estimators.regression.survey import (
    case_contradictions,
    case_shapes,
    count_cases,
    everyone_surveyed,
)
from riskset_common.results.among_sites import HeterogeneityResult
from riskset_common.results.regression import CoxTerm
from riskset_common.study.patients import Integers, Patients, Reals
from riskset_common.study.study import Study
from riskset_common.survival.tests.heterogeneity import (
    EffectSums,
    heterogeneity,
    pooled_effect,
    site_terms,
    site_terms_random,
)


class AskHeterogeneity(State):
    """First how many `sites` have an estimate; then `sums` over them; then `random`, two of these with tau² in the weights."""

    asks: Literal["sites", "sums", "random"] = "sites"


HeterogeneityRequest = Request[HeterogeneitySpec, AskHeterogeneity]


class Heterogeneity(Estimator[HeterogeneitySpec, AskHeterogeneity, HeterogeneityResult]):
    """Cochran's Q and pooled effects from sums over the sites, in two rounds or three."""

    kind = "heterogeneity"
    spec = HeterogeneitySpec
    state = AskHeterogeneity
    result = HeterogeneityResult
    discloses = Disclosed(
        counts=(
            shows("patients and events in total", "n", "events"),
            shows(BY_LEVEL, "by_level"),
            shows(BY_CODE, "by_level"),
            shows(LEFT_OUT, "missing"),
            shows(
                "how many sites, of all and of each group of sites, have an estimate of their own",
                "with_estimate",
            ),
        ),
        when={
            "at least five sites have an estimate": (
                shows(
                    "sums of the weight of each site's estimate, of weight times estimate, of weight times its square "
                    "and of the squared weight",
                    "effect_sums",
                ),
                shows(
                    "the first two of these sums again, with the variance between sites in the weights",
                    "random_sums",
                ),
            ),
            "each group of sites has five, or none": (
                shows("the first sums also over the sites of each group", "effect_sums"),
            ),
        },
    )

    def not_rounded(self, spec: HeterogeneitySpec, study: Study) -> Iterator[str]:
        """All of it, whatever it asks for."""
        del spec, study
        yield (
            "heterogeneity among sites is not computed on shares: it needs sums of the sites' own weights and estimates, which no result "
            "shows. Ask a Cox model with an interaction of the effect and a grouping of sites, or release exact numbers of public data."
        )

    def problems(self, spec: HeterogeneitySpec, study: Study) -> Iterator[str]:
        """What the sites' model cannot be, an effect that is not one coefficient, and groups that are not of sites."""
        yield from model_problems(spec.own_model(), study)
        yield from effect_problems(spec, study)

    def uses(self, spec: HeterogeneitySpec) -> Uses:
        """What the sites' model uses, and what the sites are grouped by."""
        of_model = uses_of(spec.own_model())
        groups = () if spec.by is None else (spec.by,)
        return replace(of_model, categories=(*of_model.categories, *groups))

    def opened_by(self, spec: HeterogeneitySpec, study: Study) -> tuple[str, ...]:
        """Factors, and groups of sites."""
        factors = opened_by_model(spec.own_model(), study)
        return factors if spec.by is None else (*factors, spec.by)

    def rests_on(self, spec: HeterogeneitySpec, study: Study) -> tuple[str, ...]:
        """How many sites have an estimate, the events, and the first sums of estimates."""
        del spec, study
        return (*SITES_COUNTED, EFFECT_SUMS)

    def also_asks(self, spec: HeterogeneitySpec) -> tuple[str, ...]:
        """The model that each site fits."""
        del spec
        return ("cox",)

    def needs_events(self, request: HeterogeneityRequest) -> int | None:
        """The coefficients of the sites' model, once sums of its estimates are asked."""
        is_survey = request.state.asks == "sites"
        return None if is_survey else request.spec.coefficients(request.study)

    def contradictions(self, request: HeterogeneityRequest, pooled: Summary) -> Iterator[str]:
        """Cells that do not add up to all patients and events."""
        return case_contradictions(request.spec.own_model(), request.study, pooled)

    def everyone(self, request: HeterogeneityRequest, pooled: Summary) -> int | None:
        """The patients of the survey."""
        del request
        return everyone_surveyed(pooled)

    def first(self, spec: HeterogeneitySpec, study: Study) -> HeterogeneityRequest:
        """Ask who is there, and how many sites have an estimate."""
        return Request(spec, study, AskHeterogeneity())

    def require_grounds(self, request: HeterogeneityRequest) -> None:
        """Enough sites have an estimate, and for random effects these differ, by sums that this site checked."""
        asks = request.state.asks
        if asks != "sites":
            sites = _sites(request)
            if asks == "random":
                _tau_squared(request, sites)

    def shapes(self, request: HeterogeneityRequest) -> Mapping[str, Shape]:
        """A survey of counts; four sums of all sites and of each group; two sums of all sites."""
        spec, study, asks = request.spec, request.study, request.state.asks
        rows = 1 + len(spec.groups(study))
        if asks == "sites":
            return {
                "missing": counts(),
                **case_shapes(spec.own_model(), study),
                "with_estimate": counts(rows),
            }
        return {EFFECT_SUMS: reals(rows, 4)} if asks == "sums" else {"random_sums": reals(2)}

    def summarise(self, patients: Patients, request: HeterogeneityRequest) -> Summary:
        """This site's share: its counts, or the terms of its estimate, which are 0 where it has none."""
        asks = request.state.asks
        own = patients.keep(
            ("heterogeneity", request.spec.id),
            lambda: _own_estimate(self.analysed(patients, request).patients, request),
        )
        rows = _rows_of_site(patients, request)
        if asks == "sites":
            return _survey(self.analysed(patients, request), request) | {
                "with_estimate": np.zeros_like(rows) if own is None else rows
            }
        sites = _sites(request)
        if asks == "random":
            tau_squared = _tau_squared(request, sites)
            sums = (0.0, 0.0) if own is None else site_terms_random(*own, tau_squared)
            return {"random_sums": np.array(sums)}
        shown = rows.copy()
        if not groups_are_shown(sites):
            shown[1:] = 0
        terms = (0.0,) * 4 if own is None else site_terms(*own)
        return {EFFECT_SUMS: np.outer(shown, terms)}

    def next(
        self, request: HeterogeneityRequest, pooled: Summary
    ) -> HeterogeneityRequest | HeterogeneityResult:
        """Go on while there are enough sites and an effect that differs among them."""
        asks = request.state.asks
        if asks == "sites":
            memory = HeterogeneityMemory(dict(pooled))
            if pooled["with_estimate"][0] < FEWEST_SITES:
                return heterogeneity_result(request.spec, request.study, memory, None)
            return replace(request, state=AskHeterogeneity(asks="sums"), memory=memory)
        memory = request.memory
        if asks == "random":
            w, wb = pooled["random_sums"].tolist()
            return heterogeneity_result(request.spec, request.study, memory, pooled_effect(w, wb))
        sites = memory.survey["with_estimate"].tolist()
        sums = tuple(
            EffectSums(k, *row) for k, row in zip(sites, pooled[EFFECT_SUMS].tolist(), strict=True)
        )
        memory = replace(memory, sums=sums)
        if heterogeneity(sums[0]).tau_squared > 0:
            return replace(request, state=AskHeterogeneity(asks="random"), memory=memory)
        fixed = pooled_effect(sums[0].w, sums[0].wb)
        return heterogeneity_result(request.spec, request.study, memory, fixed)


def _sites(request: HeterogeneityRequest) -> tuple[int, ...]:
    """Sites with an estimate, in all and in each group, as this site checked them; refused where they are too few for a sum."""
    sites: tuple[int, ...] = tuple(request.checked(*SITES_COUNTED)["with_estimate"].tolist())
    if sites[0] < FEWEST_SITES:
        raise ProtocolRefusal(
            f"The round asks for sums of the estimates of analysis {request.spec.id}, but fewer than {FEWEST_SITES} sites have one. "
            "The centre must run this release."
        )
    return sites


def _tau_squared(request: HeterogeneityRequest, sites: tuple[int, ...]) -> float:
    """The variance between sites, from sums that this site checked."""
    (everyone, *_) = request.checked(EFFECT_SUMS)[EFFECT_SUMS].tolist()
    tau_squared = heterogeneity(EffectSums(sites[0], *everyone)).tau_squared
    if not tau_squared > 0:
        raise ProtocolRefusal(
            f"The round asks for random effects of analysis {request.spec.id}, whose effects do not differ among the sites by more than "
            "chance. The centre must run this release."
        )
    return tau_squared


def _rows_of_site(patients: Patients, request: HeterogeneityRequest) -> Integers:
    """One for all sites, and one in the place of this site's group, shape (1 + n_groups,)."""
    groups = request.spec.groups(request.study)
    rows = np.zeros(1 + len(groups), dtype=np.int64)
    rows[0] = 1
    code = (
        -1 if request.spec.by is None else int(patients.categories[request.spec.by].max(initial=-1))
    )
    if code >= 0:
        rows[1 + code] = 1
    return rows


def _own_estimate(patients: Patients, request: HeterogeneityRequest) -> tuple[float, float] | None:
    """The effect and its variance in these complete cases; None where they have no estimate of it.

    That is: a finite one, of a fit that converged, whose variance is not beyond use (`survival.regression.newton`). The site decides it
    from its own fit, and sends sums only.
    """
    model = Cox()
    asked = model.first(request.spec.own_model(), request.study)
    try:
        reached = model.next(asked, model.summarise(patients, asked))
        while isinstance(reached, Request):
            reached = model.next(reached, model.summarise(patients, reached))
    except EstimationError:
        return None
    effect: CoxTerm = reached.terms[0]
    if effect.aliased or effect.monotone or not reached.converged or not effect.std_err > 0:
        return None
    return effect.coef, effect.std_err**2


def _survey(cohort: Analysed, request: HeterogeneityRequest) -> dict[str, Reals | Integers]:
    study, model = request.study, request.spec.own_model()
    rows = rows_at_risk(cohort.patients, study, model)
    return {"missing": one(cohort.missing), **count_cases(rows, model, study)}
