"""The sums within a result of each kind: groups to their total, tables by row and column, a flow from box to box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from riskset_common.results.among_sites import HeterogeneityResult
from riskset_common.results.composed import LandmarkResult, UnivariateResult
from riskset_common.results.curves import CurvePoints, KaplanMeierResult
from riskset_common.results.flow import FlowResult, families
from riskset_common.results.incidence import CumulativeIncidenceResult
from riskset_common.results.regression import FactorLevel, FittedModel
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis
from riskset_common.results.tables import BaselineResult, EventTableResult
from riskset_common.study.plan import Plan
from riskset_server.displays.parts.display import Part
from riskset_server.kinds.kind import Sums


def of_nothing(part: Part, plan: Plan) -> Sums:
    """Nothing in the result is a sum of other numbers in it."""
    del part, plan
    return iter(())


def of_curves(part: Part, plan: Plan) -> Sums:
    """Groups, and the events of each curve where these are exact."""
    if isinstance(part.result, KaplanMeierResult):
        yield from _curves(part.result, plan)


def _curves(result: KaplanMeierResult, plan: Plan) -> Sums:
    if not result.groups:
        return
    yield "n of all groups", result.n, [group.n for group in result.groups]
    yield "events of all groups", result.events, [group.events for group in result.groups]
    if plan.disclosure.release == "exact":
        for group in result.groups:
            if isinstance(group.curve, CurvePoints):
                named = f"events of the curve{_named(group.level)}"
                yield named, group.events, group.curve.events


def _named(level: Mapping[str, str]) -> str:
    return f" of {', '.join(level.values())}" if level else ""


def of_incidences(part: Part, plan: Plan) -> Sums:
    """Groups, and the causes of each where the curves are of all of them."""
    result = part.result
    if not isinstance(result, CumulativeIncidenceResult):
        return
    yield "n of all groups", result.n, [group.n for group in result.groups]
    yield "events of all groups", result.events, [group.events for group in result.groups]
    all_causes = set(plan.endpoints[part.spec.endpoint_name() or ""].events)
    for group in result.groups:
        causes = group.causes
        if not isinstance(causes, Withheld) and set(causes) == all_causes:
            by_cause = [cause.events for cause in causes.values()]
            yield f"events by cause{_named(group.level)}", group.events, by_cause


def of_model(part: Part, plan: Plan) -> Sums:
    """The levels of each factor."""
    del plan
    if isinstance(part.result, FittedModel | HeterogeneityResult):
        yield from _levels(part.result)


def _levels(model: FittedModel | HeterogeneityResult) -> Sums:
    rows = () if isinstance(model.levels, Withheld) else model.levels
    for term, levels in groupby(rows, key=_term):
        of_term = list(levels)
        yield f"n by level of {term}", model.n, [level.n for level in of_term]
        yield f"events by level of {term}", model.events, [level.events for level in of_term]


def _term(level: FactorLevel) -> str:
    return level.term


def of_factors(part: Part, plan: Plan) -> Sums:
    """The groups of each factor, and those in whom it is known and not known."""
    result = part.result
    if not isinstance(result, UnivariateResult):
        return
    for factor in result.factors:
        curves = factor.curves
        if not isinstance(curves, WithheldAnalysis):
            for where, total, terms in _curves(curves, plan):
                yield f"{factor.factor}, {where}", total, terms
            parts = [curves.n, _less(curves.missing, result.missing)]
            yield f"{factor.factor}, known and missing", result.n, parts


def _less(missing: Shown[int], of_all: Shown[int]) -> Shown[int]:
    """Patients left out for a factor, less those who are left out of everything because their endpoint is not known."""
    if isinstance(missing, Withheld):
        return missing
    return of_all if isinstance(of_all, Withheld) else missing - of_all


def of_landmark(part: Part, plan: Plan) -> Sums:
    """The patients of the curves or the model, and what adds up within."""
    result = part.result
    if not isinstance(result, LandmarkResult):
        return
    inner = result.curves or result.model
    if inner is None or isinstance(inner, WithheldAnalysis):
        return
    yield "n of the landmark's patients", result.n, [inner.n]
    yield "events of the landmark's patients", result.events, [inner.events]
    yield from _curves(inner, plan) if isinstance(inner, KaplanMeierResult) else _levels(inner)


def of_characteristics(part: Part, plan: Plan) -> Sums:
    """Columns, and the levels of each characteristic with those in whom it is not known."""
    del plan
    result = part.result
    if not isinstance(result, BaselineResult):
        return
    if result.by is not None:
        yield "patients by column", result.n, result.column_n
    for variable, levels in groupby(result.rows, key=lambda row: row.variable):
        rows, missing = list(levels), result.missing_values[variable]
        for row in rows:
            yield f"{variable}, {row.level}", row.total, row.counts
        counts = [*(row.counts for row in rows), missing.counts]
        yield from _columns(f"{variable} in column", result.columns, result.column_n, counts)
        totals = [row.total for row in rows]
        yield f"{variable} in all", result.n, [*totals, missing.total]


def _columns(
    named: str,
    columns: Sequence[str],
    column_n: Sequence[Shown[int]],
    counts: Sequence[Sequence[Shown[int]]],
) -> Sums:
    """The counts (rows) of each column add up to its patients."""
    for index, column in enumerate(columns):
        yield f"{named} {column}", column_n[index], [row[index] for row in counts]


def of_events(part: Part, plan: Plan) -> Sums:
    """Events by kind and the censored patients, by row and column."""
    del plan
    result = part.result
    if not isinstance(result, EventTableResult):
        return
    rows = (*result.rows, result.censored)
    for row in rows:
        yield row.event, row.total, row.counts
    counts = [row.counts for row in rows]
    yield from _columns("column", result.columns, result.column_n, counts)
    yield "events by kind", result.events, [row.total for row in result.rows]
    yield "patients by first event", result.n, [row.total for row in rows]


def of_flow(part: Part, plan: Plan) -> Sums:
    """Each box and those below it."""
    del plan
    result = part.result
    if not isinstance(result, FlowResult):
        return
    if result.boxes:
        yield "all patients", result.n, [result.boxes[0].n]
    for box, below in families(result.boxes):
        path = ", ".join(f"{level}" for level in box.path.values()) or "all patients"
        yield f"boxes below {path}", box.n, [each.n for each in below]
