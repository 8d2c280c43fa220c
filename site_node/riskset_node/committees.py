"""What a site allows of committees: of the one that may open a sum without lost sites, and of those that compute blind models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from riskset_common.errors import PlanError
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import Name
from riskset_common.planning.committees import blind_analyses, first_candidates
from riskset_common.secure.sums.rule import ALL_ON_THE_COMMITTEE_UP_TO
from riskset_common.study.plan import Plan
from riskset_common.study.study import Site

LEAST_OF_MANY = 7
"""Members of a committee for sums that a site asks for by default where more than 50 sites are in the session."""


_BLIND_NAMES: Final[Mapping[str, str]] = {
    "blind_cox": "policy.blind.send says whether this site's patients are in models that a committee computes on shares (yes if it is "
    "not written)",
    "blind_committee": "policy.blind.hold says whether this site serves in such a committee (yes if it is not written)",
}


def no_blind_name(name: str) -> str:
    """A name of an analysis or test; refused if `blind` replaced it."""
    if name in _BLIND_NAMES:
        raise ValueError(f"{name} is a name no longer: {_BLIND_NAMES[name]}. Remove the name.")
    return name


class AcceptedCommittees(StrictModel):
    """The committees under which a site takes part in blind models: how many members at least, and who may be one.

    `of` holds names of sites and of study groups.
    """

    minimum: Literal[3, 5] = 3
    of: Literal["any"] | Annotated[tuple[Name, ...], Field(min_length=1)] = "any"


class BlindPolicy(StrictModel):
    """What a site allows of models that a committee of sites computes on shares.

    Attributes
    ----------
    send
        Whether its patients are in them.
    hold
        Whether it serves: it then holds shares of other sites' numbers, and computes with them.
    committee
        Which committees it accepts.
    """

    send: bool = True
    hold: bool = True
    committee: AcceptedCommittees = AcceptedCommittees()


def sending_reasons(blind: BlindPolicy, plan: Plan, sites: Sequence[Site]) -> Iterator[str]:
    """Say which analyses this site's patients may not be in. `sites` is empty where they are not known."""
    for name in () if blind.send else blind_analyses(plan, sites):
        yield (
            f"policy.blind.send: analysis {name} has risk sets of several sites and is computed on shares by a committee of them; that is "
            "not allowed here. Write send: true if it may be asked, or ask the centre for strata: [site]."
        )


def member_reasons(
    blind: BlindPolicy, members: Sequence[Site], site: str, analysis: str
) -> Iterator[str]:
    """Say why this site takes no part under the committee that serves, or does not serve in it."""
    names = [member.name for member in members]
    if site in names and not blind.hold:
        yield (
            f"policy.blind.hold: this site is in the committee that computes analysis {analysis} on shares ({', '.join(names)}); that is "
            "not allowed here. Write hold: true if this site may serve, or ask the centre for other secure.blind.candidates."
        )
    committee = blind.committee
    if len(members) < committee.minimum:
        yield (
            f"policy.blind.committee.minimum: {len(members)} sites compute analysis {analysis} on shares ({', '.join(names)}), here at "
            f"least {committee.minimum}. Ask the centre for secure.blind.size: {committee.minimum}, or write a lower number."
        )
    others = [
        f"{member.name} ({member.study_group})"
        for member in members
        if committee.of != "any" and not {member.name, member.study_group} & set(committee.of)
    ]
    if others:
        yield (
            f"policy.blind.committee.of: {', '.join(others)} would compute analysis {analysis} on shares, here accepted: "
            f"{', '.join(committee.of)}. Add the names of sites or study groups if they may, or ask the centre for other "
            "secure.blind.candidates."
        )


def named_reasons(
    blind: BlindPolicy, plan: Plan, sites: Sequence[Site], site: str
) -> Iterator[str]:
    """Say why this site takes no part under the committee that a plan names, or does not serve in it, as far as that is known."""
    named, analyses = plan.secure.blind.candidates, blind_analyses(plan, sites)
    if named is None or not analyses:
        return
    if sites:
        try:
            members = first_candidates(plan.secure.blind, named, sites)
        except PlanError as error:
            yield str(error)
            return
    else:
        # Of which study groups the candidates are is not known, and whether they take part.
        members = tuple(Site(name, "") for name in named[: plan.secure.blind.size])
        anybody = AcceptedCommittees(minimum=blind.committee.minimum)
        blind = BlindPolicy(hold=blind.hold, committee=anybody)
    yield from member_reasons(blind, members, site, analyses[0])


def opening_reasons(minimum: int | None, plan: Plan, sites: Sequence[Site]) -> Iterator[str]:
    """Say that the committee which may open a sum without lost sites is too small: fewer members may open single reports together.

    Parameters
    ----------
    minimum
        `policy.minimum_committee`. A committee of all sites of the session is always enough.
    sites
        All sites of the session.
    """
    named, n_sites = plan.secure.committee, len(sites)
    if named == "all" or plan.secure.profile == "strict":
        return  # no committee is larger; or nobody opens anything without all sites
    members = [site.name for site in sites if site.name in named]
    by_default = n_sites if n_sites <= ALL_ON_THE_COMMITTEE_UP_TO else LEAST_OF_MANY
    least = min(n_sites, by_default if minimum is None else minimum)
    if len(members) < least:
        yield (
            f"policy.minimum_committee: {len(members)} of {n_sites} sites are the committee that may open a sum without lost sites "
            f"({', '.join(members) or 'none'}), here at least {least}. "
            "Ask the centre for secure.committee: all, or for secure.profile: strict; or write a lower number if that is enough."
        )
