"""The printed result of a heterogeneity analysis: how much an effect differs among the sites."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.estimators.estimator import Summary
from riskset_common.estimators.heterogeneity.spec import (
    FEWEST_SITES,
    HeterogeneitySpec,
    groups_are_shown,
)
from riskset_common.estimators.regression.cells import cells_of, named_cells
from riskset_common.estimators.regression.terms import levels_of, reference_of
from riskset_common.results.among_sites import Effect, GroupEffect, HeterogeneityResult
from riskset_common.results.regression import FactorLevel
from riskset_common.results.tests import PrintedTest, printed_test
from riskset_common.study.study import Study
from riskset_common.survival.arrays.distributions import normal_p_value, normal_quantile
from riskset_common.survival.tests.heterogeneity import (
    EffectSums,
    Pooled,
    between,
    heterogeneity,
    pooled_effect,
)


@dataclass(frozen=True)
class HeterogeneityMemory:
    """What the centre keeps between the rounds: the survey, then the sums of all sites and of each group."""

    survey: Summary
    sums: tuple[EffectSums, ...] = ()


def heterogeneity_result(
    spec: HeterogeneitySpec, study: Study, memory: HeterogeneityMemory, random: Pooled | None
) -> HeterogeneityResult:
    """The result, from the survey, the sums if they were asked, and the random effects."""
    survey, nothing = memory.survey, Pooled(np.nan, np.nan)
    sites = survey["with_estimate"].tolist()
    whole = memory.sums[0] if memory.sums else EffectSums(min(sites[0], 1), 0.0, 0.0, 0.0, 0.0)
    statistics = heterogeneity(whole)
    term = spec.terms[0]
    reference = reference_of(term, study)
    return HeterogeneityResult(
        kind="heterogeneity",
        endpoint=spec.endpoint,
        cause=spec.cause,
        effect=term.name,
        of_level=next(level for level in levels_of(term, study) if level != reference),
        reference=reference,
        n=int(survey["n"]),
        events=int(survey["events"]),
        missing=int(survey["missing"]),
        ties=spec.own_model().tie_method(study),
        strata=("site", *spec.strata),
        level=spec.level,
        coefficients=spec.coefficients(study),
        levels=tuple(_levels(spec, study, survey)),
        sites=sites[0],
        fixed=_effect(pooled_effect(whole.w, whole.wb), spec.level),
        random=_effect(random or nothing, spec.level),
        test=printed_test(statistics.q),
        i_squared=statistics.i_squared,
        tau_squared=statistics.tau_squared,
        by=spec.by,
        groups=None if spec.by is None else tuple(_group_effects(spec, study, memory)),
        between=_between(spec, memory),
        warnings=tuple(_warnings(spec, sites)),
    )


def _levels(spec: HeterogeneitySpec, study: Study, survey: Summary) -> list[FactorLevel]:
    named = named_cells(cells_of(spec.terms, (), study), survey["by_level"])
    return [FactorLevel(term, level, n, events) for (term, level), (n, events) in named.items()]


def _group_effects(
    spec: HeterogeneitySpec, study: Study, memory: HeterogeneityMemory
) -> list[GroupEffect]:
    sites = memory.survey["with_estimate"].tolist()
    sums = memory.sums[1:] or [EffectSums(0, 0.0, 0.0, 0.0, 0.0)] * (len(sites) - 1)
    return [
        GroupEffect(level, k, _effect(pooled_effect(found.w, found.wb), spec.level))
        for level, k, found in zip(spec.groups(study), sites[1:], sums, strict=True)
    ]


def _between(spec: HeterogeneitySpec, memory: HeterogeneityMemory) -> PrintedTest | None:
    sites = memory.survey["with_estimate"].tolist()
    if spec.by is None or not memory.sums or not groups_are_shown(sites):
        return None
    return printed_test(between(memory.sums[1:], memory.sums[0]))


def _effect(found: Pooled, level: float) -> Effect:
    width = normal_quantile(0.5 + level / 2) * found.std_err
    return Effect(
        coef=found.coef,
        std_err=found.std_err,
        hazard_ratio=float(np.exp(found.coef)),
        lower=float(np.exp(found.coef - width)),
        upper=float(np.exp(found.coef + width)),
        p_value=normal_p_value(found.coef / found.std_err),
    )


def _warnings(spec: HeterogeneitySpec, sites: Sequence[int]) -> Iterator[str]:
    if sites[0] < FEWEST_SITES:
        yield (
            f"Only {sites[0]} sites have an estimate of their own. Sums over fewer than {FEWEST_SITES} could be taken apart, "
            "so none was asked."
        )
    elif spec.by is not None and not groups_are_shown(sites):
        yield f"A group has fewer than {FEWEST_SITES} sites with an estimate, so that no group's effect was asked."
