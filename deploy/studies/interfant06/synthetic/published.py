"""The published figures of the trial as one flat list: name, estimate, standard error."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def read_figures(path: Path) -> dict[str, Figure]:
    """Every published estimate by its name, which is its place in the file.

    Where the paper prints no standard error it follows from what is printed: of a log hazard ratio from the 95 % limits; of a number
    of infants or a share from the binomial distribution among those who could have been counted.
    """
    published = json.loads(path.read_text(encoding="utf-8"))
    figures = [
        *_pairs(published),
        *_counts(published),
        *_shares(published),
        *_characteristics(published["characteristics"]),
        *_hazard_ratios(published),
        Figure("followup.median_years", published["followup"]["median_years"], 0.2),
    ]
    return {figure.name: figure for figure in figures}


def _pairs(published: dict[str, Any]) -> Iterator[Figure]:
    """Every `[estimate, standard error]` of the sections that hold such pairs."""
    for name in ("efs6", "efs4", "os6"):
        for group, (estimate, std_err) in published["outcome"][name].items():
            yield Figure(f"outcome.{name}.{group}", estimate, std_err)
    randomised = published["randomised"]
    for name in ("relapse6", "death_in_cr6", "dfs6", "dfs3", "os6", "dfs6_MR", "dfs4_HR"):
        for arm in ("ADE+MAE", "IB"):
            yield Figure(f"randomised.{name}.{arm}", *randomised[name][arm])
    for name in ("dfs4_after_sct_hr", "dfs4_after_sct_mr"):
        yield Figure(f"sct.{name}", *published["sct"][name])
    for region, values in published["interfant99"].items():
        for name in ("efs6", "os6"):
            yield Figure(f"interfant99.{region}.{name}", *values[name])


def _binomial(name: str, count: float, among: float, unit: float = 1.0) -> Figure:
    share = count / among
    return Figure(name, count * unit, unit * math.sqrt(among * share * (1 - share)))


def _counts(published: dict[str, Any]) -> Iterator[Figure]:
    outcome, sct = published["outcome"], published["sct"]
    among = {
        "cr_n": EVERYBODY,
        "induction_death_n": EVERYBODY,
        "resistant_n": EVERYBODY,
        "resistant_died_n": outcome["resistant_n"],
        "relapse_n": EVERYBODY,
        "death_in_cr_n": EVERYBODY,
        "smn_n": EVERYBODY,
    }
    for name, n in among.items():
        yield _binomial(f"outcome.{name}", outcome[name], n)
    among = {
        "hr_cr_n": sct["hr_n"],
        "hr_sct_n": sct["hr_cr_n"],
        "hr_early_event_n": sct["hr_cr_n"],
        "hr_sct_relapse_n": sct["hr_sct_n"],
        "hr_sct_death_cr_n": sct["hr_sct_n"],
        "hr_sct_smn_n": sct["hr_sct_n"],
        "mr_mrd_sct_n": sct["mr_mrd_n"],
    }
    for name, n in among.items():
        yield _binomial(f"sct.{name}", sct[name], n)
    for table in ("cr1_sct", "sct_death_by_period"):
        for name, (count, n) in sct[table].items():
            yield _binomial(f"sct.{table}.{name}", count, n)
    randomised = published["randomised"]
    for name in ("event_before", "recruited_after_closure", "eligible", "not_randomised"):
        yield _binomial(f"randomised.{name}", randomised[name], randomised["mr_hr_n"])


def _shares(published: dict[str, Any]) -> Iterator[Figure]:
    """Percentages of events and of infants in the two regions."""
    outcome, groups = published["outcome"], published["cohort"]["groups"]
    for event, by_region in outcome["by_region_pct"].items():
        for region, percent in by_region.items():
            name = f"by_region_pct.{event}.{region}"
            yield _share(name, percent, groups[f"{region}_n"])
    for name in ("death_in_cr_sct_pct", "death_in_cr_infection_pct"):
        yield _share(name, outcome[name], outcome["death_in_cr_n"])
    for site, percent in outcome["relapse_site_pct"].items():
        yield _share(f"relapse_site_pct.{site}", percent, outcome["relapse_n"])


def _share(name: str, percent: float, among: float) -> Figure:
    return _binomial(f"outcome.{name}", percent * among / 100, among, 100 / among)


def _characteristics(found: dict[str, Any]) -> Iterator[Figure]:
    for name in (
        "male_pct",
        "wbc_ge_100_pct",
        "wbc_ge_300_pct",
        "cd10_negative_pct",
        "kmt2a_rearranged_pct",
    ):
        yield Figure(f"characteristics.{name}", found[name], CHARACTERISTIC_SE)
    for table in ("age_months_pct", "kmt2a_partner_pct"):
        for level, percent in found[table].items():
            yield Figure(f"characteristics.{table}.{level}", percent, CHARACTERISTIC_SE)
    for name in (
        "t_cell_n",
        "biphenotypic_n",
        "b_lineage_cd10_known_n",
        "cns_evaluable_n",
        "cns_involved_n",
        "kmt2a_known_n",
    ):
        yield Figure(f"characteristics.{name}", found[name], CHARACTERISTIC_SE)


def _hazard_ratios(published: dict[str, Any]) -> Iterator[Figure]:
    z = normal_quantile(0.975)
    rows = {"randomised.dfs_stratified_cox": published["randomised"]["dfs_stratified_cox"]}
    for table in ("cox_table1", "cox_table2"):
        for row in published[table]["rows"]:
            rows[f"{table}.{row['level']}"] = row
        yield Figure(f"{table}.n", published[table]["n"], CHARACTERISTIC_SE)
    for name, row in rows.items():
        low, high = row["ci95"]
        yield Figure(name, math.log(row["hr"]), math.log(high / low) / (2 * z))
