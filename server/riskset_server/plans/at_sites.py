"""What can be said of a plan once it is known who its sites are: how many may be lost, and who computes on shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from riskset_common.consortium.roster import Roster
from riskset_common.planning.committees import blind_analyses, in_common, serving
from riskset_common.planning.single_sites import all_parts
from riskset_common.release.facts import endpoints_of
from riskset_common.rounds.questions import rule_of
from riskset_common.rounds.survey import origins
from riskset_common.secure.sums.rule import Rule
from riskset_common.study.study import Study


class Spare(TypedDict):
    """A part of the sites, or all of them: how many there are, how many must be in a sum, and how many may be lost before it is opened."""

    part: str
    sites: int
    needed: int
    may_be_lost: int


def spare(study: Study, roster: Roster) -> list[Spare]:
    """All sites of a roster, and each part into which the analyses part them. The plan was checked for them before."""
    rule = rule_of(study.plan, roster)
    found = [_spare("all", len(study.sites), rule.minimum_sites, _to_spare(rule, roster))]
    needed = study.plan.disclosure.minimum_sites
    for part in all_parts(study):
        n = len(part.sites)
        found.append(_spare(part.label, n, needed, min(n - needed, found[0]["may_be_lost"])))
    return found


def _spare(part: str, sites: int, needed: int, may_be_lost: int) -> Spare:
    return {"part": part, "sites": sites, "needed": needed, "may_be_lost": may_be_lost}


def _to_spare(rule: Rule, roster: Roster) -> int:
    """How many sites may be lost, whichever they are, once all have joined."""
    terms = rule.terms([member.site_id for member in roster.members])
    if terms.profile == "strict":
        return 0
    left = len(roster.members) - rule.minimum_sites, len(terms.committee) - terms.threshold
    return max(0, min(left))


def spare_text(spare: Spare) -> str:
    """One line for a person."""
    lost = spare["may_be_lost"]
    return f"{spare['part']} has {spare['sites']} sites, {spare['needed']} needed: {lost or 'none'} may be lost"


def blind_committee(study: Study) -> list[str]:
    """Who computes on shares if all sites take part; nobody if nothing is computed so."""
    if not blind_analyses(study.plan, study.sites):
        return []
    return [site.name for site in serving(study, study.sites)]


def public_facts(study: Study) -> Iterator[str]:
    """What becomes known beside the results if nothing but these is opened (`docs/disclosure.md`)."""
    yield "powers of two of numbers of patients and of lengths of time grids, and how many sites need which"
    for origin in origins(study):
        yield f"after {origin}: on which days some event of {' or '.join(endpoints_of(study, origin))} falls, of all patients together"


def warnings(study: Study) -> Iterator[str]:
    """What whoever signs the plan should know of its committee."""
    if not blind_analyses(study.plan, study.sites):
        return
    members = serving(study, study.sites)
    for common, names in in_common(study, members):
        yield (
            f"{' and '.join(names)}, who would compute on shares, are {common}. Name secure.blind.candidates with less in common: "
            "members that act together can learn what one alone cannot."
        )
