"""Who computes the blind models of a plan: every party works it out for itself, from plan, codebook and the sites in the sums.

A plan names candidates in the order in which they are asked to serve. Where it names none, all sites are candidates, in the order of

    SHA-256(SHA-256(plan) || SHA-256(codebook) || the site's name),

the first two over canonical JSON: nobody's name comes first in every study, and whoever approves the plan can work out who serves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from riskset_common.errors import PlanError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.formats.canonical_json import content_hash
from riskset_common.study.plan import BlindCommittee, Plan
from riskset_common.study.study import Site, Study


def blind_analyses(plan: Plan, sites: Sequence[Site]) -> tuple[str, ...]:
    """Ids of the analyses that are computed on shares; `sites` is empty where they are not known."""
    return tuple(spec.id for spec in plan.analyses if estimator_of(spec.kind).is_blind(spec, sites))


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
            f"secure.blind: {blind.size} sites compute a Cox model whose strata do not hold site, and {len(here)} take part. "
            "Write strata: [site]."
        )
    raise PlanError(
        f"secure.blind.candidates: of {', '.join(order)} only {', '.join(site.name for site in found) or 'nobody'} is among "
        f"the sites that take part ({', '.join(sorted(here))}), and {blind.size} serve. Name more candidates, or leave them out."
    )


def of_one_group(members: Sequence[Site]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Study groups of which a committee has several members, each with their names: such members may be one institution."""
    groups: dict[str, list[str]] = {}
    for site in members:
        groups.setdefault(site.study_group, []).append(site.name)
    return tuple((group, tuple(names)) for group, names in groups.items() if len(names) > 1)
