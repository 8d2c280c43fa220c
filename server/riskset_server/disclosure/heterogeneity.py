"""The release of heterogeneity: as a model whose coefficients come from the sites' own models."""

from __future__ import annotations

from riskset_common.results.among_sites import Effect, GroupEffect, HeterogeneityResult
from riskset_common.results.shown import WithheldAnalysis, exact
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure import shortened
from riskset_server.disclosure.model import few_behind, released_levels, unless_few_survivors
from riskset_server.disclosure.withheld import unless_small, whole


def released_heterogeneity(
    result: HeterogeneityResult, disclosure: Disclosure
) -> HeterogeneityResult | WithheldAnalysis:
    """Whole or not at all."""
    events = exact(result.events)
    few = few_behind(result.levels, events, result.coefficients, disclosure)
    if few is not None:
        return whole(result, few)
    return HeterogeneityResult(
        kind=result.kind,
        endpoint=result.endpoint,
        cause=result.cause,
        effect=result.effect,
        of_level=result.of_level,
        reference=result.reference,
        n=result.n,
        events=unless_few_survivors(exact(result.n), events, disclosure),
        missing=unless_small(result.missing, disclosure),
        ties=result.ties,
        strata=result.strata,
        level=result.level,
        coefficients=result.coefficients,
        levels=released_levels(result.levels, disclosure),
        sites=result.sites,
        fixed=_effect(result.fixed),
        random=_effect(result.random),
        test=shortened.test(result.test),
        i_squared=shortened.real(result.i_squared),
        tau_squared=shortened.real(result.tau_squared),
        by=result.by,
        groups=None if result.groups is None else tuple(map(_group, result.groups)),
        between=None if result.between is None else shortened.test(result.between),
        warnings=result.warnings,
    )


def _group(group: GroupEffect) -> GroupEffect:
    return GroupEffect(level=group.level, sites=group.sites, effect=_effect(group.effect))


def _effect(effect: Effect) -> Effect:
    return Effect(
        coef=shortened.real(effect.coef),
        std_err=shortened.real(effect.std_err),
        hazard_ratio=shortened.real(effect.hazard_ratio),
        lower=shortened.real(effect.lower),
        upper=shortened.real(effect.upper),
        p_value=shortened.real(effect.p_value),
    )
