"""Who computes on shares what a plan asks: every party works it out for itself, from plan, codebook and the sites in the sums.

A plan names candidates in the order in which they are asked to serve. Where it names none, all sites are candidates, in the order of

    SHA-256(SHA-256(plan) || SHA-256(codebook) || the site's name),

the first two over canonical JSON: nobody's name comes first in every study, and whoever approves the plan can work out who serves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from riskset_common.errors import PlanError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.formats.canonical_json import content_hash
from riskset_common.planning.linked_counts import count_problems
from riskset_common.study.plan import BlindCommittee, Plan
from riskset_common.study.study import Site, Study

FEWEST_SITES: Final = 3
"""In a computation on shares: with two, each could take its own numbers off the result."""


def blind_analyses(plan: Plan, sites: Sequence[Site]) -> tuple[str, ...]:
    """Ids of the analyses that are computed on shares: all if results are released rounded, else those with risk sets of several sites.

    `sites` is empty if they are not known.
    """
    all_are = plan.disclosure.release == "rounded"
    return tuple(
        spec.id
        for spec in plan.analyses
        if all_are or estimator_of(spec.kind).is_blind(spec, sites)
    )


def rounded_problems(study: Study) -> Iterator[str]:
    """Why a plan that releases rounded numbers cannot be computed on shares, in words; the names that it uses are known to exist."""
    plan, sites = study.plan, study.sites
    if plan.disclosure.release != "rounded":
        return
    if sites and len(sites) < FEWEST_SITES:
        yield (
            f"disclosure.release: rounded results are computed on shares by three sites or more; {len(sites)} "
            f"{'is' if len(sites) == 1 else 'are'} here ({', '.join(site.name for site in sites)}). Wait for more sites, or, for public or "
            "synthetic data, write release: exact."
        )
    refused = [
        f"analysis {spec.id}: under release: rounded {problem}"
        for spec in plan.analyses
        for problem in estimator_of(spec.kind).not_rounded(spec, study)
    ]
    yield from refused or count_problems(study)


def candidates(study: Study) -> tuple[str, ...]:
    """Names of the sites that may be asked to serve, in the order in which they are."""
    named = study.plan.secure.blind.candidates
    if named is not None:
        return named
    begin = content_hash(study.plan) + content_hash(study.codebook)
    names = [site.name for site in study.sites]
    return tuple(sorted(names, key=lambda name: hashlib.sha256(begin + name.encode()).digest()))


def serving(study: Study, sites: Sequence[Site]) -> tuple[Site, ...]:
    """The committee where these of the study's sites are in the sums. Raises `PlanError` where there are too few."""
    return first_candidates(study.plan.secure.blind, candidates(study), sites)


def first_candidates(
    blind: BlindCommittee, order: Sequence[str], sites: Sequence[Site]
) -> tuple[Site, ...]:
    """The first candidates that are among these sites, in the candidates' order; as many as serve.

    Raises
    ------
    PlanError
        Where there are too few.
    """
    here = {site.name: site for site in sites}
    found = tuple(here[name] for name in order if name in here)
    if len(found) >= blind.size:
        return found[: blind.size]
    if blind.candidates is None:
        raise PlanError(
            f"secure.blind: {blind.size} sites compute on shares, and {len(here)} take part ({', '.join(sorted(here))}). Wait for more "
            f"sites{', write size: 3' if blind.size > FEWEST_SITES else ''}, or see that nothing is computed on shares: write "
            "release: exact, for public or synthetic data, and strata: [site] in each Cox model."
        )
    raise PlanError(
        f"secure.blind.candidates: of {', '.join(order)} only {', '.join(site.name for site in found) or 'nobody'} is among "
        f"the sites that take part ({', '.join(sorted(here))}), and {blind.size} serve. Name more candidates, or leave them out."
    )


def in_common(study: Study, members: Sequence[Site]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What several members of a committee have in common, in words, and their names: such members may act as one.

    That is a study group, and a country if the codebook derives `country` from study groups.
    """
    for group in dict.fromkeys(site.study_group for site in members):
        names = tuple(site.name for site in members if site.study_group == group)
        if len(names) > 1:
            yield f"of one study group, {group}", names
    derived = study.codebook.derived.get("country")
    if derived is None or derived.source != "study_group":
        return
    for country, groups in (derived.groups or {}).items():
        here = tuple(site for site in members if site.study_group in groups)
        # Members of one group are of one country as well, which needs not be said twice.
        if len({site.study_group for site in here}) > 1:
            yield f"of one country, {country}", tuple(site.name for site in here)
