"""Would a plan open one site's numbers alone? Every sum runs over all sites, but a sum over the patients of one site is that site's.

`site`, `study_group` and what the codebook derives from `study_group` are the same for all patients of a site. Counts by their
levels, and analyses of patients chosen by them, are sums over a part of the sites; the difference of two analyses is one as well.
The sites that agree in everything of this kind that a plan asks are never parted by it: each such part must hold more than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.codebook import BUILT_IN
from riskset_common.study.study import Site, Study


@dataclass(frozen=True)
class Parting:
    """A variable that parts the sites: by each of its levels (None), or into those that have one of these levels and the others."""

    variable: str
    levels: tuple[str, ...] | None = None


def single_site_problems(study: Study) -> Iterator[str]:
    """The parts of a plan that would open one site's numbers alone, in words. A plan with `release: exact` may open them."""
    if study.plan.disclosure.release == "exact":
        return
    by_analysis = {spec.id: list(partings(study, spec)) for spec in study.plan.analyses}
    is_alone = False
    for name, ways in by_analysis.items():
        for problem in _problems(study, ways):
            is_alone = True
            yield f"analysis {name}: {problem}"
    if not is_alone:
        together = [parting for ways in by_analysis.values() for parting in ways]
        for problem in _problems(study, together):
            yield f"analyses: taken together, {problem}"


def partings(study: Study, spec: AnalysisSpec) -> Iterator[Parting]:
    """The ways in which an analysis parts the sites."""
    for name in estimator_of(spec.kind).opened_by(spec, study):
        if _parts_sites(study, name):
            yield Parting(name)
    conditions = [spec.where]
    if spec.population is not None:
        conditions.append(study.plan.populations[spec.population].where)
    endpoint = study.plan.endpoints.get(spec.endpoint_name() or "")
    if endpoint is not None:
        conditions += [event.where for event in (endpoint.first_of or {}).values()]
        if endpoint.status is not None and _parts_sites(study, endpoint.status.variable):
            yield Parting(endpoint.status.variable)
    for condition in conditions:
        for name, levels in condition.items():
            if _parts_sites(study, name):
                yield Parting(name, tuple(levels))


def parts(study: Study, ways: Iterable[Parting]) -> list[tuple[Site, ...]]:
    """The sites, in groups that none of these ways parts."""
    ways = list(ways)
    alike: dict[tuple[str | bool | None, ...], list[Site]] = {}
    for site in study.sites:
        alike.setdefault(tuple(_side(study, site, each) for each in ways), []).append(site)
    return [tuple(sites) for sites in alike.values()]


def _problems(study: Study, ways: Sequence[Parting]) -> Iterator[str]:
    if study.sites:
        parted = parts(study, ways)
        alone = [sites[0].name for sites in parted if len(sites) == 1 and len(parted) > 1]
        variables = dict.fromkeys(parting.variable for parting in ways)
    else:
        # Nobody has joined yet; what is built in may turn out to be one site's.
        variables = dict.fromkeys(each.variable for each in ways if each.variable in BUILT_IN)
        alone = ["a site"] if variables else []
    if alone:
        yield (
            f"{', '.join(variables)} would show one site's numbers alone ({', '.join(alone)}), which `aggregation: secure` "
            "forbids. Join the sites to larger groups in the codebook (derived, from: study_group), or leave it out."
        )


def _parts_sites(study: Study, name: str) -> bool:
    derived = study.codebook.derived.get(name)
    return name in BUILT_IN or (derived is not None and derived.source == "study_group")


def _side(study: Study, site: Site, parting: Parting) -> str | bool | None:
    """On which side of a parting a site lies: its level, or whether its level is among those asked for."""
    level = _level(study, site, parting.variable)
    return level if parting.levels is None else level in parting.levels


def _level(study: Study, site: Site, name: str) -> str | None:
    """A site's level of a variable that is the same for all its patients; None where it has none."""
    if name == "site":
        return site.name
    if name == "study_group":
        return site.study_group
    groups = study.codebook.derived[name].groups or {}
    return next((level for level, members in groups.items() if site.study_group in members), None)
