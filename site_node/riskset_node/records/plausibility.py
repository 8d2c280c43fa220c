"""What can be read and is hardly true: units, levels and dates that a look at the whole site makes doubtful. Warnings only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.study.codebook import (
    CategoryVariable,
    Codebook,
    DateVariable,
    NumberVariable,
)
from riskset_common.study.patients import Bools, Patients, Reals
from riskset_common.study.study import Study
from riskset_node.config import NodeConfig
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.deriving.derived import derive_variables
from riskset_node.records.deriving.endpoints import days_between
from riskset_node.records.findings import Finding, Mark, Severity
from riskset_node.records.site_records import SiteRecords
from riskset_node.records.values.units import conversion, in_use_beside
from riskset_node.records.variable_columns import VariableColumn, variable_columns

KNOWN_FOR_A_MEDIAN = 3
"""From so many known values on a median says something of its unit."""

KNOWN_FOR_ONE_LEVEL = 20
"""From so many known values on it is strange if all are alike, or if no code means a level.

A level that has a code is missed from so many times the number of levels on."""

MISSING_THROUGHOUT = 5
NEVER_HAPPENED = 20
"""From so many patients on it is strange if nobody has a value, and if nobody had an event with a date."""

_YEAR = 365.25
_NEAR, _BEFORE, _AFTER, _NEVER = 10 * _YEAR, 30 * _YEAR, 50 * _YEAR, 110 * _YEAR
_PAIRS = 5
"""Two dates that lie within 10 years in half of at least 5 patients are 30 before or 50 after in none; and no two are 110 years apart."""

_DEATH = re.compile(r"(death|died|dead|deceased|dth)", re.IGNORECASE)
_SEEN = re.compile(r"(last|contact|seen|alive|visit|follow)", re.IGNORECASE)


@dataclass(frozen=True)
class _Site:
    """What is looked at: coded records, and the variables without an error."""

    patients: Patients
    codebook: Codebook
    sound: tuple[VariableColumn, ...]
    study_group: str

    def of_kind(self, kind: type[DateVariable | NumberVariable | CategoryVariable]) -> list[str]:
        """Sound variables of one kind of which something is known."""
        known = self.patients.known
        return [
            each.name
            for each in self.sound
            if isinstance(each.variable, kind) and known(each.name).any()
        ]

    def mark(
        self, kind: FindingKind, about: Sequence[str], found: str, advice: str, rows: Bools | None
    ) -> Mark:
        """A mark on some rows, or on none where it is about the site as a whole."""
        none = np.zeros(self.patients.n, dtype=np.bool_)
        return Mark(kind, tuple(about), none if rows is None else rows, found, advice)


def implausible(
    records: SiteRecords,
    findings: Sequence[Finding],
    config: NodeConfig,
    codebook: Codebook,
    study: Study | None = None,
) -> tuple[Finding, ...]:
    """Warnings on what is hardly true; a variable that has an error among the `findings` is left out until that is mended.

    Dates are compared with the origins of the plan's endpoints, or without a plan with the dates that the codebook requires.
    """
    wrong = {name for each in findings if each.severity is Severity.ERROR for name in each.about}
    mapped = variable_columns(config, codebook, (*records.read, *records.not_read))
    sound = tuple(each for each in mapped if each.column is not None and each.name not in wrong)
    site = _Site(records.patients, codebook, sound, config.study_group)
    untypical = list(_untypical(site))
    marks = [
        *untypical,
        *_one_level(site, {name for mark in untypical for name in mark.about}),
        *_missed_levels(site),
        *_all_missing(site),
        *_far_apart(site, _origins(site, study)),
        *_seen_after_death(site),
    ]
    return tuple(mark.finding(records.local_ids) for mark in marks)


def _untypical(site: _Site) -> Iterator[Mark]:
    """Numbers whose median lies outside what the codebook calls typical."""
    for each in site.sound:
        variable = each.variable
        if not isinstance(variable, NumberVariable) or variable.typical is None:
            continue
        values = site.patients.numbers[each.name]
        values = values[~np.isnan(values)]
        if values.size < KNOWN_FOR_A_MEDIAN:
            continue
        median, (low, high) = float(np.median(values)), variable.typical
        if not low <= median <= high:
            unit = f" {variable.unit}" if variable.unit else ""
            read_as = _unit_read(each)
            as_read = f", read as {read_as}" if read_as else ""
            yield site.mark(
                FindingKind.UNTYPICAL,
                (each.name,),
                f"{_called(each)}{as_read}: the median is {median:g}{unit}, and typical are {low:g} to {high:g}{unit}",
                _advice_on_unit(each, variable, median),
                None,
            )


def _called(mapped: VariableColumn) -> str:
    column = mapped.name if mapped.column is None else mapped.column.column
    return mapped.name if column == mapped.name else f"{mapped.name} (column {column!r})"


def _unit_read(mapped: VariableColumn) -> str | None:
    """The unit in which a column of numbers is read; None where a factor turns it into the codebook's, or there is none."""
    column, variable = mapped.column, mapped.variable
    if column is None or column.factor is not None or not isinstance(variable, NumberVariable):
        return None
    return column.unit or variable.unit


def _advice_on_unit(mapped: VariableColumn, variable: NumberVariable, median: float) -> str:
    """The units, or the power of ten, under which the median would be typical."""
    low, high = variable.typical or (-np.inf, np.inf)
    setting, read_as = f"data.columns.{mapped.name}", _unit_read(mapped)
    if read_as is not None and variable.unit is not None:
        here = conversion(read_as, variable.unit)
        factors = {unit: conversion(unit, variable.unit) for unit in in_use_beside(read_as)}
        fitting = [
            f"{unit} (times {float(factor / here):g})"
            for unit, factor in factors.items()
            if factor and here and low <= median * float(factor / here) <= high
        ]
        if fitting:
            return (
                f"The median would be typical if the column were in {' or '.join(fitting)}: if it is, set {setting}.unit. "
                "If the patients are like that, nothing is to be done."
            )
    powers = [10.0**power for power in (1, -1, 2, -2, 3, -3, 6, -6)]
    factor = next((each for each in powers if low <= median * each <= high), None)
    times = "" if factor is None else f" The median would be typical times {factor:g}."
    return (
        f"Look in which unit the column is.{times} If it is another, set {setting}.unit or .factor; if the patients are like that, "
        "nothing is to be done."
    )


def _one_level(site: _Site, untypical: Collection[str]) -> Iterator[Mark]:
    """Categories in which all patients are alike, and numbers that lie in one class of those into which the codebook cuts them."""
    alike = {
        name: levels[code]
        for name in site.of_kind(CategoryVariable)
        if (code := _only_code(site.patients.categories[name])) is not None
        and len(levels := site.codebook.levels(name) or ()) > 1
    }
    numbers = set(site.of_kind(NumberVariable)) - set(untypical)
    codes = derive_variables(site.patients, site.codebook, site.study_group).codes
    for name, derived in site.codebook.derived.items():
        code = _only_code(codes[name]) if derived.source in numbers else None
        if code is not None and len(derived.levels) > 1:
            alike[name] = derived.levels[code]
    if alike:
        said = ", ".join(f"{name} ({level})" for name, level in alike.items())
        yield site.mark(
            FindingKind.UNUSED_LEVEL,
            tuple(alike),
            f"all patients of whom it is known have one level: {said}",
            "Look at codes and units in node.yaml. If all patients are alike, nothing is to be done.",
            None,
        )


def _only_code(codes: np.ndarray) -> int | None:
    """The one level of all patients of whom it is known; None where there are two, or too few patients."""
    known = codes[codes >= 0]
    if known.size < KNOWN_FOR_ONE_LEVEL or known.min() != known.max():
        return None
    return int(known[0])


def _missed_levels(site: _Site) -> Iterator[Mark]:
    """Levels that no patient has, where enough are known to meet a level of the usual size, or to miss one without a code."""
    missed: dict[str, list[str]] = {}
    for each in site.sound:
        if not isinstance(each.variable, CategoryVariable) or each.column is None:
            continue
        levels, codes = tuple(each.variable.levels), site.patients.categories[each.name]
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        meant = set(levels if each.column.codes is None else each.column.codes.values())
        lacking = [
            level
            for level, count in zip(levels, counts, strict=True)
            if count == 0
            and counts.sum() >= KNOWN_FOR_ONE_LEVEL * (len(levels) if level in meant else 1)
        ]
        if lacking and np.count_nonzero(counts) > 1:
            missed[each.name] = lacking
    if missed:
        said = ", ".join(f"{name} ({', '.join(levels)})" for name, levels in missed.items())
        yield site.mark(
            FindingKind.UNUSED_LEVEL,
            tuple(missed),
            f"no patient has these levels: {said}",
            "Look whether a code in node.yaml means another level. If nobody has them, nothing is to be done.",
            None,
        )


def _all_missing(site: _Site) -> Iterator[Mark]:
    """Variables that have a column, and no value in any patient."""
    n = site.patients.n
    nowhere = [
        each
        for each in site.sound
        if n >= (NEVER_HAPPENED if isinstance(each.variable, DateVariable) else MISSING_THROUGHOUT)
        and not site.patients.known(each.name).any()
    ]
    if nowhere:
        yield site.mark(
            FindingKind.ALL_MISSING,
            tuple(each.name for each in nowhere),
            f"no patient of {n:,} has a value of {', '.join(map(_called, nowhere))}",
            "Look whether it is the right column. What the site does not hold belongs under data.absent, with the reason; if nobody had "
            "such an event, nothing is to be done.",
            None,
        )


def _origins(site: _Site, study: Study | None) -> list[str]:
    """Dates from which others are not far."""
    dates = site.of_kind(DateVariable)
    if study is not None:
        names = {analysis.endpoint_name() for analysis in study.plan.analyses} - {None}
        origins = {study.endpoint(name).origin for name in names if name is not None}
        return [name for name in dates if name in origins]
    return [name for name in dates if site.codebook.variables[name].required]


def _far_apart(site: _Site, origins: Sequence[str]) -> Iterator[Mark]:
    """Dates a lifetime before an origin, or decades after it, that mostly lie near it."""
    dates, far = site.patients.dates, np.zeros(site.patients.n, dtype=np.bool_)
    about: dict[str, None] = {}
    for origin in origins:
        for name in site.of_kind(DateVariable):
            both = site.patients.known(origin) & site.patients.known(name)
            days = np.where(both, days_between(dates[origin], dates[name]), np.nan)
            found = _are_far(days)
            if name != origin and found.any():
                far |= found
                about |= dict.fromkeys((name, origin))
    if about:
        yield site.mark(
            FindingKind.FAR_APART,
            tuple(about),
            f"{', '.join(about)} lie more than 30 years apart in one direction or 50 in the other, and within 10 in most patients",
            "Look at the years. If they are right, nothing is to be done.",
            far,
        )


def _are_far(days: Reals) -> Bools:
    """Rows whose dates are too far apart for their column, shape (n,)."""
    known = days[~np.isnan(days)]
    with np.errstate(invalid="ignore"):
        far: Bools = np.abs(days) > _NEVER
        if known.size >= _PAIRS and np.median(np.abs(known)) <= _NEAR:
            far |= (days < -_BEFORE) | (days > _AFTER)
    return far


def _seen_after_death(site: _Site) -> Iterator[Mark]:
    """Dates more than a year after a date that is called a death, by its name or its label."""
    dates = site.of_kind(DateVariable)
    called = {name: f"{name} {site.codebook.label(name)}".replace("_", " ") for name in dates}
    deaths = [
        name for name, words in called.items() if _DEATH.search(words) and not _SEEN.search(words)
    ]
    late = np.zeros(site.patients.n, dtype=np.bool_)
    about: dict[str, None] = {}
    for death in deaths:
        for name in dates:
            both = site.patients.known(death) & site.patients.known(name)
            days = days_between(site.patients.dates[death], site.patients.dates[name])
            after = both & (np.nan_to_num(days) > _YEAR)
            if after.any() and name not in deaths:
                late |= after
                about |= dict.fromkeys((name, death))
    if about:
        yield site.mark(
            FindingKind.SEEN_AFTER_DEATH,
            tuple(about),
            f"{', '.join(name for name in about if name not in deaths)} lies more than a year after a death "
            f"({', '.join(name for name in about if name in deaths)})",
            "Correct the date that is wrong. If the patient lives, the death is another's.",
            late,
        )
