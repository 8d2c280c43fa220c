"""The published figures of the trial as one flat list: name, estimate, standard error."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from riskset_common.errors import InputError
from riskset_common.survival.arrays.distributions import normal_quantile

EVERYBODY = 651
CHARACTERISTIC_SE = 1.0
"""A share of all infants is printed as a whole percentage; one more or less is as near as it can be read."""


@dataclass(frozen=True)
class Figure:
    """A published estimate: percent, a number of infants, years, or the logarithm of a hazard ratio."""

    name: str
    estimate: float
    std_err: float


@dataclass(frozen=True)
class Section:
    """A mapping of the file. Each method gives what stands under a name, or raises `InputError` if it is of another kind."""

    content: Mapping[str, object]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The file as a whole."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def number(self, name: str) -> float:
        """One number; a whole one stays whole."""
        return _number(name, self.content[name])

    def text(self, name: str) -> str:
        """One text."""
        return str(self.content[name])

    def pair(self, name: str) -> tuple[float, float]:
        """Two numbers."""
        pair = self.content[name]
        if not isinstance(pair, list) or len(pair) != 2:
            raise InputError(f"{name}: must be a list of two numbers.")
        return _number(name, pair[0]), _number(name, pair[1])

    def section(self, name: str) -> Section:
        """The mapping under a name."""
        return _section(name, self.content[name])

    def rows(self, name: str) -> list[Section]:
        """A list of mappings."""
        rows = self.content[name]
        if not isinstance(rows, list):
            raise InputError(f"{name}: must be a list.")
        return [_section(name, row) for row in rows]

    def numbers(self) -> Iterator[tuple[str, float]]:
        """All names with their numbers."""
        return ((name, self.number(name)) for name in self.content)

    def pairs(self) -> Iterator[tuple[str, tuple[float, float]]]:
        """All names with their pairs."""
        return ((name, self.pair(name)) for name in self.content)

    def sections(self) -> Iterator[tuple[str, Section]]:
        """All names with their mappings."""
        return ((name, self.section(name)) for name in self.content)


def _number(name: str, value: object) -> float:
    if not isinstance(value, int | float):
        raise InputError(f"{name}: must be a number.")
    return value


def _section(name: str, value: object) -> Section:
    if not isinstance(value, dict):
        raise InputError(f"{name}: must be a mapping.")
    return Section(value)


def read_figures(path: Path) -> dict[str, Figure]:
    """Every published estimate by its name, which is its place in the file.

    Where the paper prints no standard error it follows from what is printed: of a log hazard ratio from the 95 % limits; of a number
    of infants or a share from the binomial distribution among those who could have been counted.
    """
    published = Section.read(path)
    figures = [
        *_pairs(published),
        *_counts(published),
        *_shares(published),
        *_characteristics(published.section("characteristics")),
        *_hazard_ratios(published),
        Figure("followup.median_years", published.section("followup").number("median_years"), 0.2),
    ]
    return {figure.name: figure for figure in figures}


def _pairs(published: Section) -> Iterator[Figure]:
    """Every `[estimate, standard error]` of the sections that hold such pairs."""
    for name in ("efs6", "efs4", "os6"):
        for group, pair in published.section("outcome").section(name).pairs():
            yield Figure(f"outcome.{name}.{group}", *pair)
    randomised = published.section("randomised")
    for name in ("relapse6", "death_in_cr6", "dfs6", "dfs3", "os6", "dfs6_MR", "dfs4_HR"):
        for arm in ("ADE+MAE", "IB"):
            yield Figure(f"randomised.{name}.{arm}", *randomised.section(name).pair(arm))
    for name in ("dfs4_after_sct_hr", "dfs4_after_sct_mr"):
        yield Figure(f"sct.{name}", *published.section("sct").pair(name))
    for region, values in published.section("interfant99").sections():
        for name in ("efs6", "os6"):
            yield Figure(f"interfant99.{region}.{name}", *values.pair(name))


def _binomial(name: str, count: float, among: float, unit: float = 1.0) -> Figure:
    share = count / among
    return Figure(name, count * unit, unit * math.sqrt(among * share * (1 - share)))


def _counts(published: Section) -> Iterator[Figure]:
    outcome, sct = published.section("outcome"), published.section("sct")
    among = {
        "cr_n": EVERYBODY,
        "induction_death_n": EVERYBODY,
        "resistant_n": EVERYBODY,
        "resistant_died_n": outcome.number("resistant_n"),
        "relapse_n": EVERYBODY,
        "death_in_cr_n": EVERYBODY,
        "smn_n": EVERYBODY,
    }
    for name, n in among.items():
        yield _binomial(f"outcome.{name}", outcome.number(name), n)
    among = {
        "hr_cr_n": sct.number("hr_n"),
        "hr_sct_n": sct.number("hr_cr_n"),
        "hr_early_event_n": sct.number("hr_cr_n"),
        "hr_sct_relapse_n": sct.number("hr_sct_n"),
        "hr_sct_death_cr_n": sct.number("hr_sct_n"),
        "hr_sct_smn_n": sct.number("hr_sct_n"),
        "mr_mrd_sct_n": sct.number("mr_mrd_n"),
    }
    for name, n in among.items():
        yield _binomial(f"sct.{name}", sct.number(name), n)
    for table in ("cr1_sct", "sct_death_by_period"):
        for name, (count, n) in sct.section(table).pairs():
            yield _binomial(f"sct.{table}.{name}", count, n)
    randomised = published.section("randomised")
    for name in ("event_before", "recruited_after_closure", "eligible", "not_randomised"):
        yield _binomial(f"randomised.{name}", randomised.number(name), randomised.number("mr_hr_n"))


def _shares(published: Section) -> Iterator[Figure]:
    """Percentages of events and of infants in the two regions."""
    outcome = published.section("outcome")
    groups = published.section("cohort").section("groups")
    for event, by_region in outcome.section("by_region_pct").sections():
        for region, percent in by_region.numbers():
            name = f"by_region_pct.{event}.{region}"
            yield _share(name, percent, groups.number(f"{region}_n"))
    for name in ("death_in_cr_sct_pct", "death_in_cr_infection_pct"):
        yield _share(name, outcome.number(name), outcome.number("death_in_cr_n"))
    for site, percent in outcome.section("relapse_site_pct").numbers():
        yield _share(f"relapse_site_pct.{site}", percent, outcome.number("relapse_n"))


def _share(name: str, percent: float, among: float) -> Figure:
    return _binomial(f"outcome.{name}", percent * among / 100, among, 100 / among)


def _characteristics(section: Section) -> Iterator[Figure]:
    for name in (
        "male_pct",
        "wbc_ge_100_pct",
        "wbc_ge_300_pct",
        "cd10_negative_pct",
        "kmt2a_rearranged_pct",
    ):
        yield Figure(f"characteristics.{name}", section.number(name), CHARACTERISTIC_SE)
    for table in ("age_months_pct", "kmt2a_partner_pct"):
        for level, percent in section.section(table).numbers():
            yield Figure(f"characteristics.{table}.{level}", percent, CHARACTERISTIC_SE)
    for name in (
        "t_cell_n",
        "biphenotypic_n",
        "b_lineage_cd10_known_n",
        "cns_evaluable_n",
        "cns_involved_n",
        "kmt2a_known_n",
    ):
        yield Figure(f"characteristics.{name}", section.number(name), CHARACTERISTIC_SE)


def _hazard_ratios(published: Section) -> Iterator[Figure]:
    z = normal_quantile(0.975)
    stratified = published.section("randomised").section("dfs_stratified_cox")
    rows = {"randomised.dfs_stratified_cox": stratified}
    for table in ("cox_table1", "cox_table2"):
        for row in published.section(table).rows("rows"):
            rows[f"{table}.{row.text('level')}"] = row
        yield Figure(f"{table}.n", published.section(table).number("n"), CHARACTERISTIC_SE)
    for name, row in rows.items():
        low, high = row.pair("ci95")
        yield Figure(name, math.log(row.number("hr")), math.log(high / low) / (2 * z))
