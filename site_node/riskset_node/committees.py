"""What a site allows of committees: of the one that may open a sum without lost sites, and of those that compute blind models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import Name
from riskset_common.planning.committees import blind_analyses
from riskset_common.secure.sums.rule import ALL_ON_THE_COMMITTEE_UP_TO
from riskset_common.study.plan import Plan
from riskset_common.study.study import Site

LEAST_OF_MANY = 7
"""Members of a committee for sums that a site asks for by default where more than 50 sites are in the session."""


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
