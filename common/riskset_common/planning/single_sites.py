"""Would a plan open the numbers of one site, or of too few? A sum over the patients of one site is that site's.

`site`, `study_group` and what the codebook derives from `study_group` are the same for all patients of a site. Counts by their
levels, and analyses of patients chosen by them, are sums over a part of the sites; the difference of two analyses is one as well.
The sites that agree in everything of this kind that a plan asks are never parted by it. Each such part must hold
`disclosure.minimum_sites` sites that are in the sum, whoever was lost before: centre and sites ask this again once they know the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.codebook import BUILT_IN
from riskset_common.study.study import Site, Study

SETTING = "disclosure.minimum_sites"
"""Where a plan says how many sites each part must hold."""


Side: TypeAlias = str | bool | None
"""On which side of a parting a site lies: its level (None where it has none), or whether its level is among those asked for."""


@dataclass(frozen=True)
class Parting:
    """A variable that parts the sites: by each of its levels (None), or into those that have one of these levels and the others."""

    variable: str
    levels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Part:
    """Sites that nothing tells apart, and what tells them from the others, in words."""

    label: str
    sites: tuple[Site, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The sites' names."""
        return tuple(site.name for site in self.sites)


@dataclass(frozen=True)
class SmallPart:
    """A part of which too few sites are in the sum, and the analyses that part them so."""

    part: Part
    in_sum: tuple[str, ...]
    variables: tuple[str, ...]
    analyses: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Sites of the part that are not in the sum."""
        return tuple(name for name in self.part.names if name not in self.in_sum)


def single_site_problems(study: Study) -> Iterator[str]:
    """The parts of a plan that would open one site's numbers, or those of too few, in words. `release: exact` may open them."""
    if study.plan.disclosure.release == "exact":
        return
    if not study.sites:
        yield from _before_sites_are_known(study)
        return
    for small in small_parts(study, study.sites):
        where = f"analysis {small.analyses[0]}" if len(small.analyses) == 1 else "analyses"
        together = "" if len(small.analyses) == 1 else "taken together, "
        yield f"{where}: {together}{_shows(study, small)}"


def small_parts(study: Study, sites: Sequence[Site]) -> tuple[SmallPart, ...]:
    """The parts of the study's sites of which fewer than `disclosure.minimum_sites` are among `sites`, those in the sum.

    A part of which no site is there is in no sum, and where one part is left nothing is parted. What two analyses show together is
    looked at where no analysis by itself shows too little.
    """
    if study.plan.disclosure.release == "exact":
        return ()
    by_analysis = {spec.id: list(partings(study, spec)) for spec in study.plan.analyses}
    alone = [
        small for name, ways in by_analysis.items() for small in _small(study, ways, sites, (name,))
    ]
    if alone:
        return tuple(alone)
    parting = {name: ways for name, ways in by_analysis.items() if ways}
    together = [way for ways in parting.values() for way in ways]
    return tuple(_small(study, together, sites, tuple(parting)))


def require_parts(study: Study, sites: Sequence[Site]) -> None:
    """Raise `ProtocolRefusal` where a sum over these of the study's sites would show the numbers of too few. Run by a site.

    The centre asks the same before it asks for shares, and waits for the sites that are missing.
    """
    for small in by_part(small_parts(study, sites)):
        raise ProtocolRefusal(
            f"The sum would hold {in_words(study, small)}. It waits for {', '.join(small.missing)}."
        )


def by_part(small: Iterable[SmallPart]) -> tuple[SmallPart, ...]:
    """Each part once, with all analyses that part it off."""
    found: dict[tuple[str, ...], SmallPart] = {}
    for each in small:
        before = found.get(each.part.names)
        analyses = each.analyses if before is None else (*before.analyses, *each.analyses)
        part = each.part if before is None else before.part
        found[part.names] = replace(each, part=part, analyses=analyses)
    return tuple(found.values())


def in_words(study: Study, small: SmallPart) -> str:
    """A part that is too small, what the plan asks for, and which analyses part the sites, the first three by name."""
    first, n_others = ", ".join(small.analyses[:3]), len(small.analyses) - 3
    parted_by = first if n_others <= 0 else f"{first} and {n_others} more"
    return (
        f"{len(small.in_sum)} of the {len(small.part.sites)} sites of {small.part.label} ({', '.join(small.in_sum)}), and "
        f"{study.plan.disclosure.minimum_sites} are needed ({SETTING}), because the sites are parted by {parted_by}"
    )


def analyses_to_leave_out(study: Study, sites: Sequence[Site]) -> tuple[str, ...]:
    """Analyses without which no part of these sites is too small: each that makes one with those before it that can stay."""
    kept: list[Parting] = []
    out: list[str] = []
    for spec in study.plan.analyses:
        ways = list(partings(study, spec))
        if ways and any(_small(study, [*kept, *ways], sites, (spec.id,))):
            out.append(spec.id)
        else:
            kept += ways
    return tuple(out)


def all_parts(study: Study) -> tuple[Part, ...]:
    """The parts into which the analyses of a plan, taken together, part the sites; none where they part nobody, or release exactly."""
    if study.plan.disclosure.release == "exact":
        return ()
    ways = [way for spec in study.plan.analyses for way in partings(study, spec)]
    found = parts(study, ways)
    return tuple(found) if len(found) > 1 else ()


def partings(study: Study, spec: AnalysisSpec) -> Iterator[Parting]:
    """The ways in which an analysis parts the sites."""
    estimator = estimator_of(spec.kind)
    for name in estimator.opened_by(spec, study):
        if _parts_sites(study, name):
            yield Parting(name)
    for name in estimator.uses(spec).all_categories:
        # Who is in none of the groups has no complete case: the patients that are missing are those of such sites.
        if _parts_sites(study, name) and name not in BUILT_IN:
            yield Parting(name, tuple(study.levels(name)))
    yield from _parted_by_conditions(study, spec)


def _parted_by_conditions(study: Study, spec: AnalysisSpec) -> Iterator[Parting]:
    """How population, conditions, exposures and events of an analysis part the sites."""
    exposures = estimator_of(spec.kind).uses(spec).times
    conditions = [spec.where, *(exposure.where for exposure in exposures)]
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
    for name in dict.fromkeys(name for exposure in exposures for name in exposure.where):
        # Whether it happened is unknown of who is in none of the groups: such patients are counted as missing.
        if _parts_sites(study, name) and name not in BUILT_IN:
            yield Parting(name, tuple(study.levels(name)))


def parts(study: Study, ways: Iterable[Parting]) -> list[Part]:
    """The sites, in groups that none of these ways parts."""
    each_once = dict.fromkeys(ways)
    by_level = {way.variable for way in each_once if way.levels is None}
    # Who is told apart by every level is told apart by some of them.
    told_by = [way for way in each_once if way.levels is None or way.variable not in by_level]
    alike: dict[tuple[Side, ...], list[Site]] = {}
    for site in study.sites:
        alike.setdefault(tuple(_side(study, site, way) for way in told_by), []).append(site)
    return [
        Part(
            "; ".join(_label(*each) for each in zip(told_by, side, strict=True)),
            tuple(sites),
        )
        for side, sites in alike.items()
    ]


def _small(
    study: Study, ways: Sequence[Parting], sites: Sequence[Site], analyses: tuple[str, ...]
) -> Iterator[SmallPart]:
    """The parts that are too small where these are the sites in the sum."""
    names = {site.name for site in sites}
    found = [
        (part, tuple(name for name in part.names if name in names)) for part in parts(study, ways)
    ]
    there = [(part, in_sum) for part, in_sum in found if in_sum]
    if len(there) < 2:
        return
    variables = tuple(dict.fromkeys(way.variable for way in ways))
    for part, in_sum in there:
        if len(in_sum) < study.plan.disclosure.minimum_sites:
            yield SmallPart(part, in_sum, variables, analyses)


def _before_sites_are_known(study: Study) -> Iterator[str]:
    """What is built in may turn out to be one site's."""
    for spec in study.plan.analyses:
        named = [way.variable for way in partings(study, spec) if way.variable in BUILT_IN]
        if named:
            yield f"analysis {spec.id}: {_alone(dict.fromkeys(named), 'a site')}"


def _shows(study: Study, small: SmallPart) -> str:
    """What a part that is too small would show, and what to do."""
    names = ", ".join(small.in_sum)
    if len(small.in_sum) == 1:
        return _alone(small.variables, names)
    return (
        f"{', '.join(small.variables)} would show the numbers of {len(small.in_sum)} sites ({small.part.label}: {names}), and each part "
        f"of the sites needs {study.plan.disclosure.minimum_sites} ({SETTING}). {_ADVICE}"
    )


def _alone(variables: Iterable[str], names: str) -> str:
    return f"{', '.join(variables)} would show one site's numbers alone ({names}), which `aggregation: secure` forbids. {_ADVICE}"


_ADVICE = (
    "Join the sites to larger groups in the codebook (derived, from: study_group), or leave it out."
)


def _parts_sites(study: Study, name: str) -> bool:
    derived = study.codebook.derived.get(name)
    return name in BUILT_IN or (derived is not None and derived.source == "study_group")


def _side(study: Study, site: Site, parting: Parting) -> Side:
    """On which side of a parting a site lies."""
    level = _level(study, site, parting.variable)
    return level if parting.levels is None else level in parting.levels


def _label(parting: Parting, side: Side) -> str:
    """A side of a parting, in words."""
    if parting.levels is None:
        level = "in no group" if side is None else str(side)
        return f"{parting.variable}: {level}"
    return f"{parting.variable}: {'' if side else 'not '}{', '.join(parting.levels)}"


def _level(study: Study, site: Site, name: str) -> str | None:
    """A site's level of a variable that is the same for all its patients; None where it has none."""
    if name == "site":
        return site.name
    if name == "study_group":
        return site.study_group
    groups = study.codebook.derived[name].groups or {}
    return next((level for level, members in groups.items() if site.study_group in members), None)
