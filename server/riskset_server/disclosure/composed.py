"""The release of analyses made of curves and models: each part by the rules of its kind, and nothing that another part hides."""

from __future__ import annotations

from dataclasses import replace

from riskset_common.errors import EstimationError
from riskset_common.results.composed import FactorResult, LandmarkResult, UnivariateResult
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.regression import CoxResult
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis, exact
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.model import released_cox
from riskset_server.disclosure.survival import (
    held_groups,
    released_curves,
    released_kaplan_meier,
)
from riskset_server.disclosure.table import is_small
from riskset_server.disclosure.withheld import (
    fewest_patients,
    small_count,
    unless_small,
    where_enough,
)


def released_univariate(result: UnivariateResult, disclosure: Disclosure) -> UnivariateResult:
    """Release each factor's curves and model. Patients with a missing factor count as one more group, because the total is known."""
    everyone = result.all_patients
    shown = released_kaplan_meier(everyone, disclosure)
    return UnivariateResult(
        kind=result.kind,
        endpoint=result.endpoint,
        n=result.n,
        events=shown.events,
        missing=unless_small(result.missing, disclosure),
        ci=result.ci,
        level=result.level,
        strata=result.strata,
        all_patients=shown,
        factors=tuple(_factor(factor, everyone, disclosure) for factor in result.factors),
        warnings=result.warnings,
    )


def _factor(
    factor: FactorResult, everyone: KaplanMeierResult, disclosure: Disclosure
) -> FactorResult:
    curves, rule = exact(factor.curves), small_count(disclosure)
    n, events = exact(curves.n), exact(curves.events)
    unknown = exact(everyone.n) - n, exact(everyone.events) - events
    held = held_groups(curves.groups, disclosure, unknown)
    few = (unknown[0], exact(curves.missing), unknown[1], unknown[0] - unknown[1])
    few_unknown = any(is_small(count, disclosure.minimum_cell) for count in few)
    shown = where_enough(curves, released_kaplan_meier, disclosure)
    if n >= fewest_patients(disclosure):
        known = released_curves(curves, held, disclosure)
        # What is replaced of a released part is withheld; the rest has passed its rule.
        shown = replace(known, n=rule, events=rule, missing=rule) if few_unknown else known
    model = factor.model
    if model is not None:
        if not isinstance(model, WithheldAnalysis):
            model = where_enough(model, released_cox, disclosure)
        if held.anything or few_unknown:
            # The same patients by the same levels, so that the model would tell what the curves do not.
            model = _without_totals(model, rule)
    return FactorResult(factor=factor.factor, curves=shown, model=model)


def _without_totals(
    model: CoxResult | WithheldAnalysis, rule: Withheld
) -> CoxResult | WithheldAnalysis:
    """A released model without its patients and events."""
    if isinstance(model, WithheldAnalysis):
        totals = dict.fromkeys(("n", "events", "missing", "levels"), rule)
        return replace(model, fields={**model.fields, **totals})
    return replace(model, n=rule, events=rule, missing=rule, levels=rule)


def released_landmark(result: LandmarkResult, disclosure: Disclosure) -> LandmarkResult:
    """The curves or the model of those who are followed beyond the landmark; of the others their number."""
    curves, model = result.curves, result.model
    if curves is not None:
        curves = where_enough(exact(curves), released_kaplan_meier, disclosure)
    if model is not None:
        model = where_enough(exact(model), released_cox, disclosure)
    n, events = _totals(curves if model is None else model)
    return LandmarkResult(
        kind=result.kind,
        endpoint=result.endpoint,
        at=result.at,
        exposure=result.exposure,
        n=n,
        events=events,
        missing=unless_small(result.missing, disclosure),
        ended=unless_small(result.ended, disclosure),
        curves=curves,
        model=model,
        warnings=result.warnings,
    )


def _totals(
    part: KaplanMeierResult | CoxResult | WithheldAnalysis | None,
) -> tuple[Shown[int], Shown[int]]:
    """Patients and events of a released part."""
    if part is None:
        raise EstimationError(
            "A landmark analysis has curves or a model, and this one has neither."
        )
    if isinstance(part, WithheldAnalysis):
        (rule, *_) = part.fields.values()
        return rule, rule
    return part.n, part.events
