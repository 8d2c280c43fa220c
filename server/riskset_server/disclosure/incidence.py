"""The release of cumulative incidence. Patients by kind of event, with others and without any, by group, form a table."""

from __future__ import annotations

from collections.abc import Sequence

from riskset_common.estimators.curves.emptied import without_numbers
from riskset_common.results.incidence import CumulativeIncidenceResult, GroupIncidence
from riskset_common.results.shown import exact
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.comparison import released_gray
from riskset_server.disclosure.curve import released_cause, withheld_incidence
from riskset_server.disclosure.table import Held, held_back, held_parts
from riskset_server.disclosure.withheld import (
    fewest_patients,
    small_count,
    too_few_patients,
    unless_small,
)


def released_cumulative_incidence(
    result: CumulativeIncidenceResult, disclosure: Disclosure
) -> CumulativeIncidenceResult:
    """Curves by group and cause."""
    groups, smallest = result.groups, disclosure.minimum_cell
    counts = [exact(group.n) for group in groups]
    few = {index for index, n in enumerate(counts) if n < fewest_patients(disclosure)}
    table = _kinds_of_event(groups, result.causes)
    held = held_back(table, held_parts(counts, smallest, few), smallest)
    return CumulativeIncidenceResult(
        kind=result.kind,
        endpoint=result.endpoint,
        causes=result.causes,
        n=result.n,
        events=small_count(disclosure) if held.anything else result.events,
        missing=unless_small(result.missing, disclosure),
        ci=result.ci,
        level=result.level,
        groups=tuple(
            _released(group, index, result.causes, held, disclosure)
            for index, group in enumerate(groups)
        ),
        tests=None
        if result.tests is None
        else {
            name: released_gray(exact(test), counts, held, disclosure)
            for name, test in result.tests.items()
        },
        warnings=tuple(map(without_numbers, result.warnings)),
    )


def _released(
    group: GroupIncidence, index: int, causes: Sequence[str], held: Held, disclosure: Disclosure
) -> GroupIncidence:
    """One group's curves; of one that is held, or on few patients, nothing."""
    rule, n = small_count(disclosure), exact(group.n)
    if index in held.columns:
        few = n < fewest_patients(disclosure)
        return withheld_incidence(group.level, too_few_patients(disclosure) if few else rule)
    # Events of any kind are the sum of a column but for one cell, so they would fill in what is held of it.
    is_complete = not any(column == index for _, column in held.cells)
    of_cause = exact(group.causes)
    return GroupIncidence(
        level=group.level,
        n=n,
        events=group.events if is_complete else rule,
        causes={
            name: released_cause(
                of_cause[name], n, rule if held.holds(row, index) else None, disclosure
            )
            for row, name in enumerate(causes)
        },
        numbers_at_risk=None,
    )


def _kinds_of_event(groups: Sequence[GroupIncidence], causes: Sequence[str]) -> list[list[int]]:
    """Patients with each cause, with an event of another kind, and without one (rows), by group (columns)."""
    named = [[exact(exact(group.causes)[name].events) for group in groups] for name in causes]
    events = [exact(group.events) for group in groups]
    of_named = [sum(column) for column in zip(*named, strict=True)]
    others = [all_kinds - known for all_kinds, known in zip(events, of_named, strict=True)]
    without = [exact(group.n) - exact(group.events) for group in groups]
    return [*named, others, without]
