"""The release of analyses made of curves and models: each part by the rules of its kind, and nothing that another part hides."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from riskset_common.errors import EstimationError
from riskset_common.estimators.curves.emptied import without_numbers
from riskset_common.results.composed import FactorResult, LandmarkResult, UnivariateResult
from riskset_common.results.curves import GroupCurve, KaplanMeierResult
from riskset_common.results.regression import CoxResult
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis, exact
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.model import released_cox
from riskset_server.disclosure.survival import (
    held_groups,
    released_curves,
    released_kaplan_meier,
)
from riskset_server.disclosure.table import Held, is_small
from riskset_server.disclosure.withheld import (
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
        warnings=tuple(map(without_numbers, result.warnings)),
    )


def _factor(
    factor: FactorResult, everyone: KaplanMeierResult, disclosure: Disclosure
) -> FactorResult:
    """A factor whose groups, and those in whom it is not known, add up to all patients: also in events, and up to each time of `at`."""
    curves, rule = exact(factor.curves), small_count(disclosure)
    unknown = exact(everyone.n) - exact(curves.n), exact(everyone.events) - exact(curves.events)
    held = held_groups(curves.groups, disclosure, unknown)
    are_few = bool(held.rows) or _few_between(everyone, curves, disclosure)
    few_unknown = len(curves.groups) in held.columns
    shown = where_enough(curves, released_kaplan_meier, disclosure)
    if isinstance(shown, KaplanMeierResult):
        released = released_curves(curves, _all_held(held, curves) if are_few else held, disclosure)
        few_missing = few_unknown or isinstance(
            unless_small(everyone.missing, disclosure), Withheld
        )
        # What is replaced of a released part is withheld; the rest has passed its rule.
        shown = replace(
            released,
            n=rule if few_unknown else released.n,
            events=rule if few_unknown else released.events,
            missing=rule if few_missing else released.missing,
            groups=tuple(_alone(group, rule, are_few=are_few) for group in released.groups),
        )
    model = factor.model
    if model is not None:
        if not isinstance(model, WithheldAnalysis):
            model = where_enough(model, released_cox, disclosure)
        if held.anything or are_few or few_unknown:
            # The same patients by the same levels, so that the model would tell what the curves do not.
            model = _without_totals(model, rule)
    return FactorResult(factor=factor.factor, curves=shown, model=model)


def _few_between(
    everyone: KaplanMeierResult, curves: KaplanMeierResult, disclosure: Disclosure
) -> bool:
    """Whether few events of a group, or of those not known, lie before, between or after times of `at`: the events of all are shown."""
    whole, groups = _events_to(everyone), _events_to(curves)
    unknown = [total - sum(parts) for total, *parts in zip(*whole, *groups, strict=True)]
    return any(
        is_small(later - earlier, disclosure.minimum_cell)
        for events in (*groups, unknown)
        for earlier, later in pairwise((0, *sorted(events)))
    )


def _events_to(curves: KaplanMeierResult) -> list[list[int]]:
    """Events of each group up to each time of `at`, and in all."""
    return [
        [*(exact(at.events_to) for at in exact(group.at)), exact(group.events)]
        for group in curves.groups
    ]


def _all_held(held: Held, curves: KaplanMeierResult) -> Held:
    """The same with the events of every group: the events of all patients are shown, and are the total of this row."""
    cells = {(row, column) for row in (0, 1) for column in range(len(curves.groups))}
    return Held(held.columns, held.cells | cells, frozenset((0, 1)))


def _alone(group: GroupCurve, rule: Withheld, *, are_few: bool) -> GroupCurve:
    """A released group without its curve: at the end of its blocks that of all patients would show what is left for the others.

    If there are few events somewhere, also without its events up to any time.
    """
    if isinstance(group.n, Withheld) or isinstance(group.at, Withheld):
        return group
    events = (rule if are_few else at.events_to for at in group.at)
    at = (replace(at, events_to=to) for at, to in zip(group.at, events, strict=True))
    return replace(group, curve=rule, at=tuple(at))


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
        warnings=tuple(map(without_numbers, result.warnings)),
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
