"""The facts of a run that the centre and every site hold alike, before any patient is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.study.codebook import Codebook, Conditions
from riskset_common.study.patients import MISSING, Bools, Integers, Patients
from riskset_common.study.plan import Endpoint, Plan
from riskset_common.study.time_grid import TimeGrid


@dataclass(frozen=True)
class Site:
    """A party that holds patients, and the study group that all of them belong to."""

    name: str
    study_group: str


@dataclass(frozen=True)
class Study:
    """Plan, codebook and the sites that take part, in the order of their names."""

    plan: Plan
    codebook: Codebook
    sites: tuple[Site, ...]

    @property
    def grid(self) -> TimeGrid:
        """The agreed time grid."""
        return self.plan.time.grid

    @property
    def study_groups(self) -> tuple[str, ...]:
        """Study groups that take part, each once, in alphabetical order."""
        return tuple(sorted({site.study_group for site in self.sites}))

    @property
    def one_site_a_group(self) -> bool:
        """Whether a study group is the same as a site, so that a stratum of one is a stratum of the other."""
        return one_site_a_group(self.sites)

    def levels(self, name: str) -> tuple[str, ...]:
        """Level names of a category, derived or built-in variable, in the order of its codes."""
        if name == "site":
            return tuple(site.name for site in self.sites)
        if name == "study_group":
            return self.study_groups
        levels = self.codebook.levels(name)
        if levels is None:
            raise KeyError(name)
        return levels

    def endpoint(self, name: str) -> Endpoint:
        """An endpoint of the plan."""
        return self.plan.endpoints[name]

    def chosen(self, patients: Patients, population: str | None, where: Conditions) -> Bools:
        """Patients of a population that also meet the conditions, shape (n,)."""
        conditions = [where]
        if population is not None:
            conditions.append(self.plan.populations[population].where)
        chosen = np.ones(patients.n, dtype=np.bool_)
        for condition in conditions:
            chosen &= meets(self, patients, condition)
        return chosen


def one_site_a_group(sites: Sequence[Site]) -> bool:
    """Whether a study group is the same as a site, so that a stratum of one is a stratum of the other."""
    return len({site.study_group for site in sites}) == len(sites)


def within_sites(strata: Sequence[str], sites: Sequence[Site]) -> bool:
    """Whether every stratum lies within one site. Strata of study groups count as such where nothing is known of the sites yet."""
    return "site" in strata or ("study_group" in strata and one_site_a_group(sites))


def meets(
    words: Study | Codebook, patients: Patients, conditions: Mapping[str, Sequence[str]]
) -> Bools:
    """Patients whose every named variable has one of the named levels; a missing value is none of them. Shape (n,)."""
    selected = np.ones(patients.n, dtype=np.bool_)
    for name, wanted in conditions.items():
        levels = words.levels(name) or ()
        selected &= np.isin(
            patients.categories[name], [levels.index(level) for level in wanted if level in levels]
        )
    return selected


def cross(codes: Iterable[Integers], sizes: Iterable[int], n: int) -> Integers:
    """One code for a combination of categories, the first varying slowest; -1 where any is missing. Shape (n,)."""
    combined = np.zeros(n, dtype=np.int64)
    missing = np.zeros(n, dtype=np.bool_)
    for code, size in zip(codes, sizes, strict=True):
        combined = combined * size + code
        missing |= code == MISSING
    return np.where(missing, MISSING, combined)
