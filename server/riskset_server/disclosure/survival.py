"""The release of curves by group. Patients with and without an event, by group, form a table like any other."""

from __future__ import annotations

from collections.abc import Sequence

from riskset_common.estimators.curves.emptied import without_numbers
from riskset_common.results.curves import GroupCurve, KaplanMeierResult
from riskset_common.results.shown import Shown, Withheld, exact
from riskset_common.results.tests import FurtherTests, LogRankResult
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.comparison import (
    released_contrasts,
    released_log_rank,
    released_pairs,
)
from riskset_server.disclosure.curve import released_curve, withheld_group
from riskset_server.disclosure.table import Held, held_back, held_parts
from riskset_server.disclosure.withheld import fewest_patients, small_count, unless_small

Counted = tuple[int, int]
"""Patients of a group, and their events."""


def released_kaplan_meier(result: KaplanMeierResult, disclosure: Disclosure) -> KaplanMeierResult:
    """Curves by group."""
    return released_curves(result, held_groups(result.groups, disclosure), disclosure)


def held_groups(groups: Sequence[GroupCurve], disclosure: Disclosure, *beside: Counted) -> Held:
    """What must be held of the groups' patients and events; `beside` are patients without a curve, in a known sum with them."""
    smallest = disclosure.minimum_cell
    counted = [(exact(group.n), exact(group.events)) for group in groups]
    few = {index for index, (n, _) in enumerate(counted) if n < fewest_patients(disclosure)}
    columns = (*counted, *beside)
    table = [[events for _, events in columns], [n - events for n, events in columns]]
    return held_back(table, held_parts([n for n, _ in columns], smallest, few), smallest)


def released_curves(
    result: KaplanMeierResult, held: Held, disclosure: Disclosure
) -> KaplanMeierResult:
    """Curves by group, without what is held."""
    counts = [exact(group.n) for group in result.groups]
    groups = tuple(
        _released(group, index, held, disclosure) for index, group in enumerate(result.groups)
    )
    test = (
        None
        if result.test is None
        else released_log_rank(exact(result.test), counts, held, disclosure)
    )
    return KaplanMeierResult(
        kind=result.kind,
        endpoint=result.endpoint,
        cause=result.cause,
        n=result.n,
        events=small_count(disclosure) if held.rows else result.events,
        missing=unless_small(result.missing, disclosure),
        ci=result.ci,
        level=result.level,
        groups=groups,
        contrasts=None
        if result.contrasts is None
        else released_contrasts(result.contrasts, groups, result.level),
        test=test,
        tests=_further(result, test, held, disclosure),
        warnings=tuple(map(without_numbers, result.warnings)),
    )


def _released(group: GroupCurve, index: int, held: Held, disclosure: Disclosure) -> GroupCurve:
    """One group's curve; of one that is held, or on few patients, nothing."""
    rule = small_count(disclosure)
    if index in held.columns and exact(group.n) >= fewest_patients(disclosure):
        return withheld_group(group, rule, rule)
    return released_curve(group, disclosure, rule if held.holds(0, index) else None)


def _further(
    result: KaplanMeierResult,
    test: Shown[LogRankResult] | None,
    held: Held,
    disclosure: Disclosure,
) -> Shown[FurtherTests] | None:
    """The tests of pairs, which are withheld with the test of all groups."""
    if result.tests is None:
        return None
    if isinstance(test, Withheld):
        return test
    hidden = [group.level for index, group in enumerate(result.groups) if index in held.columns]
    return released_pairs(exact(result.tests), hidden, disclosure)
