"""Which counts a table, a flow or a model shows: its cells, for the one system of all counts of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from riskset_common.release.cells import (
    KNOWN,
    NO_EVENT,
    UNKNOWN,
    Cell,
    Counts,
    Levels,
    events_cell,
    followed_counts,
    groups,
    level_groups,
    missing_cell,
    patients_cell,
)
from riskset_common.release.times import Cohort
from riskset_common.study.study import Study


def columns(study: Study, by: Sequence[str]) -> tuple[Levels, ...]:
    """The columns of a table by groups: each group, and at the end all of them."""
    return (*groups(study, by), known_groups(study, by))


def known_groups(study: Study, by: Sequence[str]) -> Levels:
    """The patients of whom the group is known."""
    return tuple((name, tuple(study.levels(name))) for name in by)


def baseline_counts(
    study: Study,
    cohort: Cohort,
    by: Sequence[str],
    characteristics: Iterable[str],
    numbers: Iterable[str],
) -> Iterator[Counts]:
    """Patients by column, by level of each characteristic, and in whom a number is known."""
    yield Counts(missing_cell(study, cohort, None, by))
    whole = patients_cell(study, cohort, None, known_groups(study, by))
    yield Counts(whole, "minimum_at_risk")
    for column in columns(study, by):
        yield Counts(patients_cell(study, cohort, None, column))
        for name in characteristics:
            for level in level_groups(study, name):
                yield Counts(patients_cell(study, cohort, None, (*column, *level)))
        for name in numbers:
            known, unknown = number_cells(study, cohort, column, name)
            yield Counts(known, "minimum_at_risk")
            yield Counts(unknown)


def number_cells(study: Study, cohort: Cohort, column: Levels, name: str) -> tuple[Cell, Cell]:
    """The patients of a column in whom a number is known, and those in whom it is not."""
    known, unknown = (
        patients_cell(study, cohort, None, (*column, (name, (level,))))
        for level in (KNOWN, UNKNOWN)
    )
    return known, unknown


def event_counts(
    study: Study, cohort: Cohort, endpoint: str, by: Sequence[str]
) -> Iterator[Counts]:
    """Patients followed by column, and by their first event."""
    kinds = study.endpoint(endpoint).events
    yield Counts(missing_cell(study, cohort, endpoint, by))
    whole = known_groups(study, by)
    yield Counts(patients_cell(study, cohort, endpoint, whole), "minimum_at_risk")
    yield Counts(events_cell(study, cohort, endpoint, (), whole))
    for column in columns(study, by):
        yield Counts(patients_cell(study, cohort, endpoint, column))
        for kind in (*kinds, NO_EVENT):
            yield Counts(events_cell(study, cohort, endpoint, (kind,), column))


def flow_counts(study: Study, cohort: Cohort, steps: Sequence[str]) -> Iterator[Counts]:
    """Every box that there may be, and all patients."""
    yield Counts(patients_cell(study, cohort), "minimum_at_risk")
    for path in paths(study, steps):
        yield Counts(patients_cell(study, cohort, None, path))


def paths(study: Study, steps: Sequence[str]) -> Iterator[Levels]:
    """The ways to every box below all patients, UNKNOWN where a step is not known."""
    for depth in range(1, len(steps) + 1):
        levels = [(*study.levels(name), UNKNOWN) for name in steps[:depth]]
        for path in product(*levels):
            yield tuple((name, (level,)) for name, level in zip(steps, path, strict=False))


def model_counts(
    study: Study,
    cohort: Cohort,
    endpoint: str,
    factors: Iterable[str],
    pairs: Iterable[tuple[str, str]] = (),
    kinds: Sequence[str] = (),
) -> Iterator[Counts]:
    """Patients and events of a model, by level of its factors and in each cell of two that interact."""
    yield from followed_counts(study, cohort, endpoint, (), kinds)
    for by in (*((name,) for name in factors), *pairs):
        for levels in groups(study, by):
            yield Counts(patients_cell(study, cohort, endpoint, levels), "minimum_at_risk")
            yield Counts(events_cell(study, cohort, endpoint, kinds, levels))
            yield Counts(
                events_cell(
                    study, cohort, endpoint, (*_others(study, endpoint, kinds), NO_EVENT), levels
                )
            )


def _others(study: Study, endpoint: str, kinds: Sequence[str]) -> tuple[str, ...]:
    """Kinds of event that are not among these; none where any event counts."""
    return tuple(kind for kind in study.endpoint(endpoint).events if kinds and kind not in kinds)
