"""Derived variables of one site's patients, and the rows in which a rule and what the site recorded itself differ."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from riskset_common.study.codebook import Codebook, Conditions, DatedEvent, Derived
from riskset_common.study.patients import (
    MISSING,
    UNKNOWN_DAY,
    Bools,
    Integers,
    Patients,
    Reals,
    day_number,
)
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.deriving.endpoints import days_between
from riskset_node.records.deriving.first_events import NEVER, first_events
from riskset_node.records.findings import Mark


@dataclass(frozen=True)
class DerivedVariables:
    """Level index by derived variable, each of shape (n,), -1 missing; and what was found wrong on the way."""

    codes: dict[str, Integers]
    marks: tuple[Mark, ...]


def derive_variables(
    patients: Patients, codebook: Codebook, study_group: str, until: int = NEVER
) -> DerivedVariables:
    """Derive every variable of the codebook's `derived`, each after those that it is made of.

    `until` is the day (since 1970-01-01) on which the records are read; an event on an unknown day may have come after it.
    """
    known = dict(patients.categories)
    codes: dict[str, Integers] = {}
    marks: list[Mark] = []
    for name in codebook.derivation_order():
        derived = codebook.derived[name]
        code = _codes(derived, replace(patients, categories=known), codebook, study_group, until)
        if derived.recorded is not None:
            recorded = _recorded(derived, known[derived.recorded], codebook)
            marks += _differences(name, derived, code, recorded)
            code = np.where(code == MISSING, recorded, code)
        codes[name] = known[name] = code
    return DerivedVariables(codes, tuple(marks))


def _codes(
    derived: Derived, patients: Patients, codebook: Codebook, study_group: str, until: int
) -> Integers:
    """Level index by the rule alone, -1 where it gives none, shape (n,)."""
    if derived.rules is not None:
        return _ruled(derived.rules, patients, codebook)
    if derived.first_of is not None:
        return _first(derived.first_of, derived.otherwise, patients, codebook, until)
    if derived.groups is not None:
        return _grouped(derived.groups, derived.source or "", patients, codebook, study_group)
    if derived.period is not None:
        bounds = {level: (_day(low), _day(high)) for level, (low, high) in derived.period.items()}
        return _cut(bounds, _as_reals(patients.dates[derived.source or ""]))
    if derived.since is not None:
        days = days_between(patients.dates[derived.since], patients.dates[derived.source or ""])
        return _cut(derived.cut or {}, days)
    return _cut(derived.cut or {}, patients.numbers[derived.source or ""])


def _grouped(
    groups: Mapping[str, list[str]],
    source: str,
    patients: Patients,
    codebook: Codebook,
    study_group: str,
) -> Integers:
    if source == "study_group":
        members = [study_group in group for group in groups.values()]
        code = members.index(True) if any(members) else MISSING
        return np.full(patients.n, code, dtype=np.int64)
    levels = codebook.levels(source) or ()
    group_of_level = np.full(len(levels) + 1, MISSING, dtype=np.int64)
    for code, group in enumerate(groups.values()):
        for level in group:
            group_of_level[levels.index(level)] = code
    # A missing level is -1: the last entry, which is in no group.
    return group_of_level[patients.categories[source]]


def _cut(cut: Mapping[str, tuple[float | None, float | None]], values: Reals) -> Integers:
    codes = np.full(values.shape, MISSING, dtype=np.int64)
    for code, (low, high) in enumerate(cut.values()):
        within = ~np.isnan(values)
        if low is not None:
            within &= values >= low
        if high is not None:
            within &= values < high
        codes[within] = code
    return codes


def _day(date: datetime.date | None) -> float | None:
    return None if date is None else day_number(date)


def _as_reals(days: Integers) -> Reals:
    return np.where(days <= UNKNOWN_DAY, np.nan, days.astype(np.float64))


def _ruled(
    rules: Mapping[str, tuple[Conditions, ...]], patients: Patients, codebook: Codebook
) -> Integers:
    """The first level that surely holds, where every level before it surely does not.

    A condition on a missing value is neither true nor false; a level whose alternatives leave it open is open itself, unless one of
    them is true (Kleene 1938, J Symb Log 3:150). So a level is given wherever it does not depend on what is missing.
    """
    codes = np.full(patients.n, MISSING, dtype=np.int64)
    open_still = np.ones(patients.n, dtype=np.bool_)
    for code, alternatives in enumerate(rules.values()):
        true = np.zeros(patients.n, dtype=np.bool_)
        false = np.ones(patients.n, dtype=np.bool_)
        for condition in alternatives:
            holds, fails = _condition(condition, patients, codebook)
            true, false = true | holds, false & fails
        codes[open_still & true] = code
        open_still &= false
    return codes


def _condition(
    condition: Conditions, patients: Patients, codebook: Codebook
) -> tuple[Bools, Bools]:
    """Patients who certainly meet the condition, and those who certainly do not; the others have missing values."""
    holds = np.ones(patients.n, dtype=np.bool_)
    fails = np.zeros(patients.n, dtype=np.bool_)
    for name, wanted in condition.items():
        levels = codebook.levels(name) or ()
        here = np.isin(patients.categories[name], [levels.index(level) for level in wanted])
        holds &= here
        fails |= ~here & (patients.categories[name] != MISSING)
    return holds, fails


def _first(
    events: Mapping[str, DatedEvent],
    otherwise: str | None,
    patients: Patients,
    codebook: Codebook,
    until: int,
) -> Integers:
    """The event that surely was the first, on whatever day; missing where that hangs on a day that is unknown."""
    everyone = np.ones(patients.n, dtype=np.bool_)
    last = np.full(patients.n, until)
    first = first_events(events.values(), codebook, patients, everyone, last)
    none = MISSING if otherwise is None else len(events)
    code = np.where(first.code > 0, first.code - 1, none)
    return np.where(first.unclear, MISSING, code)


def _recorded(derived: Derived, recorded: Integers, codebook: Codebook) -> Integers:
    """The recorded category in the codes of the derived one, shape (n,)."""
    levels = codebook.levels(derived.recorded or "") or ()
    codes = np.array([*(derived.levels.index(level) for level in levels), MISSING], dtype=np.int64)
    return codes[recorded]


def _differences(
    name: str, derived: Derived, ruled: Integers, recorded: Integers
) -> Iterator[Mark]:
    differ = (ruled != MISSING) & (recorded != MISSING) & (ruled != recorded)
    if not differ.any():
        return
    pairs = dict.fromkeys(zip(ruled[differ].tolist(), recorded[differ].tolist(), strict=True))
    yield Mark(
        FindingKind.DERIVED_DIFFERS,
        (name, derived.recorded or ""),
        differ,
        f"{name} ({derived.label}) follows from the record otherwise than {derived.recorded} says",
        f"Correct {derived.recorded}, or what {name} is made of: {', '.join(derived.sources)}.",
        tuple(f"{derived.levels[left]}, not {derived.levels[right]}" for left, right in pairs),
    )
